"""What people decided on texts, put into a store without a case: tests of what comes of it start there."""

from typing import Any

from service.domain.decision import Standing
from service.records.sql.standing import let_all_stand, let_fall
from service.storage.database import SqlDatabase


async def stand(store: Any, content_digest: str, standing: Standing) -> None:
    """Let it hold from now on, in a store in memory or on SQL."""
    if not isinstance(store, SqlDatabase):
        store.stand(content_digest, standing)
        return
    async with store.write() as tx:
        await let_all_stand(tx, [(content_digest, standing)], store.now())


async def withdraw(store: Any, content_digest: str, case: str) -> None:
    """End what was decided on the text in that case; what was decided before it holds again."""
    if not isinstance(store, SqlDatabase):
        store.withdraw(content_digest, case)
        return
    async with store.write() as tx:
        await let_fall(tx, [content_digest], case)
