"""Decisions, categories, rulings, and what a person decided instead. Standard library only."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self


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
    """Why a post was flagged: `words` is the name for people, `harm` how grave it is, 1 (mild) to 5 (grave).

    The one table of categories. Other services' names for them are in `service.transparency.statements` and
    `service.shims`; `tests/house/test_categories.py` says what a new row lacks there and elsewhere.
    """

    words: str
    harm: int

    def __new__(cls, name: str, *row: Any) -> Self:
        """A row of the table below; one that lacks something is refused."""
        member = str.__new__(cls, name)
        member._value_ = name
        try:
            member.words, member.harm = row
        except ValueError:
            raise TypeError(f'service/domain/decision.py: write {name} = "{name}", WORDS, HARM, not {row}') from None
        return member

    AI_GENERATED_MISINFORMATION = "AI_GENERATED_MISINFORMATION", "AI-generated misinformation", 3
    AI_GENERATED = "AI_GENERATED", "AI-generated", 1
    MISINFORMATION = "MISINFORMATION", "misinformation", 2
    HATE = "HATE", "hate", 3
    HARASSMENT = "HARASSMENT", "harassment", 2
    VIOLENCE = "VIOLENCE", "violence", 4
    SELF_HARM = "SELF_HARM", "self-harm", 5
    SEXUAL = "SEXUAL", "sexual", 2
    WEAPONS = "WEAPONS", "weapons", 4
    CBRN = "CBRN", "CBRN", 5
    FRAUD = "FRAUD", "fraud", 3
    TEST = "TEST", "test", 1


MACHINE_WRITTEN = frozenset({Category.AI_GENERATED, Category.AI_GENERATED_MISINFORMATION})
"""Categories of who wrote a post, which is never itself a violation."""

MISLEADING = frozenset({Category.MISINFORMATION, Category.AI_GENERATED_MISINFORMATION})
"""Categories of whether it is true."""

CONTENT = tuple(category for category in Category if category is not Category.TEST)
"""Categories that a rule or a person may assign: all but the test string's."""

SIGNALS = tuple(c.value.lower() for c in CONTENT if c is not Category.AI_GENERATED_MISINFORMATION)
"""Names of the signals of every bundle, one for each category that does not combine two."""

POLICY_LABELS = tuple(c.value.lower() for c in CONTENT if c not in MACHINE_WRITTEN | MISLEADING)
"""The signals of what a policy forbids."""


class Standing(NamedTuple):
    """A person's decision on a text until it is withdrawn: for the post named `post`, or (empty) all with that text.

    `reason` names the policy reason, `case` the case in which it was decided.
    """

    post: str
    decision: Decision
    categories: tuple[Category, ...]
    reason: str
    case: str


def standing_for(standings: Iterable[Standing], post: str) -> Standing | None:
    """Of a text's standing decisions, the one on the post of that name, else the one on every post with the text.

    Of several for one post the last counts.
    """
    found = {standing.post: standing for standing in standings}
    return found.get(post) or found.get("")


@dataclass(frozen=True, slots=True)
class Ruling:
    """The outcome for one post: the decision, why, and the names of the rules that matched.

    `case` and `reason` are set when a person decided: in which case, and for which of the policy's reasons.
    """

    decision: Decision
    categories: tuple[Category, ...] = ()
    rules: tuple[str, ...] = ()
    reason: str = ""
    case: str = ""
