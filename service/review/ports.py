"""What review and appeals need of the record store, as small Protocols; `service.review.sql.store` has them all.

Each change is written to the audit log, in the same transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from service.domain.post import PostKey
from service.domain.verdict import Verdict
from service.review.appeal import Appeal, AppealState
from service.review.bulk import BulkDecision, BulkPreview
from service.review.case import Case, CaseDecision, CaseFilter, CaseKind, Note, Outcome, QueueState, Ruled


class Cached(Protocol):
    """The part of `ports.VerdictCache` that takes new verdicts."""

    async def put(self, verdicts: Sequence[Verdict]) -> None:
        """See `ports.VerdictCache.put`."""
        ...


class Announced(Protocol):
    """The part of `ports.Announcer` that wakes watchers."""

    async def announce(self) -> None:
        """See `ports.Announcer.announce`."""
        ...


class CaseOpener(Protocol):
    """Opens cases."""

    async def open_cases(self, cases: Sequence[Case]) -> list[bool]:
        """Open cases; False where there is one of that kind and subject for the post version already.

        A review that was closed without a decision is opened again: the edit that closed it was taken back.
        A case of the kind REVIEW is not opened either where the post's current verdict does not ask for a person.
        """
        ...


class OpeningStore(CaseOpener, Protocol):
    """What opens and closes cases as verdicts come in, and brings verdicts in line with what people decided."""

    async def abandoned(self) -> list[PostKey]:
        """Current post versions that ask for a person and whose case was closed without a decision."""
        ...

    async def close_outdated(self, posts: Collection[str]) -> int:
        """Close the open cases on versions of these posts (names) that are not the current ones; how many."""
        ...

    async def enforce(self, posts: Collection[str], *, suspect: bool = False) -> list[Verdict]:
        """Give those posts (names) whose text a person decided, and whose verdict says otherwise, that ruling.

        Where a decision was taken back that a post got by its text, it gets what the policy says of its twin; only
        `suspect` ones are looked through for that.
        """
        ...

    async def out_of_line(self, texts: Collection[str]) -> list[str]:
        """Posts (names) with these texts (content digests) whose verdicts differ from the decision in force on them.

        Where none is in force: those on which a person decided.
        """
        ...


class CaseStore(Protocol):
    """Cases for moderators, and leases. Two people never hold one case at a time."""

    async def open_held(self, case: Case, moderator: str, *, seconds: float) -> Case:
        """Open a case that the person holds, or give them the one that there is. Raises `NotHeld` when it is held."""
        ...

    async def lease(
        self, moderator: str, only: CaseFilter, *, seconds: float, limit: int = 1, spare: int = 0
    ) -> list[Case]:
        """Lease the most urgent open cases that no one holds, this person is not barred from and did not skip.

        First come those that the person holds already. None is taken beyond them that would leave fewer than `spare`.
        """
        ...

    async def extend(self, case_id: str, moderator: str, *, seconds: float) -> Case:
        """Hold on to it. Raises `NotFound`, or `NotHeld` when the lease is lost."""
        ...

    async def hand_over(self, case_id: str, moderator: str, to: str, note: str, *, seconds: float) -> Case:
        """Give it to a colleague (`to`), or back to the queue (empty). Raises `NotFound`, `NotHeld`, `NotAllowed`."""
        ...

    async def skip(self, case_id: str, moderator: str, reason: str) -> None:
        """Give it back and don't get it again. Raises `NotFound`, `NotHeld`."""
        ...

    async def find_case(self, case_id: str) -> Case:
        """Raises `NotFound`."""
        ...

    async def cases(self, only: CaseFilter, *, after: str, limit: int) -> list[Case]:
        """Open ones first, most urgent first; then the others, newest first. `after` is the id of the last one seen."""
        ...

    async def queues(self) -> list[QueueState]:
        """All queues that hold open cases, by name."""
        ...


class DecisionStore(Protocol):
    """What people decide, and what verdicts become of it, in one transaction."""

    async def decide(self, case_id: str, moderator: str, ruled: Ruled, *, seconds: float, opinion: bool) -> Outcome:
        """Decide a case that the person holds; with `opinion`, ask another moderator for a second one first.

        Deciding the same again gives the same outcome. Raises `NotFound`, `NotHeld`, and `Outdated` when it is decided
        otherwise already, or closed.
        """
        ...

    async def undo(self, decision_id: str, moderator: str, *, within: float, seconds: float) -> Outcome:
        """Take one's own last decision back (the last one where `decision_id` is empty); its case is held again.

        Raises `NotFound`, and `Outdated` when another followed, or it was decided more than `within` seconds ago.
        """
        ...

    async def preview(self, bulk: BulkDecision) -> BulkPreview:
        """What applying it now would change."""
        ...

    async def apply(self, bulk: BulkDecision, token: str, *, request_id: str = "") -> Outcome:
        """Apply what was previewed. Raises `Outdated` when it would change something else now."""
        ...


class DecisionLog(Protocol):
    """What was decided."""

    async def decided(
        self, *, since: datetime | None = None, kinds: Collection[CaseKind] = (), after: str = "", limit: int = 1000
    ) -> list[CaseDecision]:
        """Decisions, undone ones too, oldest first; `after` is the id of the last one seen."""
        ...

    async def texts(self, decision_id: str) -> Mapping[str, PostKey]:
        """The texts (content digests) to which the decision gave a verdict, each with a post that carries it."""
        ...


class NoteStore(Protocol):
    """Moderators' notes."""

    async def add_note(self, note: Note, *, request_id: str = "") -> Note:
        """Keep a note, once for each `request_id` of its moderator; the note that is kept.

        Raises `Conflict`, and keeps nothing, when the id was used for another note.
        """
        ...

    async def notes(self, about: Collection[str]) -> list[Note]:
        """Notes on these, newest first."""
        ...

    async def seen(self, reader: str, subject: str, action: str) -> None:
        """Keep in the audit log that a person read something."""
        ...


class HistoryStore(NoteStore, Protocol):
    """What is known of a post: its verdicts, what people decided about it, contested and noted."""

    async def history(self, post: str) -> list[Verdict]:
        """All verdicts on the current version of the post of that name, oldest first."""
        ...

    async def first_verdict(self, post: str, fingerprint: str) -> Verdict | None:
        """What the post version's first verdict was, before people decided."""
        ...

    async def decisions(self, posts: Collection[str]) -> list[CaseDecision]:
        """All decisions on these post names, or that gave them a verdict, newest first.

        Without an opinion on which a second one is asked for: its author must not see it.
        """
        ...

    async def appeals_on(self, posts: Collection[str]) -> list[Appeal]:
        """All appeals about these post names, newest first."""
        ...


class AppealStore(Protocol):
    """Appeals."""

    async def open_appeal(self, appeal: Appeal, case: Case, *, request_id: str = "") -> Appeal:
        """Keep an appeal and its case. Raises `AppealExists` when the verdict is contested already."""
        ...

    async def find_appeal(self, appeal_id: str) -> Appeal:
        """Raises `NotFound`."""
        ...

    async def appeals(self, states: Collection[AppealState], *, after: str, limit: int) -> list[Appeal]:
        """Oldest first; `after` is the id of the last one seen."""
        ...

    async def decide_appeal(self, appeal_id: str, moderator: str, ruled: Ruled, *, seconds: float) -> Outcome:
        """Decide an appeal's case, held or free. Raises `NotFound`, `Outdated`, `NotAllowed`, `NotHeld`."""
        ...

    async def deciders_of(self, verdict: Verdict) -> list[str]:
        """Who decided it, and before them whose opinions were asked; none when the policy did."""
        ...
