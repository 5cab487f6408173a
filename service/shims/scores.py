"""How scores of other APIs are made of our signals: each by the strongest of some signals, the weakest of some, or not.

Pure tables and arithmetic. A score is one of our calibrated probabilities unchanged, never rescaled to look like the
other API's. The weakest of several is used for "both at once": the chance of that is at most the lesser of the two.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.domain.decision import Category
from service.domain.judgement import Judgement, Signal


class Fit(StrEnum):
    """How near our signals come to what the other API means."""

    SAME = "same"
    NEAREST = "nearest"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Mapped:
    """One score of another API: the signals that it is made of (none: it is not answered) and why these."""

    fit: Fit
    signals: tuple[str, ...]
    reason: str
    together: bool = False

    @property
    def formula(self) -> str:
        """What is computed, in words of the documentation."""
        names = ", ".join(f"`{name}`" for name in self.signals)
        if len(self.signals) < 2:
            return names or "not answered"
        return f"{'min' if self.together else 'max'}({names})"

    def signal_in(self, judgement: Judgement) -> Signal | None:
        """The signal whose probability is the score; None where the judgement has not what it takes."""
        found = [judgement.signals[name] for name in self.signals if name in judgement.signals]
        if not found or (self.together and len(found) < len(self.signals)):
            return None
        choose = min if self.together else max
        return choose(found, key=lambda signal: signal.probability)

    def flagged(self, categories: Collection[Category]) -> bool:
        """Whether a ruling with these categories says what this score is about."""
        if not self.signals:
            return False
        among = (Category(name.upper()) in categories for name in self.signals)
        return all(among) if self.together else any(among)


def same(signal: str, reason: str) -> Mapped:
    """A score that one of our signals means as well."""
    return Mapped(Fit.SAME, (signal,), reason)


def nearest(*signals: str, because: str, together: bool = False) -> Mapped:
    """A score that some of our signals are close to."""
    return Mapped(Fit.NEAREST, signals, because, together)


def nothing(reason: str) -> Mapped:
    """A score that none of our signals is close to."""
    return Mapped(Fit.NONE, (), reason)


def table(heading: str, mapping: Mapping[str, Mapped]) -> Iterator[str]:
    """The mapping as lines of Markdown."""
    yield f"| {heading} | answered by | fit | why |"
    yield "|---|---|---|---|"
    for name, mapped in mapping.items():
        yield f"| `{name}` | {mapped.formula} | {mapped.fit} | {mapped.reason} |"
