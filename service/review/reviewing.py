"""Reviewing: what a moderator does with cases, as one class that the API and the dashboard call.

    lease -> look -> decide (or skip, hand over, ask for a second opinion) -> the next; undo takes the last one back

The caller has verified who the person is and what they may do.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from service.domain.decision import Decision
from service.domain.post import Post
from service.domain.validation import check_request_id
from service.domain.verdict import Verdict
from service.errors import InvalidInput, NotAllowed, NotDecided, NotFound
from service.failures import FailureReporter
from service.policy.routing import GENERAL, Routing
from service.records.ports import Archive
from service.review.appeal import Appeal
from service.review.bulk import BulkDecision, BulkPreview
from service.review.case import (
    SECOND_OPINIONS,
    Case,
    CaseDecision,
    CaseFilter,
    CaseKind,
    CaseState,
    Note,
    Outcome,
    QueueState,
    Ruled,
    Scope,
    author_name,
)
from service.review.checking import check_moderator, check_words, checked
from service.review.opening import Refreshing, case_for
from service.review.ports import Announced, Cached, CaseStore, DecisionStore, HistoryStore

ANY = CaseFilter()
_DISGUISED = {CaseKind.GOLDEN, CaseKind.PREVALENCE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLimits:
    """Seconds: how long a lease lasts, the longest that one may be asked for, and until when a decision is undone.

    Then cases: how many are leased at once, and how many are left to others where one is leased ahead.
    """

    lease: float = 300.0
    longest_lease: float = 3600.0
    undo_within: float = 600.0
    most_leased: int = 25
    spare: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case with what is needed to decide it. Of a blind case, nothing that others decided.

    `verdict` is what the policy said; `post` is None when it was erased.
    """

    case: Case
    post: Post | None
    verdict: Verdict | None
    decisions: tuple[CaseDecision, ...] = ()
    notes: tuple[Note, ...] = ()
    appeals: tuple[Appeal, ...] = ()


