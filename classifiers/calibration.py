"""From logits to probabilities that mean what they say, by label and by length of the text.

Each label has a temperature and a bias per word bucket (Platt 1999; Guo 2017), fitted on held-out rows. A bucket's pair
is drawn towards the label's overall pair, the more so the fewer rows the bucket has. The interval beside a probability
says how far off held-out rows of like probability may have been: from Wilson's 90 % interval of their rate of positives
(Wilson 1927; Brown, Cai & DasGupta 2001) against their mean probability. It speaks only for texts like those rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import TypeAdapter, ValidationError

BUCKETS = (10, 20, 40, 80)
"""Last word count of each bucket but the longest: 10 or fewer, 11-20, 21-40, 41-80, over 80."""

_Z90 = 1.6448536269514722  # Standard normal quantile of 0.95.
_UNKNOWN = 50.0  # Log odds that take any probability to 0 or 1.
_ROWS_PER_BAND, _MOST_BANDS = 50, 10
_OVERALL_SPREAD = (2.0, 3.0)  # Prior standard deviation of log slope and bias around 0: wide.
_BUCKET_SPREAD = (0.5, 0.5)  # Likewise of a bucket's pair around the label's.

Floats = NDArray[np.float64]


class Probabilities(NamedTuple):
    """Calibrated probabilities and their 90 % interval: float32 [n, L] each, 0 <= low <= p <= high <= 1."""

    p: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bands:
    """How far off probabilities may be, in log odds: band i is for those below `cuts[i]`, the last for all above."""

    cuts: tuple[float, ...] = ()
    down: tuple[float, ...] = (_UNKNOWN,)
    up: tuple[float, ...] = (_UNKNOWN,)

    @classmethod
    def count(cls, p: Floats, positive: NDArray[np.bool_]) -> Self:
        """Compare the mean probability of equally filled bands with the interval of their rate of positives."""
        if not p.size:
            return cls()
        number = int(np.clip(p.size // _ROWS_PER_BAND, 1, _MOST_BANDS))
        cuts = np.unique(np.quantile(p, np.arange(1, number) / number))
        band, number = np.searchsorted(cuts, p, side="right"), len(cuts) + 1
        rows = np.bincount(band, minlength=number)
        low, high = wilson(np.bincount(band, positive, number), rows)
        mean = _log_odds(np.bincount(band, p, number) / np.maximum(rows, 1))
        down, up = np.maximum(mean - _log_odds(low), 0), np.maximum(_log_odds(high) - mean, 0)
        return cls(tuple(cuts.tolist()), tuple(down.tolist()), tuple(up.tolist()))

    def around(self, p: Floats) -> tuple[Floats, Floats]:
        """Give the interval of each probability."""
        band, odds = np.searchsorted(self.cuts, p, side="right"), _log_odds(p)
        low, high = sigmoid(odds - np.take(self.down, band)), sigmoid(odds + np.take(self.up, band))
        return np.minimum(low, p), np.maximum(high, p)


@dataclass(frozen=True, slots=True)
class Curve:
    """A bucket's calibration of one label: p = sigmoid(slope * logit + bias), slope being one over the temperature."""

    slope: float = 1.0
    bias: float = 0.0
    bands: Bands = Bands()

    def apply(self, logits: Floats) -> Floats:
        """Calibrate logits into probabilities."""
        return sigmoid(self.slope * logits + self.bias)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A curve per label and bucket, `curves[label][bucket]`; each label's share of positives where it was fitted."""

    curves: tuple[tuple[Curve, ...], ...]
    prevalence: tuple[float, ...]
    buckets: tuple[int, ...] = BUCKETS

    def __post_init__(self) -> None:
        if self.buckets != BUCKETS:
            raise ValueError(f"buckets: {self.buckets} aren't {BUCKETS}, which texts are sorted into")
        if {len(label) for label in self.curves} != {len(BUCKETS) + 1} or len(self.curves) != len(self.prevalence):
            raise ValueError("curves: a label lacks the curve of some bucket, or its prevalence")

    @classmethod
    def fit(cls, logits: ArrayLike, targets: ArrayLike, words: ArrayLike) -> Self:
        """Fit to held-out rows: `logits` [n, L], `targets` [n, L] of 0, 1 or NaN (unknown, left out), `words` [n].

        A label without both classes keeps its logits, with intervals from 0 to 1.
        """
        scores, truth = np.asarray(logits, np.float64), np.asarray(targets, np.float64)
        bucket = bucket_of(words)
        _check(scores, truth, bucket)
        curves, prevalence = [], []
        for score, target in zip(scores.T, truth.T, strict=True):
            known = ~np.isnan(target)
            rate = float(target[known].mean()) if known.any() else 0.5
            curves.append(_fit_label(score[known], target[known] > 0.5, bucket[known]) if 0 < rate < 1 else _UNFITTED)
            prevalence.append(rate if 0 < rate < 1 else 0.5)
        return cls(tuple(curves), tuple(prevalence))

    def apply(self, logits: ArrayLike, words: ArrayLike, prevalence: Sequence[float] | None = None) -> Probabilities:
        """Calibrate `logits` [n, L] of texts of `words` [n] words.

        `prevalence` [L] corrects for a feed where a label is rarer or more common than where it was fitted (Saerens
        2002): odds are scaled by the ratio of prior odds.
        """
        scores, bucket = np.asarray(logits, np.float64), bucket_of(words)
        if scores.shape != (len(bucket), len(self.curves)):
            raise ValueError(f"logits: shape {scores.shape} isn't {(len(bucket), len(self.curves))}, texts by labels")
        shift = np.zeros(len(self.curves)) if prevalence is None else _log_odds(prevalence) - _log_odds(self.prevalence)
        found = np.empty((3, *scores.shape))
        for label, curves in enumerate(self.curves):
            for index in np.unique(bucket):
                rows = bucket == index
                p = curves[index].apply(scores[rows, label])
                found[:, rows, label] = p, *curves[index].bands.around(p)
        if prevalence is not None:
            found = sigmoid(_log_odds(found) + shift)
        p, low, high = found.astype(np.float32)
        return Probabilities(p, low, high)

    def to_json(self) -> str:
        """Write all of it as one JSON object."""
        return TypeAdapter(type(self)).dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            raise ValueError(f"not a calibration, fit it anew: {error}") from error


