"""The kinds of charts. Each comes with its numbers as a table, for whoever can't or won't read a picture."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

import svg
from markupsafe import Markup

from service.dashboard.charts import axes
from service.dashboard.charts import drawing as draw
from service.dashboard.charts.drawing import Caption
from service.quality.intervals import Estimate

_HEIGHT, _ABOVE, _BELOW = 176, 12, 26
_LOW = 96
_ROW, _BAR_AT, _BAR = 38, 21, 8
_GAP = 0.18  # of a stretch, between the bars of two

Words = Callable[[float], str]
"""A value in words, exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values over the stretches of time of a chart, None where there is none; `tone` is a class of charts.css.

    `low` and `high` bound a band around a line.
    """

    label: str
    tone: str
    values: Sequence[float | None]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A bar that lies: its value, the words for it, an interval where one is known."""

    label: str
    value: float
    words: str
    low: float | None = None
    high: float | None = None
    tone: str = "tone-usual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture with its title, its legend (tone and label) and its numbers: a table of `rows` under `heads`.

    A head in a tuple is that of a column of numbers.
    """

    title: str
    picture: Markup
    legend: tuple[tuple[str, str], ...] = ()
    heads: tuple[str | tuple[str], ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What a chart over time is drawn on: what it says, when its stretches begin, the words for its values."""

    caption: Caption
    starts: Sequence[datetime]
    label: axes.Label = axes.counts
    words: Words = "{:,.0f}".format

    @property
    def wide(self) -> float:
        """The width of a stretch in percent."""
        return 100 / len(self.starts)


def stacked(plot: Plot, series: Sequence[Series]) -> Figure:
    """Bars over time, each the sum of its series, the first at the bottom."""
    columns = list(zip(*(each.values for each in series), strict=True))
    scale = axes.lines(max((_sum(column) for column in columns), default=0), whole=True)
    drawn = []
    for place, column in enumerate(columns):
        parts, held = [], 0.0
        for each, value in zip(series, column, strict=True):
            if value:
                parts.append(_bar(plot, place, (_y(held + value, scale), _y(held, scale)), each.tone))
                held += value
        drawn.append(_stretch(plot, place, series, parts))
    return _over_time(plot, series, scale, drawn)


def lines(plot: Plot, series: Sequence[Series]) -> Figure:
    """Lines over time, broken where there is no value."""
    scale = axes.lines(max((value or 0.0 for each in series for value in (*each.values, *each.high)), default=0))
    drawn = [_stretch(plot, place, series, []) for place in range(len(plot.starts))]
    paths = [path for each in series for path in _paths(each, scale)]
    drawn.append(draw.stretched((len(plot.starts), _HEIGHT), _ABOVE, paths))
    drawn += [mark for each in series for place in _lonely(each.values) for mark in _dot(plot, place, each, scale)]
    figure = _over_time(plot, series, scale, drawn)
    return replace(figure, legend=tuple((f"{tone} stroke", label) for tone, label in figure.legend))


def bars(caption: Caption, rows: Sequence[Row], *, whole: float = 0.0, marks: Sequence[float] = ()) -> Figure:
    """Bars that lie below one another, as parts of `whole` (0: of the longest); `marks` are at thresholds."""
    whole = whole or max((max(row.value, row.high or 0) for row in rows), default=0) or 1
    drawn = [each for place, row in enumerate(rows) for each in _lying(row, place * _ROW, whole, marks)]
    return Figure(
        title=caption.title,
        picture=draw.picture(caption, len(rows) * _ROW, drawn, "bars"),
        heads=(caption.title, ("Value",)),
        rows=tuple((row.label, row.words) for row in rows),
    )


def histograms(caption: Caption, now: Sequence[float], before: Sequence[float], ticks: Sequence[axes.Moment]) -> Figure:
    """Shares per bin: those of now as bars, those of before as a line of steps over them."""
    top, wide, floor = max(*now, *before, 1e-9), 100 / len(now), _ABOVE + _LOW
    drawn = [draw.rule(floor, "axis")]
    for place, value in enumerate(now):
        tall = _LOW * value / top
        drawn.append(draw.rect(wide * (place + 0.06), floor - tall, wide * 0.88, tall, "area tone-now"))
    steps: list[svg.PathData] = [svg.M(0, _LOW)]
    for value in before:
        steps += [svg.VerticalLineTo(draw.rounded(_LOW * (1 - value / top))), svg.HorizontalLineToRel(1)]
    steps.append(svg.VerticalLineTo(_LOW))
    drawn.append(draw.stretched((len(before), _LOW), _ABOVE, [svg.Path(d=steps, class_=["line", "tone-before"])]))
    return Figure(
        title=caption.title,
        picture=draw.picture(caption, floor + _BELOW, [*drawn, *draw.below(ticks, floor)], "free"),
        legend=(("tone-now", "now"), ("tone-before stroke", "before")),
    )


def interval(estimate: Estimate, marks: Sequence[float] = ()) -> Markup:
    """A dot with its interval on a line from 0 to 1, shown next to the same in words."""
    drawn = [draw.rule(8, "track"), *(draw.upright(100 * mark, 2, 14, "mark") for mark in marks)]
    if estimate.value is not None:
        drawn += draw.whisker(estimate.low, estimate.high, 8)
        drawn.append(draw.dot(100 * draw.kept(estimate.value), 8, 4, "dot"))
    return draw.ornament(16, drawn, "interval")


