"""Golden items as a moderator sees them: like any post, with no hint that the answer is known."""

from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.domain.codec import decode_judgement, decode_verdict
from service.domain.post import PostKey
from service.domain.verdict import Verdict
from service.storage.database import moment
from service.storage.tables.quality import GOLDEN, GOLDEN_SHOWN
from service.storage.tables.records import row_key
from service.storage.tables.review import CASES


async def disguised(connection: AsyncConnection, post: PostKey) -> Verdict | None:
    """What is shown as the verdict on a golden item's post; None when the post is none."""
    at = func.coalesce(CASES.c.opened_at, GOLDEN_SHOWN.c.shown_at).label("at")  # as with any case: as it was opened
    query = select(GOLDEN.c.verdict, GOLDEN.c.judgement, at).join(GOLDEN_SHOWN, GOLDEN_SHOWN.c.item == GOLDEN.c.id)
    query = query.outerjoin(CASES, CASES.c.id == GOLDEN_SHOWN.c.case)
    row = (await connection.execute(query.where(GOLDEN_SHOWN.c.key == row_key(post)))).one_or_none()
    verdict = _verdict(row) if row else None
    return replace(verdict, post=post, decided_at=moment(row.at), sequence=0) if row and verdict else None


def _verdict(row: Any) -> Verdict | None:
    if not row.verdict:
        return None
    return decode_verdict(row.verdict, decode_judgement(row.judgement) if row.judgement else None)
