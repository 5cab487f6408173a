"""Review and appeals on SQLite and PostgreSQL: every port of `service.review.ports` on one database.

Made beside the record store, over its connections: `SqlReview.beside(store)`.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, and_, select

from service.domain.post import PostKey
from service.domain.verdict import Verdict
from service.records.sql.standing import standing_of
from service.records.sql.verdicts import recorded_verdicts
from service.review.sql.appeals import SqlAppeals
from service.review.sql.bulk import SqlBulk
from service.review.sql.cases import DECIDING, SqlCases
from service.review.sql.decisions import SqlDecisions
from service.review.sql.disguised import disguised
from service.review.sql.enforcing import enforce, names_out_of_line
from service.review.sql.notes import SqlNotes
from service.storage.database import take_turns, unbroken
from service.storage.documents import listed
from service.storage.tables.records import NAMES, STANDING, VERDICTS, row_key


class SqlReview(SqlCases, SqlDecisions, SqlBulk, SqlNotes, SqlAppeals):
    """Cases, decisions, notes and appeals in the record store's database."""

    @unbroken
    async def enforce(self, posts: Collection[str], *, suspect: bool = False) -> list[Verdict]:
        """See `OpeningStore.enforce`."""
        decided = select(STANDING.c.case).join(VERDICTS, VERDICTS.c.content_digest == STANDING.c.content_digest)
        decided = decided.join(NAMES, NAMES.c.key == VERDICTS.c.key)
        async with self.read() as connection:  # on most texts no one decided, and no one need wait for a write then
            theirs = decided.where(NAMES.c.name.in_(listed(connection, posts))).limit(1)
            if not suspect and not (await connection.execute(theirs)).first():
                return []
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            keys = await tx.execute(select(NAMES.c.key).where(NAMES.c.name.in_(listed(tx, posts))))
            return await enforce(tx, list(keys.scalars()), self.now())

    async def out_of_line(self, texts: Collection[str]) -> list[str]:
        """See `OpeningStore.out_of_line`."""
        async with self.read() as connection:
            standings = await standing_of(connection, texts)
        found: list[str] = []
        for text in sorted(texts):
            held = {standing.post: standing.case for standing in standings.get(text, ())}
            named = await self.read_all(names_out_of_line(text, held.get("", "")), _name)
            found += [name for name in named if name not in held]
        return found

    @unbroken
    async def history(self, post: str) -> list[Verdict]:
        """See `HistoryStore.history`."""
        async with self.read() as connection:
            current = select(NAMES.c.key).where(NAMES.c.name == post).scalar_subquery()
            return await recorded_verdicts(connection, VERDICTS.c.key == current)

    @unbroken
    async def first_verdict(self, post: str, fingerprint: str) -> Verdict | None:
        """See `HistoryStore.first_verdict`."""
        async with self.read() as connection:
            this = and_(VERDICTS.c.key == row_key(PostKey(post, fingerprint)), VERDICTS.c.revision == 0)
            found = await recorded_verdicts(connection, this)
            return found[0] if found else await disguised(connection, PostKey(post, fingerprint))


def _name(row: Row[Any]) -> str:
    return str(row.name)
