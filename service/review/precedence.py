"""Which decision holds for a post: the one on its text, for it alone or for all that carry it. Pure.

A decision on the one post comes before one on its text, and of each the newest counts. Where none is in force any more,
what was there before holds again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from service.domain.decision import Ruling, Standing, standing_for
from service.domain.verdict import Source, Verdict
from service.records.standings import with_standing
from service.review.case import CaseDecision, Scope

BULK = "decisions/"
"""How the ground of a bulk decision begins (`CaseDecision.ground`); that of another is its case."""
Standings = Mapping[str, tuple[Standing, ...]]
"""What holds of each text, by content digest."""


class Misruled(NamedTuple):
    """A current verdict that differs from the decision in force on its text."""

    verdict: Verdict
    standing: Standing


def standings_by(
    decision: CaseDecision, texts: Collection[str], held: Sequence[Standing]
) -> list[tuple[str, Standing]]:
    """What the decision puts in force on which text (content digest), in the order of texts.

    For its post alone, or for all that carry `texts`; `held` is what was in force on its own text. A post on which
    a moderator decided alone is decided alone once more, or that would still come first.
    """
    alone = decision.content_digest, standing_on(decision, decision.post.name)
    if decision.scope is Scope.POST:
        found = [alone]
    else:
        found = [(text, standing_on(decision)) for text in sorted(texts)]
        found += [alone] if any(standing.post == decision.post.name for standing in held) else []
    return [(text, standing) for text, standing in found if text]


def revised_by(
    decision: CaseDecision, own: Sequence[Verdict], carrying: Sequence[Verdict], held: Sequence[Standing]
) -> list[Verdict]:
    """The current verdicts that the decision revises: that of its post (`own`), and with a text those `carrying` it.

    `held` is what is in force on the text: posts that a person decided for themselves keep their verdicts.
    """
    if decision.scope is Scope.POST:
        return list(own)
    apart = {standing.post for standing in held} | {verdict.post.name for verdict in own}
    return [*own, *(verdict for verdict in carrying if verdict.post.name not in apart)]


def out_of_line(
    verdicts: Sequence[Verdict], standings: Standings, appealed: Collection[str]
) -> tuple[list[Misruled], list[Verdict]]:
    """The current verdicts that differ from the decision in force on their texts, and those on whose texts none is.

    The latter rest on a decision all the same. A bulk decision keeps off posts whose authors appealed (`appealed`:
    names).
    """
    wrong: list[Misruled] = []
    loose: list[Verdict] = []
    for verdict in verdicts:
        standing = standing_for(standings.get(verdict.content_digest, ()), verdict.post.name)
        if standing is None and verdict.ruling.case:
            loose.append(verdict)
        elif standing and verdict.ruling.case != standing.case and not _left_out(verdict, standing, appealed):
            wrong.append(Misruled(verdict, standing))
    return wrong, loose


def taken_back(loose: Sequence[Verdict], undone: Collection[str]) -> list[Verdict]:
    """Those that rest on a decision that was taken back: on one of these grounds, or got by their text alone."""
    return [verdict for verdict in loose if not verdict.revision or verdict.ruling.case in undone]


def what_stood(
    verdict: Verdict, former: Mapping[int, Verdict], replaced: Mapping[str, Verdict], policys: Mapping[str, Verdict]
) -> Verdict | None:
    """What holds again in the place of a verdict whose decision was taken back; None when nothing is known.

    The one before it (`former`, by sequence); for a post that came with the text since then, what its twin had (by
    content digest): the verdict that the decision `replaced`, else the policy's own.
    """
    digest = verdict.content_digest
    return former.get(verdict.sequence) or replaced.get(digest) or policys.get(digest)


def ruled(verdict: Verdict, ruling: Ruling, standings: Standings, at: datetime) -> Verdict:
    """The verdict as a person decided it."""
    told = with_standing(verdict, standings)
    return replace(told, ruling=ruling, source=Source.MODERATOR, decided_at=at, latency={}, sequence=0)


def restored(verdict: Verdict, before: Verdict, standings: Standings, at: datetime) -> Verdict:
    """The verdict with what stood `before` in its place."""
    return replace(
        with_standing(verdict, standings),
        ruling=before.ruling,
        source=before.source,
        policy_version=before.policy_version,
        skipped=before.skipped,
        decided_at=at,
        sequence=0,
    )


def standing_on(decision: CaseDecision, post: str = "") -> Standing:
    """The decision as put in force on a text: for the post of that name, or for all that carry it."""
    return Standing(post, decision.decision, decision.categories, decision.reason, decision.ground)


def _left_out(verdict: Verdict, standing: Standing, appealed: Collection[str]) -> bool:
    """Whether a bulk decision keeps off this post: its author appealed."""
    return not standing.post and standing.case.startswith(BULK) and verdict.post.name in appealed
