"""The record store's part that keeps what people decided on texts, and puts it into the judgements of them.

All decisions are kept until they are withdrawn; the newest holds. Judgements carry it in their bodies, so that reading
one costs no second look.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.adapters.sql_database import SqlDatabase, unbroken
from service.adapters.sql_documents import listed
from service.adapters.sql_tables import JUDGEMENTS, STANDING
from service.adapters.standings import holding
from service.codec import decode_judgement, decode_standing, encode_judgement
from service.domain import Standing


class SqlStanding(SqlDatabase):
    """The standing decisions of `ports.VerdictStore` and `ports.Archive` on SQL."""

    @unbroken
    async def stand(self, content_digest: str, standing: Standing) -> None:
        """See `ports.VerdictStore.stand`."""
        async with self.write() as tx:
            await let_stand(tx, content_digest, standing, self.now())

    @unbroken
    async def withdraw(self, content_digest: str, case: str) -> None:
        """See `ports.VerdictStore.withdraw`."""
        async with self.write() as tx:
            await let_fall(tx, content_digest, case)

    @unbroken
    async def standing(self, digests: Sequence[str]) -> list[tuple[Standing, ...]]:
        """See `ports.Archive.standing`."""
        async with self.read() as connection:
            found = await standing_of(connection, digests)
        return [found.get(digest, ()) for digest in digests]


async def standing_of(connection: AsyncConnection, digests: Collection[str]) -> dict[str, tuple[Standing, ...]]:
    """What holds of each of these texts; only texts on which somebody decided."""
    query: Any = select(STANDING.c.content_digest, STANDING.c.body)
    query = query.where(STANDING.c.content_digest.in_(listed(connection, digests)))
    found: defaultdict[str, list[Standing]] = defaultdict(list)
    for row in await connection.execute(query.order_by(STANDING.c.decided_at, STANDING.c.case)):
        found[row.content_digest].append(decode_standing(row.body))
    return {digest: holding(standings) for digest, standings in found.items()}


async def let_stand(tx: AsyncConnection, content_digest: str, standing: Standing, now: int) -> None:
    """Let `standing` hold from `now` (microseconds since the epoch) on."""
    row = {
        "content_digest": content_digest,
        "post": standing.post,
        "case": standing.case,
        "body": list(standing),
        "decided_at": now,
    }
    await tx.execute(delete(STANDING).where(STANDING.c.content_digest == content_digest, _same(standing)))
    await tx.execute(STANDING.insert().values(row))
    await _tell_judgements(tx, content_digest)


async def let_fall(tx: AsyncConnection, content_digest: str, case: str) -> None:
    """End what was decided on the text in `case`."""
    await tx.execute(delete(STANDING).where(STANDING.c.content_digest == content_digest, STANDING.c.case == case))
    await _tell_judgements(tx, content_digest)


def _same(standing: Standing) -> Any:
    return (STANDING.c.post == standing.post) & (STANDING.c.case == standing.case)


async def _tell_judgements(tx: AsyncConnection, content_digest: str) -> None:
    held = (await standing_of(tx, [content_digest])).get(content_digest, ())
    query = select(JUDGEMENTS).where(JUDGEMENTS.c.content_digest == content_digest)
    query = query.order_by(*JUDGEMENTS.primary_key.columns).with_for_update()
    for row in (await tx.execute(query)).all():
        judgement = replace(decode_judgement(row.body), standing=held)
        this = [column == getattr(row, column.name) for column in JUDGEMENTS.primary_key.columns]
        await tx.execute(update(JUDGEMENTS).where(*this).values(body=encode_judgement(judgement)))
