"""The charts of the Quality page, out of what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from service.dashboard.charts import axes, charts, estimates
from service.dashboard.charts.charts import Figure, Row
from service.dashboard.charts.drawing import Caption
from service.dashboard.rendering import words
from service.quality import drift as drifting
from service.quality.agreement import RELIABLE, TENTATIVE, Agreement
from service.quality.drift import BINS, Drift
from service.quality.intervals import Estimate
from service.quality.prevalence import Prevalence

_WRITTEN = (-8, -4, 0, 4, 8)  # logits


@dataclass(frozen=True, slots=True)
class Moved:
    """A signal's drift with its two histograms."""

    drift: Drift
    figure: Figure


def by_category(found: Prevalence) -> Figure:
    """How much of what was posted breaks each rule, with intervals."""
    rows = [_estimated(words(category), estimate) for category, estimate in found.categories.items()]
    rows.sort(key=lambda row: -row.value)
    about = "; ".join(f"{row.label}: {row.words}" for row in rows)
    return charts.bars(Caption("by-category", "Prevalence by category", about), rows)


def _estimated(label: str, estimate: Estimate) -> Row:
    return Row(
        label=label,
        value=estimate.value or 0.0,
        words=estimates.estimated(estimate),
        low=estimate.low,
        high=estimate.high,
        tone="tone-5",
    )


def agreement(name: str, title: str, found: Agreement) -> Figure:
    """Alpha with its interval on a line from 0 to 1, marked where it gets tentative and reliable."""
    value = found.alpha or 0.0
    within = f" ({found.low:.2f} to {found.high:.2f})" if found.low is not None and found.high is not None else ""
    said = "–" if found.alpha is None else f"{value:.2f}{within}".replace("-", "−")
    row = Row(label=title, value=value, words=said, low=found.low, high=found.high)
    caption = Caption(name, f"Agreement: {title}", f"Krippendorff's alpha: {said}, {found.word}.")
    return charts.bars(caption, [row], whole=1.0, marks=(TENTATIVE, RELIABLE))


def moved(found: Sequence[Drift]) -> list[Moved]:
    """The histograms of each signal's scores, before and now."""
    return [Moved(each, _histograms(each)) for each in found]


def _histograms(each: Drift) -> Figure:
    told = "too few scores" if each.index is None else f"index {each.index:.2f}, {each.level}"
    caption = Caption(f"scores-{each.signal.replace('_', '-')}", f"Scores of {words(each.signal)}", f"{told}.")
    figure = charts.histograms(caption, each.now, each.before, _logits())
    sides = zip(_bins(), each.now, each.before, strict=True)
    rows = tuple((name, estimates.share(now), estimates.share(before)) for name, now, before in sides if now or before)
    return replace(figure, heads=("Logits", ("Now",), ("Before",)), rows=rows)


def _bins() -> list[str]:
    """What each bin of a histogram is called."""
    limits = [f"{edge:g}".replace("-", "−") for edge in drifting.edges()]
    return [f"under {limits[0]}", *(f"{low} to {high}" for low, high in pairwise(limits)), f"{limits[-1]} and over"]


def _logits() -> list[axes.Moment]:
    """Logits where they fall between the bins."""
    at = {round(edge): place + 1 for place, edge in enumerate(drifting.edges()) if edge in _WRITTEN}
    return [axes.Moment(place / BINS, f"{logit:+d}".replace("-", "−") if logit else "0") for logit, place in at.items()]
