"""A record store with verdicts that ask for a person, and cases about them: what tests of review start from."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from service.domain.decision import Category, Decision, Ruling
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.policy.routing import Routing
from service.records.sql.store import SqlStore
from service.review.case import Case, CaseFilter, Outcome, Ruled
from service.review.opening import case_for
from service.review.sql.store import SqlReview

ANY = CaseFilter()
LEASE = 300.0
UNDO = 600.0


@dataclass
class Clock:
    """Unix time that tests move."""

    time: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class Reviewed:
    """A store, review beside it, and short ways to do what moderators do."""

    store: SqlStore
    review: SqlReview
    clock: Clock
    verdict_of: Callable[..., Verdict]

    def asking(self, post: Post, decision: Decision = Decision.REVIEW, *categories: Category) -> Verdict:
        """A verdict of the policy on `post`, as of now."""
        ruling = Ruling(decision, categories or (Category.FRAUD,), ("rule",))
        now = datetime.fromtimestamp(self.clock.time, UTC)
        return replace(self.verdict_of(post, sequence=0), ruling=ruling, decided_at=now)

    async def open(self, posts: Sequence[Post], *categories: Category, **fields: Any) -> list[Case]:
        """Record verdicts that ask for a person, and open a case about each."""
        verdicts = await self.store.record(posts, [self.asking(post, Decision.REVIEW, *categories) for post in posts])
        cases = [
            replace(case_for(post, verdict, Routing()), **fields) for post, verdict in zip(posts, verdicts, strict=True)
        ]
        assert await self.review.open_cases(cases) == [True] * len(cases)
        return cases

    async def lease(self, moderator: str, only: CaseFilter = ANY, limit: int = 1) -> list[Case]:
        return await self.review.lease(moderator, only, seconds=LEASE, limit=limit)

    async def decide(self, case: Case, moderator: str, ruled: Ruled, *, opinion: bool = False) -> Outcome:
        return await self.review.decide(case.id, moderator, ruled, seconds=3.0, opinion=opinion)

    async def undo(self, moderator: str, decision_id: str = "") -> Outcome:
        return await self.review.undo(decision_id, moderator, within=UNDO, seconds=LEASE)

    async def decided(self, case: Case, moderator: str, ruled: Ruled) -> Outcome:
        """Lease whatever it takes, and decide `case`."""
        await self.review.lease(moderator, CaseFilter(post=case.post.name), seconds=LEASE, limit=10)
        return await self.decide(case, moderator, ruled)

    async def current(self, post: Post) -> Verdict:
        return await self.store.latest(post.name)

    async def current_decisions(self, posts: Sequence[Post]) -> list[Decision]:
        return [(await self.current(post)).decision for post in posts]


def twins(text: str = "Win money now", count: int = 3, start: int = 0) -> list[Post]:
    """Posts that carry one text."""
    return [Post(platform="x", id=str(number), text=text) for number in range(start, start + count)]


async def review_on(
    open_sql: Callable[..., Awaitable[SqlStore]], url: str, verdict_of: Callable[..., Verdict]
) -> Reviewed:
    """At `url`, with a clock of its own."""
    clock = Clock()
    store = await open_sql(url)
    store._clock = clock
    return Reviewed(store, SqlReview.beside(store), clock, verdict_of)


def ruled(decision: Decision = Decision.BLOCK, *categories: Category, **fields: Any) -> Ruled:
    """A decision; for fraud unless it says otherwise."""
    found = categories or (() if decision is Decision.ALLOW else (Category.FRAUD,))
    return Ruled(decision=decision, categories=found, **{"reason": "scam", **fields})
