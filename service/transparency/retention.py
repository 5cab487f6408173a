"""How long records of each kind are kept, and the task that deletes older ones.

What a post was decided is still counted when it is gone, by day, decision, category, surface, language and region (the
tallies), so that reports stay right. Posts that are not decided, or on which somebody still has to decide, never go.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from service.errors import InvalidInput
from service.failures import FailureReporter
from service.supervision import every

_BATCH = 500
_BREATH = 0.05  # seconds between batches, for whoever else wants to write
_SIX_MONTHS = 184


class Kind(StrEnum):
    """What is kept for a time.

    ALLOWED: posts that were allowed all along, and that nobody decided on or contested. FLAGGED: all other decided
    posts. Each with its verdicts, and with judgements that no verdict rests on any more. CASES: those that are closed,
    with what was decided in them. APPEALS: decided ones. DELIVERIES: webhook events that are delivered or given up.
    REQUESTS: answers kept for repeated requests. CONFIRMATIONS: people's word on matched claims. AUDIT: the audit log.
    """

    ALLOWED = "allowed"
    FLAGGED = "flagged"
    CASES = "cases"
    APPEALS = "appeals"
    DELIVERIES = "deliveries"
    REQUESTS = "requests"
    CONFIRMATIONS = "confirmations"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days that records of each kind are kept after they were last changed; 0: for ever.

    Authors may contest a decision for six months (DSA Art. 20), so what it was must be known for so long, and what came
    of it.
    """

    allowed: int = 90
    flagged: int = 365
    cases: int = 730
    appeals: int = 730
    deliveries: int = 30
    requests: int = 1
    confirmations: int = 0
    audit: int = 0

    def __post_init__(self) -> None:
        for each in fields(self):
            days = getattr(self, each.name)
            if days < 0:
                raise InvalidInput(f"retain_{each.name}", f"{days} is negative", "give days, or 0 for ever")
            if each.name in {"flagged", "cases", "appeals"} and 0 < days < _SIX_MONTHS:
                remedy = f"give {_SIX_MONTHS} days at least, or 0 for ever: authors have six months to appeal"
                raise InvalidInput(f"retain_{each.name}", f"{days} days are under six months", remedy)

    def periods(self) -> Mapping[Kind, timedelta]:
        """The kinds that are not kept for ever."""
        return {kind: timedelta(days=days) for kind in Kind if (days := getattr(self, kind.value))}


class RetentionStore(Protocol):
    """Records that grow old."""

    async def due(self, kind: Kind, before: datetime) -> int:
        """How many records of that kind, from before then, are to go."""
        ...

    async def drop(self, kind: Kind, before: datetime, limit: int) -> int | None:
        """Let up to `limit` of them go; how many. None when another front is at it."""
        ...


class RetentionObserver(FailureReporter, Protocol):
    """Who is notified."""

    def deleted(self, kind: Kind, count: int) -> None:
        """So many records of that kind went."""
        ...


class Keeper:
    """Deletes what is older than `retention` allows, every `interval` seconds."""

    def __init__(
        self, store: RetentionStore, retention: Retention, observer: RetentionObserver, *, interval: float = 3600.0
    ) -> None:
        self._store, self._retention, self._observer, self._interval = store, retention, observer, interval

    async def run(self) -> None:
        """Do it for ever; cancel to stop."""
        await every(self._interval, lambda: self.once(datetime.now(UTC)), self._observer, "retention")

    async def once(self, now: datetime) -> dict[Kind, int]:
        """Delete all that is too old at `now`; how many of each kind. A kind that fails does not stop the others."""
        went: dict[Kind, int] = {}
        for kind, period in self._retention.periods().items():
            try:
                async for count in self._batches(kind, now - period):
                    went[kind] = went.get(kind, 0) + count
                    self._observer.deleted(kind, count)
            except Exception as error:  # noqa: BLE001 - reported, and tried again in the next round
                self._observer.report_failure(f"retention of {kind}", error)
        return went

    async def due(self, now: datetime) -> dict[Kind, int]:
        """How many of each kind would go."""
        return {kind: await self._store.due(kind, now - kept) for kind, kept in self._retention.periods().items()}

    async def _batches(self, kind: Kind, before: datetime) -> AsyncIterator[int]:
        while count := await self._store.drop(kind, before, _BATCH):
            yield count
            await asyncio.sleep(_BREATH)
