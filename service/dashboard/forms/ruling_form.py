"""The form by which a moderator decides: the policy's reasons under the keys 1 to 9, and what can be said beside."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from service.dashboard.request import Form
from service.domain.decision import CONTENT, Category, Decision
from service.errors import InvalidInput
from service.policy.routing import Reason, Routing
from service.review.appeal import Appeal, AppealState
from service.review.case import Ruled, Scope

_KEYS = 9
OUTCOMES = (Decision.ALLOW, Decision.LABEL, Decision.REDUCE, Decision.BLOCK)
"""What a person may decide."""

_PLAIN_REASONS = (
    Reason(name="no-violation", text="The post breaks no rule."),
    *(Reason(name=c.value.lower().replace("_", "-"), text="The post breaks this rule.", category=c) for c in CONTENT),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A reason, its key (empty: none), and what is done about the post unless the moderator says otherwise."""

    reason: Reason
    key: str
    usual: Decision


def choices(routing: Routing) -> list[Choice]:
    """The reasons of the policy (or one for each category, where it names none) in their order."""
    reasons: Sequence[Reason] = routing.reasons or _PLAIN_REASONS
    return [
        Choice(reason, str(place) if place <= _KEYS else "", reason.usual) for place, reason in enumerate(reasons, 1)
    ]


def ruled(form: Form, routing: Routing) -> Ruled:
    """What the form says. Raises `InvalidInput`."""
    chosen = form.text("choice")
    found = {choice.reason.name: choice for choice in choices(routing)}
    if chosen not in found:
        raise InvalidInput("choice", "is missing", "press a number from 1 to 9, or choose a reason")
    choice = found[chosen]
    told = form.text("decision")
    try:
        decision = Decision(told) if told else choice.usual
        scope = Scope(form.text("scope", Scope.TEXT))
    except ValueError:
        raise InvalidInput("decision", "is none that there is", f"choose {', '.join(OUTCOMES)}") from None
    named = [choice.reason.category] if choice.reason.category else []
    try:
        named += [Category(told) for told in form.texts("also")]
    except ValueError:
        raise InvalidInput("categories", "name one that there isn't", "choose from the list") from None
    return Ruled(
        decision=decision,
        categories=tuple(dict.fromkeys(named)) if decision is not Decision.ALLOW else (),
        reason=chosen,
        rationale=form.raw("rationale").strip(),
        scope=scope,
    )


def appeal_ruling(form: Form, routing: Routing, appeal: Appeal) -> Ruled:
    """What the form for an appeal says: `outcome` is REJECTED, or the milder decision that upholds it.

    Raises `InvalidInput`. The reason is the one that was chosen, else the policy's for what is decided.
    """
    told = form.text("outcome")
    if told != AppealState.REJECTED and told not in OUTCOMES:
        raise InvalidInput("outcome", "is missing", "press 1 to reject the appeal, or a key that upholds it")
    stays = told == AppealState.REJECTED
    decision = appeal.contested if stays else Decision(told)
    categories = appeal.contested_categories if decision is not Decision.ALLOW else ()
    return Ruled(
        decision=decision,
        categories=categories,
        reason=form.text("reason") or _fitting(routing, categories),
        rationale=form.raw("rationale").strip(),
        scope=Scope(form.text("scope", Scope.POST)),
    )


def _fitting(routing: Routing, categories: Collection[Category]) -> str:
    """The first reason that is about one of the categories or, without any, about nothing being wrong."""
    named = [choice.reason for choice in choices(routing)]
    fits = (each.name for each in named if (each.category in categories if categories else each.category is None))
    return next(fits, named[0].name)
