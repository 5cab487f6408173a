"""What a person's decision does to verdicts, within a transaction: it stands on texts, revises, and can be taken back.

A decision about a text stands in STANDING, so that later posts with the text get it too; every current verdict that it
is about gets a revision, and DECISION_EFFECTS says in the place of which verdict. Whoever calls has taken the turn of
`sql_cases.DECIDING`: two decisions never cross.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.adapters.sql_database import moment
from service.adapters.sql_documents import insert, listed
from service.adapters.sql_review_tables import DECISION_EFFECTS
from service.adapters.sql_standing import let_fall, let_stand, standing_of
from service.adapters.sql_tables import VERDICTS, row_key
from service.adapters.sql_verdicts import current_verdicts, recorded_verdicts, revise
from service.adapters.standings import with_standing
from service.domain import Ruling, Source, Standing, Verdict
from service.policy import MODERATOR
from service.review.case import CaseDecision, Scope

_AT_ONCE = 500
_T = TypeVar("_T")
_Standings = Mapping[str, tuple[Standing, ...]]


async def touched(tx: AsyncConnection, decision: CaseDecision) -> list[Verdict]:
    """The current verdicts that the decision is about; not those of posts that a person decided for themselves."""
    if decision.scope is Scope.POST:
        return await current_verdicts(tx, VERDICTS.c.key == row_key(decision.post))
    found = await current_verdicts(tx, VERDICTS.c.content_digest == decision.content_digest)
    held = (await standing_of(tx, [decision.content_digest])).get(decision.content_digest, ())
    own = {standing.post for standing in held} - {decision.post.name}
    return [verdict for verdict in found if verdict.post.name not in own]


async def rule(tx: AsyncConnection, decision: CaseDecision, verdicts: Sequence[Verdict], now: int) -> list[Verdict]:
    """Let the decision hold from `now` (microseconds) on, in the place of these current verdicts; the new ones."""
    standings = await _let_stand(tx, decision, verdicts, now)
    ruling = Ruling(decision.decision, decision.categories, (MODERATOR,), decision.reason, decision.ground)
    revised: list[Verdict] = []
    for portion in _portions(verdicts):
        made = [_ruled(verdict, ruling, standings, now) for verdict in portion]
        stand = await revise(tx, made)
        await _remember(tx, decision.id, portion, stand)
        revised += stand
    return revised


async def take_back(tx: AsyncConnection, decision: CaseDecision, now: int) -> list[Verdict]:
    """End what was decided; what stood before is put in the place of the verdicts that still rest on it.

    A post that came with the text since then never had another verdict: it gets the ruling that its twin had.
    """
    effects = (await tx.execute(select(DECISION_EFFECTS).where(DECISION_EFFECTS.c.decision == decision.id))).all()
    digests = sorted({decision.content_digest, *(row.content_digest for row in effects)})
    for digest in digests:
        await let_fall(tx, digest, decision.ground)
    before = await _by_sequence(tx, [row.before_seq for row in effects])
    former = {row.after_seq: before[row.before_seq] for row in effects if row.before_seq in before}
    twins = {verdict.content_digest: verdict for verdict in former.values()}
    there = await current_verdicts(tx, VERDICTS.c.content_digest.in_(listed(tx, digests)))
    resting = [verdict for verdict in there if verdict.ruling.case == decision.ground]
    pairs = [(verdict, former.get(verdict.sequence) or twins.get(verdict.content_digest)) for verdict in resting]
    standings = await standing_of(tx, digests)
    restored = [_restored(verdict, twin, standings, now) for verdict, twin in pairs if twin]
    return [each for portion in _portions(restored) for each in await revise(tx, portion)]


async def enforce(tx: AsyncConnection, posts: Collection[str], now: int) -> list[Verdict]:
    """Revise the current verdicts of these row keys that say otherwise than what stands on their texts.

    A post that was answered from a cache which had not heard yet that a decision was taken back gets its twin's ruling.
    """
    there = await current_verdicts(tx, VERDICTS.c.key.in_(listed(tx, posts)))
    standings = await standing_of(tx, {verdict.content_digest for verdict in there})
    wrong, withdrawn = [], []
    for verdict in there:
        held = {standing.post: standing for standing in standings.get(verdict.content_digest, ())}
        standing = held.get(verdict.post.name) or held.get("")
        if standing and verdict.ruling.case != standing.case:
            ruling = Ruling(standing.decision, standing.categories, (MODERATOR,), standing.reason, standing.case)
            wrong.append(_ruled(verdict, ruling, standings, now))
        elif verdict.ruling.case and not standing and not verdict.revision:
            withdrawn.append(verdict)
    twins = await _policys_own(tx, [verdict.content_digest for verdict in withdrawn])
    pairs = [(verdict, twins.get(verdict.content_digest)) for verdict in withdrawn]
    wrong += [_restored(verdict, twin, standings, now) for verdict, twin in pairs if twin]
    return await revise(tx, wrong) if wrong else []


async def _policys_own(tx: AsyncConnection, digests: Collection[str]) -> dict[str, Verdict]:
    """For each of these texts a verdict that the policy gave by its rules."""
    if not digests:
        return {}
    first = VERDICTS.c.content_digest.in_(listed(tx, digests)) & (VERDICTS.c.revision == 0)
    return {each.content_digest: each for each in await recorded_verdicts(tx, first) if not each.ruling.case}


async def _let_stand(
    tx: AsyncConnection, decision: CaseDecision, verdicts: Sequence[Verdict], now: int
) -> dict[str, tuple[Standing, ...]]:
    """Let it stand on all texts that it is about; what stands on them now."""
    digests = sorted({decision.content_digest, *(verdict.content_digest for verdict in verdicts)} - {""})
    held = await standing_of(tx, digests)
    said = decision.decision, decision.categories, decision.reason, decision.ground
    for digest in digests:
        own = {verdict.post.name for verdict in verdicts if verdict.content_digest == digest}
        if decision.scope is Scope.TEXT:
            await let_stand(tx, digest, Standing("", *said), now)
            own &= {standing.post for standing in held.get(digest, ())}  # else their own would still come first
        for name in sorted(own):
            await let_stand(tx, digest, Standing(name, *said), now)
    return await standing_of(tx, digests)


def _ruled(verdict: Verdict, ruling: Ruling, standings: _Standings, now: int) -> Verdict:
    told = with_standing(verdict, standings)
    return replace(told, ruling=ruling, source=Source.MODERATOR, decided_at=moment(now), latency={}, sequence=0)


def _restored(verdict: Verdict, before: Verdict, standings: _Standings, now: int) -> Verdict:
    told = with_standing(verdict, standings)
    return replace(
        told,
        ruling=before.ruling,
        source=before.source,
        policy_version=before.policy_version,
        skipped=before.skipped,
        decided_at=moment(now),
        sequence=0,
    )


async def _remember(tx: AsyncConnection, decision_id: str, before: Sequence[Verdict], after: Sequence[Verdict]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "decision": decision_id,
            "after_seq": made.sequence,
            "before_seq": verdict.sequence,
            "name": verdict.post.name,
            "content_digest": verdict.content_digest,
        }
        for verdict, made in zip(before, after, strict=True)
    ]
    await tx.execute(insert(tx, DECISION_EFFECTS, rows))


async def _by_sequence(tx: AsyncConnection, sequences: Sequence[int]) -> dict[int, Verdict]:
    found: dict[int, Verdict] = {}
    for portion in _portions(sequences):
        found |= {each.sequence: each for each in await recorded_verdicts(tx, VERDICTS.c.seq.in_(portion))}
    return found


def _portions(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))
