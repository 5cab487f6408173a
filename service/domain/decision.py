"""What a policy may decide, what about, and what a person decided instead. Standard library only."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Decision(StrEnum):
    """What the policy does about a post."""

    ALLOW = "ALLOW"
    LABEL = "LABEL"
    REDUCE = "REDUCE"
    REVIEW = "REVIEW"
    BLOCK = "BLOCK"

    @property
    def severity(self) -> int:
        """0 for ALLOW up to 4 for BLOCK."""
        return _SEVERITY[self]


_SEVERITY = {decision: rank for rank, decision in enumerate(Decision)}


class Category(StrEnum):
    """Why a post was flagged."""

    AI_GENERATED_MISINFORMATION = "AI_GENERATED_MISINFORMATION"
    AI_GENERATED = "AI_GENERATED"
    MISINFORMATION = "MISINFORMATION"
    HATE = "HATE"
    HARASSMENT = "HARASSMENT"
    VIOLENCE = "VIOLENCE"
    SELF_HARM = "SELF_HARM"
    SEXUAL = "SEXUAL"
    WEAPONS = "WEAPONS"
    CBRN = "CBRN"
    FRAUD = "FRAUD"
    TEST = "TEST"


class Standing(NamedTuple):
    """What a person decided on a text until they take it back: for the post named `post`, or (empty) all that carry it.

    `reason` names the policy reason, `case` the case in which it was decided.
    """

    post: str
    decision: Decision
    categories: tuple[Category, ...]
    reason: str
    case: str


def standing_for(standings: Iterable[Standing], post: str) -> Standing | None:
    """Of what stands on one text: what a person decided on the post of that name, else on every post that carries it.

    Of several for one post the last holds.
    """
    found = {standing.post: standing for standing in standings}
    return found.get(post) or found.get("")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is made of one post: the decision, why, and the names of the rules that matched.

    `case` and `reason` are set when a person decided: in which case, and for which of the policy's reasons.
    """

    decision: Decision
    categories: tuple[Category, ...] = ()
    rules: tuple[str, ...] = ()
    reason: str = ""
    case: str = ""
