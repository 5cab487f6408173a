"""The tables of the audit log, and of what is still counted of posts that are gone.

Entries of the log are added, never changed; each holds the digest of the one before. Triggers that the migration makes
refuse to change or delete an entry. Old ones may go only from the beginning, up to the entry that stands in
AUDIT_START: its digest is what the first entry that is left follows.
"""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table

from service.storage.tables.records import METADATA

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Index(None, "actor", "number"),
    Index(None, "action", "number"),
    Index(None, "subject", "number"),
)

# No row, or one: the last entry that was let go.
AUDIT_START = Table(
    "audit_start",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)

# How many verdicts of posts that were erased, or let go, there were, by day (counted from the Unix epoch) and by what
# `service.transparency.numbers` tells apart. No post or person is to be known by it.
TALLIES = Table(
    "tallies",
    METADATA,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("decision", String, primary_key=True),
    Column("before", String, primary_key=True),
    Column("decided_by", String, primary_key=True),
    Column("categories", String, primary_key=True),
    Column("before_categories", String, primary_key=True),
    Column("surface", String, primary_key=True),
    Column("language", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
