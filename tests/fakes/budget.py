"""A budget of automatic actions in memory: for tests, and for one process."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.domain.post import PostKey
from service.policy.ports import BudgetState

_DAY = 86_400


@dataclass(slots=True)
class _Day:
    acted: set[PostKey] = field(default_factory=set)
    granted: int = 0
    opened: float = 0.0


class MemoryBudget:
    """An `ActionBudget`; `clock` gives Unix time in seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._days: defaultdict[int, _Day] = defaultdict(_Day)

    async def spend(self, posts: Sequence[PostKey], limit: int) -> tuple[list[bool], bool]:
        """See `ActionBudget`."""
        today, tripped = self._today(), False
        answers = []
        for post in posts:
            fits = post in today.acted or (not today.opened and len(today.acted) < limit + today.granted)
            if fits:
                today.acted.add(post)
            elif not today.opened:
                today.opened, tripped = self._clock(), True
            answers.append(fits)
        return answers, tripped

    async def state(self) -> BudgetState:
        """See `ActionBudget`."""
        today = self._today()
        opened = datetime.fromtimestamp(today.opened, UTC) if today.opened else None
        return BudgetState(spent=len(today.acted), granted=today.granted, opened_at=opened)

    async def close(self) -> bool:
        """See `ActionBudget`."""
        today = self._today()
        if not today.opened:
            return False
        today.granted, today.opened = len(today.acted), 0.0
        return True

    def _today(self) -> _Day:
        number = int(self._clock() // _DAY)
        for past in [day for day in self._days if day < number]:
            del self._days[past]
        return self._days[number]
