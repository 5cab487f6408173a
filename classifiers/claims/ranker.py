"""Ranks a post's candidates, and their probability that the post is about them: two linear models on `index` features.

The order comes from a listwise fit (softmax over a post's candidates, as ListNet's top one, Cao et al. 2007). The
probability that a post is about a claim is logistic in the same features, the claim's score and its margin
over the best other one, or above a claim that shares nothing with the post; it is fitted on posts with a claim and
on posts without, weighted to `BASE_RATE`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.claims.index import FEATURES, Candidates

BASE_RATE = 0.05
"""Share of posts that are about some claim of the set, that probabilities assume: a choice."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranker:
    """`center` and `scale` [F] standardise; `order` [F] scores; `about` [F + 3] are logits of (F, score, margin, 1)."""

    center: Floats
    scale: Floats
    order: Floats
    about: Floats

    def rank(self, found: Candidates) -> tuple[NDArray[np.intp], Floats]:
        """Places in the index, best first, and the probability that the post is about each, which never rises."""
        standard = self.standard(found.features)
        scores = standard @ self.order
        best_first = np.argsort(-scores, kind="stable")
        columns = about_columns(standard, scores, self.nothing)[best_first]
        probabilities = 1 / (1 + np.exp(-(columns @ self.about)))
        return found.places[best_first], np.minimum.accumulate(probabilities).astype(np.float32)

    @property
    def nothing(self) -> float:
        """The score of a claim that shares nothing with the post."""
        return score_of_nothing(self.center, self.scale, self.order)

    def standard(self, features: Floats) -> Floats:
        """Standardised features [c, F]."""
        standard: Floats = (features - self.center) / self.scale
        return standard


def about_columns(standard: Floats, scores: Floats, nothing: float) -> Floats:
    """The inputs of the probability [c, F + 3], from standardised features [c, F] and scores [c]."""
    ordered = np.sort(scores)
    first, second = ordered[-1:], ordered[-2:-1]
    rivals = np.where(scores >= first, second if len(second) else nothing, first) if len(scores) else scores
    margins = scores - np.maximum(rivals, nothing)
    return np.column_stack([standard, scores, margins, np.ones(len(scores))]).astype(np.float32)


def score_of_nothing(center: Floats, scale: Floats, order: Floats) -> float:
    """The score of an average claim without numbers that shares nothing with the post."""
    features = np.zeros(len(FEATURES), np.float32)
    features[FEATURES.index("numbers")], features[FEATURES.index("no_other_number")] = 0.5, 1.0
    features[FEATURES.index("size")] = center[FEATURES.index("size")]
    return float(((features - center) / scale) @ order)
