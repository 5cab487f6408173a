"""How good scores are: ranking, detection at few false flags, calibration, and how sure one may be of each figure.

`truth` holds 0 and 1, `scores` one number a row, higher meaning likelier positive. Numpy only.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Metric = Callable[[NDArray[np.bool_], NDArray[np.float64]], float]


def auroc(truth: ArrayLike, scores: ArrayLike) -> float:
    """Chance that a positive outranks a negative, ties counting half (the Mann-Whitney statistic)."""
    positive, values = _both_classes(truth, scores)
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    hits, misses = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * misses))


def tpr_at_fpr(truth: ArrayLike, scores: ArrayLike, most: float) -> float:
    """Largest share of positives flagged by a threshold that flags at most a share `most` of the negatives."""
    positive, values = _both_classes(truth, scores)
    return float((values[positive] >= threshold_at_fpr(positive, values, most)).mean())


def threshold_at_fpr(truth: ArrayLike, scores: ArrayLike, most: float) -> float:
    """Lowest score such that flagging from it upwards flags at most a share `most` of the negatives.

    It is one of the scores, or infinity where even the highest flags too many.
    """
    positive, values = _both_classes(truth, scores)
    negatives = np.sort(values[~positive])
    candidates = np.unique(values)
    flagged = len(negatives) - np.searchsorted(negatives, candidates, side="left")
    allowed = candidates[flagged <= most * len(negatives)]
    return float(allowed[0]) if allowed.size else float("inf")


def ece(truth: ArrayLike, probabilities: ArrayLike, bins: int = 15) -> float:
    """Expected calibration error over equally wide bins (Naeini 2015, Guo 2017): mean |observed rate - predicted|."""
    positive, values = np.asarray(truth, bool), np.asarray(probabilities, np.float64)
    _same_length(positive, values)
    if values.min() < 0 or values.max() > 1:
        raise ValueError(
            f"probabilities: from {values.min()} to {values.max()}, not within 0 to 1: calibrate them first"
        )
    index = np.minimum((values * bins).astype(int), bins - 1)
    gaps = np.bincount(index, positive - values, minlength=bins)
    return float(np.abs(gaps).sum() / len(values))


def bootstrap(
    metric: Metric,
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
    rounds: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of `metric(truth, scores)` (Efron 1979).

    Rows of one group (an article's crops, an author's posts) are drawn together. Draws without both classes are
    drawn again.
    """
    positive, values = _both_classes(truth, scores)
    names = np.arange(len(values)) if groups is None else np.asarray(groups)
    _same_length(names, values)
    _, group = np.unique(names, return_inverse=True)
    members = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
    if len(members) == 1:
        raise ValueError("groups: all rows are in one group, so nothing can be redrawn")
    generator = np.random.default_rng(seed)
    found: list[float] = []
    while len(found) < rounds:
        rows = np.concatenate([members[drawn] for drawn in generator.integers(len(members), size=len(members))])
        if 0 < positive[rows].sum() < len(rows):
            found.append(metric(positive[rows], values[rows]))
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _both_classes(truth: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    positive, values = np.asarray(truth, bool), np.asarray(scores, np.float64)
    _same_length(positive, values)
    if positive.all() or not positive.any():
        raise ValueError(f"truth: all {positive.size} rows are of one class, so nothing can be ranked")
    return positive, values


def _same_length(left: NDArray[np.generic], values: NDArray[np.float64]) -> None:
    if left.shape != values.shape or values.ndim != 1 or not values.size:
        raise ValueError(f"one value a row is needed, but shapes are {left.shape} and {values.shape}")
    if np.isnan(values).any():
        raise ValueError(f"scores: {int(np.isnan(values).sum())} of {values.size} are not a number")
