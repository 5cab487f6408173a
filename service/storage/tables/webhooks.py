"""The record store's tables of webhooks.

An event is stored once, however many endpoints it goes to, and its body is the exact text that is signed and sent.
A delivery is one event for one endpoint. `due_at` is when it is to be tried next; for one that a front has leased, when
it may be tried by another. `tries` counts since it was enqueued or replayed last, `attempts` counts all.
Secrets are stored in clear text: signing needs them.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from service.storage.tables.records import METADATA

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers only INTEGER keys by itself

ENDPOINTS = Table(
    "webhook_endpoints",
    METADATA,
    Column("id", String, primary_key=True),
    Column("url", String, nullable=False),
    Column("description", String, nullable=False),
    Column("events", JSON, nullable=False),
    Column("decisions", JSON, nullable=False),
    Column("categories", JSON, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_reason", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

SECRETS = Table(
    "webhook_secrets",
    METADATA,
    Column("endpoint_id", String, ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("secret", String, nullable=False),
    Column("expires_at", BigInteger),
)

EVENTS = Table(
    "webhook_events",
    METADATA,
    Column("id", String, primary_key=True),
    Column("type", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "subject"),
    Index(None, "at"),
)

DELIVERIES = Table(
    "webhook_deliveries",
    METADATA,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("endpoint_id", String, ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", String, ForeignKey("webhook_events.id", ondelete="CASCADE"), nullable=False),
    Column("state", String, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease", String, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    UniqueConstraint("endpoint_id", "event_id"),
    Index(None, "endpoint_id", "state", "due_at"),
    Index(None, "event_id"),
    Index(None, "state", "changed_at"),
    sqlite_autoincrement=True,
)

ATTEMPTS = Table(
    "webhook_attempts",
    METADATA,
    Column(
        "delivery_id",
        BigInteger,
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("status", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("error", String, nullable=False),
)
