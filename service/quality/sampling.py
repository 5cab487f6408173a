"""Counts the verdicts that are recorded, and opens a case about each post that the prevalence sample draws."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from service.domain.post import Post
from service.domain.verdict import Verdict
from service.errors import Unavailable
from service.policy.routing import Routing
from service.quality.ports import QualityObserver, SamplingStore
from service.quality.prevalence import Rates
from service.records.ports import Recorded
from service.review.case import Case, CaseKind
from service.review.opening import case_for
from service.review.ports import CaseOpener

FOLLOWER = "quality"
_AT_ONCE = 100
_PRUNE_EVERY = timedelta(hours=6)
PRIORITY = 3.0
"""Alike for all: what is decided first of the sample must not depend on what it is."""


class Sampling:
    """The handler of the follower of that name: verdicts in, counts and prevalence cases out."""

    def __init__(
        self,
        counted: SamplingStore,
        recorded: Recorded,
        cases: CaseOpener,
        *,
        routing: Callable[[], Routing],
        observer: QualityObserver,
        rates: Rates,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._counted, self._recorded, self._cases = counted, recorded, cases
        self._routing, self._observer, self._rates, self._clock = routing, observer, rates, clock
        self._pruned: datetime | None = None

    async def handle(self, verdicts: Sequence[Verdict]) -> None:
        """Count a batch and open what it draws. Coming twice it counts once."""
        await self._counted.count(verdicts, self._rates)
        await self.open_drawn()
        await self._prune()

    async def open_drawn(self) -> None:
        """Open cases about posts that were drawn and have none, also from before a crash."""
        while waiting := await self._counted.unopened(_AT_ONCE):
            keys = [post for _, post, _ in waiting]
            posts, verdicts = await self._recorded.posts(keys), await self._recorded.find(keys)
            found = zip(waiting, posts, verdicts, strict=True)
            cases = [self._case(case, post, v) for (_, _, case), post, v in found if post and v]
            opened = await self._cases.open_cases(cases) if cases else []
            await self._counted.opened([sampled.key for sampled, _, _ in waiting])
            self._observer.sampled(sum(opened))

    def _case(self, case_id: str, post: Post, verdict: Verdict) -> Case:
        case = case_for(post, verdict, self._routing(), kind=CaseKind.PREVALENCE)
        return replace(case, id=case_id, priority=PRIORITY)

    async def _prune(self) -> None:
        now = self._clock()
        if self._pruned is None or now - self._pruned > _PRUNE_EVERY:
            try:
                await self._counted.prune(now)
            except Unavailable as error:
                self._observer.report_failure("prune", error)
            self._pruned = now
