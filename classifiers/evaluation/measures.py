"""Figures of scores against truth, slice by slice, for `evaluate` and `leaveout`."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from classifiers.data.slices import Slice, by_bucket
from classifiers.evaluation.figures import BRANCHES, FUSION, Curve, FalseRate, Figure, Reliability, Spread
from classifiers.evaluation.scored_rows import FALSE_RATE, Floats, Judged, Mask, Thresholds
from classifiers.labels import LABELS
from classifiers.metrics import (
    auroc,
    bootstraps,
    ece,
    rate_interval,
    reliability,
    roc,
    tpr_at_fpr,
)

ROUNDS = 200
_FEWEST_TO_RATE = 20
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def figure(
    of: Figure, truth: NDArray[np.float32], scores: Floats, articles: NDArray[np.intp], threshold: float | None
) -> Figure | None:
    """Complete a figure that names label, slice and branch; None where `truth` [n] (0, 1) lacks a class."""
    positives = int(truth.sum())
    if positives in (0, len(truth)):
        return None
    found = replace(
        of,
        positives=positives,
        negatives=len(truth) - positives,
        auroc=auroc(truth, scores),
        tpr=tpr_at_fpr(truth, scores, FALSE_RATE),
    )
    if threshold is not None:
        flags = scores >= threshold
        found = replace(
            found,
            frozen_tpr=float(flags[truth == 1].mean()),
            frozen_fpr=float(flags[truth == 0].mean()),
            frozen_fpr_interval=rate_interval(flags[truth == 0], articles[truth == 0]),
        )
    if len(np.unique(articles)) < 3:
        return found
    ranking, detection = bootstraps(
        [auroc, lambda some, values: tpr_at_fpr(some, values, FALSE_RATE)],
        truth,
        scores,
        groups=articles,
        rounds=ROUNDS,
    )
    return replace(found, auroc_interval=ranking, tpr_interval=detection)


def sliced(
    judged: Judged, slices: Iterable[Slice], label: str, cut: str, *, split: str, thresholds: Thresholds
) -> Iterator[Figure]:
    """Figures of each branch on each slice that has both classes."""
    column = LABELS.index(label)
    known = ~np.isnan(judged.truth[:, column])
    for part, mask in slices:
        rows = known & mask
        for branch in BRANCHES:
            found = figure(
                Figure(label, cut, part, split, branch, 0, 0, 0.0, 0.0),
                judged.truth[rows, column],
                judged.scores[branch][rows, column],
                judged.articles[rows],
                thresholds.get(label, {}).get(branch),
            )
            if found is not None:
                yield found


def trusted(figure: Figure, judged: Judged, mask: Mask) -> Figure:
    """Add the fusion's calibration error and flags; other branches have no probabilities."""
    if figure.branch != FUSION:
        return figure
    column = LABELS.index(figure.label)
    truth, probability = _presumed(judged, mask, column)
    return replace(figure, ece=ece(truth, probability), flagged=float((probability[truth == 0] >= 0.5).mean()))


def reliability_of(judged: Judged, mask: Mask, label: str) -> Reliability:
    """The reliability diagram of a label."""
    truth, probability = _presumed(judged, mask, LABELS.index(label))
    return Reliability(label, reliability(truth, probability), ece(truth, probability))


def curve(judged: Judged, mask: Mask, label: str, branch: str) -> Curve:
    """The ROC curve of a branch for a label, on rows of both classes."""
    column = LABELS.index(label)
    known = mask & ~np.isnan(judged.truth[:, column])
    return Curve(label, branch, *roc(judged.truth[known, column], judged.scores[branch][known, column]))


def spreads(judged: Judged, mask: Mask, label: str) -> Iterator[Spread]:
    """How probabilities spread, by word bucket and class."""
    column = LABELS.index(label)
    for name, in_bucket in by_bucket(judged.words):
        for positive in (False, True):
            rows = mask & in_bucket & (judged.truth[:, column] == positive)
            if rows.any():
                quantiles = np.quantile(judged.probability[rows, column], _QUANTILES)
                yield Spread(label, name, positive, int(rows.sum()), tuple(quantiles.round(4).tolist()))


def false_rates(
    judged: Judged, slices: Iterable[tuple[str, str, Mask]], label: str, threshold: float, *, presume: bool
) -> Iterator[FalseRate]:
    """How often negatives of each slice (kind, name, rows) are flagged; slices of fewer than 20 rows are left out."""
    column = LABELS.index(label)
    negative = (judged.presumed if presume else judged.truth)[:, column] == 0
    scores = judged.probability[:, column]
    for kind, part, mask in slices:
        rows = negative & mask
        if rows.sum() >= _FEWEST_TO_RATE:
            flags = scores[rows] >= threshold
            interval = rate_interval(flags, judged.articles[rows])
            half = float((scores[rows] >= 0.5).mean())
            yield FalseRate(label, kind, part, int(rows.sum()), float(flags.mean()), interval, half)


def _presumed(judged: Judged, mask: Mask, column: int) -> tuple[NDArray[np.float32], Floats]:
    known = mask & ~np.isnan(judged.presumed[:, column])
    return judged.presumed[known, column], judged.probability[known, column]
