"""Deliveries: one event for one endpoint, its attempts, and when the next one is due. Standard library only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from service.webhooks.event import EventType

BACK_OFF = (5.0, 20.0, 80.0, 320.0, 1_280.0, 5_120.0, 20_480.0, *(43_200.0,) * 5)
"""The longest wait before each further attempt, in seconds: 13 attempts in 2.8 days at most."""
MAX_RETRY_AFTER = 86_400.0
GONE = 410


class DeliveryState(StrEnum):
    """The state of a delivery. A dead one failed its last try, and waits to be replayed."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try. `status` is the HTTP status, 0 where there was no answer; `error` says why it did not succeed."""

    number: int
    at: datetime
    status: int
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one endpoint, with its attempts so far. `due_at`: when a pending one is tried next."""

    id: int
    endpoint: str
    event: str
    type: EventType
    subject: str
    state: DeliveryState
    created_at: datetime
    due_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def name(self) -> str:
        """Resource name, `webhooks/{endpoint}/deliveries/{id}`."""
        return f"webhooks/{self.endpoint}/deliveries/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A delivery that one front holds for a while, with all that sending it needs.

    `tries` counts this one; `number` counts it among all attempts ever. `secrets` are those valid now.
    """

    id: int
    lease: str
    endpoint: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    event: str
    body: bytes = field(repr=False)
    tries: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result of one request. `status` 0: no answer, and `error` says why. `retry_after`: seconds it asks to wait.

    `refused`: nothing was sent, since the address is not allowed.
    """

    status: int
    seconds: float
    error: str = ""
    retry_after: float = 0.0
    refused: bool = False

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The new state of a leased delivery after an answer. `wait`: seconds until the next try of one still pending.

    `disable`: why the endpoint is turned off with it; empty when it is not.
    """

    state: DeliveryState
    wait: float = 0.0
    disable: str = ""


def outcome(answer: Answer, tries: int, uniform: Callable[[float, float], float]) -> Outcome:
    """The outcome for a delivery after this answer to try number `tries`.

    `uniform` draws the wait between nothing and the back-off's longest ("full jitter"), so that joint failures
    are not retried together. A receiver that asks for a longer wait gets it, a day at most.
    """
    if answer.taken:
        return Outcome(state=DeliveryState.DELIVERED)
    if answer.status == GONE:
        return Outcome(state=DeliveryState.DEAD, disable="the receiver answered 410 Gone")
    if tries > len(BACK_OFF):
        return Outcome(state=DeliveryState.DEAD)
    wait = uniform(0.0, BACK_OFF[tries - 1])
    return Outcome(state=DeliveryState.PENDING, wait=max(wait, min(answer.retry_after, MAX_RETRY_AFTER)))


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds that the answer's Retry-After asks us to wait: a number of seconds or a date; 0 when it doesn't."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        time = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (time.replace(tzinfo=time.tzinfo or UTC) - now) / timedelta(seconds=1))
