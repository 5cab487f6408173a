"""The tables of the audit log, and of the remaining counts of deleted posts.

Entries of the log are added, never changed; each holds the digest of the one before. Triggers that the migration makes
refuse to change or delete an entry. Old ones may be deleted only from the beginning, up to the entry in
AUDIT_START: the first remaining entry follows its digest.
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

# No row, or one: the last entry that was deleted.
AUDIT_START = Table(
    "audit_start",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)

# The number of verdicts on erased or deleted posts, by day (counted from the Unix epoch) and by the dimensions of
# `service.transparency.numbers`. It must not identify a post or person.
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
