"""Appealing: a platform contests a decision for an author, and another moderator than the first decides again.

An appeal can be opened for six months from the decision. It waits as a case in the queue `appeals`.
"""

import secrets
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from service.domain.decision import Decision
from service.domain.validation import check_request_id
from service.domain.verdict import Verdict
from service.errors import InvalidInput, NotAllowed, NotDecided, NotFound
from service.failures import FailureReporter
from service.policy.routing import Routing
from service.records.ports import Archive
from service.review.appeal import OPEN_FOR, Appeal, AppealState
from service.review.case import APPEALS, CaseKind, Outcome, Ruled, Scope
from service.review.checking import check_moderator, check_words, checked
from service.review.opening import Refreshing, case_for
from service.review.ports import Announced, AppealStore, Cached


class Contested(Archive, Protocol):
    """What is read of the record store."""

    async def latest(self, name: str) -> Verdict:
        """See `ports.VerdictReader.latest`."""
        ...


class Appealing:
    """Appeals. `routing` gives what the live policy says of cases."""

    def __init__(
        self,
        appeals: AppealStore,
        records: Contested,
        *,
        routing: Callable[[], Routing],
        observer: FailureReporter,
        cache: Cached | None = None,
        announcer: Announced | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._appeals, self._records, self._routing, self._now = appeals, records, routing, now
        self._refreshing = Refreshing(cache, announcer, observer)

    async def open(self, post: str, statement: str, *, request_id: str = "") -> Appeal:
        """Contest the current verdict on the post of that name.

        Raises `InvalidInput`, `NotFound`, `NotDecided` (also while the post waits for a person), `NotAllowed` after six
        months, `AppealExists` when it is contested already.
        """
        check_request_id(request_id)
        check_words("statement", statement, needed=True)
        verdict = await self._records.latest(post)
        _check(verdict, self._now())
        [found] = await self._records.posts([verdict.post])
        if found is None:
            raise NotFound(f"{post} was erased")
        deciders = await self._appeals.deciders_of(verdict)
        identity = secrets.token_hex(8)
        case = case_for(
            found,
            verdict,
            self._routing(),
            kind=CaseKind.APPEAL,
            queue=APPEALS,
            subject=f"appeals/{identity}",
            barred=deciders,
        )
        appeal = Appeal(
            id=identity,
            post=verdict.post,
            content_digest=verdict.content_digest,
            sequence=verdict.sequence,
            contested=verdict.decision,
            contested_categories=verdict.ruling.categories,
            contested_at=verdict.decided_at,
            statement=statement,
            opened_at=self._now(),
            first_decider=deciders[0] if deciders else "",
            case=case.id,
        )
        return await self._appeals.open_appeal(appeal, case, request_id=request_id)

    async def find(self, appeal_id: str) -> Appeal:
        """One appeal. Raises `NotFound`."""
        return await self._appeals.find_appeal(appeal_id)

    async def list(self, states: Collection[AppealState] = (), *, after: str = "", limit: int = 50) -> list[Appeal]:
        """A page, oldest first."""
        return await self._appeals.appeals(states, after=after, limit=limit)

    async def decide(
        self, appeal_id: str, moderator: str, outcome: AppealState, ruled: Ruled, *, seconds: float = 0.0
    ) -> tuple[Appeal, Outcome]:
        """Decide an appeal: uphold it with a milder decision, or reject it (then what is contested stays).

        Raises `NotFound`, `Outdated`, `NotHeld` when another moderator holds its case, `NotAllowed` for who decided
        first, `InvalidInput`.
        """
        check_moderator(moderator)
        appeal = await self._appeals.find_appeal(appeal_id)
        said = self._ruled(appeal, outcome, ruled)
        made = await self._appeals.decide_appeal(appeal_id, moderator, said, seconds=seconds)
        await self._refreshing.tell(made.verdicts)
        return await self._appeals.find_appeal(appeal_id), made

    def _ruled(self, appeal: Appeal, outcome: AppealState, ruled: Ruled) -> Ruled:
        """What is decided, checked against the outcome that is claimed."""
        if outcome is AppealState.OPEN:
            raise InvalidInput("outcome", "is missing", "say whether the appeal is upheld or rejected")
        if outcome is AppealState.REJECTED:  # why is all that there is to check: what was decided stays as it is
            why = replace(ruled, decision=Decision.ALLOW, categories=())
            checked(why, self._routing(), always_rationale=True)
            return rejected(appeal, ruled.reason, ruled.rationale)
        said = checked(ruled, self._routing(), always_rationale=True)
        if said.decision is appeal.contested and set(said.categories) <= set(appeal.contested_categories):
            raise InvalidInput("decision", "is what the author contests", "uphold it with a milder one, or reject it")
        return said


def rejected(appeal: Appeal, reason: str, rationale: str) -> Ruled:
    """What is decided when an appeal is rejected: the same again."""
    return Ruled(
        decision=appeal.contested,
        categories=appeal.contested_categories,
        reason=reason,
        rationale=rationale,
        scope=Scope.POST,
    )


def _check(verdict: Verdict, now: datetime) -> None:
    """Raise unless the verdict can be contested now."""
    if verdict.decision is Decision.REVIEW:
        raise NotDecided(f"{verdict.post.name} waits for a person; contest what they decide")
    if verdict.decision is Decision.ALLOW:
        raise InvalidInput("post", "is allowed: there is nothing to contest", "appeal against a restriction")
    if now - verdict.decided_at > OPEN_FOR:
        day = (verdict.decided_at + OPEN_FOR).date().isoformat()
        raise NotAllowed(f"the decision on {verdict.post.name} could be contested until {day}")
