"""Held-out rows with their truth and a bundle's scores, and the thresholds frozen on dev rows.

The fusion's score is the calibrated probability, as in the service; the branches alone are scored by logits.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.bundle import Bundle
from classifiers.data.corpus_labels import Targets
from classifiers.data.rows import Row, targets
from classifiers.evaluation.figures import BRANCHES, FUSION, LLAMA, SCREEN
from classifiers.labels import LABELS
from classifiers.metrics import threshold_at_fpr
from classifiers.network.branch import LlamaBranch
from classifiers.text.normalise import word_count
from classifiers.training.assemble import fuse

FALSE_RATE = 0.01
_FEWEST_NEGATIVES = 20
_NOT_LETTER = re.compile(r"[\W\d_]+")
_OPENING = 60
_CHUNK = 2048

Say = Callable[[str], None]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Thresholds = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows with truth [n, L] (strict, and with presumed negatives), scores by branch [n, L], articles and words [n]."""

    rows: Sequence[Row]
    truth: Targets
    presumed: Targets
    scores: Mapping[str, Floats]
    articles: NDArray[np.intp]
    words: NDArray[np.int64]

    @property
    def probability(self) -> Floats:
        """Calibrated probabilities [n, L]."""
        return self.scores[FUSION]


def judge(bundle: Bundle, rows: Sequence[Row], texts: Sequence[str] | None = None, say: Say | None = None) -> Judged:
    """Score rows by each branch and both; `texts` replace theirs (a crop, an attack), one by one."""
    read = [row.text for row in rows] if texts is None else list(texts)
    words = np.array([word_count(text) for text in read])
    branch = LlamaBranch(bundle.backbone, bundle.tokenizer, bundle.parts.heads, bundle.manifest.window)
    llama, screen = _logits(branch, read, say), bundle.parts.screen.logits(read)
    fused = fuse(bundle.parts.fusion, llama, screen, words)
    probability = bundle.parts.calibration.apply(fused, words).p
    scores = {FUSION: probability, SCREEN: screen, LLAMA: llama}
    return Judged(rows, targets(rows, presume=False), targets(rows, presume=True), scores, articles(rows), words)


def _logits(branch: LlamaBranch, texts: Sequence[str], say: Say | None) -> Floats:
    parts = []
    for start in range(0, len(texts), _CHUNK):
        parts.append(branch.logits(texts[start : start + _CHUNK]))
        if say and len(texts) > _CHUNK:
            say(f"judged: {min(start + _CHUNK, len(texts)):,} of {len(texts):,} texts")
    return np.concatenate(parts)


def articles(rows: Sequence[Row]) -> NDArray[np.intp]:
    """Index of the article of each row [n]: rows with the same first 60 letters are of one."""
    keys = [_NOT_LETTER.sub("", row.text.lower())[:_OPENING] or row.text for row in rows]
    return np.unique(keys, return_inverse=True)[1]


def freeze(dev: Judged) -> Thresholds:
    """Score of each label and branch that flags at most 1 % of dev's negatives; presumed ones where few are known."""
    found: dict[str, dict[str, float]] = {}
    for column, label in enumerate(LABELS):
        few = int((dev.truth[:, column] == 0).sum()) < _FEWEST_NEGATIVES
        negative = (dev.presumed if few else dev.truth)[:, column] == 0
        if negative.sum() >= _FEWEST_NEGATIVES:
            found[label] = {branch: threshold_above(dev.scores[branch][negative, column]) for branch in BRANCHES}
    return found


def threshold_above(negatives: Floats) -> float:
    """Lowest threshold that flags at most 1 % of negatives, just above the highest if none of them may be flagged."""
    highest = np.nextafter(negatives.max(), np.float32(np.inf))
    scores = np.append(negatives, highest)
    return threshold_at_fpr(np.append(np.zeros(len(negatives)), 1), scores, FALSE_RATE)
