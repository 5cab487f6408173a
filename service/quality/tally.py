"""What is counted of verdicts, so that a page of 90 days needs 90 rows: counts by name, per minute, hour and day.

A count's name is what it counts and of which kind, `decision:ALLOW`. Only a post's first verdict counts as a post; what
people changed afterwards has counts of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import floor, log10

from service.domain.decision import MACHINE_WRITTEN
from service.domain.verdict import Source, Verdict

POSTS, AI, JUDGED = "posts", "ai", "judged"
_FASTEST, _PER_DECADE, _SLOTS = 1e-4, 10, 70  # latency: 10 slots per power of ten, from 0.1 ms to 1,000 s


class Grain(StrEnum):
    """How long a row counts."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        """Its length."""
        return {"minute": 60, "hour": 3600, "day": 86_400}[self.value]

    def start(self, moment: datetime) -> int:
        """When the row that `moment` falls into begins, in Unix seconds."""
        at = floor(moment.timestamp())
        return at - at % self.seconds


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds within which half, 90 % and 99 % of the posts that a model read were answered, from the queue on."""

    median: float
    p90: float
    p99: float
    posts: int


def tally(verdict: Verdict) -> Counter[str]:
    """What one verdict adds."""
    decision, categories = verdict.decision.value, verdict.ruling.categories
    if verdict.revision:
        return Counter({"revised": 1, f"revised:{decision}": 1})
    names = [
        POSTS,
        f"decision:{decision}",
        f"surface:{verdict.surface.value}",
        f"source:{verdict.source.value}",
        f"policy:{verdict.policy_version}",
        *(f"category:{category.value}" for category in categories),
        *(f"flagged:{category.value}:{decision}" for category in categories),
    ]
    if verdict.judgement:
        names += [JUDGED, f"model:{verdict.model_version}"]
        names += [AI] if not MACHINE_WRITTEN.isdisjoint(categories) else []
    if verdict.latency and verdict.source is Source.MODEL:
        names.append(f"latency:{_slot(sum(verdict.latency.values()))}")
    return Counter(names)


def tallies(verdicts: Iterable[Verdict], grains: Iterable[Grain] = Grain) -> dict[tuple[Grain, int], Counter[str]]:
    """What the verdicts add to each row, by its grain and its start."""
    found: dict[tuple[Grain, int], Counter[str]] = {}
    counted = [(verdict.decided_at, tally(verdict)) for verdict in verdicts]
    for grain in grains:
        for moment, counts in counted:
            found.setdefault((grain, grain.start(moment)), Counter()).update(counts)
    return found


Kinds = Mapping[str, Mapping[str, int]]
"""Counts by kind, then by the rest of their names; what has no rest is under an empty one."""


def by_kind(counts: Mapping[str, int]) -> Kinds:
    """The counts parted into their kinds."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for name, count in counts.items():
        kind, _, rest = name.partition(":")
        found[kind][rest] = count
    return found


def latency(slots: Mapping[str, int]) -> Latency | None:
    """Percentiles out of the slots; None without any. A slot is 26 % wide; posts count as evenly spread within it."""
    counts = sorted((int(place), count) for place, count in slots.items())
    posts = sum(count for _, count in counts)
    if not posts:
        return None
    median, p90, p99 = (_percentile(counts, posts * part) for part in (0.5, 0.9, 0.99))
    return Latency(median, p90, p99, posts)


def _slot(seconds: float) -> int:
    if seconds <= _FASTEST:
        return 0
    return min(_SLOTS - 1, floor(_PER_DECADE * log10(seconds / _FASTEST)))


def _percentile(counts: Sequence[tuple[int, int]], rank: float) -> float:
    below = 0
    for place, count in counts:
        if below + count >= rank:
            return float(_FASTEST * 10 ** ((place + (rank - below) / count) / _PER_DECADE))
        below += count
    raise ValueError(f"rank {rank} is beyond {below} posts")
