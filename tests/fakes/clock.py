"""A clock that tests move."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass
class Clock:
    """Unix time that stands still until it is moved."""

    time: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def now(self) -> datetime:
        """The same as a datetime."""
        return datetime.fromtimestamp(self.time, UTC)
