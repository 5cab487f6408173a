"""The form by which a moderator decides: the policy's reasons under the keys 1 to 9, and what can be said beside."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.dashboard.visit import Form
from service.domain import Category, Decision
from service.errors import InvalidInput
from service.review.case import Ruled, Scope
from service.routing import Reason, Routing

_KEYS = 9
OUTCOMES = (Decision.ALLOW, Decision.LABEL, Decision.REDUCE, Decision.BLOCK)
"""What a person may decide."""

_PLAIN_REASONS = (
    Reason(name="no-violation", text="The post breaks no rule."),
    *(
        Reason(name=c.value.lower().replace("_", "-"), text="The post breaks this rule.", category=c)
        for c in Category
        if c is not Category.TEST
    ),
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
    category = choice.reason.category
    return Ruled(
        decision=decision,
        categories=(category,) if category and decision is not Decision.ALLOW else (),
        reason=chosen,
        rationale=form.raw("rationale").strip(),
        scope=scope,
    )
