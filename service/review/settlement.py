"""How a case is settled: what its kind makes of a decision, and what follows. Pure: `sql.settling` reads and writes.

| kind | the verdict is revised | besides |
|---|---|---|
| REVIEW | yes | open cases of the text (of the post) are decided with it |
| REVIEW, a second opinion is asked for | no | a case for somebody else is opened |
| SECOND_OPINION | if both agree | else a case for a third person, who sees both |
| SECOND_OPINION of the third | yes | |
| APPEAL | if it is upheld | the appeal has its outcome |
| PREVALENCE | if the decision is another than the verdict's | |
| GOLDEN | never | |
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.domain.decision import Decision
from service.errors import CaseNotFound, InvalidInput, NotAllowed, Outdated
from service.review.appeal import Appeal, AppealState
from service.review.case import SECOND_OPINIONS, Case, CaseDecision, CaseKind, CaseState, Ruled
from service.review.holding import must_hold

DECIDED_ALONG = CaseKind.REVIEW, CaseKind.SECOND_OPINION
"""Kinds of cases that end when the post is edited, or is decided in another case."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a decision: whether it is `applied` to verdicts, cases that are opened, the appeal as decided."""

    applied: bool
    following: tuple[Case, ...] = ()
    appeal: Appeal | None = None


Against = Appeal | CaseDecision | Decision | None
"""What a decision is held against: of an APPEAL the appeal, of a blind SECOND_OPINION the first opinion, of PREVALENCE
what the post's verdict says now (None: the post was edited); nothing for the other kinds."""


def settlement(case: Case, decision: CaseDecision, against: Against = None, *, opinion: bool = False) -> Settlement:
    """What becomes of the decision on that case; with `opinion`, another moderator is asked for a second one first.

    Raises `InvalidInput` for a decision on an appeal that is stricter than what is contested.
    """
    match case.kind, against:
        case CaseKind.GOLDEN, None:
            return Settlement(applied=False)
        case CaseKind.PREVALENCE, Decision() | None:
            return Settlement(applied=against is not None and against is not decision.decision)
        case CaseKind.APPEAL, Appeal():
            appeal = concluded(against, decision)
            return Settlement(applied=appeal.state is AppealState.UPHELD, appeal=appeal)
        case CaseKind.SECOND_OPINION, CaseDecision():
            if against.said == decision.said:
                return Settlement(applied=True)
            return Settlement(applied=False, following=(_asked(case, decision, {against.moderator}, SECOND_OPINIONS),))
        case CaseKind.REVIEW | CaseKind.SECOND_OPINION, None if not case.blind:
            following = (_asked(case, decision, set(), case.queue),) if opinion else ()
            return Settlement(applied=not opinion, following=following)
    raise TypeError(f"a case of the kind {case.kind} is not held against {against!r}")


def decision_on(case: Case, moderator: str, ruled: Ruled, seconds: float, at: datetime) -> CaseDecision:
    """What is decided; the time spent counts from the lease where it is not given (0 seconds)."""
    held = (at - case.leased_at).total_seconds() if case.leased_at else 0.0
    return CaseDecision(
        id=secrets.token_hex(8),
        about=case.name,
        kind=case.kind,
        post=case.post,
        content_digest=case.content_digest,
        flagged=case.categories,
        subject=case.subject,
        moderator=moderator,
        decision=ruled.decision,
        categories=ruled.categories,
        reason=ruled.reason,
        rationale=ruled.rationale,
        scope=ruled.scope,
        decided_at=at,
        seconds=seconds or max(0.0, held),
    )


def repeated(case: Case, there: CaseDecision, moderator: str, ruled: Ruled) -> bool:
    """Whether the case has that decision, `there`, and the same person decides the same: a call made again."""
    said = Ruled(
        decision=there.decision,
        categories=there.categories,
        reason=there.reason,
        rationale=there.rationale,
        scope=there.scope,
    )
    own = case.state is CaseState.DECIDED and there.about == case.name
    return own and (there.moderator, said) == (moderator, ruled)


def check_decidable(case: Case, moderator: str, at: datetime) -> None:
    """Raise `Outdated` or `NotHeld` unless the person may decide the case."""
    if case.state is not CaseState.OPEN:
        raise Outdated(f"{case.name} is {case.state.lower()} already; lease the next one")
    must_hold(case, moderator, at)


# Appeals --------------------------------------------------------------------------------------------------------------


