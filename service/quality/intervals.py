"""Shares with their confidence intervals, from counts. Standard library only.

One binomial share has Wilson's interval; a share put together from strata has Wilson's in each, joined by MOVER; a
share of unequally weighted observations has Wilson's at Kish's effective sample size.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share, its interval, and on how many observations it rests; with none it is None, between 0 and 1."""

    value: float | None
    low: float
    high: float
    observations: int


UNKNOWN = Estimate(None, 0.0, 1.0, 0)
"""What is known of a share without observations."""


class Stratum(NamedTuple):
    """Observations from one part of the whole: `hits` of `observations`, for a part that weighs `size`.

    Both may be fractions, for an effective sample size.
    """

    size: float
    hits: float
    observations: float


def wilson(hits: float, observations: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of `hits` / `observations`.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n); Wilson, E. B. (1927), JASA 22, 209-212. The counts may be
    fractions, for an effective sample size.
    """
    if observations <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, unit = hits / observations, z * z / observations
    middle = (share + unit / 2) / (1 + unit)
    half = z * sqrt(max(0.0, share * (1 - share)) / observations + unit / observations / 4) / (1 + unit)
    low = 0.0 if hits <= 0 else max(0.0, middle - half)
    high = 1.0 if hits >= observations else min(1.0, middle + half)
    return low, high


def share(hits: int, observations: int, confidence: float = CONFIDENCE) -> Estimate:
    """The share `hits` / `observations` with Wilson's interval."""
    if not observations:
        return UNKNOWN
    return Estimate(hits / observations, *wilson(hits, observations, confidence), observations)


def stratified(strata: Collection[Stratum], confidence: float = CONFIDENCE) -> Estimate:
    """The share in the whole, from a random sample of each stratum; strata without observations are left out.

    p = Σ W_h p_h with W_h = size_h / Σ size (Cochran, Sampling Techniques, 1977, ch. 5). Its limits come from those of
    the strata by the method of variance estimates recovery: p - √Σ(W_h (p_h - l_h))², p + √Σ(W_h (u_h - p_h))² with
    Wilson's l_h and u_h (Zou & Donner 2008, Statistics in Medicine 27, 1693-1702). One stratum: Wilson's interval.
    """
    sampled = [stratum for stratum in strata if stratum.observations and stratum.size > 0]
    whole = sum(stratum.size for stratum in sampled)
    if not sampled:
        return UNKNOWN
    value = below = above = 0.0
    for stratum in sampled:
        weight, part = stratum.size / whole, stratum.hits / stratum.observations
        low, high = wilson(stratum.hits, stratum.observations, confidence)
        value += weight * part
        below += (weight * (part - low)) ** 2
        above += (weight * (high - part)) ** 2
    observations = round(sum(stratum.observations for stratum in sampled))
    return Estimate(min(1.0, value), max(0.0, value - sqrt(below)), min(1.0, value + sqrt(above)), observations)


def weighted(observations: Iterable[tuple[float, bool]], confidence: float = CONFIDENCE) -> Estimate:
    """The share of hits among (weight, hit), the weight being one over the chance to be drawn.

    p = Σ w y / Σ w (Hájek's estimator). The interval is Wilson's for a sample of (Σ w)² / Σ w² observations (Kish,
    Survey Sampling, 1965, section 11.7): with equal weights, that of `share`.
    """
    drawn = [(weight, hit) for weight, hit in observations if weight > 0]
    if not drawn:
        return UNKNOWN
    total = sum(weight for weight, _ in drawn)
    effective = total * total / sum(weight * weight for weight, _ in drawn)
    value = sum(weight for weight, hit in drawn if hit) / total
    return Estimate(value, *wilson(value * effective, effective, confidence), len(drawn))
