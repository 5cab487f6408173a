"""Do the model's scores come out as they used to? The population stability index over histograms of logits.

Only texts that the model read count, each once: one text that goes round the cache a million times is no drift. Scores
are compared within one model version, since another has other scores.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import log, sqrt
from operator import add
from statistics import NormalDist
from typing import NamedTuple

from service.domain.verdict import Source, Verdict

MODERATE, LARGE = 0.1, 0.25
"""The customary limits of the index (Siddiqi, Credit Risk Scorecards, 2006, ch. 8)."""

WIDTH, EDGE = 0.5, 8.0  # logits: bins of this width from -EDGE to EDGE, and one beyond each
BINS = round(2 * EDGE / WIDTH) + 2
_GROUPS = 10
_LEAST = 200  # scores on either side, below which nothing is said
_SMOOTHING = 0.5


class Level(StrEnum):
    """What an index means."""

    UNKNOWN = "unknown"
    STEADY = "steady"
    MODERATE = "moderate"
    LARGE = "large"


class ScoreKey(NamedTuple):
    """Which histogram: of one signal's scores by one model on one day."""

    day: date
    model: str
    signal: str


@dataclass(frozen=True, slots=True)
class Windows:
    """Which days are compared: the last `current` ones, today's among them, with the `reference` ones before."""

    current: int = 2
    reference: int = 28

    def first(self, today: date) -> date:
        """The first day of the reference."""
        return today - timedelta(days=self.current + self.reference - 1)

    def is_current(self, day: date, today: date) -> bool:
        """Whether the day is one of those that are compared with the reference."""
        return day > today - timedelta(days=self.current)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How one signal's scores by one model moved: the index, what chance alone would give, both histograms.

    `index` is None with too few scores. `noise` is what the index exceeds in one of twenty comparisons when nothing
    moved. `before` and `now` are shares per bin of `edges()`.
    """

    signal: str
    model: str
    index: float | None
    noise: float
    level: Level
    scores_before: int
    scores_now: int
    before: tuple[float, ...]
    now: tuple[float, ...]


USUAL = Windows()
"""Two days against four weeks."""


def edges() -> tuple[float, ...]:
    """The logits between the bins of a histogram, rising; the first bin lies below the first, the last above."""
    return _EDGES


_EDGES = tuple(-EDGE + WIDTH * place for place in range(BINS - 1))


def bin_of(logit: float) -> int:
    """The bin that holds `logit`."""
    return bisect_right(_EDGES, logit)


def scores(verdicts: Iterable[Verdict]) -> dict[ScoreKey, list[int]]:
    """The histograms of what the model read for these verdicts."""
    found: defaultdict[ScoreKey, list[int]] = defaultdict(lambda: [0] * BINS)
    for verdict in verdicts:
        if verdict.source is Source.MODEL and verdict.revision == 0 and verdict.judgement:
            day, model = verdict.decided_at.date(), verdict.model_version
            for signal in verdict.judgement.signals.values():
                found[ScoreKey(day, model, signal.name)][bin_of(signal.raw)] += 1
    return dict(found)


def drift(signal: str, model: str, before: Sequence[int], now: Sequence[int]) -> Drift:
    """Compare two histograms of one signal's scores."""
    counts = sum(before), sum(now)
    index, noise, level = None, 0.0, Level.UNKNOWN
    if min(counts) >= _LEAST:
        groups = grouped(before)
        index, noise = stability_index(_merged(before, groups), _merged(now, groups)), chance(len(groups), *counts)
        level = level_of(index, noise)
    return Drift(
        signal=signal,
        model=model,
        index=index,
        noise=noise,
        level=level,
        scores_before=counts[0],
        scores_now=counts[1],
        before=_shares(before),
        now=_shares(now),
    )


def level_of(index: float, noise: float) -> Level:
    """What the index says; no more than steady where chance alone may have made it."""
    if index <= max(noise, MODERATE):
        return Level.STEADY
    return Level.LARGE if index > LARGE else Level.MODERATE


def stability_index(before: Sequence[int], now: Sequence[int]) -> float:
    """Σ (q_i - p_i) ln(q_i / p_i) over the bins' shares before (p) and now (q): 0 where nothing moved.

    Half a score is added to each bin, or an empty one would make the index infinite.
    """
    total = sum(before) + _SMOOTHING * len(before), sum(now) + _SMOOTHING * len(now)
    shares = (((p + _SMOOTHING) / total[0], (q + _SMOOTHING) / total[1]) for p, q in zip(before, now, strict=True))
    return sum((q - p) * log(q / p) for p, q in shares)


def chance(bins: int, before: int, now: int, confidence: float = 0.95) -> float:
    """What the index stays below with that confidence when nothing moved: (1/n + 1/m) χ²(bins - 1).

    Yurdakul & Naranjo (2020), Statistical properties of the population stability index, J. Risk Model Validation 14(4).
    The quantile of χ² is Wilson and Hilferty's (1931), within 1 % here.
    """
    free = bins - 1
    if free < 1:
        return 0.0
    z, part = NormalDist().inv_cdf(confidence), 2 / (9 * free)
    return (1 / before + 1 / now) * free * (1 - part + z * sqrt(part)) ** 3


def grouped(before: Sequence[int], groups: int = _GROUPS) -> list[range]:
    """Neighbouring bins put together until each group holds its share of the reference: ten groups at most."""
    found: list[range] = []
    share, start, held = sum(before) / groups, 0, 0
    for place, count in enumerate(before):
        held += count
        if held >= share and len(found) < groups - 1:
            found.append(range(start, place + 1))
            start, held = place + 1, 0
    if start < len(before):
        if found and held < share / 2:  # too little for a group of its own
            start = found.pop().start
        found.append(range(start, len(before)))
    return found


def _merged(counts: Sequence[int], groups: Sequence[range]) -> list[int]:
    return [sum(counts[place] for place in group) for group in groups]


def _shares(counts: Sequence[int]) -> tuple[float, ...]:
    total = sum(counts)
    return tuple(count / total if total else 0.0 for count in counts)


def drifts(histograms: Mapping[ScoreKey, Sequence[int]], windows: Windows, today: date) -> list[Drift]:
    """Every signal of the model that read most of late, the one that moved furthest first."""
    recent: Counter[str] = Counter()
    sides: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
    for key, counts in histograms.items():
        now = windows.is_current(key.day, today)
        if now:
            recent[key.model] += sum(counts)
        side = sides.setdefault((key.signal, key.model), ([0] * BINS, [0] * BINS))[now]
        side[:] = map(add, side, counts)
    model = recent.most_common(1)[0][0] if recent else ""
    found = [drift(signal, of, *both) for (signal, of), both in sides.items() if of == model]
    return sorted(found, key=lambda each: (-(each.index or 0.0), each.signal))
