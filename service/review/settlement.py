"""How a case is settled: what became of it, and what the audit log tells of that."""

import secrets
from dataclasses import replace

from service.errors import InvalidInput
from service.review.appeal import Appeal, AppealState
from service.review.case import Case, CaseDecision, CaseKind, CaseState


def told(decision: CaseDecision) -> dict[str, object]:
    """What the audit log tells of a decision: no text, and no rationale, which may quote one."""
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


def _asked(case: Case, decision: CaseDecision, others: set[str], queue: str) -> Case:
    """The case in which somebody else is asked; in the queue of second opinions they see what was said."""
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


def _action(case: Case, *, opinion: bool) -> str:
    if case.kind is CaseKind.APPEAL:
        return "appeal.decide"
    return "case.opinion" if opinion else "case.decide"
