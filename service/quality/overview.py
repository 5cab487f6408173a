"""The numbers of the Overview page, for charts: how much, what was decided, how fast, how well.

Everything of the past comes from counts that are kept by minute, hour and day (`tally`), so that 90 days cost as many
rows; what waits comes from the open cases. Times are UTC, and days are UTC's.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from service.domain.decision import Category, Decision
from service.domain.post import Surface
from service.domain.verdict import Source
from service.quality.drift import Drift
from service.quality.prevalence import Prevalence
from service.quality.tally import AI, JUDGED, POSTS, Grain, Kinds, Latency, by_kind, latency


class Range(StrEnum):
    """How far back the page looks."""

    HOUR = "1h"
    QUARTER = "6h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    SEASON = "90d"

    @property
    def scale(self) -> "Scale":
        """How its time is divided."""
        return _SCALES[self]


@dataclass(frozen=True, slots=True)
class Scale:
    """`buckets` stretches of `step`, counted in rows of `grain`."""

    grain: Grain
    step: timedelta
    buckets: int

    def starts(self, now: datetime) -> list[datetime]:
        """When each stretch begins; the last one holds `now`."""
        step = round(self.step.total_seconds())
        last = round(now.timestamp() // step) * step
        return [datetime.fromtimestamp(last - step * back, UTC) for back in reversed(range(self.buckets))]


_SCALES = {
    Range.HOUR: Scale(Grain.MINUTE, timedelta(minutes=1), 60),
    Range.QUARTER: Scale(Grain.MINUTE, timedelta(minutes=5), 72),
    Range.DAY: Scale(Grain.HOUR, timedelta(hours=1), 24),
    Range.WEEK: Scale(Grain.HOUR, timedelta(hours=6), 28),
    Range.MONTH: Scale(Grain.DAY, timedelta(days=1), 30),
    Range.SEASON: Scale(Grain.DAY, timedelta(days=1), 90),
}
KEPT = {Grain.MINUTE: timedelta(days=2), Grain.HOUR: timedelta(days=15), Grain.DAY: timedelta(days=800)}
"""How long rows of each grain are kept."""

Row = tuple[datetime, Mapping[str, int]]
"""When a row begins, and its counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One stretch of time. Shares are None where nothing was counted."""

    start: datetime
    posts: int
    decisions: Mapping[Decision, int]
    categories: Mapping[Category, int]
    ai_share: float | None
    cache_share: float | None
    latency: Latency | None
    revised: int


@dataclass(frozen=True, slots=True)
class Version:
    """A version of model or policy, the posts that it decided, and the stretches of first and last sight."""

    version: str
    posts: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class QueueAge:
    """A queue's open cases, how many of them somebody holds, and the age of the oldest in seconds."""

    queue: str
    open: int
    held: int
    oldest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All of the page. `surfaces` and `sources` count posts, `revised` what people changed afterwards.

    `ai_share` is of the posts that a model read or that carry a text it had read; `cache_share` is of all.
    """

    range: Range
    start: datetime
    end: datetime
    posts: int
    decisions: Mapping[Decision, int]
    categories: Mapping[Category, int]
    surfaces: Mapping[Surface, int]
    sources: Mapping[Source, int]
    revised: int
    ai_share: float | None
    cache_share: float | None
    latency: Latency | None
    buckets: tuple[Bucket, ...]
    prevalence: Prevalence
    queues: tuple[QueueAge, ...]
    drift: tuple[Drift, ...]
    models: tuple[Version, ...]
    policies: tuple[Version, ...]


def overview(  # noqa: PLR0917 - the page's parts
    span: Range,
    now: datetime,
    rows: Sequence[Row],
    prevalence: Prevalence,
    queues: Sequence[QueueAge],
    drift: Sequence[Drift],
) -> Overview:
    """Put the page together from rows of the range's grain; rows from before it are left out."""
    starts = span.scale.starts(now)
    cells: list[Counter[str]] = [Counter() for _ in starts]
    total: Counter[str] = Counter()
    for moment, counts in rows:
        place = (moment - starts[0]) // span.scale.step
        if 0 <= place < len(cells):
            cells[place].update(counts)
            total.update(counts)
    kinds, parted = by_kind(total), [by_kind(cell) for cell in cells]
    return Overview(
        range=span,
        start=starts[0],
        end=now,
        posts=total[POSTS],
        decisions=_decisions(kinds),
        categories=_categories(kinds),
        surfaces={Surface(name): count for name, count in _most_first(kinds, "surface")},
        sources={Source(name): count for name, count in _most_first(kinds, "source")},
        revised=total["revised"],
        ai_share=_share(total[AI], total[JUDGED]),
        cache_share=_share(total[_CACHED], total[POSTS]),
        latency=latency(kinds.get("latency", {})),
        buckets=tuple(_bucket(*each) for each in zip(starts, cells, parted, strict=True)),
        prevalence=prevalence,
        queues=tuple(queues),
        drift=tuple(drift),
        models=_versions("model", starts, parted),
        policies=_versions("policy", starts, parted),
    )


def _bucket(start: datetime, counts: Counter[str], kinds: Kinds) -> Bucket:
    return Bucket(
        start=start,
        posts=counts[POSTS],
        decisions=_decisions(kinds),
        categories=_categories(kinds),
        ai_share=_share(counts[AI], counts[JUDGED]),
        cache_share=_share(counts[_CACHED], counts[POSTS]),
        latency=latency(kinds.get("latency", {})),
        revised=counts["revised"],
    )


_CACHED = f"source:{Source.CACHE}"


def _decisions(kinds: Kinds) -> dict[Decision, int]:
    counts = kinds.get("decision", {})
    return {decision: counts.get(decision.value, 0) for decision in Decision}


def _categories(kinds: Kinds) -> dict[Category, int]:
    return {Category(name): count for name, count in _most_first(kinds, "category")}


def _most_first(kinds: Kinds, kind: str) -> list[tuple[str, int]]:
    return sorted(kinds.get(kind, {}).items(), key=lambda item: (-item[1], item[0]))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _versions(kind: str, starts: Sequence[datetime], parted: Sequence[Kinds]) -> tuple[Version, ...]:
    """The versions seen, the latest first."""
    seen: dict[str, Version] = {}
    for start, kinds in zip(starts, parted, strict=True):
        for version, posts in kinds.get(kind, {}).items():
            before = seen.get(version, Version(version, 0, start, start))
            seen[version] = Version(version, before.posts + posts, before.first, start)
    return tuple(sorted(seen.values(), key=lambda each: (each.last, each.posts), reverse=True))
