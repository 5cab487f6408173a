"""Makes golden items of cases that were decided: the answer is the decision in force, unless another is given."""

from collections.abc import Collection
from typing import Protocol

from service.domain.verdict import Verdict
from service.errors import InvalidInput, NotFound
from service.quality.golden import GoldenItem
from service.quality.measures import Quality
from service.quality.opinions import Answer
from service.records.ports import Archive
from service.review.case import Case, CaseDecision, CaseKind


class Decided(Protocol):
    """What is known of cases: parts of `review.ports`."""

    async def find_case(self, case_id: str) -> Case:
        """See `CaseStore.find_case`."""
        ...

    async def decisions(self, posts: Collection[str]) -> list[CaseDecision]:
        """See `HistoryStore.decisions`."""
        ...

    async def first_verdict(self, post: str, fingerprint: str) -> Verdict | None:
        """See `HistoryStore.first_verdict`."""
        ...


class GoldenMaker:
    """Golden items out of cases, kept by `quality`."""

    def __init__(self, quality: Quality, cases: Decided, archive: Archive) -> None:
        self._quality, self._cases, self._archive = quality, cases, archive

    async def from_case(self, case_id: str, *, by: str, answer: Answer | None = None, note: str = "") -> GoldenItem:
        """Make one of a case. Raises `NotFound`, `InvalidInput`, `Conflict` as `Quality.add_golden` does."""
        case = await self._cases.find_case(case_id)
        if case.kind is CaseKind.GOLDEN:
            raise InvalidInput("case", "is a golden one already", "take a real case")
        [post] = await self._archive.posts([case.post])
        if post is None:
            raise NotFound(f"the post of {case.name} was erased")
        verdict = await self._cases.first_verdict(case.post.name, case.post.fingerprint)
        right = answer or await self._decided(case)
        return await self._quality.add_golden(post, right, by=by, source=case.name, note=note, verdict=verdict)

    async def _decided(self, case: Case) -> Answer:
        for decision in await self._cases.decisions([case.post.name]):
            if decision.applied and not decision.undone_at and decision.content_digest == case.content_digest:
                return Answer(decision.decision, frozenset(decision.categories))
        raise InvalidInput("case", f"{case.name} is not decided", "decide it first, or say what the right answer is")
