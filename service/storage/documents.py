"""Many values in one variable: rows and lists are sent to the database as one JSON document, which it unpacks.

A statement with a variable for every value of 1,000 rows costs the drivers several times what the rows cost the
database, and SQLite allows 32,766 variables.
"""

from collections.abc import Collection, Sequence
from json import dumps
from typing import Any

from sqlalchemy import JSON, ColumnElement, Select, Table, Text, cast, column, func, literal, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Row = dict[str, Any]


def listed(connection: AsyncConnection, items: Collection[str]) -> Select[Any]:
    """A query that yields `items`, for `IN`."""
    document = literal(dumps(list(items)), Text)
    each = func.json_array_elements_text(cast(document, JSON)) if _postgresql(connection) else func.json_each(document)
    return select(each.table_valued("value").c.value)


def insert(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT of `rows` (with the same columns) into `table`, in order, on which a conflict clause can be set."""
    statement = postgresql.insert(table) if _postgresql(connection) else sqlite.insert(table)
    names = [each.name for each in table.c if each.name in rows[0]]
    return statement.from_select(names, select(*_columns(connection, table, names, rows)).where(true()))


def _columns(
    connection: AsyncConnection, table: Table, names: Sequence[str], rows: Sequence[Row]
) -> list[ColumnElement[Any]]:
    """The named columns of `rows`, of `table`'s types. JSON is sent as text: the database must not unescape it."""
    nested = {name for name in names if isinstance(table.c[name].type, JSON)}
    plain = [row | {name: dumps(row[name], separators=(",", ":")) for name in nested} for row in rows]
    document = literal(dumps(plain, separators=(",", ":")), Text)
    if not _postgresql(connection):
        value = func.json_each(document).table_valued("value").c.value
        return [func.json_extract(value, f"$.{name}") for name in names]
    typed = [column(name, Text() if name in nested else table.c[name].type) for name in names]
    records = func.json_to_recordset(cast(document, JSON)).table_valued(*typed).render_derived(with_types=True)
    return [cast(records.c[name], JSON) if name in nested else records.c[name] for name in names]


def _postgresql(connection: AsyncConnection) -> bool:
    return connection.dialect.name == "postgresql"
