"""Throughput and remaining time of a long run, reported now and then."""

import time
from collections.abc import Callable

_EVERY = 20.0
Clock = Callable[[], float]


class Pace:
    """Counts work done since it was made. `left` units of work remain; at least `every` seconds between two lines."""

    def __init__(self, left: int, *, every: float = _EVERY, clock: Clock = time.monotonic) -> None:
        self._left, self._every, self._clock = left, every, clock
        self._started = self._said = clock()
        self._work = self._tokens = 0

    def advance(self, work: int, tokens: int) -> None:
        """Count work and its tokens."""
        self._work += work
        self._tokens += tokens

    @property
    def due(self) -> bool:
        """Whether a line is due: every so often, and when everything is done."""
        return self._work >= self._left or self._clock() - self._said >= self._every

    def line(self) -> str:
        """Throughput and time left, such as `1,234 tokens/s, 5.0 min left`."""
        self._said = self._clock()
        passed = max(1e-6, self._said - self._started)
        left = passed * (self._left - self._work) / max(1, self._work)
        return f"{self._tokens / passed:,.0f} tokens/s, {_duration(left)} left"


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 2 * 3600 else f"{seconds / 60:.1f} min"
