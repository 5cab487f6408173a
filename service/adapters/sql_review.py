"""Review and appeals on SQLite and PostgreSQL: `review.ports.ReviewStore`, put together from its parts.

Made beside the record store, over its connections: `SqlReview.beside(store)`.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, and_, select

from service.adapters.sql_appeals import SqlAppeals
from service.adapters.sql_bulk import SqlBulk
from service.adapters.sql_cases import DECIDING, SqlCases
from service.adapters.sql_database import take_turns, unbroken
from service.adapters.sql_decisions import SqlDecisions
from service.adapters.sql_documents import listed
from service.adapters.sql_enforcing import enforce, unlike
from service.adapters.sql_golden import disguised
from service.adapters.sql_notes import SqlNotes
from service.adapters.sql_standing import standing_of
from service.adapters.sql_tables import NAMES, STANDING, VERDICTS, row_key
from service.adapters.sql_verdicts import recorded_verdicts
from service.domain import PostKey, Verdict


class SqlReview(SqlCases, SqlDecisions, SqlBulk, SqlNotes, SqlAppeals):
    """Cases, decisions, notes and appeals in the record store's database."""

    @unbroken
    async def enforce(self, posts: Collection[str], *, suspect: bool = False) -> list[Verdict]:
        """See `ReviewStore.enforce`."""
        decided = select(STANDING.c.case).join(VERDICTS, VERDICTS.c.content_digest == STANDING.c.content_digest)
        decided = decided.join(NAMES, NAMES.c.key == VERDICTS.c.key)
        async with self.read() as connection:  # of most texts nobody decided, and nobody need wait for a write then
            theirs = decided.where(NAMES.c.name.in_(listed(connection, posts))).limit(1)
            if not suspect and not (await connection.execute(theirs)).first():
                return []
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            keys = await tx.execute(select(NAMES.c.key).where(NAMES.c.name.in_(listed(tx, posts))))
            return await enforce(tx, list(keys.scalars()), self.now())

    async def unlike(self, texts: Collection[str]) -> list[str]:
        """See `ReviewStore.unlike`."""
        async with self.read() as connection:
            standings = await standing_of(connection, texts)
        found: list[str] = []
        for text in sorted(texts):
            held = {standing.post: standing.case for standing in standings.get(text, ())}
            named = await self.read_all(unlike(text, held.get("", "")), _name)
            found += [name for name in named if name not in held]
        return found

    @unbroken
    async def history(self, post: str) -> list[Verdict]:
        """See `ReviewStore.history`."""
        async with self.read() as connection:
            current = select(NAMES.c.key).where(NAMES.c.name == post).scalar_subquery()
            return await recorded_verdicts(connection, VERDICTS.c.key == current)

    @unbroken
    async def first_verdict(self, post: str, fingerprint: str) -> Verdict | None:
        """See `ReviewStore.first_verdict`."""
        async with self.read() as connection:
            this = and_(VERDICTS.c.key == row_key(PostKey(post, fingerprint)), VERDICTS.c.revision == 0)
            found = await recorded_verdicts(connection, this)
            return found[0] if found else await disguised(connection, PostKey(post, fingerprint))


def _name(row: Row[Any]) -> str:
    return str(row.name)
