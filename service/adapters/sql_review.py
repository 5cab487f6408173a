"""Review and appeals on SQLite and PostgreSQL: `review.ports.ReviewStore`, put together from its parts.

Made beside the record store, over its connections: `SqlReview.beside(store)`.
"""

from collections.abc import Collection

from sqlalchemy import and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.adapters.sql_appeals import SqlAppeals
from service.adapters.sql_bulk import SqlBulk
from service.adapters.sql_cases import DECIDING, SqlCases
from service.adapters.sql_database import take_turns, unbroken
from service.adapters.sql_decisions import SqlDecisions
from service.adapters.sql_documents import listed
from service.adapters.sql_golden import disguised
from service.adapters.sql_notes import SqlNotes
from service.adapters.sql_review_tables import APPEALS, CASE_DECISIONS, CASES, DECISION_EFFECTS, NOTES
from service.adapters.sql_ruling import enforce
from service.adapters.sql_tables import NAMES, VERDICTS, row_key
from service.adapters.sql_verdicts import recorded_verdicts
from service.domain import PostKey, Verdict


class SqlReview(SqlCases, SqlDecisions, SqlBulk, SqlNotes, SqlAppeals):
    """Cases, decisions, notes and appeals in the record store's database."""

    @unbroken
    async def enforce(self, posts: Collection[str]) -> list[Verdict]:
        """See `ReviewStore.enforce`."""
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            keys = await tx.execute(select(NAMES.c.key).where(NAMES.c.name.in_(listed(tx, posts))))
            return await enforce(tx, list(keys.scalars()), self.now())

    @unbroken
    async def first_verdict(self, post: str, fingerprint: str) -> Verdict | None:
        """See `ReviewStore.first_verdict`."""
        async with self.read() as connection:
            this = and_(VERDICTS.c.key == row_key(PostKey(post, fingerprint)), VERDICTS.c.revision == 0)
            found = await recorded_verdicts(connection, this)
            return found[0] if found else await disguised(connection, PostKey(post, fingerprint))


async def forget_posts(tx: AsyncConnection, posts: Collection[str]) -> int:
    """Erase what review holds of these posts (names): cases, appeals, notes on them, what decisions did to them.

    Decisions stay, without rationale and without the post: they are counted in reports. How many rows were changed.
    """
    named = listed(tx, posts)
    changed = 0
    for table in (CASES, APPEALS, DECISION_EFFECTS):
        changed += (await tx.execute(delete(table).where(table.c.name.in_(named)))).rowcount
    changed += (await tx.execute(delete(NOTES).where(NOTES.c.about.in_(named)))).rowcount
    theirs = CASE_DECISIONS.c.name.in_(named)
    blank = {"name": "", "fingerprint": "", "content_digest": "", "rationale": ""}
    changed += (await tx.execute(update(CASE_DECISIONS).where(theirs).values(**blank))).rowcount
    return changed
