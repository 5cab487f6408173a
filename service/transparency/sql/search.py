"""Reads the whole record store through for what is a person's: the proof that an erasure erased.

Every column that can hold words, of every table that there is: a table that a later release adds is searched too.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Column, Select, String, Table, Text, cast, select

from service.storage.schema import METADATA
from service.storage.streams import SqlStreams
from service.transparency.needles import AUTHOR, NAME, Needles
from service.transparency.subject import Found, Sought

STORE = "record store"
_KEPT: Mapping[tuple[str, str], str] = {
    ("audit", NAME): "the audit log can't be changed; the name of a post that is gone leads nowhere",
    ("audit", AUTHOR): "the audit log can't be changed; the pseudonym is of nobody known here",
}


async def search(database: SqlStreams, sought: Sought) -> list[Found]:
    """Where the record store holds anything of the person."""
    needles = Needles(sought.subject.author, sought.names, sought.alone.values())
    return [each for table in METADATA.sorted_tables for each in await _search_table(database, table, needles)]


async def _search_table(database: SqlStreams, table: Table, needles: Needles) -> list[Found]:
    columns = [column for column in table.c if _wordy(column)]
    if not columns:
        return []
    found: Counter[tuple[str, str]] = Counter()
    words: list[Any] = [cast(column, Text) for column in columns]
    query: Select[Any] = select(*words)
    async for portion in database.portions(query):
        for place, column in enumerate(columns):
            hits = needles.within(row[place] for row in portion if row[place])
            found.update({(column.name, what): count for what, count in hits.items()})
    return [
        Found(STORE, f"{table.name}.{column}", what, count, _KEPT.get((table.name, what), ""))
        for (column, what), count in sorted(found.items())
    ]


def _wordy(column: Column[object]) -> bool:
    return isinstance(column.type, String | JSON)
