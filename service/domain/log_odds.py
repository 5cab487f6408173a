"""How the evidence of several posts adds up: the formula behind `service.moderation.author`. Pure arithmetic.

The model's errors on posts of one author are correlated, so twenty posts of one author say
less than twenty posts of different authors would. Evidence is added up at a discount:

    e_i    = slope_b logit(p_i) + offset_b, within +-6      evidence of post i, of word bucket b (`Weights.evidence`)
    n_eff  = n / (1 + (n - 1) rho)                          n posts of one author are worth this many independent ones
    logit  = bias + slope mean(e) n_eff                     log odds that a machine wrote them, at even prior odds

e_i is the log-likelihood ratio that a post's calibrated probability amounts to (Platt 1999; Brümmer & du Preez 2006):
the prior of the calibration data is taken out and short posts, of which the model knows less, count for less. n_eff is
the sample size over Kish's design effect (Kish 1965), rho the correlation of evidence within an author. All of it is
fitted to simulated accounts (`assay timelines`).

The share of machine-written posts is the likeliest prior given the evidence (Saerens 2002): it maximises
sum log(1 - s + s exp(e_i)). Its 90 % interval holds each s whose log-likelihood, times n_eff / n since posts are
dependent (Varin 2011), is within 1.35 of the largest (Wilks 1938).
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

STRONGEST = 6.0
"""Log odds: no post counts more than 400 to 1."""

_LEAST = 1e-4  # judgements have four decimals
_WITHIN = 1.3528  # half the 0.9 quantile of chi-squared with one degree of freedom
_HALVINGS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One fit: `slopes` and `offsets` by word bucket, whose last word counts but the longest's are `buckets`."""

    buckets: tuple[int, ...]
    slopes: tuple[float, ...]
    offsets: tuple[float, ...]
    correlation: float
    slope: float
    bias: float

    def __post_init__(self) -> None:
        if not len(self.slopes) == len(self.offsets) == len(self.buckets) + 1:
            raise ValueError("a word bucket lacks its slope or offset")
        if not 0 <= self.correlation <= 1:
            raise ValueError(f"the correlation is {self.correlation}, not within 0 and 1")
        if not all(map(math.isfinite, (*self.slopes, *self.offsets, self.slope, self.bias))):
            raise ValueError("not all weights are finite numbers")

    def evidence(self, probability: float, words: int) -> float:
        """The log-likelihood ratio of one post."""
        bucket = bisect_left(self.buckets, words)
        found = self.slopes[bucket] * _logit(probability) + self.offsets[bucket]
        return max(-STRONGEST, min(STRONGEST, found))

    def effective(self, posts: int) -> float:
        """The number of independent posts that this many of one author are worth."""
        return posts / (1 + (posts - 1) * self.correlation)

    def log_odds(self, evidence: Sequence[float]) -> float:
        """Log odds that a machine wrote the posts: the same to the last bit in whatever order."""
        count = len(evidence)
        return self.bias + self.slope * math.fsum(evidence) / count * self.effective(count)


@dataclass(frozen=True, slots=True)
class Share:
    """An estimate of the share of machine-written posts, with its 90 % interval."""

    value: float
    low: float
    high: float


def share_of(evidence: Sequence[float], discount: float) -> Share:
    """The likeliest share of posts that are machine-written; `discount` is n_eff / n."""
    gains = [math.expm1(one) for one in evidence]

    def likelihood(share: float) -> float:
        return discount * math.fsum(math.log1p(share * gain) for gain in gains)

    def rises(share: float) -> bool:  # the log-likelihood is concave
        return math.fsum(gain / (1 + share * gain) for gain in gains) > 0

    best = _end(rises, 0.0, 1.0)
    needed = likelihood(best) - _WITHIN
    low = 0.0 if likelihood(0.0) >= needed else _end(lambda share: likelihood(share) < needed, 0.0, best)
    high = _end(lambda share: likelihood(share) >= needed, best, 1.0)
    return Share(best, low, high)


def sigmoid(logit: float) -> float:
    """The probability of these log odds."""
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))


def _end(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Where `holds`, which holds from `low` on if anywhere, ends; by bisection."""
    if holds(high) or not holds(low):
        return high if holds(high) else low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _logit(probability: float) -> float:
    within = max(_LEAST, min(1 - _LEAST, probability))
    return math.log(within / (1 - within))
