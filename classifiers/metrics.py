"""Metrics of scores: ranking, detection at few false flags, calibration, and the uncertainty of each figure.

`truth` holds 0 and 1, `scores` one number a row, higher meaning likelier positive. Numpy only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Metric = Callable[[NDArray[np.bool_], NDArray[np.float64]], float]
Interval = tuple[float, float]

_Z95 = 1.959963984540054  # Standard normal quantile of 0.975.


@dataclass(frozen=True, slots=True)
class Bins:
    """A reliability diagram: mean probability, rate of positives and rows of each bin that is not empty."""

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    rows: tuple[int, ...]


def auroc(truth: ArrayLike, scores: ArrayLike) -> float:
    """Probability that a positive outranks a negative, ties counting half (the Mann-Whitney statistic)."""
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


def roc(truth: ArrayLike, scores: ArrayLike, points: int = 200) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """False and true positive rates of falling thresholds, from (0, 0) to (1, 1), thinned to about `points`."""
    positive, values = _both_classes(truth, scores)
    order = np.argsort(-values, kind="stable")
    last = np.append(np.diff(values[order]) != 0, True)  # Ties are flagged together.
    hits, misses = np.cumsum(positive[order])[last], np.cumsum(~positive[order])[last]
    fpr, tpr = np.append(0, misses / misses[-1]), np.append(0, hits / hits[-1])
    fine = np.unique(np.concatenate([np.linspace(0, 1, points // 2), np.geomspace(1e-3, 1, points // 2)]))
    kept = np.unique(np.append(np.searchsorted(fpr, fine, side="right") - 1, len(fpr) - 1))
    return tuple(fpr[kept].round(5).tolist()), tuple(tpr[kept].round(5).tolist())


def ece(truth: ArrayLike, probabilities: ArrayLike, bins: int = 15) -> float:
    """Expected calibration error over equally wide bins (Naeini 2015, Guo 2017): mean |observed rate - predicted|."""
    found = reliability(truth, probabilities, bins)
    gaps = np.abs(np.subtract(found.observed, found.predicted))
    return float(gaps @ np.array(found.rows) / sum(found.rows))


def reliability(truth: ArrayLike, probabilities: ArrayLike, bins: int = 15) -> Bins:
    """Compare probabilities with the truth, in equally wide bins."""
    positive, values = np.asarray(truth, bool), np.asarray(probabilities, np.float64)
    _same_length(positive, values)
    if values.min() < 0 or values.max() > 1:
        raise ValueError(
            f"probabilities: from {values.min()} to {values.max()}, not within 0 to 1: calibrate them first"
        )
    index = np.minimum((values * bins).astype(int), bins - 1)
    rows = np.bincount(index, minlength=bins)
    kept = rows > 0
    predicted, observed = (np.bincount(index, part, bins)[kept] / rows[kept] for part in (values, positive))
    return Bins(tuple(predicted.tolist()), tuple(observed.tolist()), tuple(rows[kept].tolist()))


def bootstraps(
    metrics: Sequence[Metric],
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
    rounds: int = 1000,
    seed: int = 0,
) -> list[Interval]:
    """Percentile bootstrap intervals (Efron 1979) of several metrics, from the same draws.

    Rows of one group (an article's crops, an author's posts) are drawn together. Draws without both classes are
    drawn again.
    """
    positive, values = _both_classes(truth, scores)
    names = np.arange(len(values)) if groups is None else np.asarray(groups)
    _same_length(names, values)
    _, group = np.unique(names, return_inverse=True)
    count = int(group.max()) + 1
    if count == 1:
        raise ValueError("groups: all rows are in one group, so nothing can be redrawn")
    generator = np.random.default_rng(seed)
    found: list[list[float]] = []
    while len(found) < rounds:
        times = np.bincount(generator.integers(count, size=count), minlength=count)
        rows = np.repeat(np.arange(len(values)), times[group])
        if 0 < positive[rows].sum() < len(rows):
            found.append([metric(positive[rows], values[rows]) for metric in metrics])
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def rate_interval(flagged: ArrayLike, groups: ArrayLike) -> Interval:
    """95 % interval of a rate (Wilson 1927). Rows of one group count as one trial, so that copies don't narrow it."""
    n, rate = len(np.unique(np.asarray(groups))), float(np.mean(np.asarray(flagged, np.float64)))
    centre = n * rate + _Z95**2 / 2
    spread = _Z95 * float(np.sqrt(n * rate * (1 - rate) + _Z95**2 / 4))
    return max(0.0, (centre - spread) / (n + _Z95**2)), min(1.0, (centre + spread) / (n + _Z95**2))


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
