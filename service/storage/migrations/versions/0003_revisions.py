"""Further verdicts on decided posts, people's decisions on texts, and the cursors of followers."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PORTION = 1000


def upgrade() -> None:
    _widen_verdicts()
    _name_authors()
    op.create_table(
        "standing",
        sa.Column("content_digest", sa.String(32), nullable=False),
        sa.Column("post", sa.String(), nullable=False),
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("content_digest", "post", "case", name="pk_standing"),
    )
    op.create_table(
        "cursors",
        sa.Column("follower", sa.String(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("follower", name="pk_cursors"),
    )


def _widen_verdicts() -> None:
    """A post may have several verdicts, by revision. SQLite can't drop a constraint: it copies the table."""
    with op.batch_alter_table("verdicts", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("author", sa.String(), nullable=False, server_default=""))
        table.drop_constraint("uq_verdicts_key", type_="unique")
        table.create_unique_constraint("uq_verdicts_key", ["key", "revision"])
    op.create_index("ix_verdicts_content_digest", "verdicts", ["content_digest"])
    op.create_index("ix_verdicts_author_seq", "verdicts", ["author", "seq"])


def _name_authors() -> None:
    """Store the author of each recorded verdict's post."""
    connection = op.get_bind()
    after = ""
    query = sa.text("SELECT key, body FROM posts WHERE key > :after ORDER BY key LIMIT :portion")
    while rows := connection.execute(query, {"after": after, "portion": _PORTION}).all():
        named = [{"k": row.key, "author": author} for row in rows if (author := _author(row.body))]
        if named:
            connection.execute(sa.text("UPDATE verdicts SET author = :author WHERE key = :k"), named)
        after = rows[-1].key


def _author(body: object) -> str:
    read = json.loads(body) if isinstance(body, str) else body
    return str(read.get("author", "")) if isinstance(read, dict) else ""
