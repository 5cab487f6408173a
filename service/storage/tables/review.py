"""The record store's tables of review: cases, decisions with their effects, notes, appeals.

Sets of names (categories, people) are in one column each, as `|a|b|`, so that one is found with LIKE. None of these
tables refers to posts by a foreign key: a post may be erased, and people's decisions are kept without its text.
"""

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, String, Table

from service.storage.tables.records import METADATA

_ID, _DIGEST = String(32), String(32)

# `rank` is minus the priority: cases are leased in the order of (rank, opened_at, id), which an index holds per queue
# and over all queues, with the columns of filters: a filter that few cases fit needs the index alone. `closed_at` and
# `lease_until` are 0 where there is none.
_URGENT = "rank", "opened_at", "id"
_NARROWED = "severity", "surface", "region", "language", "categories"
CASES = Table(
    "cases",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("key", _DIGEST, nullable=False),
    Column("name", String, nullable=False),
    Column("fingerprint", _DIGEST, nullable=False),
    Column("content_digest", _DIGEST, nullable=False),
    Column("cluster", String, nullable=False),
    Column("surface", String, nullable=False),
    Column("region", String, nullable=False),
    Column("language", String, nullable=False),
    Column("author", String, nullable=False),
    Column("categories", String, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("rank", Float, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("holder", String, nullable=False),
    Column("leased_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("barred", String, nullable=False),
    Column("skipped", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("decision", _ID, nullable=False),
    Column("closed_at", BigInteger, nullable=False),
    Index("ix_cases_once", "kind", "key", "subject", unique=True),
    Index("ix_cases_urgent", "state", *_URGENT, *_NARROWED),
    Index("ix_cases_queue_urgent", "state", "queue", *_URGENT, *_NARROWED),
    Index("ix_cases_lease_until", "state", "lease_until"),
    Index("ix_cases_closed", "state", "closed_at"),
    Index("ix_cases_holder", "holder", "state"),
    Index("ix_cases_content_digest", "content_digest"),
    Index("ix_cases_name", "name"),
    Index("ix_cases_subject", "subject"),
    Index("ix_cases_decision", "decision"),
)

CASE_DECISIONS = Table(
    "case_decisions",
    METADATA,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("id", _ID, nullable=False, unique=True),
    Column("about", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("fingerprint", _DIGEST, nullable=False),
    Column("content_digest", _DIGEST, nullable=False),
    Column("flagged", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("moderator", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("categories", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("rationale", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("applied", Integer, nullable=False),
    Column("posts", Integer, nullable=False),
    Column("undone_at", BigInteger, nullable=False),
    Column("request_id", String, nullable=False),
    Index("ix_case_decisions_moderator", "moderator", "number"),
    Index("ix_case_decisions_about", "about"),
    Index("ix_case_decisions_name", "name"),
    Index("ix_case_decisions_decided_at", "decided_at"),
    Index("ix_case_decisions_request_id", "request_id"),
)

# The verdict that a decision replaced and the new one: sequences of VERDICTS.
DECISION_EFFECTS = Table(
    "decision_effects",
    METADATA,
    Column("decision", _ID, primary_key=True),
    Column("after_seq", BigInteger, primary_key=True),
    Column("before_seq", BigInteger, nullable=False),
    Column("name", String, nullable=False),
    Column("content_digest", _DIGEST, nullable=False),
    Index("ix_decision_effects_after_seq", "after_seq"),
    Index("ix_decision_effects_name", "name"),
)

NOTES = Table(
    "notes",
    METADATA,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("about", String, nullable=False),
    Column("moderator", String, nullable=False),
    Column("text", String, nullable=False),
    Column("written_at", BigInteger, nullable=False),
    Column("request_id", String, nullable=False),
    Index("ix_notes_about", "about"),
    Index("ix_notes_request_id", "request_id"),
)

APPEALS = Table(
    "appeals",
    METADATA,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("id", _ID, nullable=False, unique=True),
    Column("key", _DIGEST, nullable=False),
    Column("name", String, nullable=False),
    Column("content_digest", _DIGEST, nullable=False),
    Column("seq", BigInteger, nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("case", _ID, nullable=False),
    Column("request_id", String, nullable=False),
    Column("body", JSON, nullable=False),
    Index("ix_appeals_state", "state", "number"),
    Index("ix_appeals_name", "name"),
    Index("ix_appeals_case", "case"),
    Index("ix_appeals_request_id", "request_id"),
)