_UNFITTED = (Curve(),) * (len(BUCKETS) + 1)


def bucket_of(words: ArrayLike) -> NDArray[np.intp]:
    """Index of the word bucket of each word count."""
    return np.searchsorted(BUCKETS, np.asarray(words), side="left")


def sigmoid(logits: Floats) -> Floats:
    """Logistic function, without overflow."""
    return np.exp(-np.logaddexp(0, -logits))


def wilson(hits: ArrayLike, trials: ArrayLike) -> tuple[Floats, Floats]:
    """Bound a rate seen as `hits` in `trials` from below and above, at 90 % confidence; 0 to 1 without trials."""
    n = np.asarray(trials, np.float64)
    rate = np.asarray(hits) / np.maximum(n, 1)
    centre = n * rate + _Z90**2 / 2
    spread = _Z90 * np.sqrt(n * rate * (1 - rate) + _Z90**2 / 4)
    low, high = (centre - spread) / (n + _Z90**2), (centre + spread) / (n + _Z90**2)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def _fit_label(scores: Floats, positive: NDArray[np.bool_], bucket: NDArray[np.intp]) -> tuple[Curve, ...]:
    overall = _platt(scores, positive, np.zeros(2), np.array(_OVERALL_SPREAD))
    curves = []
    for index in range(len(BUCKETS) + 1):
        rows = bucket == index
        log_slope, bias = _platt(scores[rows], positive[rows], overall, np.array(_BUCKET_SPREAD))
        curve = Curve(float(np.exp(log_slope)), float(bias))
        bands = Bands.count(curve.apply(scores[rows]), positive[rows])
        curves.append(Curve(curve.slope, curve.bias, bands))
    return tuple(curves)


def _platt(scores: Floats, positive: NDArray[np.bool_], centre: Floats, spread: Floats) -> Floats:
    """Find the likeliest log slope and bias under a normal prior, by damped Fisher scoring."""
    pair = centre.copy()

    def loss(pair: Floats) -> float:
        margin = np.where(positive, 1, -1) * (np.exp(pair[0]) * scores + pair[1])
        return float(np.logaddexp(0, -margin).sum() + (((pair - centre) / spread) ** 2).sum() / 2)

    for _ in range(100):
        slope = np.exp(pair[0])
        p = sigmoid(slope * scores + pair[1])
        jacobian = np.stack([slope * scores, np.ones_like(scores)])
        gradient = jacobian @ (p - positive) + (pair - centre) / spread**2
        information = (jacobian * p * (1 - p)) @ jacobian.T + np.diag(spread**-2.0)
        step = np.linalg.solve(information, gradient)
        while loss(pair - step) > loss(pair) and np.abs(step).max() > 1e-9:
            step /= 2
        pair = pair - step
        if np.abs(step).max() < 1e-6:
            break
    return pair


def _log_odds(p: ArrayLike) -> Floats:
    clipped = np.clip(np.asarray(p, np.float64), 1e-9, 1 - 1e-9)
    return np.log(clipped / (1 - clipped))


def _check(scores: Floats, truth: Floats, bucket: NDArray[np.intp]) -> None:
    if scores.ndim != 2 or scores.shape != truth.shape or len(bucket) != len(scores):
        raise ValueError(
            f"logits {scores.shape}, targets {truth.shape} and words {bucket.shape} must be [n, L], [n, L] and [n]"
        )
    if not np.isfinite(scores).all():
        raise ValueError("logits: some are not finite numbers")
