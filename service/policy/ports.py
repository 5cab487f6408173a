"""The port that counts automatic actions against the day's budget; `service.policy.redis_budget` implements it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.domain.post import PostKey


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """The state of a UTC day's budget of automatic actions.

    `spent` posts were acted on. Beyond `limit` (None: unlimited) the circuit breaker opens, at `opened_at`.
    Of the limit, `granted` came on top of the policy's budget when a person closed the breaker.
    """

    spent: int
    granted: int = 0
    opened_at: datetime | None = None
    limit: int | None = None


class ActionBudget(Protocol):
    """Posts that were acted on automatically, counted by UTC days."""

    async def spend(self, posts: Sequence[PostKey], limit: int) -> tuple[list[bool], bool]:
        """For each post whether it may be acted on, and whether the breaker opened now.

        A post version counts once a day. The breaker opens at the first that the limit has no room for; while it is
        open only posts that count already may be acted on.
        """
        ...

    async def state(self) -> BudgetState:
        """Today's state, without a limit."""
        ...

    async def close(self) -> bool:
        """Close the breaker and grant the limit once more, from what is spent on; whether it was open."""
        ...
