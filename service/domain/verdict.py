"""A judgement decided for one post, and how verdicts are filtered. Standard library only.

Times are aware datetimes in UTC, probabilities lie in [0, 1], offsets are UTF-8 bytes into the post's text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from service.domain.claim import Match, Relation
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import JudgedBy, Judgement
from service.domain.post import Post, PostKey, Surface


class Source(StrEnum):
    """Where a verdict's judgement came from; `MODERATOR` when a person decided."""

    MODEL = "MODEL"
    CACHE = "CACHE"
    PROVISIONAL = "PROVISIONAL"
    SET_ASIDE = "SET_ASIDE"
    MODERATOR = "MODERATOR"


@dataclass(frozen=True, slots=True)
class Skip:
    """A stage that was not run, and why."""

    stage: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A judgement decided for one post.

    `judgement` is None for provisional and set-aside verdicts. `sequence` is the record store's cursor, 0 while the
    verdict is not recorded. `revision` counts from 0, the first verdict on the post; people make the later ones.
    `latency` holds seconds by stage.
    """

    post: PostKey
    content_digest: str
    surface: Surface
    ruling: Ruling
    policy_version: str
    source: Source
    decided_at: datetime
    judgement: Judgement | None = None
    skipped: tuple[Skip, ...] = ()
    latency: Mapping[str, float] = field(default_factory=dict)
    sequence: int = 0
    revision: int = 0

    @property
    def decision(self) -> Decision:
        """The ruling's decision."""
        return self.ruling.decision

    @property
    def model_version(self) -> str:
        """The judging bundle's version; empty when no model judged."""
        return self.judged_by.model

    @property
    def judged_by(self) -> JudgedBy:
        """The versions that judged the text; empty when no model did."""
        return self.judgement.judged_by if self.judgement else JudgedBy()

    @property
    def cluster(self) -> str:
        """The cluster of the post's text; empty when no model read it."""
        return self.judgement.cluster if self.judgement else ""

    @property
    def matches(self) -> tuple[Match, ...]:
        """The claims that the post's text matches; none when no model read it."""
        return self.judgement.evidence.matches if self.judgement else ()

    @property
    def claim_ids(self) -> frozenset[str]:
        """The ids of the claims that the post repeats, discusses or rebuts."""
        return frozenset(match.claim_id for match in self.matches if match.relation is not Relation.UNRELATED)


def verdict_on(
    post: Post,
    ruling: Ruling,
    *,
    policy_version: str,
    source: Source,
    judgement: Judgement | None = None,
    skipped: tuple[Skip, ...] = (),
    latency: Mapping[str, float] | None = None,
) -> Verdict:
    """The verdict on `post` by `ruling` now; not recorded yet. A person's ruling is its own source."""
    return Verdict(
        post=post.key,
        content_digest=post.content_digest,
        surface=post.surface,
        ruling=ruling,
        policy_version=policy_version,
        source=Source.MODERATOR if ruling.case else source,
        decided_at=datetime.now(UTC),
        judgement=judgement,
        skipped=skipped,
        latency=latency or {},
    )


@dataclass(frozen=True, slots=True)
class VerdictFilter:
    """Which verdicts; an empty tuple, an empty string or None does not narrow. The time range is [start, end).

    `claim_id`: posts that repeat, discuss or rebut that claim. `cluster`: posts whose texts are near-duplicates.
    `text` is found anywhere in a post's text, in any case (in SQLite only ASCII letters have two).
    """

    decisions: tuple[Decision, ...] = ()
    categories: tuple[Category, ...] = ()
    surfaces: tuple[Surface, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    claim_id: str = ""
    cluster: str = ""
    author: str = ""
    text: str = ""
