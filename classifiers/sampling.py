"""What a training step sees: rows drawn evenly over sets, labels, domains and generators, cropped at random.

A large set must not drown a small one, nor a common label a rare one: at each level (set, then labels, then domain and
generator) a group is drawn in proportion to the square root of its size, a row within it evenly.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.attacks import disturb
from classifiers.data import Row

SHORTEST_CROP, LONGEST_CROP = 5, 200
_WHOLE_RATE = 0.25
_ATTACK_RATE = 0.2


def row_probabilities(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Probability [n] of drawing each row, by the square-root rule at each level."""
    paths = [_levels(row) for row in rows]
    probability = np.ones(len(rows))
    for depth in range(1, len(paths[0]) + 1):
        sizes = Counter(path[:depth] for path in paths)
        totals: dict[Hashable, float] = defaultdict(float)
        for group, size in sizes.items():
            totals[group[:-1]] += size**0.5
        share = {group: size**0.5 / totals[group[:-1]] for group, size in sizes.items()}
        probability *= np.array([share[path[:depth]] for path in paths])
    within = Counter(paths)
    probability /= np.array([within[path] for path in paths])
    normed: NDArray[np.float64] = probability / probability.sum()
    return normed


def _levels(row: Row) -> tuple[Hashable, ...]:
    return row.dataset, (row.ai, row.misinfo, row.policy), (row.source, row.generator)


def crop(text: str, rng: random.Random) -> str:
    """A run of 5 to 200 words (log-uniform), from anywhere; a quarter of the time the text from its beginning."""
    words = text.split(" ")
    length = round(SHORTEST_CROP * (LONGEST_CROP / SHORTEST_CROP) ** rng.random())
    if rng.random() < _WHOLE_RATE:
        return " ".join(words[:LONGEST_CROP])
    if len(words) <= length:
        return text
    start = rng.randrange(len(words) - length + 1)
    return " ".join(words[start : start + length])


class Sampler:
    """An endless, seeded stream of (row index, cropped and disturbed text)."""

    def __init__(self, rows: Sequence[Row], seed: int) -> None:
        self._texts = [row.text for row in rows]
        self._cumulative = np.cumsum(row_probabilities(rows))
        self._rng = random.Random(seed)  # noqa: S311  (not a secret)

    def draw(self) -> tuple[int, str]:
        """One row's index and its text, cropped and disturbed."""
        index = int(np.searchsorted(self._cumulative, self._rng.random() * self._cumulative[-1], side="right"))
        index = min(index, len(self._texts) - 1)
        return index, disturb(crop(self._texts[index], self._rng), self._rng, _ATTACK_RATE)

    def state(self) -> object:
        """Where the stream stands, as JSON can hold it."""
        return self._rng.getstate()

    def restore(self, state: Sequence[Any]) -> None:
        """Continue where `state` was taken. Raises TypeError or ValueError if it isn't such a state."""
        version, internal, gauss = state
        self._rng.setstate((version, tuple(internal), gauss))