# What they have in common ---------------------------------------------------------------------------------------------


def _over_time(plot: Plot, series: Sequence[Series], scale: Sequence[float], drawn: Sequence[svg.Element]) -> Figure:
    step = scale[1] - scale[0]
    grid: list[svg.Element] = []
    for value in scale:
        y = _y(value, scale)
        grid += [draw.rule(y, "grid" if value else "axis"), draw.beside(plot.label(value, step), y)]
    times = draw.below(axes.moments(plot.starts), _ABOVE + _HEIGHT)
    return Figure(
        title=plot.caption.title,
        picture=draw.picture(plot.caption, _ABOVE + _HEIGHT + _BELOW, [*grid, *drawn, *times], "over-time"),
        legend=tuple((each.tone, each.label) for each in series),
        heads=("From (UTC)", *((each.label,) for each in series)),
        rows=tuple(_numbers(plot, series)),
    )


def _numbers(plot: Plot, series: Sequence[Series]) -> Iterator[tuple[str, ...]]:
    for place, start in enumerate(plot.starts):
        yield f"{start.astimezone(UTC):%Y-%m-%d %H:%M}", *(_told(plot, each, place) for each in series)


def _told(plot: Plot, each: Series, place: int) -> str:
    value = each.values[place]
    if value is None:
        return "–"
    within = f" ({plot.words(each.low[place])} to {plot.words(each.high[place])})" if each.low else ""
    return plot.words(value) + within


def _stretch(plot: Plot, place: int, series: Sequence[Series], parts: Sequence[svg.Element]) -> svg.Element:
    """One stretch of time: what is drawn in it, and its numbers for whoever points at it."""
    start = plot.starts[place].astimezone(UTC)
    told = [f"{each.label}: {_told(plot, each, place)}" for each in series if each.values[place]]
    words = "\n".join([f"{start.day} {start:%b %H:%M} UTC", *(told or ["nothing"])])
    catch = draw.rect(place * plot.wide, _ABOVE, plot.wide, _HEIGHT, "catch")
    return svg.G(class_=["stretch"], elements=[svg.Title(text=draw.escaped(words)), catch, *parts])


def _bar(plot: Plot, place: int, ends: tuple[float, float], tone: str) -> svg.Element:
    top, bottom = ends
    left, wide = (place + _GAP / 2) * plot.wide, (1 - _GAP) * plot.wide
    return draw.rect(left, top, wide, bottom - top, f"area {tone}")


def _paths(each: Series, scale: Sequence[float]) -> Iterator[svg.Element]:
    """The band and the line of a series, one of each for every run of values without a gap."""
    for there, run in groupby(range(len(each.values)), lambda place: each.values[place] is not None):
        places = list(run)
        if there and each.low:
            above = [(place + 0.5, _inner(each.high[place], scale)) for place in places]
            under = [(place + 0.5, _inner(each.low[place], scale)) for place in reversed(places)]
            yield svg.Path(d=[*draw.through([*above, *under]), svg.Z()], class_=["band", each.tone])
        if there:
            points = [(place + 0.5, _inner(each.values[place] or 0.0, scale)) for place in places]
            yield svg.Path(d=draw.through(points), class_=["line", each.tone])


def _lonely(values: Sequence[float | None]) -> list[int]:
    """Values with none before and none after: no line shows them."""
    padded = [None, *values, None]
    return [
        place for place, value in enumerate(values) if value is not None and padded[place] is padded[place + 2] is None
    ]


def _dot(plot: Plot, place: int, each: Series, scale: Sequence[float]) -> Iterator[svg.Element]:
    """One value alone, on its interval where it has one."""
    x = (place + 0.5) * plot.wide
    if each.low:
        yield draw.upright(x, _y(each.high[place], scale), _y(each.low[place], scale), f"stem {each.tone}")
    yield draw.dot(x, _y(each.values[place] or 0.0, scale), 2.5, f"area {each.tone}")


def _lying(row: Row, top: int, whole: float, marks: Sequence[float]) -> list[svg.Element]:
    at = top + _BAR_AT
    drawn: list[svg.Element] = [
        draw.text(row.label, 0, top + 14, "label"),
        draw.text(row.words, 100, top + 14, "value"),
        draw.rect(0, at, 100, _BAR, "trough"),
        draw.rect(0, at, 100 * draw.kept(row.value / whole), _BAR, f"area {row.tone}"),
    ]
    if row.low is not None and row.high is not None:
        drawn += draw.whisker(row.low / whole, row.high / whole, at + _BAR / 2)
    return drawn + [draw.upright(100 * draw.kept(mark / whole), at - 3, at + _BAR + 3, "mark") for mark in marks]


def _sum(column: Sequence[float | None]) -> float:
    return sum(value or 0.0 for value in column)


def _y(value: float, scale: Sequence[float]) -> float:
    return _ABOVE + _inner(value, scale)


def _inner(value: float, scale: Sequence[float]) -> float:
    return draw.rounded(_HEIGHT * (1 - value / scale[-1]))
