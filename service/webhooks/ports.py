"""The ports of webhooks. Adapters: `sql`, `http_sender`, `telemetry`."""

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
    """Endpoints, their secrets and their deliveries.

    Each change by `actor` is in the audit log, in the same transaction. Methods raise `WebhookNotFound`
    for an unknown endpoint.
    """

    async def add_endpoint(self, endpoint: Endpoint, secret: str) -> Endpoint:
        """Store a new endpoint with its first secret."""
        ...

    async def find_endpoint(self, endpoint_id: str) -> Endpoint:
        """The endpoint as stored."""
        ...

    async def endpoints(self, *, after: str = "", limit: int = 1_000) -> list[Endpoint]:
        """Endpoints in the order of their ids, from the one that follows the id `after`."""
        ...

    async def change_endpoint(self, endpoint: Endpoint, *, actor: str) -> Endpoint:
        """Replace URL, description, events, filters and whether it is enabled."""
        ...

    async def remove_endpoint(self, endpoint_id: str, *, actor: str) -> None:
        """Delete it, its secrets and its deliveries."""
        ...

    async def rotate_secret(self, endpoint_id: str, secret: str, *, overlap: float, actor: str) -> datetime:
        """Make `secret` the current one; the previous one stays valid for `overlap` more seconds, and no older one.

        Returns when the previous one ends.
        """
        ...

    async def secrets_of(self, endpoint_id: str) -> tuple[str, ...]:
        """The secrets that are valid now, the newest first."""
        ...

    async def note(self, endpoint_id: str, *, actor: str, action: str) -> None:
        """Record an act that changes nothing in the audit log."""
        ...

    async def deliveries(
        self, endpoint_id: str, only: DeliveryFilter, *, before: int | None, limit: int
    ) -> list[Delivery]:
        """Deliveries with an id below `before` (None: the newest), newest first. Raises `WebhookNotFound`."""
        ...

    async def replay(self, endpoint_id: str, only: DeliveryFilter, *, delivery: int | None, actor: str) -> int:
        """Make deliveries due now, with all their tries again; returns how many.

        One of them, or all that the filter finds. Those held by a front are left out. Raises
        `WebhookNotFound`, also for a delivery of another endpoint.
        """
        ...


class DeliveryStore(Protocol):
    """Deliveries: each event enqueued once for an endpoint, held by one front at a time, tried until it is over."""

    async def enqueue(self, events: Sequence[Event]) -> int:
        """Enqueue each event for every endpoint that wants it and lacks it; returns the number of deliveries."""
        ...

    async def lease(self, limit: int, *, each: int, busy: Mapping[str, int], seconds: float) -> list[Leased]:
        """Up to `limit` due deliveries of enabled endpoints, for this caller alone, for this many seconds.

        No endpoint gets more than `each`, less those it has in flight already (`busy`), so that a slow one
        delays no other. An expired lease is due again.
        """
        ...

    async def settle(self, leased: Leased, answer: Answer, result: Outcome) -> bool:
        """Record the attempt and the delivery's new state; False, and no change, when the lease was lost."""
        ...

    async def release(self, leased: Collection[Leased]) -> None:
        """Release what was leased and not tried."""
        ...

    async def waiting(self) -> Mapping[DeliveryState, int]:
        """How many deliveries are pending and dead, counted up to 100,000 each."""
        ...


class Sender(Protocol):
    """Sends events."""

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST `body`, as JSON, once, following no redirect. Failures are in the answer; raises nothing."""
        ...


class DeliveryObserver(FailureReporter, Protocol):
    """Where logs and metrics of deliveries go."""

    def attempted(self, leased: Leased, answer: Answer, result: Outcome) -> None:
        """A delivery was tried."""
        ...

    def waiting(self, counts: Mapping[DeliveryState, int]) -> None:
        """How many deliveries are pending and dead."""
        ...
