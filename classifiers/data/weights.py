"""Loss weights of each label of each training text, and the texts that share an intercept.

A detector must learn what separates the classes within a set, not one set from another. So both classes of a
set have equal weight, each set has its own intercept while training (fixed effects, then discarded), and sets with
one class alone count little. Networks from before instruction tuning write unlike today's, often in the opposite way:
their texts count less.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classifiers.data.rows import Row, presumed_weights, targets
from classifiers.data.sampling import row_probabilities
from classifiers.labels import AI_GENERATED, LABELS, MISINFORMATION

LEGACY = frozenset({"davinci", "flan-t5-xxl", "gpt-2", "gpt-neo-1.3b-ft", "gpt-neo-2.7b", "gpt2", "others", "rnn"})
"""Generators without instruction tuning; "others" are those of TweepFake."""

NO_INTERCEPT = -1
_BALANCED = (AI_GENERATED, MISINFORMATION)
_MOST_RAISED = 4.0
_ONE_SIDED_WEIGHT, _LEGACY_WEIGHT = 0.3, 0.25


def label_weights(rows: Sequence[Row]) -> NDArray[np.float32]:
    """Loss weights [n, L] of rows drawn by `row_probabilities`."""
    truth = targets(rows, presume=True)
    weights = presumed_weights(rows)
    sets, drawn = _sets(rows), row_probabilities(rows)
    for column in (LABELS.index(label) for label in _BALANCED):
        weights[:, column] *= _within_sets(truth[:, column], sets, drawn)
    weights[is_legacy(rows), LABELS.index(AI_GENERATED)] *= _LEGACY_WEIGHT
    return weights


def intercepts(rows: Sequence[Row]) -> NDArray[np.int64]:
    """Index of the intercept of each text and label [n, L], NO_INTERCEPT for none.

    All sets have one for `ai_generated`, sets of both classes for `misinformation`; policy labels, mostly annotated one
    set a label, have none.
    """
    truth, sets = targets(rows, presume=True), _sets(rows)
    found = np.full(truth.shape, NO_INTERCEPT, np.int64)
    found[:, LABELS.index(AI_GENERATED)] = sets
    column = LABELS.index(MISINFORMATION)
    both = [number for number in np.unique(sets) if len(np.unique(_known(truth[sets == number, column]))) > 1]
    found[np.isin(sets, both), column] = sets[np.isin(sets, both)]
    return found


def is_legacy(rows: Sequence[Row]) -> NDArray[np.bool_]:
    """Whether each text is by a generator without instruction tuning [n]."""
    return np.array([row.generator in LEGACY for row in rows], dtype=bool)


def _within_sets(
    truth: NDArray[np.float32], sets: NDArray[np.int64], drawn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Factors [n] that give both classes of a set equal weight, up to a fourfold increase."""
    factors = np.ones(len(truth))
    for number in np.unique(sets):
        inside = sets == number
        masses = [drawn[inside & (truth == value)].sum() for value in (0, 1)]
        for value in (0, 1):
            rows = inside & (truth == value)
            even = 0.5 * sum(masses) / masses[value] if all(masses) else _ONE_SIDED_WEIGHT
            factors[rows] = np.clip(even, 1 / _MOST_RAISED, _MOST_RAISED)
    return factors


def _sets(rows: Sequence[Row]) -> NDArray[np.int64]:
    return np.unique([row.dataset for row in rows], return_inverse=True)[1]


def _known(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values[~np.isnan(values)]
