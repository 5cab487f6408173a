"""Deletes posts with all that the record store holds of them alone, and keeps counts of what was decided on them.

One transaction takes the turns of decisions and of verdicts first, and skips rows that another transaction holds: so it
never waits for one that waits for it. What it skipped, the next call finds.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Table, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.review.sql.cases import DECIDING
from service.storage.database import take_turns
from service.storage.documents import insert, listed
from service.storage.tables.audit import TALLIES
from service.storage.tables.policy import SHADOW_RULINGS
from service.storage.tables.records import JUDGEMENTS, NAMES, POSTS, VERDICT_CATEGORIES, VERDICT_CLAIMS, VERDICTS
from service.storage.tables.review import DECISION_EFFECTS
from service.transparency.numbers import Tally
from service.transparency.sql.numbers import DAY, DECIDED, tally_of, tally_row

_BY_SEQUENCE: Sequence[tuple[Table, str]] = (
    (VERDICT_CATEGORIES, "seq"),
    (VERDICT_CLAIMS, "seq"),
    (SHADOW_RULINGS, "seq"),
    (DECISION_EFFECTS, "after_seq"),
    (DECISION_EFFECTS, "before_seq"),
)


async def forget(tx: AsyncConnection, keys: Collection[str]) -> Counter[str]:
    """Delete the posts of these row keys; rows by table. Texts that no verdict is about any more go with them."""
    await take_turns(tx, DECIDING)
    await take_turns(tx, "verdicts")
    free = await _free(tx, keys)
    gone: Counter[str] = Counter()
    if not free:
        return gone
    verdicts = (await tx.execute(_about(select(VERDICTS.c.seq, VERDICTS.c.content_digest), tx, free))).all()
    await _count_on(tx, free)
    sequences = [row.seq for row in verdicts]
    for table, column in _BY_SEQUENCE:
        gone[table.name] += await _delete(tx, table, table.c[column].in_(sequences))
    for table in (VERDICTS, NAMES, POSTS):
        gone[table.name] += await _delete(tx, table, table.c.key.in_(listed(tx, free)))
    gone[JUDGEMENTS.name] += await _forget_judgements(tx, {row.content_digest for row in verdicts})
    return +gone


async def _forget_judgements(tx: AsyncConnection, contents: Collection[str]) -> int:
    """Delete judgements of those texts that no verdict is about. What people decided on a text goes on holding."""
    alone = await unused(tx, contents)
    which = select(*JUDGEMENTS.primary_key.columns).where(JUDGEMENTS.c.content_digest.in_(listed(tx, alone)))
    held = [tuple(row) for row in await tx.execute(which.with_for_update(skip_locked=True))]
    these = tuple_(*JUDGEMENTS.primary_key.columns).in_(held)
    return await _delete(tx, JUDGEMENTS, these) if held else 0


async def unused(connection: AsyncConnection, contents: Collection[str]) -> set[str]:
    """Those of the content digests that no verdict is about."""
    query = select(VERDICTS.c.content_digest).where(VERDICTS.c.content_digest.in_(listed(connection, contents)))
    return set(contents) - set((await connection.execute(query.distinct())).scalars())


async def _free(tx: AsyncConnection, keys: Collection[str]) -> list[str]:
    """Those of the posts that nobody else holds, nor their names; locked now."""
    posts = _those(select(POSTS.c.key), POSTS, tx, keys).order_by(POSTS.c.key).with_for_update(skip_locked=True)
    free = set((await tx.execute(posts)).scalars())
    named = _those(select(NAMES.c.name, NAMES.c.key), NAMES, tx, free)
    every = {(row.name, row.key) for row in await tx.execute(named)}
    held = named.order_by(NAMES.c.name).with_for_update(skip_locked=True)
    locked = {(row.name, row.key) for row in await tx.execute(held)}
    return sorted(free - {key for _, key in every - locked})


async def _count_on(tx: AsyncConnection, keys: Collection[str]) -> None:
    """Count what was decided of these posts in TALLIES."""
    days: defaultdict[tuple[int, Tally], int] = defaultdict(int)
    for row in await tx.execute(_about(DECIDED, tx, keys)):
        days[row.decided_at // DAY, tally_of(row)] += 1
    if not days:
        return
    rows = [tally_row(tally, day, count) for (day, tally), count in days.items()]
    statement = insert(tx, TALLIES, rows)
    added = {"count": TALLIES.c["count"] + statement.excluded["count"]}
    await tx.execute(statement.on_conflict_do_update(index_elements=list(TALLIES.primary_key.columns), set_=added))


def _about(query: Any, tx: AsyncConnection, keys: Collection[str]) -> Any:
    return query.where(VERDICTS.c.key.in_(listed(tx, keys)))


def _those(query: Any, table: Table, tx: AsyncConnection, keys: Collection[str]) -> Any:
    return query.where(table.c.key.in_(listed(tx, keys)))


async def _delete(tx: AsyncConnection, table: Table, which: Any) -> int:
    return (await tx.execute(delete(table).where(which))).rowcount
