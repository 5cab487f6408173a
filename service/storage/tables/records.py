"""The tables of the record store, the same on SQLite and PostgreSQL. `migrations` builds them; a test compares the two.

A post version is identified by `key`, the digest of name and fingerprint: one short column to look up, to join and to
keep unique. Times are microseconds since the Unix epoch. Bodies are the JSON of `service.domain.codec`; a value has a
column of its own only where a query needs it.
"""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, UniqueConstraint

from service.domain.canonical import digest
from service.domain.post import PostKey

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_DIGEST = String(32)
_SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers only INTEGER keys by itself

POSTS = Table(
    "posts",
    METADATA,
    Column("key", _DIGEST, primary_key=True),
    Column("name", String, nullable=False),
    Column("fingerprint", _DIGEST, nullable=False),
    Column("body", JSON, nullable=False),
    Column("accepted_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("decided_seq", BigInteger),
)
UNDECIDED = POSTS.c.decided_seq.is_(None)
UNLEASED = 0  # `lease_until` of a post that was never leased, or was released
Index(
    "ix_posts_undecided", POSTS.c.lease_until, POSTS.c.accepted_at, sqlite_where=UNDECIDED, postgresql_where=UNDECIDED
)

# The version of each name that was accepted last. A row of its own, not the latest time among POSTS: clocks of
# several hosts disagree, and the order of commits does not.
NAMES = Table(
    "names",
    METADATA,
    Column("name", String, primary_key=True),
    Column("key", _DIGEST, ForeignKey("posts.key"), nullable=False),
)

JUDGEMENTS = Table(
    "judgements",
    METADATA,
    Column("content_digest", _DIGEST, primary_key=True),
    Column("model_version", String, primary_key=True),
    Column("claims_version", String, primary_key=True, server_default=""),
    Column("body", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

VERDICTS = Table(
    "verdicts",
    METADATA,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("key", _DIGEST, ForeignKey("posts.key"), nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("author", String, nullable=False, server_default=""),
    Column("content_digest", _DIGEST, nullable=False),
    Column("model_version", String, nullable=False),
    Column("claims_version", String, nullable=False, server_default=""),
    Column("cluster", String, nullable=False, server_default=""),
    Column("surface", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Index(None, "decision", "seq"),
    Index(None, "surface", "seq"),
    Index(None, "decided_at"),
    Index(None, "cluster", "seq"),
    Index(None, "content_digest"),
    Index(None, "author", "seq"),
    UniqueConstraint("key", "revision"),
    sqlite_autoincrement=True,  # else SQLite may reuse the sequence of a deleted verdict
)

# People's decisions on texts: `post` is the name of the one post that it applies to, empty for all with the text.
STANDING = Table(
    "standing",
    METADATA,
    Column("content_digest", _DIGEST, primary_key=True),
    Column("post", String, primary_key=True),
    Column("case", String, primary_key=True),
    Column("body", JSON, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
)

CURSORS = Table(
    "cursors",
    METADATA,
    Column("follower", String, primary_key=True),
    Column("cursor", BigInteger, nullable=False),
)

VERDICT_CATEGORIES = Table(
    "verdict_categories",
    METADATA,
    Column("category", String, primary_key=True),
    Column("seq", BigInteger, ForeignKey("verdicts.seq"), primary_key=True),
)

# Which claims a decided post repeats, discusses or rebuts.
VERDICT_CLAIMS = Table(
    "verdict_claims",
    METADATA,
    Column("claim_id", String, primary_key=True),
    Column("seq", BigInteger, ForeignKey("verdicts.seq"), primary_key=True),
)

# `digest` is that of the claim and its state; queries search `folded`: statement and title, case folded
# here, as the databases fold different letters. Listed by `id` in the order of its bytes, the same on both databases.
CLAIMS = Table(
    "claims",
    METADATA,
    Column("id", String().with_variant(String(collation="C"), "postgresql"), primary_key=True),
    Column("digest", _DIGEST, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("publisher", String, nullable=False),
    Column("folded", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "state", "id"),
)

# One row once there are claims: the version of the set of them all, as `claim_sets` names it.
CLAIM_SETS = Table(
    "claim_sets",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", _DIGEST, nullable=False),
)

CONFIRMATIONS = Table(
    "confirmations",
    METADATA,
    Column("claim_id", String().with_variant(String(collation="C"), "postgresql"), primary_key=True),
    Column("post", String, primary_key=True),
    Column("moderator", String, primary_key=True),
    Column("relation", String, nullable=False),
    Column("note", String, nullable=False),
    Column("confirmed_at", BigInteger, nullable=False),
)

REQUESTS = Table(
    "requests",
    METADATA,
    Column("request_id", String, primary_key=True),
    Column("posts_digest", _DIGEST, nullable=False),
    Column("answer", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "created_at"),
)


def row_key(key: PostKey) -> str:
    """The digest that identifies this post version in every table."""
    return digest(key.name, key.fingerprint)