def check_appeal_decidable(appeal: Appeal, case: Case, moderator: str, at: datetime) -> None:
    """Raise `Outdated`, `NotAllowed` or `NotHeld` unless the person may decide the appeal: held by them, or free."""
    if case.state is not CaseState.OPEN:
        raise Outdated(f"{appeal.name} is {appeal.state.lower()} already, by {appeal.decider or 'no one'}")
    if moderator in case.barred:
        raise NotAllowed(f"{moderator} decided what {appeal.name} contests; another moderator must decide it")
    if case.holder and case.lease_until and case.lease_until > at:
        must_hold(case, moderator, at)


def outcome_of(appeal: Appeal, decision: CaseDecision) -> AppealState:
    """Upheld when something else is decided than what is contested. Raises `InvalidInput` when it is stricter.

    The same decision for some of the same reasons contradicts nothing: the post is restricted as it was.
    """
    if decision.decision.severity > appeal.contested.severity:
        problem = f"{decision.decision} is stricter than the {appeal.contested} that the author contests"
        raise InvalidInput("decision", problem, "decide the same, or something milder")
    decided, categories = decision.said
    same = decided is appeal.contested and categories.issubset(appeal.contested_categories)
    return AppealState.REJECTED if same else AppealState.UPHELD


def concluded(appeal: Appeal, decision: CaseDecision) -> Appeal:
    """The appeal with its outcome. Raises as `outcome_of` does."""
    state = outcome_of(appeal, decision)
    return replace(
        appeal,
        state=state,
        decider=decision.moderator,
        decision=decision.decision,
        categories=appeal.contested_categories if state is AppealState.REJECTED else decision.categories,
        reason=decision.reason,
        rationale=decision.rationale,
        scope=decision.scope,
        decided_at=decision.decided_at,
    )


def contested_again(appeal: Appeal) -> Appeal:
    """The appeal as it was before it was decided."""
    return replace(
        appeal,
        state=AppealState.OPEN,
        decider="",
        decision=None,
        categories=(),
        reason="",
        rationale="",
        decided_at=None,
    )


# Undoing --------------------------------------------------------------------------------------------------------------


def undoable(
    last: CaseDecision | None, named: CaseDecision | None, moderator: str, *, at: datetime, within: float
) -> CaseDecision:
    """The decision to take back: the person's `last` in force; the `named` one where it was taken back already.

    Raises `NotFound` when there is none, `Outdated` when another followed or it is more than `within` seconds old.
    """
    if named and (last is None or last.id != named.id):
        if named.moderator == moderator and named.undone_at:
            return named
        raise Outdated(f"decisions/{named.id} is not your last decision; only the last can be undone")
    if last is None:
        raise CaseNotFound("you have no decision that could be undone")
    if at - last.decided_at > timedelta(seconds=within):
        minutes = round(within / 60)
        raise Outdated(f"it was decided more than {minutes} minutes ago; ask a lead to decide the post again")
    return last


def check_unanswered(following: Collection[CaseState]) -> None:
    """Raise `Outdated` when a case that followed the decision, which asks for an opinion on it, is decided."""
    if CaseState.DECIDED in following:
        raise Outdated("a second opinion on it has been given since; ask a lead to decide the post again")


# The audit log --------------------------------------------------------------------------------------------------------


def action_of(case: Case, *, opinion: bool) -> str:
    """What the audit log calls it."""
    if case.kind is CaseKind.APPEAL:
        return "appeal.decide"
    return "case.opinion" if opinion else "case.decide"


def told(decision: CaseDecision) -> dict[str, object]:
    """What the audit log records of a decision: no text, and no rationale, which may quote one."""
    return {
        "decision": decision.id,
        "post": decision.post.name,
        "kind": decision.kind.value,
        "decided": decision.decision.value,
        "categories": [category.value for category in decision.categories],
        "reason": decision.reason,
        "scope": decision.scope.value,
        "applied": decision.applied,
        "posts": decision.posts,
    }


def _asked(case: Case, decision: CaseDecision, others: set[str], queue: str) -> Case:
    """The case in which another moderator is asked; in the queue of second opinions they see what was said."""
    return replace(
        case,
        id=secrets.token_hex(8),
        kind=CaseKind.SECOND_OPINION,
        state=CaseState.OPEN,
        queue=queue,
        opened_at=decision.decided_at,
        holder="",
        leased_at=None,
        lease_until=None,
        barred=case.barred | others | {decision.moderator},
        skipped=frozenset(),
        subject=f"decisions/{decision.id}",
    )
