"""The record store's tables of policy: versions, which of them is live and which in shadow, and the history.

A ruling of a shadow policy has the sequence of the verdict that it was compared with; its post is stored
with the verdict alone.
"""

from sqlalchemy import JSON, BigInteger, Column, Index, String, Table

from service.storage.tables.records import METADATA

_DIGEST = String(32)

# `number` counts versions in the order in which they were made; `version` is the digest by which verdicts name them.
POLICIES = Table(
    "policies",
    METADATA,
    Column("version", _DIGEST, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("title", String, nullable=False),
    Column("description", String, nullable=False),
    Column("document", String, nullable=False),
    Column("author", String, nullable=False),
    Column("note", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# One row each for "live" and "shadow" once it was set; an empty version means none. `promotion` is the
# change that made the live one live, 0 where none did.
POLICY_SLOTS = Table(
    "policy_slots",
    METADATA,
    Column("slot", String, primary_key=True),
    Column("version", _DIGEST, nullable=False),
    Column("promotion", BigInteger, nullable=False),
)

# `below` is the promotion that a roll back of this one returns to, 0 where there is none.
POLICY_CHANGES = Table(
    "policy_changes",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    Column("act", String, nullable=False),
    Column("version", _DIGEST, nullable=False),
    Column("before", _DIGEST, nullable=False),
    Column("below", BigInteger, nullable=False),
    Column("note", String, nullable=False),
)

SHADOW_RULINGS = Table(
    "shadow_rulings",
    METADATA,
    Column("version", _DIGEST, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("live_version", _DIGEST, nullable=False),
    Column("live_decision", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("categories", JSON, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Index(None, "version", "decided_at"),
)
