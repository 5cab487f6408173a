"""The record store's tables of people: who may sign in, who is signed in, and who failed to lately.

Passwords and session tokens are not stored, only what checks them: an argon2id hash, a SHA-256.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table

from service.storage.tables.records import METADATA

# `folded` is the name as it is compared. `subject` is how an OpenID provider (`issuer`) knows the person, and the id of
# one with a local account, whose `issuer` is empty. `password` is empty for all others.
PEOPLE = Table(
    "people",
    METADATA,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("folded", String().with_variant(String(collation="C"), "postgresql"), nullable=False, unique=True),
    Column("roles", JSON, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("password", String, nullable=False),
    Column("password_until", BigInteger),  # when a one-time password ends; null for one that its owner chose
    Column("issuer", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("signed_in_at", BigInteger),
    Index(None, "issuer", "subject", unique=True),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("person", String, ForeignKey("people.id"), nullable=False, index=True),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False, index=True),
)

# The number of failed sign-ins under a key, which is the digest of a name or of an address.
SIGN_IN_TRIES = Table(
    "sign_in_tries",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False, index=True),
)

# What an OpenID sign-in under way must return, by the digest of its state; read once.
SIGN_IN_FLOWS = Table(
    "sign_in_flows",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("body", JSON, nullable=False),
    Column("ends_at", BigInteger, nullable=False, index=True),
)
