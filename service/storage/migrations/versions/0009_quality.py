"""Quality."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    _counts()
    _samples()
    _golden()


def _counts() -> None:
    op.create_table(
        "rollups",
        sa.Column("grain", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("grain", "start", name="pk_rollups"),
    )
    op.create_table(
        "scores",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("signal", sa.String(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("day", "model", "signal", name="pk_scores"),
    )


def _samples() -> None:
    op.create_table(
        "sample_days",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("seed", sa.String(32), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("posts", sa.BigInteger(), nullable=False),
        sa.Column("drawn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "part", name="pk_sample_days"),
    )
    op.create_table(
        "samples",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_samples"),
        sa.UniqueConstraint("case", name="uq_samples_case"),
    )
    op.create_index("ix_samples_opened", "samples", ["opened", "key"])
    op.create_index("ix_samples_day", "samples", ["day"])
    op.create_index("ix_samples_name", "samples", ["name"])


def _golden() -> None:
    op.create_table(
        "golden",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("content_digest", sa.String(32), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("post", sa.JSON(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("categories", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=False),
        sa.Column("ready", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.Column("judgement", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_golden"),
        sa.UniqueConstraint("content_digest", name="uq_golden_content_digest"),
    )
    op.create_index("ix_golden_origin", "golden", ["origin"])
    op.create_table(
        "golden_shown",
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("item", sa.String(32), nullable=False),
        sa.Column("moderator", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("shown_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case", name="pk_golden_shown"),
        sa.UniqueConstraint("key", name="uq_golden_shown_key"),
        sa.UniqueConstraint("moderator", "number", name="uq_golden_shown_moderator"),
    )
    op.create_index("ix_golden_shown_item", "golden_shown", ["item"])
    op.create_index("ix_golden_shown_at", "golden_shown", ["shown_at"])
