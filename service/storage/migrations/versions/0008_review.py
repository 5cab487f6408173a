"""Cases, decisions and their effects, notes, appeals."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    _create_cases()
    _create_case_decisions()
    _create_decision_effects()
    _create_notes()
    _create_appeals()


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers only INTEGER keys by itself


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("content_digest", sa.String(32), nullable=False),
        sa.Column("cluster", sa.String(), nullable=False),
        sa.Column("surface", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("categories", sa.String(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Float(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("leased_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("barred", sa.String(), nullable=False),
        sa.Column("skipped", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("decision", sa.String(32), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index("ix_cases_closed", "cases", ["state", "closed_at"])
    op.create_index("ix_cases_content_digest", "cases", ["content_digest"])
    op.create_index("ix_cases_decision", "cases", ["decision"])
    op.create_index("ix_cases_holder", "cases", ["holder", "state"])
    op.create_index("ix_cases_name", "cases", ["name"])
    op.create_index("ix_cases_once", "cases", ["kind", "key", "subject"], unique=True)
    op.create_index("ix_cases_lease_until", "cases", ["state", "lease_until"])
    urgent = "rank", "opened_at", "id", "severity", "surface", "region", "language", "categories"
    op.create_index("ix_cases_queue_urgent", "cases", ["state", "queue", *urgent])
    op.create_index("ix_cases_subject", "cases", ["subject"])
    op.create_index("ix_cases_urgent", "cases", ["state", *urgent])


def _create_case_decisions() -> None:
    op.create_table(
        "case_decisions",
        sa.Column("number", _number(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("content_digest", sa.String(32), nullable=False),
        sa.Column("flagged", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("moderator", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("categories", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("rationale", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("applied", sa.Integer(), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_case_decisions"),
        sa.UniqueConstraint("id", name="uq_case_decisions_id"),
    )
    op.create_index("ix_case_decisions_about", "case_decisions", ["about"])
    op.create_index("ix_case_decisions_decided_at", "case_decisions", ["decided_at"])
    op.create_index("ix_case_decisions_moderator", "case_decisions", ["moderator", "number"])
    op.create_index("ix_case_decisions_name", "case_decisions", ["name"])
    op.create_index("ix_case_decisions_request_id", "case_decisions", ["request_id"])


def _create_decision_effects() -> None:
    op.create_table(
        "decision_effects",
        sa.Column("decision", sa.String(32), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("before_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_digest", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("decision", "after_seq", name="pk_decision_effects"),
    )
    op.create_index("ix_decision_effects_after_seq", "decision_effects", ["after_seq"])
    op.create_index("ix_decision_effects_name", "decision_effects", ["name"])


def _create_notes() -> None:
    op.create_table(
        "notes",
        sa.Column("number", _number(), autoincrement=True, nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("moderator", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_notes"),
    )
    op.create_index("ix_notes_about", "notes", ["about"])
    op.create_index("ix_notes_request_id", "notes", ["request_id"])


def _create_appeals() -> None:
    op.create_table(
        "appeals",
        sa.Column("number", _number(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_digest", sa.String(32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_appeals"),
        sa.UniqueConstraint("id", name="uq_appeals_id"),
        sa.UniqueConstraint("seq", name="uq_appeals_seq"),
    )
    op.create_index("ix_appeals_case", "appeals", ["case"])
    op.create_index("ix_appeals_name", "appeals", ["name"])
    op.create_index("ix_appeals_request_id", "appeals", ["request_id"])
    op.create_index("ix_appeals_state", "appeals", ["state", "number"])
