"""What moderators decided, as the lines that `assay calibrate --from-decisions` takes. Standard library only.

One line a text: of several decisions on it the last one counts, so that an appeal overrides what it overturned.
Decisions that were taken back, opinions that no decision followed, and golden items (whose answers were known) are left
out; so are posts that were erased.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from service.domain.decision import MISLEADING, POLICY_LABELS
from service.domain.post import Post, PostKey
from service.records.ports import Archive
from service.review.case import CaseDecision, CaseKind
from service.review.ports import DecisionLog

_PORTION = 500
_Last = dict[str, tuple[PostKey, CaseDecision]]


async def decision_lines(
    store: DecisionLog, archive: Archive, since: datetime | None = None
) -> AsyncIterator[dict[str, Any]]:
    """One JSON object for each text that a person decided since then, in the order of the decisions."""
    last = list((await _last(store, since)).values())
    for start in range(0, len(last), _PORTION):
        portion = last[start : start + _PORTION]
        posts = await archive.posts([post for post, _ in portion])
        for post, (_, decision) in zip(posts, portion, strict=True):
            if post:
                yield _line(decision, post)


async def _last(store: DecisionLog, since: datetime | None) -> _Last:
    """The last decision on each text, by content digest, with a post that carries it."""
    last: _Last = {}
    after = ""
    while page := await store.decided(since=since, after=after, limit=_PORTION):
        after = page[-1].id
        for decision in filter(_counts, page):
            for digest, post in (await _texts(store, decision)).items():
                last.pop(digest, None)
                last[digest] = post, decision
    return last


async def _texts(store: DecisionLog, decision: CaseDecision) -> Mapping[str, PostKey]:
    if decision.case:
        return {decision.content_digest: decision.post}
    return await store.texts(decision.id)


def _counts(decision: CaseDecision) -> bool:
    if decision.undone_at or decision.kind is CaseKind.GOLDEN:
        return False
    return decision.applied or decision.kind in {CaseKind.PREVALENCE, CaseKind.APPEAL}


def _line(decision: CaseDecision, post: Post) -> dict[str, Any]:
    """The line. Who decides on what was flagged as misleading has looked for it; what a machine wrote no one sees."""
    line: dict[str, Any] = {
        "text": post.text,
        "surface": post.surface.value,
        "decision": decision.decision.value,
        "categories": [category.value for category in decision.categories],
        "post": post.name,
        "decided_at": decision.decided_at.isoformat(),
        "appeal": decision.kind is CaseKind.APPEAL,
    }
    if not MISLEADING.isdisjoint(decision.flagged):
        line["reviewed"] = ["misinformation", *POLICY_LABELS]
    if post.locale:
        line["lang"] = post.locale
    return line
