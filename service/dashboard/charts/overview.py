"""The charts of the Overview page, out of its numbers."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from service.dashboard.charts import axes, charts, estimates
from service.dashboard.charts.charts import Figure, Plot, Row, Series
from service.dashboard.charts.drawing import Caption
from service.dashboard.rendering import words
from service.domain.decision import Decision
from service.quality.drift import LARGE, MODERATE, Drift, Level
from service.quality.intervals import UNKNOWN
from service.quality.overview import Bucket, Overview
from service.quality.prevalence import Prevalence
from service.quality.tally import Latency

_FROM_BELOW = (Decision.BLOCK, Decision.REVIEW, Decision.REDUCE, Decision.LABEL, Decision.ALLOW)
"""What was acted on is at the bottom, where it can be compared; what passed is stacked on it."""

_DRIFT_TONES = {Level.MODERATE: "tone-warn", Level.LARGE: "tone-bad"}


def charts_of(found: Overview) -> dict[str, Figure]:
    """The charts by name."""
    return {
        "decisions": _decisions(found),
        "categories": _categories(found),
        "shares": _shares(found),
        "latency": _latency(found),
        "surfaces": _surfaces(found),
        "prevalence": prevalence(found.prevalence),
        "drift": drift(found.drift),
    }


def _decisions(found: Overview) -> Figure:
    about = "; ".join(f"{words(decision)}: {count:,}" for decision, count in found.decisions.items())
    return charts.stacked(
        _plot(found, Caption("decisions", "Decisions over time", f"All in all {found.posts:,} posts. {about}.")),
        [
            Series(
                label=words(decision),
                tone=f"tone-{decision.lower()}",
                values=[bucket.decisions.get(decision, 0) for bucket in found.buckets],
            )
            for decision in _FROM_BELOW
        ],
    )


def _categories(found: Overview) -> Figure:
    rows = [
        Row(label=words(category), value=count, words=f"{count:,} · {estimates.share(count / found.posts)}")
        for category, count in sorted(found.categories.items(), key=lambda item: -item[1])
    ]
    return charts.bars(Caption("categories", "Posts by category", _read_out(rows)), rows)


def _surfaces(found: Overview) -> Figure:
    rows = [
        Row(label=words(surface), value=count, words=f"{count:,} · {estimates.share(count / found.posts)}")
        for surface, count in sorted(found.surfaces.items(), key=lambda item: -item[1])
    ]
    return charts.bars(Caption("surfaces", "Posts by surface", _read_out(rows)), rows)


def _shares(found: Overview) -> Figure:
    about = (
        f"{estimates.share(found.ai_share)} of what a model read was machine-written; "
        f"{estimates.share(found.cache_share)} of all posts were answered from the cache."
    )
    plot = _plot(found, Caption("shares", "AI share and cache hits", about), axes.shares, estimates.share)
    return charts.lines(
        plot,
        [
            Series(label="Machine-written", tone="tone-1", values=_over(found, lambda bucket: bucket.ai_share)),
            Series(label="From the cache", tone="tone-2", values=_over(found, lambda bucket: bucket.cache_share)),
        ],
    )


def _latency(found: Overview) -> Figure:
    told = found.latency
    about = (
        f"Half of the posts within {estimates.duration(told.median)}, 99% within {estimates.duration(told.p99)}."
        if told
        else "No post was read by a model."
    )
    plot = _plot(found, Caption("latency", "Latency", about), axes.durations, estimates.duration)
    return charts.lines(
        plot,
        [
            Series(label="Half", tone="tone-1", values=_within(found, lambda told: told.median)),
            Series(label="90%", tone="tone-2", values=_within(found, lambda told: told.p90)),
            Series(label="99%", tone="tone-3", values=_within(found, lambda told: told.p99)),
        ],
    )


def prevalence(found: Prevalence) -> Figure:
    """Violating posts by day, with the interval as a band around the line."""
    days = _every_day(found)
    plot = Plot(
        caption=Caption("prevalence", "Prevalence by day", f"Violating posts: {estimates.estimated(found.violating)}."),
        starts=[datetime.combine(day, time(), UTC) for day in days],
        label=axes.shares,
        words=estimates.share,
    )
    told = [found.days.get(day, UNKNOWN) for day in days]
    series = Series(
        label="Violating posts",
        tone="tone-5",
        values=[each.value for each in told],
        low=[each.low for each in told],
        high=[0.0 if each.value is None else each.high for each in told],
    )
    return charts.lines(plot, [series])


def _every_day(found: Prevalence) -> list[date]:
    """From the first day to the last, those without posts too."""
    first, last = min(found.days, default=date.max), max(found.days, default=date.min)
    return [first + timedelta(days=place) for place in range((last - first).days + 1)]


def drift(found: tuple[Drift, ...] | list[Drift]) -> Figure:
    """How far the scores of each signal moved, beside the limits of what is customary."""
    rows = [
        Row(
            label=words(each.signal),
            value=each.index or 0.0,
            words="too few scores" if each.index is None else f"{each.index:.2f} · {each.level}",
            tone=_DRIFT_TONES.get(each.level, "tone-usual"),
        )
        for each in found
    ]
    top = max([2 * LARGE, *(row.value for row in rows)])
    return charts.bars(Caption("drift", "Drift of scores", _read_out(rows)), rows, whole=top, marks=(MODERATE, LARGE))


def _plot(
    found: Overview, caption: Caption, label: axes.Label = axes.counts, said: charts.Words = "{:,.0f}".format
) -> Plot:
    return Plot(caption=caption, starts=[bucket.start for bucket in found.buckets], label=label, words=said)


def _over(found: Overview, value: Callable[[Bucket], float | None]) -> list[float | None]:
    return [value(bucket) for bucket in found.buckets]


def _within(found: Overview, part: Callable[[Latency], float]) -> list[float | None]:
    return [part(bucket.latency) if bucket.latency else None for bucket in found.buckets]


def _read_out(rows: list[Row]) -> str:
    return "; ".join(f"{row.label}: {row.words}" for row in rows) + "."
