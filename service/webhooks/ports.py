"""What webhooks need of the outside world. Adapters: `sql`, `http_sender`, `telemetry`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.failures import FailureReporter
from service.webhooks.delivery import Answer, Delivery, DeliveryState, Leased, Outcome
from service.webhooks.endpoint import Endpoint
from service.webhooks.event import Event


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries of one endpoint; empty values do not narrow. Times are of enqueueing, in [start, end)."""

    states: tuple[DeliveryState, ...] = ()
    start: datetime | None = None
    end: datetime | None = None


class EndpointStore(Protocol):
    """Endpoints, their secrets and what is delivered to them.

    Each change stands in the audit log, in the same transaction, as made by `actor`. Methods raise `WebhookNotFound`
    for an endpoint that is not there.
    """

    async def add_endpoint(self, endpoint: Endpoint, secret: str) -> Endpoint:
        """Keep a new endpoint with its first secret."""
        ...

    async def find_endpoint(self, endpoint_id: str) -> Endpoint:
        """The endpoint as it stands."""
        ...

    async def endpoints(self, *, after: str = "", limit: int = 1_000) -> list[Endpoint]:
        """Endpoints in the order of their ids, from the one that follows the id `after`."""
        ...

    async def change_endpoint(self, endpoint: Endpoint, *, actor: str) -> Endpoint:
        """Replace URL, description, events, filters and whether it is enabled."""
        ...

    async def remove_endpoint(self, endpoint_id: str, *, actor: str) -> None:
        """Forget it, its secrets and its deliveries."""
        ...

    async def rotate_secret(self, endpoint_id: str, secret: str, *, overlap: float, actor: str) -> datetime:
        """Make `secret` the current one; the one before it stays valid for `overlap` seconds more, and no older one.

        Returns when the one before ends.
        """
        ...

    async def secrets_of(self, endpoint_id: str) -> tuple[str, ...]:
        """The secrets that are valid now, the newest first."""
        ...

    async def note(self, endpoint_id: str, *, actor: str, action: str) -> None:
        """Put an act that changes nothing into the audit log."""
        ...

    async def deliveries(
        self, endpoint_id: str, only: DeliveryFilter, *, before: int | None, limit: int
    ) -> list[Delivery]:
        """Deliveries with an id below `before` (None: the newest), newest first. Raises `WebhookNotFound`."""
        ...

    async def replay(self, endpoint_id: str, only: DeliveryFilter, *, delivery: int | None, actor: str) -> int:
        """Make deliveries due now, with all tries before them again; how many.

        One of them, or all that the filter finds. What a front holds at the moment is left to it. Raises
        `WebhookNotFound`, also for a delivery that the endpoint doesn't have.
        """
        ...


class DeliveryStore(Protocol):
    """Deliveries: each event enqueued once for an endpoint, held by one front at a time, tried until it is over."""

    async def enqueue(self, events: Sequence[Event]) -> int:
        """Put by each event for every endpoint that wants it and has not got it yet; how many deliveries that makes."""
        ...

    async def lease(self, limit: int, *, each: int, busy: Mapping[str, int], seconds: float) -> list[Leased]:
        """Up to `limit` due deliveries of enabled endpoints, for this caller alone, for so many seconds.

        No endpoint gets more than `each`, less those it has in flight already (`busy`), so that a slow one takes no
        room from others. A lease that ran out is due again.
        """
        ...

    async def settle(self, leased: Leased, answer: Answer, result: Outcome) -> bool:
        """Record the attempt and what becomes of the delivery; False, and no change, when the lease was lost."""
        ...

    async def release(self, leased: Collection[Leased]) -> None:
        """Give back what was leased and not tried."""
        ...

    async def waiting(self) -> Mapping[DeliveryState, int]:
        """How many deliveries are pending and dead, counted up to 100,000 each."""
        ...


class Sender(Protocol):
    """The way out."""

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST `body`, as JSON, once, following no redirect. Whatever goes wrong is in the answer; raises nothing."""
        ...


class DeliveryObserver(FailureReporter, Protocol):
    """Where logs and metrics of deliveries go."""

    def attempted(self, leased: Leased, answer: Answer, result: Outcome) -> None:
        """A delivery was tried."""
        ...

    def waiting(self, counts: Mapping[DeliveryState, int]) -> None:
        """How many deliveries are pending and dead."""
        ...
