"""Where the lines across a chart fall, and the words beside them. Standard library only."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10
from typing import NamedTuple

Label = Callable[[float, float], str]
"""The words beside a line at a value, the lines being some step apart."""

_LINES, _MOMENTS = 4, 8
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_APART = (
    *(count * _MINUTE for count in (1, 5, 10, 15, 30)),
    *(count * _HOUR for count in (1, 2, 3, 6, 12)),
    *(count * _DAY for count in (1, 2, 7, 14, 28, 91)),
)


class Moment(NamedTuple):
    """A time that is written under a chart, at the `place` (from 0 to 1) where it falls."""

    place: float
    words: str


def lines(top: float, *, whole: bool = False) -> tuple[float, ...]:
    """About four values from 0 to `top` or a little beyond, at steps of 1, 2 or 5; of whole numbers if asked for."""
    step = _step(top / _LINES)
    if whole:
        step = max(1.0, step)
    return tuple(round(step * place, 12) for place in range(max(1, ceil(top / step - 1e-9)) + 1))


def _step(rough: float) -> float:
    if rough <= 0:
        return 1.0
    size = 10.0 ** floor(log10(rough))
    return next((size * part for part in (1, 2, 5) if rough <= size * part * (1 + 1e-9)), size * 10)


def counts(value: float, step: float) -> str:
    """A count, short: `750`, `1.5k`, `20k`, `3M`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.{_places(step / size)}f}{letter}"
    return f"{value:.{_places(step)}f}"


def shares(value: float, step: float) -> str:
    """A share as percent, with as many places as distinguish the lines."""
    return f"{value * 100:.{_places(step * 100)}f}%"


def durations(value: float, step: float) -> str:
    """Seconds, or milliseconds where lines are close."""
    if not value:
        return "0"
    if step < 0.1:
        return f"{value * 1000:,.{_places(step * 1000)}f} ms"
    return f"{value:,.{_places(step)}f} s"


def plain(value: float, step: float) -> str:
    """A number with as many places as distinguish the lines."""
    return f"{value:.{_places(step)}f}"


def _places(step: float) -> int:
    """How many digits after the point a step of 1, 2 or 5 times a power of ten shows in."""
    return max(0, -floor(log10(step) + 1e-9)) if step > 0 else 0


def moments(starts: Sequence[datetime]) -> list[Moment]:
    """What is written under stretches of time: at most eight round times; whole days as dates, whole weeks' Mondays."""
    if len(starts) < 2:
        return [Moment(0.0, day(start)) for start in starts]
    whole = (starts[1] - starts[0]) * len(starts)
    apart = next((each for each in _APART if whole <= each * _MOMENTS), _APART[-1])
    return [
        Moment(place / len(starts), clock(start) if apart < _DAY else day(start))
        for place, start in enumerate(starts)
        if not (start - _MONDAY) % apart
    ]


def clock(moment: datetime) -> str:
    """The time of day in UTC; the day at midnight."""
    at = moment.astimezone(UTC)
    return day(at) if (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"


def day(moment: datetime) -> str:
    """The day in UTC: `3 Mar`."""
    at = moment.astimezone(UTC)
    return f"{at.day} {at:%b}"
