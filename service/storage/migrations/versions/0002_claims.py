"""Claims, people's confirmations of matches, and the claims and clusters of verdicts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _widen_judgements()
    _widen_verdicts()
    _create_claims()


def _widen_judgements() -> None:
    """A judgement is by a bundle and a set of claims. SQLite can't change a key, so the table is copied there."""
    claims_version = sa.Column("claims_version", sa.String(), nullable=False, server_default="")
    with op.batch_alter_table("judgements") as table:
        table.add_column(claims_version)
        table.drop_constraint("pk_judgements", type_="primary")
        table.create_primary_key("pk_judgements", ["content_digest", "model_version", "claims_version"])


def _widen_verdicts() -> None:
    op.add_column("verdicts", sa.Column("claims_version", sa.String(), nullable=False, server_default=""))
    op.add_column("verdicts", sa.Column("cluster", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_verdicts_cluster_seq", "verdicts", ["cluster", "seq"])
    op.create_table(
        "verdict_claims",
        sa.Column("claim_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["verdicts.seq"], name="fk_verdict_claims_seq"),
        sa.PrimaryKeyConstraint("claim_id", "seq", name="pk_verdict_claims"),
    )


def _create_claims() -> None:
    by_bytes = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.create_table(
        "claims",
        sa.Column("id", by_bytes, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("publisher", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claims"),
    )
    op.create_index("ix_claims_state_id", "claims", ["state", "id"])
    op.create_table(
        "claim_sets",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claim_sets"),
    )
    op.create_table(
        "confirmations",
        sa.Column("claim_id", by_bytes, nullable=False),
        sa.Column("post", sa.String(), nullable=False),
        sa.Column("moderator", sa.String(), nullable=False),
        sa.Column("relation", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("claim_id", "post", "moderator", name="pk_confirmations"),
    )
