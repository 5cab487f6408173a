"""The daily budget of automatic actions, and the circuit breaker that opens when it is spent.

Before a policy reduces or blocks a post on a judgement that no person saw, the post is counted, once a UTC day however
often it is decided. Beyond the policy's budget the breaker opens: such rulings ask for REVIEW until the day is over or
a person closes it, which grants the budget once more. While Redis is away and they can't be counted, such
rulings ask for REVIEW too.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from service.domain.decision import Ruling
from service.domain.post import Post
from service.errors import AssayError
from service.failures import FailureReporter
from service.policy.policy import Policy
from service.policy.ports import ActionBudget, BudgetState
from service.policy.rule import AUTOMATIC

OVER_BUDGET = "over_budget"
"""Joined to the name of a rule that would have acted, had the day's budget not been spent."""

UNCOUNTED = "budget_unknown"
"""Joined to the name of a rule that would have acted, had the action been counted."""


class BudgetObserver(FailureReporter, Protocol):
    """Is notified that the breaker opened."""

    def breaker_opened(self, limit: int) -> None:
        """The day's budget of automatic actions is spent: they ask for REVIEW from now on."""
        ...


class Budget:
    """Lets automatic rulings pass within the policy's budget."""

    def __init__(self, actions: ActionBudget, observer: BudgetObserver) -> None:
        self._actions, self._observer = actions, observer

    async def within(self, policy: Policy, posts: Sequence[Post], rulings: Sequence[Ruling]) -> list[Ruling]:
        """The rulings of `policy` on these posts, in order; REVIEW in place of actions beyond the budget. Never raises.

        Costs a round trip where one of them is automatic, and nothing else.
        """
        kept = list(rulings)
        if policy.budget is None:
            return kept
        acting = [n for n, r in enumerate(rulings) if r.decision in AUTOMATIC and policy.automatic(r)]
        if not acting:
            return kept
        try:
            granted, opened = await self._actions.spend([posts[n].key for n in acting], policy.budget)
        except AssayError as error:
            self._observer.report_failure("budget", error)
            return _all_but(kept, policy, acting, UNCOUNTED)
        if opened:
            self._observer.breaker_opened(policy.budget)
        return _all_but(kept, policy, [n for n, yes in zip(acting, granted, strict=True) if not yes], OVER_BUDGET)

    async def state(self, policy: Policy) -> BudgetState:
        """The day's budget under `policy`. Raises `RedisUnavailable`."""
        state = await self._actions.state()
        return replace(state, limit=None if policy.budget is None else policy.budget + state.granted)

    async def close(self) -> bool:
        """Close the breaker and grant the day's budget once more; whether it was open. Raises `RedisUnavailable`."""
        return await self._actions.close()


def _all_but(rulings: list[Ruling], policy: Policy, held: Sequence[int], why: str) -> list[Ruling]:
    """The rulings; those numbered in `held` are left to a person."""
    for number in held:
        rulings[number] = policy.restrained(rulings[number], why)
    return rulings
