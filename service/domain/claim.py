"""Fact-checked claims, and how a post relates to one. Standard library only."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from service.domain.canonical import digest


class Rating(StrEnum):
    """The rating of a publisher's verdict. `service.claims.rating` derives it from the verdict's words."""

    FALSE = "FALSE"
    MISLEADING = "MISLEADING"
    TRUE = "TRUE"
    UNRATED = "UNRATED"


DEBUNKED = frozenset({Rating.FALSE, Rating.MISLEADING})
"""Ratings by which repeating the claim is misleading."""


class Relation(StrEnum):
    """A post's relation to a claim: asserts it, speaks of it, says that it is wrong, or is about something else."""

    REPEATS = "repeats"
    DISCUSSES = "discusses"
    REBUTS = "rebuts"
    UNRELATED = "unrelated"


class ClaimState(StrEnum):
    """Whether a claim weighs in verdicts. A quarantined one is still matched and shown, and never enforced."""

    ACTIVE = "ACTIVE"
    QUARANTINED = "QUARANTINED"


class Change(StrEnum):
    """The outcome of storing a claim."""

    NEW = "NEW"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A fact-checked statement. `verdict` is in the publisher's words, `date` that of the review."""

    id: str
    claim: str
    title: str = ""
    url: str = ""
    date: "date | None" = None
    verdict: str = ""
    publisher: str = ""
    rating: Rating = Rating.UNRATED

    @cached_property
    def name(self) -> str:
        """Resource name, `claims/{id}`."""
        return f"claims/{self.id}"

    @cached_property
    def digest(self) -> str:
        """Hex digest of all fields."""
        day = self.date.isoformat() if self.date else ""
        return digest(self.id, self.claim, self.title, self.url, day, self.verdict, self.publisher, self.rating)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRecord:
    """A claim as stored.

    `reason` says why it is quarantined. `confirmed` and `rejected` count the matches that people called right or wrong.
    """

    claim: Claim
    state: ClaimState = ClaimState.ACTIVE
    reason: str = ""
    updated_at: datetime
    confirmed: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class ClaimSet:
    """All claims at one moment, and the version that names exactly them and their states; empty when there are none."""

    version: str
    records: tuple[ClaimRecord, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimFilter:
    """Which claims; None and empty strings do not narrow. `query` is found in statement or title, in any case."""

    state: ClaimState | None = None
    publisher: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A person's finding on how a post relates to a claim; `UNRELATED` means that the match was wrong."""

    post: str
    claim_id: str
    relation: Relation
    moderator: str
    note: str = ""


class Match(NamedTuple):
    """A claim that a post matches, with the claim's words at the time of the judgement.

    `score` is the probability that the post is about the claim, `p_relation` that of `relation` given that it is.
    `abstained`: the relation is below what its certificate covers. `weight` is how far the match moved the raw score of
    `misinformation`, in logits: 0 where it abstained, the claim is quarantined, or its rating is unknown.
    """

    claim_id: str
    claim: str
    verdict: str
    rating: Rating
    publisher: str
    url: str
    score: float
    relation: Relation
    p_relation: float
    abstained: bool = False
    quarantined: bool = False
    weight: float = 0.0
