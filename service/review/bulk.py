"""Bulk decisions: one ruling for a cluster of near-duplicates, seen before it is applied. Standard library only."""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from service.domain.canonical import digest
from service.domain.decision import Decision
from service.domain.post import Surface
from service.domain.verdict import Verdict
from service.errors import InvalidInput, Outdated
from service.review.case import CaseDecision, Ruled, Scope

MOST = 2_000
"""Posts that one bulk decision may change: a third of the 15 s that the record store has for a transaction.

Measured on two busy cores: 3,000 posts of as many texts took 4 s on SQLite and 8 to 10 s on PostgreSQL.
"""
EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkDecision:
    """One ruling for the posts of a cluster and for whatever carries their texts later."""

    cluster: str
    moderator: str
    ruled: Ruled

    @property
    def about(self) -> str:
        """What the decision is about, as a resource name."""
        return f"clusters/{self.cluster}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPreview:
    """What a bulk decision would change: how many posts, their decisions now, and what is left out.

    Posts on which a person decided already, and those with an appeal, keep their verdicts. `token` binds to the very
    verdicts that were previewed, and to what was to be decided.
    """

    posts: int
    texts: int
    decisions: Mapping[Decision, int]
    surfaces: Mapping[Surface, int]
    examples: tuple[Verdict, ...]
    decided_by_people: int
    appealed: int
    token: str


class Affected(NamedTuple):
    """What a preview shows of a current verdict that would change."""

    sequence: int
    content_digest: str
    decision: Decision
    surface: Surface


def previewed(
    bulk: BulkDecision,
    verdicts: Sequence[Affected],
    examples: Sequence[Verdict],
    *,
    decided_by_people: int,
    appealed: int,
) -> BulkPreview:
    """The preview of `bulk` on the current verdicts that it would change, a few of which are `examples`."""
    return BulkPreview(
        posts=len(verdicts),
        texts=len({verdict.content_digest for verdict in verdicts}),
        decisions=Counter(verdict.decision for verdict in verdicts),
        surfaces=Counter(verdict.surface for verdict in verdicts),
        examples=tuple(examples),
        decided_by_people=decided_by_people,
        appealed=appealed,
        token=token_of(bulk, verdicts),
    )


def check_unchanged(preview: BulkPreview, token: str) -> None:
    """Raise `Outdated` unless this is what `token` was given for, `InvalidInput` when it would change nothing."""
    if not preview.posts:
        raise InvalidInput("cluster", "has no post that this would change", "look at its posts one by one")
    if preview.token != token:
        raise Outdated("the cluster has changed since it was previewed; preview it again")


def decision_over(bulk: BulkDecision, verdicts: Sequence[Verdict], at: datetime) -> CaseDecision:
    """What is decided over these verdicts, at least one; it holds for their texts."""
    first, ruled = verdicts[0], bulk.ruled
    return CaseDecision(
        id=secrets.token_hex(8),
        about=bulk.about,
        post=first.post,
        content_digest=first.content_digest,
        flagged=first.ruling.categories,
        moderator=bulk.moderator,
        decision=ruled.decision,
        categories=ruled.categories,
        reason=ruled.reason,
        rationale=ruled.rationale,
        scope=Scope.TEXT,
        decided_at=at,
        posts=len(verdicts),
    )


def token_of(bulk: BulkDecision, verdicts: Sequence[Affected]) -> str:
    """Names what would be decided, and on which verdicts."""
    ruled = bulk.ruled
    said = [ruled.decision, *ruled.categories, ruled.reason, ruled.rationale, ruled.scope]
    return digest(bulk.cluster, *said, *sorted(str(verdict.sequence) for verdict in verdicts))
