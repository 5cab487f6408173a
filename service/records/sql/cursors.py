"""The part of the record store for the cursors of followers."""

from sqlalchemy import func, select

from service.storage.database import SqlDatabase, unbroken
from service.storage.documents import insert
from service.storage.tables.records import CURSORS


class SqlCursors(SqlDatabase):
    """`ports.Cursors` on SQL."""

    @unbroken
    async def cursor(self, follower: str) -> int | None:
        """See `ports.Cursors.cursor`."""
        async with self.read() as connection:
            query = select(CURSORS.c.cursor).where(CURSORS.c.follower == follower)
            return (await connection.execute(query)).scalar_one_or_none()

    @unbroken
    async def advance(self, follower: str, cursor: int) -> None:
        """See `ports.Cursors.advance`."""
        async with self.write() as tx:
            statement = insert(tx, CURSORS, [{"follower": follower, "cursor": cursor}])
            greatest = func.max if tx.dialect.name == "sqlite" else func.greatest
            newer = {"cursor": greatest(CURSORS.c.cursor, statement.excluded.cursor)}
            await tx.execute(statement.on_conflict_do_update(index_elements=[CURSORS.c.follower], set_=newer))
