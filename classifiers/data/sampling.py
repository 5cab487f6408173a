"""Samples for training steps: rows drawn evenly over sets, labels, domains and generators, cropped at random.

A large set must not drown a small one, nor a common label a rare one: at each level (set, then labels, then domain and
generator) a group is drawn in proportion to the square root of its size, a row within it evenly. The written posts
are few, but hold most examples of some labels: their set counts for more, and is drawn by theme before label, so that
a theme's positives and its hard negatives are drawn about equally often. A policy label whose positives would still be
less than 1 % of draws is raised to that, or threefold.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifiers.attacks import disturb
from classifiers.data.corpus_labels import MEANING
from classifiers.data.rows import WRITTEN, Row
from classifiers.labels import POLICY_LABELS

SHORTEST_CROP, LONGEST_CROP = 5, 200
_WHOLE_RATE = 0.25
_ATTACK_RATE = 0.35
_WRITTEN_FACTOR = 9
"""Factor on the written set's size: its share of the draws grows by the square root."""
_LEAST_SHARE, _MOST_RAISED = 0.01, 3.0


def row_probabilities(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Probability [n] of drawing each row, by the square-root rule at each level, rare labels raised."""
    paths = [_levels(row) for row in rows]
    probability = np.ones(len(rows))
    for depth in range(1, len(paths[0]) + 1):
        sizes = Counter(path[:depth] for path in paths)
        if depth == 1:
            sizes[(WRITTEN,)] *= _WRITTEN_FACTOR
        totals: dict[Hashable, float] = defaultdict(float)
        for group, size in sizes.items():
            totals[group[:-1]] += size**0.5
        share = {group: size**0.5 / totals[group[:-1]] for group, size in sizes.items()}
        probability *= np.array([share[path[:depth]] for path in paths])
    within = Counter(paths)
    probability /= np.array([within[path] for path in paths])
    return _raise_rare(rows, probability / probability.sum())


def _raise_rare(rows: Sequence[Row], probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities with the positives of rare policy labels drawn more often."""
    held = [{label for category in row.policy or () for label in MEANING.get(category, ())} for row in rows]
    raised = np.ones(len(rows))
    for label in POLICY_LABELS:
        positive = np.array([label in labels for labels in held])
        share = probability[positive].sum()
        if 0 < share < _LEAST_SHARE:
            raised[positive] = np.maximum(raised[positive], min(_LEAST_SHARE / share, _MOST_RAISED))
    normed: NDArray[np.float64] = probability * raised / (probability * raised).sum()
    return normed


def _levels(row: Row) -> tuple[Hashable, ...]:
    labels = (row.ai, row.misinfo, row.policy)
    if row.dataset == WRITTEN:
        return row.dataset, row.source, bool(row.policy)
    return row.dataset, labels, (row.source, row.generator)


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


class Draw(NamedTuple):
    """A row's index, its text, cropped and disturbed, and whether that is all of it (disturbed or not)."""

    row: int
    text: str
    whole: bool


class Sampler:
    """An endless, seeded stream of draws."""

    def __init__(self, rows: Sequence[Row], seed: int) -> None:
        self._texts = [row.text for row in rows]
        self._cumulative = np.cumsum(row_probabilities(rows))
        self._rng = random.Random(seed)  # noqa: S311  (not a secret)

    def draw(self) -> Draw:
        """Draw one row and a crop of it."""
        index = int(np.searchsorted(self._cumulative, self._rng.random() * self._cumulative[-1], side="right"))
        index = min(index, len(self._texts) - 1)
        text = self._texts[index]
        cropped = crop(text, self._rng)
        return Draw(index, disturb(cropped, self._rng, _ATTACK_RATE), cropped == text)

    def state(self) -> object:
        """The stream's position, as JSON values."""
        return self._rng.getstate()

    def restore(self, state: Sequence[Any]) -> None:
        """Continue at `state`. Raises TypeError or ValueError if it isn't such a state."""
        version, internal, gauss = state
        self._rng.setstate((version, tuple(internal), gauss))
