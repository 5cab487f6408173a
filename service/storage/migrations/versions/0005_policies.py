"""Policies: versions, the live and the shadow one, the history of changes, and rulings of shadow policies."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_versions()
    _create_shadow()


def _create_versions() -> None:
    op.create_table(
        "policies",
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_policies"),
        sa.UniqueConstraint("number", name="uq_policies_number"),
    )
    op.create_table(
        "policy_slots",
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("promotion", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slot", name="pk_policy_slots"),
    )
    op.create_table(
        "policy_changes",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("before", sa.String(32), nullable=False),
        sa.Column("below", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_policy_changes"),
    )


def _create_shadow() -> None:
    op.create_table(
        "shadow_rulings",
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("live_version", sa.String(32), nullable=False),
        sa.Column("live_decision", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "seq", name="pk_shadow_rulings"),
    )
    op.create_index("ix_shadow_rulings_version_decided_at", "shadow_rulings", ["version", "decided_at"])
