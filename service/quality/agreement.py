"""Do moderators agree? Krippendorff's alpha over the texts that two or more decided, with a bootstrap interval.

Alpha is 1 where all agree and 0 where they agree as often as chance would have it. From 0.8 on decisions are reliable,
between 0.667 and 0.8 good for tentative conclusions (Krippendorff, Content Analysis, 2004, p. 241). The coefficient
itself comes from a library behind `Alpha`.
"""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from service.domain.decision import Decision
from service.quality.opinions import Answer, Opinion, by_text

RELIABLE, TENTATIVE = 0.8, 0.667
RESAMPLES = 400
_SEED = 20_240_601

Counts = Sequence[Sequence[int]]
Alpha = Callable[[Counts], float | None]
"""Krippendorff's alpha for nominal values: a row per text, a column per value, how many people gave it.

None where it is not defined: everybody gave one value to everything, or no text has two.
"""

_DECISIONS = {decision: place for place, decision in enumerate(Decision)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Alpha with its 95 % interval (None: not defined), the plain share of pairs that agree, and what it rests on."""

    alpha: float | None
    low: float | None
    high: float | None
    agreeing_pairs: float | None
    texts: int
    people: int

    @property
    def word(self) -> str:
        """What the value says, in a word or two."""
        if self.alpha is None:
            return "too little data"
        return "reliable" if self.alpha >= RELIABLE else "tentative" if self.alpha >= TENTATIVE else "unreliable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreements:
    """How far moderators agree on the decision, and on whether there is a violation at all."""

    decisions: Agreement
    violations: Agreement


def agreements(opinions: Collection[Opinion], alpha: Alpha, *, resamples: int = RESAMPLES) -> Agreements:
    """Agreement over second opinions, golden items, appeals, and texts that came to several people by themselves."""
    texts = by_text(opinions)
    return Agreements(
        decisions=_agreement(texts, len(_DECISIONS), lambda answer: _DECISIONS[answer.decision], alpha, resamples),
        violations=_agreement(texts, 2, lambda answer: int(answer.violating), alpha, resamples),
    )


def _agreement(
    texts: Mapping[str, list[Opinion]], values: int, value: Callable[[Answer], int], alpha: Alpha, resamples: int
) -> Agreement:
    counts = [_counted([value(each.answer) for each in texts[digest]], values) for digest in sorted(texts)]
    low, high = interval(counts, alpha, resamples)
    return Agreement(
        alpha=alpha(counts),
        low=low,
        high=high,
        agreeing_pairs=agreeing(counts),
        texts=len(counts),
        people=len({each.moderator for held in texts.values() for each in held}),
    )


def _counted(given: Sequence[int], values: int) -> list[int]:
    return [given.count(place) for place in range(values)]


def agreeing(counts: Counts) -> float | None:
    """The share of pairs of people, over all texts, that gave the same value; None without pairs."""
    pairs = sum(sum(row) * (sum(row) - 1) for row in counts)
    return sum(n * (n - 1) for row in counts for n in row) / pairs if pairs else None


def interval(counts: Counts, alpha: Alpha, resamples: int) -> tuple[float | None, float | None]:
    """The middle 95 % of alpha over texts drawn with replacement, always the same draws for the same counts.

    Draws on which alpha is not defined count as full agreement when all in them agree, as far as there are any pairs.
    """
    if len(counts) < 2 or alpha(counts) is None:
        return None, None
    draw = random.Random(_SEED)  # noqa: S311 - a simulation
    drawn = sorted(_resampled(draw.choices(counts, k=len(counts)), alpha) for _ in range(resamples))
    edge = round(0.025 * (resamples - 1))
    return drawn[edge], drawn[-1 - edge]


def _resampled(counts: Counts, alpha: Alpha) -> float:
    found = alpha(counts)
    return 1.0 if found is None else found
