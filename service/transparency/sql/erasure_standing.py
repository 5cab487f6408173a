"""Cuts what people decided on an erased person's posts out of judgements that posts of others share.

A judgement belongs to a text, so it stays while somebody else's post carries that text. The decisions in its body name
posts, the person's too. All judgements are looked through: one may have been written again with an old decision in it
after the decision was deleted, and whoever erases may no longer know the texts.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Row, Select, Text, cast, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.review.sql.cases import DECIDING
from service.storage.database import take_turns
from service.storage.tables.records import JUDGEMENTS

_KEY = list(JUDGEMENTS.primary_key.columns)

SUSPECTS: Select[Any] = select(*_KEY, JUDGEMENTS.c.body).where(cast(JUDGEMENTS.c.body, Text).contains("platforms/"))
"""Judgements that may name a post."""


def named(body: Mapping[str, Any], names: Collection[str]) -> bool:
    """Whether a judgement's body holds a decision on one of these posts."""
    return any(standing[0] in names for standing in body.get("standing", ()))


def without(body: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The body without decisions on these posts."""
    return {**body, "standing": [standing for standing in body.get("standing", ()) if standing[0] not in names]}


async def cut_standing(tx: AsyncConnection, rows: Collection[Row[Any]], names: Collection[str]) -> int:
    """Cut decisions on these posts out of the judgements that `SUSPECTS` found; how many."""
    await take_turns(tx, DECIDING)  # nobody may put a decision into them meanwhile
    cut = 0
    for row in sorted(rows, key=lambda each: tuple(each)[:-1]):
        this = [column == getattr(row, column.name) for column in _KEY]
        body = (await tx.execute(select(JUDGEMENTS.c.body).where(*this).with_for_update())).scalar_one_or_none()
        if body and named(body, names):
            cut += (await tx.execute(update(JUDGEMENTS).where(*this).values(body=without(body, names)))).rowcount
    return cut
