"""The record store's tables of quality: counts of verdicts, histograms of scores, the prevalence sample, golden items.

Days are counted from the Unix epoch, in UTC.
"""

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, String, Table, UniqueConstraint

from service.storage.tables.records import METADATA

_ID, _DIGEST = String(32), String(32)

# `start` is in Unix seconds, `counts` has the keys of `service.quality.tally`.
ROLLUPS = Table(
    "rollups",
    METADATA,
    Column("grain", String, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("counts", JSON, nullable=False),
)

# A row per histogram: `counts` are those of the bins of `service.quality.drift`.
SCORES = Table(
    "scores",
    METADATA,
    Column("day", Integer, primary_key=True),
    Column("model", String, primary_key=True),
    Column("signal", String, primary_key=True),
    Column("counts", JSON, nullable=False),
)

SAMPLE_DAYS = Table(
    "sample_days",
    METADATA,
    Column("day", Integer, primary_key=True),
    Column("part", String, primary_key=True),
    Column("seed", _DIGEST, nullable=False),
    Column("rate", Float, nullable=False),
    Column("posts", BigInteger, nullable=False),
    Column("drawn", BigInteger, nullable=False),
)

# `opened` becomes 1 when the case of the id `case` was opened, or the post is gone.
SAMPLES = Table(
    "samples",
    METADATA,
    Column("key", _DIGEST, primary_key=True),
    Column("name", String, nullable=False),
    Column("fingerprint", _DIGEST, nullable=False),
    Column("day", Integer, nullable=False),
    Column("part", String, nullable=False),
    Column("rate", Float, nullable=False),
    Column("case", _ID, nullable=False, unique=True),
    Column("opened", Integer, nullable=False),
    Index("ix_samples_opened", "opened", "key"),
    Index("ix_samples_day", "day"),
    Index("ix_samples_name", "name"),
)

# `verdict` and `judgement` are JSON null until a worker has read the text and the item is `ready`. `origin` is the name
# of the post that it was made from.
GOLDEN = Table(
    "golden",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("content_digest", _DIGEST, nullable=False, unique=True),
    Column("origin", String, nullable=False),
    Column("post", JSON, nullable=False),
    Column("decision", String, nullable=False),
    Column("categories", String, nullable=False),
    Column("source", String, nullable=False),
    Column("note", String, nullable=False),
    Column("added_by", String, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("retired_at", BigInteger, nullable=False),
    Column("ready", Integer, nullable=False),
    Column("verdict", JSON, nullable=False),
    Column("judgement", JSON, nullable=False),
    Index("ix_golden_origin", "origin"),
)

GOLDEN_SHOWN = Table(
    "golden_shown",
    METADATA,
    Column("case", _ID, primary_key=True),
    Column("item", _ID, nullable=False),
    Column("moderator", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("key", _DIGEST, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("fingerprint", _DIGEST, nullable=False),
    Column("shown_at", BigInteger, nullable=False),
    Index("ix_golden_shown_item", "item"),
    Index("ix_golden_shown_at", "shown_at"),
    UniqueConstraint("moderator", "number"),
)
