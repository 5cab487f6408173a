"""Fits the weights for posts of one author, which `service/moderation/author.py` explains and applies.

Here the formula is on arrays, to be fitted to simulated accounts; a test compares both. Numpy and
scipy only.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classifiers.calibration.curves import BUCKETS, sigmoid
from classifiers.errors import InputError

STRONGEST = 6.0
"""Log odds: no post counts more."""

_LEAST = 1e-4  # A worker rounds probabilities to four decimals.
_PULL = 25.0  # A word bucket's curve is drawn towards the overall one as by this many posts.
_FEWEST = 50

Floats = NDArray[np.float64]


class Scored(NamedTuple):
    """Posts: log odds of their calibrated probability [n], word bucket [n], truth [n], weight of each in a fit [n]."""

    logit: Floats
    bucket: NDArray[np.intp]
    machine: NDArray[np.bool_]
    weight: Floats


class Accounts(NamedTuple):
    """Simulated accounts: mean evidence of their posts [m], how many posts [m], truth [m]."""

    evidence: Floats
    posts: NDArray[np.int64]
    machine: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Curves:
    """Evidence by word bucket: slope and offset of each."""

    slopes: tuple[float, ...]
    offsets: tuple[float, ...]

    def evidence(self, logit: Floats, bucket: NDArray[np.intp]) -> Floats:
        """Log-likelihood ratio of each post [n]."""
        found = np.take(self.slopes, bucket) * logit + np.take(self.offsets, bucket)
        clipped: Floats = np.clip(found, -STRONGEST, STRONGEST)
        return clipped


@dataclass(frozen=True, slots=True)
class Weights:
    """One whole fit."""

    curves: Curves
    correlation: float
    slope: float
    bias: float

    def log_odds(self, evidence: ArrayLike, posts: ArrayLike) -> Floats:
        """Log odds that a machine wrote the posts, from mean evidence [m] and number [m] of each account's."""
        return _log_odds(np.array([self.slope, self.bias, self.correlation]), np.asarray(evidence), np.asarray(posts))


def logit_of(probability: ArrayLike) -> Floats:
    """Log odds of probabilities as a worker would have rounded them."""
    rounded = np.clip(np.round(np.asarray(probability, np.float64), 4), _LEAST, 1 - _LEAST)
    logit: Floats = np.log(rounded / (1 - rounded))
    return logit


def fit_curves(posts: Scored) -> Curves:
    """Platt's curve of each bucket, drawn towards the overall one; both classes have equal weight in each."""
    overall = _platt(posts, np.array([1.0, 0.0]), pull=1e-3)
    pairs = []
    for bucket in range(len(BUCKETS) + 1):
        inside = posts.bucket == bucket
        part = Scored(*(column[inside] for column in posts))
        enough = min(part.machine.sum(), (~part.machine).sum()) > 0
        pairs.append(_platt(part, overall, pull=_PULL / len(part.logit)) if enough else overall)
    return Curves(tuple(float(pair[0]) for pair in pairs), tuple(float(pair[1]) for pair in pairs))


def fit_weights(curves: Curves, accounts: Accounts) -> Weights:
    """The correlation, slope and bias that make the accounts likeliest; accounts of both classes have equal weight."""
    from scipy.optimize import minimize  # noqa: PLC0415 for fitting only

    if len(accounts.machine) < _FEWEST or accounts.machine.all() or not accounts.machine.any():
        raise InputError(f"timelines: {len(accounts.machine)} accounts, or all of one kind: too few labelled posts")
    signs, share = np.where(accounts.machine, 1.0, -1.0), float(accounts.machine.mean())
    balance = np.where(accounts.machine, 0.5 / share, 0.5 / (1 - share))

    def loss(found: Floats) -> float:
        margin = signs * _log_odds(found, accounts.evidence, accounts.posts)
        return float((balance * np.logaddexp(0, -margin)).mean())

    bounds = [(0.05, 5.0), (-3.0, 3.0), (0.0, 1.0)]
    slope, bias, correlation = minimize(loss, [1.0, 0.0, 0.2], method="L-BFGS-B", bounds=bounds).x
    return Weights(curves, float(correlation), float(slope), float(bias))


def to_json(version: str, weights: Weights, resampled: Sequence[Weights], figures: Sequence[object]) -> str:
    """The fit for model `version` as the service reads it, with its measured figures."""
    found = {
        "model_version": version,
        "weights": _plain(weights),
        "resampled": [_plain(one) for one in resampled],
        "figures": figures,
    }
    return json.dumps(found, indent=1)


def _plain(weights: Weights) -> dict[str, object]:
    curves = {name: [round(value, 4) for value in values] for name, values in asdict(weights.curves).items()}
    single = {name: round(getattr(weights, name), 4) for name in ("correlation", "slope", "bias")}
    return {"buckets": list(BUCKETS), **curves, **single}


def _log_odds(found: Floats, evidence: Floats, posts: NDArray[np.int64]) -> Floats:
    slope, bias, correlation = found
    log_odds: Floats = bias + slope * evidence * posts / (1 + (posts - 1) * correlation)
    return log_odds


def _platt(posts: Scored, centre: Floats, *, pull: float) -> Floats:
    """Slope and offset, at a mean log loss to which `pull` / 2 times the squared distance from `centre` is added."""
    pair = centre.copy()
    target, weight = posts.machine.astype(np.float64), _balanced(posts)
    design = np.stack([posts.logit, np.ones_like(posts.logit)])
    for _ in range(50):
        p = sigmoid(pair @ design)
        gradient = design @ (weight * (p - target)) + pull * (pair - centre)
        information = (design * weight * p * (1 - p)) @ design.T + pull * np.eye(2)
        step = np.clip(np.linalg.solve(information, gradient), -0.5, 0.5)
        pair = pair - step
        if np.abs(step).max() < 1e-6:
            break
    return np.array([max(pair[0], 0.0), pair[1]])


def _balanced(posts: Scored) -> Floats:
    """Weights that sum to one, half on either class."""
    machine = posts.weight * posts.machine
    human = posts.weight * ~posts.machine
    balanced: Floats = machine / (2 * machine.sum()) + human / (2 * human.sum())
    return balanced
