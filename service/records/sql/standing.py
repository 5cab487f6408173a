"""The part of the record store for people's decisions on texts, which it adds to the texts' judgements.

All decisions are kept until they are withdrawn; the newest counts. Judgements hold it in their bodies, so that reading
one costs no second query.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.domain.codec import decode_judgement, decode_standing, encode_judgement
from service.domain.decision import Standing
from service.records.standings import holding
from service.storage.database import SqlDatabase, unbroken
from service.storage.documents import insert, listed
from service.storage.tables.records import JUDGEMENTS, STANDING

_AT_ONCE = 500


class SqlStanding(SqlDatabase):
    """The standing decisions of `ports.JudgementStore` on SQL; `service.review.sql` writes them."""

    @unbroken
    async def standing(self, digests: Sequence[str]) -> list[tuple[Standing, ...]]:
        """See `ports.JudgementStore.standing`."""
        async with self.read() as connection:
            found = await standing_of(connection, digests)
        return [found.get(digest, ()) for digest in digests]


async def standing_of(connection: AsyncConnection, digests: Collection[str]) -> dict[str, tuple[Standing, ...]]:
    """The decisions on each of these texts; only texts that have some."""
    query: Any = select(STANDING.c.content_digest, STANDING.c.body)
    query = query.where(STANDING.c.content_digest.in_(listed(connection, digests)))
    found: defaultdict[str, list[Standing]] = defaultdict(list)
    for row in await connection.execute(query.order_by(STANDING.c.decided_at, STANDING.c.case)):
        found[row.content_digest].append(decode_standing(row.body))
    return {digest: holding(standings) for digest, standings in found.items()}


async def let_all_stand(tx: AsyncConnection, decided: Sequence[tuple[str, Standing]], now: int) -> None:
    """Apply each decision to the text of that digest: from `now` (microseconds since the epoch) on, or later.

    Clocks of several hosts disagree, and the newest counts: so it is always newer than those stored before.
    """
    for start in range(0, len(decided), _AT_ONCE):
        portion = decided[start : start + _AT_ONCE]
        digests = sorted({digest for digest, _ in portion})
        newest = select(func.max(STANDING.c.decided_at)).where(STANDING.c.content_digest.in_(listed(tx, digests)))
        at = max(now, ((await tx.execute(newest)).scalar() or 0) + 1)
        rows = [
            {"content_digest": digest, "post": held.post, "case": held.case, "body": list(held), "decided_at": at}
            for digest, held in sorted(portion)
        ]
        statement = insert(tx, STANDING, rows)
        again = {"body": statement.excluded.body, "decided_at": statement.excluded.decided_at}
        once = list(STANDING.primary_key.columns)
        await tx.execute(statement.on_conflict_do_update(index_elements=once, set_=again))
        await _tell_judgements(tx, digests)


async def let_fall(tx: AsyncConnection, digests: Sequence[str], case: str) -> None:
    """Withdraw the decisions on these texts in `case`."""
    for start in range(0, len(digests), _AT_ONCE):
        portion = digests[start : start + _AT_ONCE]
        there = STANDING.c.content_digest.in_(listed(tx, portion)) & (STANDING.c.case == case)
        await tx.execute(delete(STANDING).where(there))
        await _tell_judgements(tx, portion)


async def _tell_judgements(tx: AsyncConnection, digests: Collection[str]) -> None:
    held = await standing_of(tx, digests)
    once = list(JUDGEMENTS.primary_key.columns)
    query = select(JUDGEMENTS).where(JUDGEMENTS.c.content_digest.in_(listed(tx, digests))).order_by(*once)
    rows = []
    for row in (await tx.execute(query.with_for_update())).mappings():
        judgement = replace(decode_judgement(row["body"]), standing=held.get(row["content_digest"], ()))
        rows.append({**row, "body": encode_judgement(judgement)})
    if rows:
        statement = insert(tx, JUDGEMENTS, rows)
        told = {"body": statement.excluded.body}
        await tx.execute(statement.on_conflict_do_update(index_elements=once, set_=told))
