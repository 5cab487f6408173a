"""Shares, intervals and durations as people read them: with the places that matter and no more."""

from service.quality.intervals import Estimate


def share(value: float | None) -> str:
    """A share as percent, with more places the smaller it is; a dash for none."""
    if value is None:
        return "–"
    return f"{value * 100:.{_places(value)}f}%"


def between(estimate: Estimate) -> str:
    """The interval of an estimate: `1.2–3.4%`."""
    places = _places(estimate.value or 0.0)
    low, high = (f"{limit * 100:.{places}f}" for limit in (estimate.low, estimate.high))
    return f"{low}–{high}%"


def estimated(estimate: Estimate) -> str:
    """An estimate with its interval, or that nothing is known."""
    if estimate.value is None:
        return "not known yet"
    return f"{share(estimate.value)} ({between(estimate)})"


def duration(seconds: float | None) -> str:
    """Seconds as people say them, to two digits below ten; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.{0 if seconds >= 0.01 else 1}f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def _places(value: float) -> int:
    if value >= 0.0995 or not value:
        return 0
    return 1 if value >= 0.00995 else 2