class Reviewing:
    """Cases for moderators. `routing` gives what the live policy says of them."""

    def __init__(
        self,
        cases: CaseStore,
        decisions: DecisionStore,
        history: HistoryStore,
        records: Archive,
        *,
        routing: Callable[[], Routing],
        observer: FailureReporter,
        cache: Cached | None = None,
        announcer: Announced | None = None,
        limits: ReviewLimits = ReviewLimits(),
    ) -> None:
        self._cases, self._decisions, self._history, self._records = cases, decisions, history, records
        self._routing, self._limits = routing, limits
        self._refreshing = Refreshing(cache, announcer, observer)

    # Holding cases ----------------------------------------------------------------------------------------------------

    async def queues(self) -> list[QueueState]:
        """The queues of the policy in its order, then any other that holds open cases."""
        found = {state.queue: state for state in await self._cases.queues()}
        known = [name for name in self._routing().queues if name != GENERAL]
        names = dict.fromkeys([*known, GENERAL, *found])
        return [found.get(name) or QueueState(queue=name, open=0, held=0, severe=0, oldest_at=None) for name in names]

    async def lease(
        self, moderator: str, only: CaseFilter = ANY, *, limit: int = 1, seconds: float | None = None
    ) -> list[Case]:
        """The most urgent cases, leased: those that the person holds already come first. Raises `InvalidInput`."""
        check_moderator(moderator)
        if not 1 <= limit <= self._limits.most_leased:
            raise InvalidInput("limit", f"{limit} cases at once", f"lease 1 to {self._limits.most_leased}")
        found = await self._cases.lease(moderator, undisguised(only), seconds=self._seconds(seconds), limit=limit)
        return list(map(shown, found))

    async def lease_ahead(self, moderator: str, only: CaseFilter, after: str) -> Case | None:
        """The case that is to come after the one the person works on, leased, so that it can be made ready.

        None where too few wait: who works ahead must not leave colleagues without. The same one when asked again.
        """
        check_moderator(moderator)
        seconds, spare = self._limits.lease, self._limits.spare
        found = await self._cases.lease(moderator, undisguised(only), seconds=seconds, limit=2, spare=spare)
        return next((shown(each) for each in found if each.id != after), None)

    async def extend(self, case_id: str, moderator: str, *, seconds: float | None = None) -> Case:
        """Hold on to a case: the heartbeat. Raises `NotFound`, `NotHeld`."""
        return shown(await self._cases.extend(case_id, moderator, seconds=self._seconds(seconds)))

    async def hand_over(self, case_id: str, moderator: str, *, to: str = "", note: str = "") -> Case:
        """Give a case to a colleague, or back to its queue. Raises `NotFound`, `NotHeld`, `NotAllowed`."""
        if to:
            check_moderator(to, "to")
        if to == moderator:
            raise InvalidInput("to", "is who holds it", "name a colleague, or no one to give it back")
        check_words("note", note)
        found = await self._cases.hand_over(case_id, moderator, to, note, seconds=self._limits.lease)
        return shown(found)

    async def skip(self, case_id: str, moderator: str, reason: str) -> None:
        """Give a case back and don't get it again. Raises `NotFound`, `NotHeld`, `InvalidInput`."""
        check_words("reason", reason, needed=True)
        await self._cases.skip(case_id, moderator, reason)

    # Deciding ---------------------------------------------------------------------------------------------------------

    async def decide(self, case_id: str, moderator: str, ruled: Ruled, *, seconds: float = 0.0) -> Outcome:
        """Decide a held case. `seconds` were spent on it; 0: since it was leased.

        Deciding the same again changes nothing and gives the same outcome. Raises `NotFound`, `NotHeld`, `Outdated`,
        `InvalidInput`.
        """
        check_moderator(moderator)
        appeal = (await self._cases.find_case(case_id)).kind is CaseKind.APPEAL
        said = checked(ruled, self._routing(), always_rationale=appeal)
        return await self._told(await self._decisions.decide(case_id, moderator, said, seconds=seconds, opinion=False))

    async def second_opinion(self, case_id: str, moderator: str, ruled: Ruled, *, seconds: float = 0.0) -> Outcome:
        """Record an opinion and ask another moderator, who doesn't see it; if both agree it is decided.

        If they don't, a third decides in the queue `second-opinion`. Raises as `decide` does.
        """
        check_moderator(moderator)
        found = await self._cases.find_case(case_id)
        if found.kind not in {CaseKind.REVIEW, CaseKind.GOLDEN, CaseKind.PREVALENCE}:
            raise InvalidInput("case", f"is of the kind {found.kind}", "decide it: it is a second opinion already")
        said = checked(ruled, self._routing())
        opinion = found.kind is CaseKind.REVIEW  # a golden or sampled case is decided: it must not show what it is
        made = await self._told(
            await self._decisions.decide(case_id, moderator, said, seconds=seconds, opinion=opinion)
        )
        return made if opinion else replace(made, decision=replace(made.decision, applied=False, posts=0))

    async def reopen(self, name: str, moderator: str) -> Case:
        """A case in which the person may decide the post of that name again, held by them: it is open for all to see.

        One for each verdict. Raises `NotFound`, `NotDecided` while the post waits for a person, `NotHeld` when another
        else is at it.
        """
        check_moderator(moderator)
        revisions = await self._history.history(name)
        if not revisions:
            raise NotDecided(f"{name} has no verdict; look whether that is its name, and ask again shortly")
        verdict = revisions[-1]
        if verdict.decision is Decision.REVIEW:
            raise NotDecided(f"{name} waits for a person; lease its case")
        [post] = await self._records.posts([verdict.post])
        if post is None:
            raise NotFound(f"{name} was erased")
        subject = f"verdicts/{verdict.sequence}"
        kind, queue = CaseKind.SECOND_OPINION, SECOND_OPINIONS
        case = case_for(post, verdict, self._routing(), kind=kind, queue=queue, subject=subject)
        return await self._cases.open_held(case, moderator, seconds=self._limits.lease)

    async def undo(self, moderator: str, decision_id: str = "") -> Outcome:
        """Take one's own last decision back; its case is held again. Raises `NotFound`, `Outdated`."""
        check_moderator(moderator)
        within, lease = self._limits.undo_within, self._limits.lease
        return await self._told(await self._decisions.undo(decision_id, moderator, within=within, seconds=lease))

    async def preview(self, bulk: BulkDecision) -> BulkPreview:
        """What a bulk decision would change now. Raises `InvalidInput`."""
        return await self._decisions.preview(self._checked(bulk))

    async def apply(self, bulk: BulkDecision, token: str, *, request_id: str = "") -> Outcome:
        """Apply what was previewed. Raises `Outdated` when it would change something else now, `InvalidInput`."""
        check_request_id(request_id)
        return await self._told(await self._decisions.apply(self._checked(bulk), token, request_id=request_id))

    # Reading ----------------------------------------------------------------------------------------------------------

    async def look(self, case_id: str, reader: str) -> CaseView:
        """All that is known of a case, for `reader`; the audit log records it. Raises `NotFound`, `NotAllowed`.

        A blind case is shown to its holder, with the notes that they wrote themselves.
        """
        found = await self._cases.find_case(case_id)
        blind = found.blind and _open(found)
        if blind and found.kind is CaseKind.SECOND_OPINION and reader in found.barred:
            raise NotAllowed("another moderator is asked for a second opinion; you will see it when it is given")
        if blind and reader != found.holder:
            raise NotAllowed(f"{found.name} is for one person to decide by themselves; lease it to see it")
        [post] = await self._records.posts([found.post])
        verdict = await self._history.first_verdict(found.post.name, found.post.fingerprint)
        about = [found.name, found.post.name, author_name(found.post.name, found.author)]
        notes = tuple(note for note in await self._history.notes(about) if not blind or note.moderator == reader)
        view = CaseView(case=shown(found), post=post, verdict=verdict, notes=notes)
        await self._history.seen(reader, found.name, "case.read")
        if blind:
            return view
        names = [found.post.name]
        decisions, appeals = await self._history.decisions(names), await self._history.appeals_on(names)
        return replace(view, decisions=tuple(map(plain, decisions)), appeals=tuple(appeals))

    async def find(self, case_id: str) -> Case:
        """A case without its post, for someone who has looked at it. Raises `NotFound`."""
        return shown(await self._cases.find_case(case_id))

    async def cases(self, only: CaseFilter = ANY, *, after: str = "", limit: int = 50) -> list[Case]:
        """A page: open ones first, most urgent first; then the others, newest first."""
        return list(map(shown, await self._cases.cases(undisguised(only), after=after, limit=limit)))

    async def decisions(self, posts: Collection[str]) -> list[CaseDecision]:
        """All decisions on these post names, newest first; no opinion on which a second one is asked for."""
        return await self._history.decisions(posts)

    async def history(self, name: str) -> list[Verdict]:
        """All verdicts on the current version of the post of that name, oldest first."""
        return await self._history.history(name)

    async def add_note(self, about: str, moderator: str, text: str, *, request_id: str = "") -> Note:
        """Keep a note on a post, an author or a case (a resource name). Raises `InvalidInput`, `Conflict`."""
        check_moderator(moderator)
        check_request_id(request_id)
        check_words("text", text, needed=True)
        note = Note(about=about, moderator=moderator, text=text, written_at=datetime.now(UTC))
        return await self._history.add_note(note, request_id=request_id)

    async def notes(self, about: Collection[str]) -> list[Note]:
        """Notes on these resource names, newest first."""
        return await self._history.notes(about)

    # ------------------------------------------------------------------------------------------------------------------

    def _seconds(self, asked: float | None) -> float:
        if asked is None:
            return self._limits.lease
        if not 1 <= asked <= self._limits.longest_lease:
            problem = f"{asked:g} seconds"
            raise InvalidInput("lease", problem, f"ask for 1 to {self._limits.longest_lease:g} seconds, and extend")
        return asked

    def _checked(self, bulk: BulkDecision) -> BulkDecision:
        check_moderator(bulk.moderator)
        if not bulk.cluster:
            raise InvalidInput("cluster", "is missing", "name the cluster that a verdict belongs to")
        said = checked(bulk.ruled, self._routing())
        return replace(bulk, ruled=replace(said, scope=Scope.TEXT))

    async def _told(self, outcome: Outcome) -> Outcome:
        await self._refreshing.tell(outcome.verdicts)
        if outcome.case is None:
            return outcome
        return replace(outcome, case=shown(outcome.case), decision=plain(outcome.decision))


def shown(case: Case) -> Case:
    """The case as moderators see it: a golden one looks like any other, a sampled one too, until it is decided."""
    if case.kind in _DISGUISED:
        return replace(case, kind=CaseKind.REVIEW, subject="")
    return case


def plain(decision: CaseDecision) -> CaseDecision:
    """The decision as moderators see it: one on a golden or sampled case looks like any other."""
    if decision.kind in _DISGUISED:
        return replace(decision, kind=CaseKind.REVIEW, subject="", applied=True, posts=max(1, decision.posts))
    return decision


def undisguised(only: CaseFilter) -> CaseFilter:
    """The filter, in which reviews are also what looks like one: no one can ask for golden cases, or for others."""
    if not only.kinds:
        return only
    asked = set(only.kinds) - _DISGUISED or {CaseKind.REVIEW}
    return replace(only, kinds=tuple(sorted(asked | _DISGUISED if CaseKind.REVIEW in asked else asked)))


def _open(case: Case) -> bool:
    return case.state is CaseState.OPEN
