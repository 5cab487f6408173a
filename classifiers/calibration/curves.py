"""Calibrates logits into probabilities, by label and by length of the text.

Each label has a temperature and a bias (Platt 1999; Guo 2017), fitted on held-out rows, and then a curve with knots at
three of its logits, each piece's slope drawn towards the temperature's. A bucket of word counts has its own curve,
drawn towards the label's, the more so the fewer rows the bucket has. The interval of a probability says how far off
held-out rows of similar probability may have been: from Wilson's 90 % interval of their rate of positives (Wilson 1927;
Brown, Cai & DasGupta 2001) against their mean probability. It covers only texts like those rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import TypeAdapter, ValidationError

BUCKETS = (10, 20, 40, 80)
"""Last word count of each bucket but the longest: 10 or fewer, 11-20, 21-40, 41-80, over 80."""

_Z90 = 1.6448536269514722  # Standard normal quantile of 0.95.
_UNKNOWN = 50.0  # Log odds that shift any probability to 0 or 1.
_ROWS_PER_BAND, _MOST_BANDS = 50, 10
_OVERALL_SPREAD = (2.0, 3.0)  # Prior standard deviation of log slope and bias around 0: wide.
_BENT_SPREAD = (0.5, 1.0)  # Likewise of the pieces' log slopes and of the bias around the label's pair.
_BUCKET_SPREAD = (0.2, 0.2)  # Likewise of a bucket's curve around the label's.
_BENDS = (0.5, 0.8, 0.95)  # Quantiles of the logits at which a label's curve bends: most labels are rare.

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
        """The interval of each probability."""
        band, odds = np.searchsorted(self.cuts, p, side="right"), _log_odds(p)
        low, high = sigmoid(odds - np.take(self.down, band)), sigmoid(odds + np.take(self.up, band))
        return np.minimum(low, p), np.maximum(high, p)


@dataclass(frozen=True, slots=True)
class Curve:
    """A bucket's calibration of one label: p = sigmoid(slope * logit + bias), slope being one over the temperature.

    Beyond the logit of each of `bends` (logit, slope; ascending) the line goes on with that slope.
    """

    slope: float = 1.0
    bias: float = 0.0
    bands: Bands = Bands()
    bends: tuple[tuple[float, float], ...] = ()

    def apply(self, logits: Floats) -> Floats:
        """Calibrate logits into probabilities."""
        line = self.slope * logits + self.bias
        if self.bends:
            knots, slopes = np.array(self.bends).T
            line = line + np.maximum(logits[:, None] - knots, 0) @ np.diff(slopes, prepend=self.slope)
        return sigmoid(line)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A curve per label and bucket, `curves[label][bucket]`; each label's share of positives where it was fitted.

    `feed` holds each label's share in the feed that is judged, where that is known: `apply` then corrects for it.
    """

    curves: tuple[tuple[Curve, ...], ...]
    prevalence: tuple[float, ...]
    buckets: tuple[int, ...] = BUCKETS
    feed: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.buckets != BUCKETS:
            raise ValueError(f"buckets: {self.buckets} aren't {BUCKETS}, which texts are sorted into")
        if {len(label) for label in self.curves} != {len(BUCKETS) + 1} or len(self.curves) != len(self.prevalence):
            raise ValueError("curves: a label lacks the curve of some bucket, or its prevalence")
        if self.feed is not None and (
            len(self.feed) != len(self.curves) or not all(0 < rate < 1 for rate in self.feed)
        ):
            raise ValueError(f"feed: {self.feed} isn't one share between 0 and 1 for each label")

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
            rate = float(target[known].mean()) if known.any() else 0.0
            curves.append(_fit_label(score[known], target[known] > 0.5, bucket[known]) if 0 < rate < 1 else _UNFITTED)
            prevalence.append(rate if 0 < rate < 1 else 0.5)
        return cls(tuple(curves), tuple(prevalence))

    def apply(self, logits: ArrayLike, words: ArrayLike, prevalence: Sequence[float] | None = None) -> Probabilities:
        """Calibrate `logits` [n, L] of texts of `words` [n] words.

        `prevalence` [L] (None: that of `feed`, if known) corrects for a feed where a label is rarer or more common than
        where it was fitted (Saerens 2002): odds are scaled by the ratio of prior odds.
        """
        prevalence = self.feed if prevalence is None else prevalence
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
            raise ValueError(f"not a calibration, fit it again: {error}") from error


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
    straight = _likeliest(scores[None], positive, np.zeros(2), np.array(_OVERALL_SPREAD))
    knots = np.unique(np.quantile(scores, _BENDS))
    pieces, count = _pieces(scores, knots), len(knots) + 1
    bent = _around(straight[[0] * count + [1]], _BENT_SPREAD, pieces, positive)
    curves = []
    for index in range(len(BUCKETS) + 1):
        rows = bucket == index
        curve = _curve(_around(bent, _BUCKET_SPREAD, pieces[:, rows], positive[rows]), knots)
        curves.append(replace(curve, bands=Bands.count(curve.apply(scores[rows]), positive[rows])))
    return tuple(curves)


def _pieces(scores: Floats, knots: Floats) -> Floats:
    """The part of the way from 0 to each score in each piece between knots: [K + 1, n], adding up to the score."""
    low, high = np.concatenate([[-np.inf], knots])[:, None], np.concatenate([knots, [np.inf]])[:, None]
    found: Floats = np.clip(scores, low, high) - np.clip(0.0, low, high)
    return found


def _curve(fitted: Floats, knots: Floats) -> Curve:
    """The curve of the log slope of each piece and the height at logit 0."""
    slopes = np.exp(fitted[:-1])
    first = float(slopes @ _pieces(knots[:1], knots)[:, 0] + fitted[-1] - slopes[0] * knots[0])
    bends = zip(knots.tolist(), slopes[1:].tolist(), strict=True)
    return Curve(float(slopes[0]), first, bends=tuple(bends))


def _around(centre: Floats, spread: tuple[float, float], pieces: Floats, positive: NDArray[np.bool_]) -> Floats:
    deviations = np.array([spread[0]] * len(pieces) + [spread[1]])
    return _likeliest(pieces, positive, centre, deviations)


def _likeliest(pieces: Floats, positive: NDArray[np.bool_], centre: Floats, spread: Floats) -> Floats:
    """The likeliest log slopes of `pieces` [K, n], and bias, under a normal prior, by damped Fisher scoring."""
    found = centre.copy()

    def loss(values: Floats) -> float:
        margin = np.where(positive, 1, -1) * (np.exp(values[:-1]) @ pieces + values[-1])
        return float(np.logaddexp(0, -margin).sum() + (((values - centre) / spread) ** 2).sum() / 2)

    for _ in range(100):
        slopes = np.exp(found[:-1])
        p = sigmoid(slopes @ pieces + found[-1])
        jacobian = np.vstack([slopes[:, None] * pieces, np.ones_like(p)])
        gradient = jacobian @ (p - positive) + (found - centre) / spread**2
        information = (jacobian * p * (1 - p)) @ jacobian.T + np.diag(spread**-2.0)
        step = np.linalg.solve(information, gradient)
        while loss(found - step) > loss(found) and np.abs(step).max() > 1e-9:
            step /= 2
        found = found - step
        if np.abs(step).max() < 1e-6:
            break
    return found


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
