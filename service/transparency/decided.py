"""Who decided, and what a restriction is: the words that statements, numbers and retention share."""

from enum import StrEnum

from service.domain.decision import Decision

RESTRICTS = frozenset({Decision.LABEL, Decision.REDUCE, Decision.BLOCK})
"""Decisions that restrict a post. REVIEW does not: the post stays as it is until a person has looked at it."""


class DecidedBy(StrEnum):
    """How a decision came about.

    PERSON: a person decided on this very post. CARRIED: what a person decided on its text, or on its cluster, was
    carried over to it.
    """

    POLICY = "POLICY"
    PERSON = "PERSON"
    CARRIED = "CARRIED"


def newly_restricts(before: Decision | None, decision: Decision) -> bool:
    """Whether a decision puts a restriction on a post that it did not have."""
    return decision in RESTRICTS and decision is not before


def reinstates(before: Decision | None, decision: Decision) -> bool:
    """Whether a decision takes all restrictions off a post that had one."""
    return before in RESTRICTS and decision not in RESTRICTS


def language_of(locale: str) -> str:
    """The language in a BCP 47 tag, in lower case; empty where there is none."""
    return locale.replace("_", "-").partition("-")[0].lower()
