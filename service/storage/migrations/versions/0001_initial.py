"""Posts, verdicts, judgements and requests. Migrations go forward only; to go back, restore a backup."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_posts()
    _create_judgements()
    _create_verdicts()
    _create_requests()


def _create_posts() -> None:
    op.create_table(
        "posts",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("decided_seq", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_posts"),
    )
    undecided = sa.text("decided_seq IS NULL")
    op.create_index(
        "ix_posts_undecided",
        "posts",
        ["lease_until", "accepted_at"],
        sqlite_where=undecided,
        postgresql_where=undecided,
    )
    op.create_table(
        "names",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["posts.key"], name="fk_names_key"),
        sa.PrimaryKeyConstraint("name", name="pk_names"),
    )


def _create_judgements() -> None:
    op.create_table(
        "judgements",
        sa.Column("content_digest", sa.String(32), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("content_digest", "model_version", name="pk_judgements"),
    )


def _create_verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("content_digest", sa.String(32), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("surface", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["posts.key"], name="fk_verdicts_key"),
        sa.PrimaryKeyConstraint("seq", name="pk_verdicts"),
        sa.UniqueConstraint("key", name="uq_verdicts_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_verdicts_decided_at", "verdicts", ["decided_at"])
    op.create_index("ix_verdicts_decision_seq", "verdicts", ["decision", "seq"])
    op.create_index("ix_verdicts_surface_seq", "verdicts", ["surface", "seq"])
    op.create_table(
        "verdict_categories",
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["verdicts.seq"], name="fk_verdict_categories_seq"),
        sa.PrimaryKeyConstraint("category", "seq", name="pk_verdict_categories"),
    )


def _create_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("posts_digest", sa.String(32), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_requests"),
    )
    op.create_index("ix_requests_created_at", "requests", ["created_at"])
