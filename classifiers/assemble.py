"""From a network with heads to a bundle: fits the screen, the fusion and the calibration, and writes everything down.

The screen learns from training rows. Fusion and calibration learn from dev rows (no set gives more than 600), which
neither branch was trained on, half the dev texts each (by a digest of the text, so that a text and its crop are in one
half). Each dev row counts twice: whole, and as a random crop, so that short texts are judged by what short texts look
like.
"""

import hashlib
import random
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from classifiers.batches import label_weights
from classifiers.branches import LlamaBranch
from classifiers.bundle import Parts
from classifiers.calibration import Calibration
from classifiers.corpus_labels import Targets
from classifiers.data import Row, sample_per_set, select, targets
from classifiers.fusion import Fusion, fit_fusion
from classifiers.sampling import Sampler, crop
from classifiers.screen import Screen
from classifiers.text import word_count

SCREEN_DRAWS = 90_000
MOST_PER_SET = 600
_FEWEST_IN_HALF = 20
_LEAST_PREVALENCE, _FEWEST_NEGATIVES = 0.05, 200
Say = Callable[[str], None]
Floats = NDArray[np.float32]


def fit_screen(corpus: Sequence[Row], *, seed: int, draws: int = SCREEN_DRAWS, say: Say = print) -> Screen:
    """Fit the screen on crops of training rows, drawn as the network's are."""
    training = select(corpus, "train")
    sampler = Sampler(training, seed)
    drawn = [sampler.draw() for _ in range(draws)]
    indices = np.array([index for index, _ in drawn])
    say(f"screen: {draws} crops of {len(set(indices.tolist()))} texts")
    return Screen.fit(
        [text for _, text in drawn], targets(training, presume=True)[indices], label_weights(training)[indices]
    )


def assemble(branch: LlamaBranch, screen: Screen, corpus: Sequence[Row], *, seed: int, say: Say = print) -> Parts:
    """Fit fusion and calibration on the dev rows of a corpus."""
    dev = sample_per_set(select(corpus, "dev"), MOST_PER_SET, seed)
    texts, rows = _whole_and_cropped(dev, seed)
    say(f"fusion and calibration: {len(texts)} texts of {len(dev)} dev rows")
    truth = targets(dev, presume=True)[rows]
    llama, ngrams = branch.logits(texts), screen.logits(texts)
    words = np.array([word_count(text) for text in texts])
    first = np.array([hashlib.sha256(dev[row].text.encode()).digest()[0] % 2 == 0 for row in rows])
    fusion = _fit_fusion(llama, ngrams, words, truth, first)
    fused = fuse(fusion, llama, ngrams, words)
    calibration = Calibration.fit(fused, _less_rare(_for_half(truth, ~first), seed), words)
    return Parts(branch.heads, fusion, screen, calibration)


def fuse(fusion: Fusion, llama: Floats, screen: Floats, words: NDArray[np.int64]) -> Floats:
    """Fused logits [n, L]."""
    with torch.inference_mode():
        fused: Floats = fusion(*(torch.from_numpy(array) for array in (llama, screen, words))).numpy()
    return fused


def _fit_fusion(
    llama: Floats, screen: Floats, words: NDArray[np.int64], truth: Targets, half: NDArray[np.bool_]
) -> Fusion:
    arrays = (llama, screen, words, _for_half(truth, half))
    return fit_fusion(*(torch.from_numpy(array) for array in arrays))


def _for_half(truth: Targets, half: NDArray[np.bool_]) -> Targets:
    """Targets known only in one half; a label with too few positives there keeps both, as half of few is none."""
    kept = np.where(half[:, None], truth, np.nan).astype(np.float32)
    scarce = np.nansum(kept, axis=0) < _FEWEST_IN_HALF
    kept[:, scarce] = truth[:, scarce]
    return kept


def _less_rare(truth: Targets, seed: int) -> Targets:
    """Hide negatives, drawn at random, of labels of which fewer than 5 % of rows are positive.

    A label with a handful of positives among thousands would be calibrated to "never", whatever a text says; a platform
    that knows its own prevalence corrects for it (`Calibration.apply`).
    """
    kept, rng = truth.copy(), np.random.default_rng(seed)
    for column in range(kept.shape[1]):
        negatives = np.flatnonzero(kept[:, column] == 0)
        positives = int((kept[:, column] == 1).sum())
        most = max(_FEWEST_NEGATIVES, round(positives * (1 / _LEAST_PREVALENCE - 1)))
        if positives and len(negatives) > most:
            kept[rng.permutation(negatives)[most:], column] = np.nan
    return kept


def _whole_and_cropped(rows: Sequence[Row], seed: int) -> tuple[list[str], NDArray[np.int64]]:
    rng = random.Random(seed)  # noqa: S311  (not a secret)
    texts = [row.text for row in rows]
    cropped = [(crop(text, rng), index) for index, text in enumerate(texts)]
    changed = [(text, index) for text, index in cropped if text != texts[index]]
    indices = np.array([*range(len(texts)), *(index for _, index in changed)])
    return [*texts, *(text for text, _ in changed)], indices
