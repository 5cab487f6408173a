"""What must hold of a person's decision before it is one: a policy reason, a rationale where one is asked for, a name.

`checked` raises `InvalidInput` naming the field and what to do.
"""

import re
from dataclasses import replace

from service.domain.decision import Decision
from service.domain.validation import check_text
from service.errors import InvalidInput
from service.policy.routing import Reason, Routing
from service.review.case import Ruled

_MODERATOR = re.compile(r"[A-Za-z0-9._:@+-]{1,128}")
_REASON, _WORDS = 256, 4_096


def checked(ruled: Ruled, routing: Routing, *, always_rationale: bool = False) -> Ruled:
    """The decision, with the category of its reason where it names none. Raises `InvalidInput`."""
    if ruled.decision is Decision.REVIEW:
        raise InvalidInput("decision", "is REVIEW, no person's last word", "decide otherwise, skip it or hand it over")
    reason = _reason(ruled.reason, routing)
    check_text("rationale", ruled.rationale, _WORDS)
    if (always_rationale or (reason and reason.needs_rationale)) and not ruled.rationale.strip():
        asks = "an appeal" if always_rationale else f"the reason {ruled.reason!r}"
        raise InvalidInput("rationale", f"is missing, and {asks} asks for one", "say why in a sentence or two")
    categories = tuple(dict.fromkeys(ruled.categories))
    if not categories and ruled.decision is not Decision.ALLOW:
        if not reason or not reason.category:
            problem = f"are missing for {ruled.decision}"
            raise InvalidInput("categories", problem, "name why the post is acted on, such as FRAUD")
        categories = (reason.category,)
    return replace(ruled, categories=categories)


def check_moderator(moderator: str, field: str = "moderator") -> None:
    """Raise `InvalidInput` unless it is a pseudonymous id."""
    if not _MODERATOR.fullmatch(moderator):
        problem = f"{moderator[:40]!r} is no pseudonym" if moderator else "is missing"
        raise InvalidInput(field, problem, "say who acts, by a pseudonym such as m-7f3a2b10")


def check_words(field: str, words: str, *, needed: bool = False) -> None:
    """Raise `InvalidInput` unless these are words that can be kept; `needed` ones are not empty."""
    if needed and not words.strip():
        raise InvalidInput(field, "is missing", "say it in a sentence or two")
    check_text(field, words, _WORDS)


def _reason(name: str, routing: Routing) -> Reason | None:
    """The policy's reason of that name; None where the policy names none."""
    check_text("reason", name, _REASON)
    named = [reason.name for reason in routing.reasons]
    if not name.strip():
        remedy = f"use one of {', '.join(named)}" if named else "say for which rule of the policy"
        raise InvalidInput("reason", "is missing", remedy)
    found = routing.reason(name)
    if named and found is None:
        raise InvalidInput("reason", f"{name[:80]!r} is none of the policy's", f"use one of {', '.join(named)}")
    return found
