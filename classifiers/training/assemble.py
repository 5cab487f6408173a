"""From a network with heads to a bundle: fits the screen, the fusion and the calibration, and writes everything.

The screen learns from training rows. Fusion, calibration and certificate are made from dev rows (no set has more
than 900), which neither branch was trained on, a third of the dev texts each (by a digest of the text, so that a text
and its crop are in one third). Each dev row counts twice, whole and as a random crop, so that calibration sees short
texts; the certificate, which must hold for real posts, counts whole texts alone.
"""

import hashlib
import random
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from classifiers.bundle import Parts
from classifiers.calibration.certificates import Certificate
from classifiers.calibration.curves import Calibration
from classifiers.data.corpus_labels import Targets
from classifiers.data.rows import Row, sample_per_set, select, targets
from classifiers.data.sampling import Sampler, crop
from classifiers.data.weights import intercepts, label_weights
from classifiers.fusion import Fusion, fit_fusion
from classifiers.network.branch import LlamaBranch
from classifiers.screen.screen import Screen
from classifiers.text.normalise import word_count

SCREEN_DRAWS = 90_000
MOST_PER_SET = 900
_FUSION, _CALIBRATION, _CERTIFICATE = range(3)
_FEWEST_IN_THIRD = 20
_LEAST_PREVALENCE, _FEWEST_NEGATIVES = 0.02, 200
Say = Callable[[str], None]
Floats = NDArray[np.float32]


def fit_screen(corpus: Sequence[Row], *, seed: int, draws: int = SCREEN_DRAWS, say: Say = print) -> Screen:
    """Fit the screen on crops of training rows, drawn as the network's are."""
    training = select(corpus, "train")
    sampler = Sampler(training, seed)
    drawn = [sampler.draw() for _ in range(draws)]
    rows = [draw.row for draw in drawn]
    say(f"screen: {draws} crops of {len(set(rows))} texts")
    return Screen.fit(
        [draw.text for draw in drawn],
        targets(training, presume=True)[rows],
        label_weights(training)[rows],
        intercepts(training)[rows],
    )


def assemble(branch: LlamaBranch, screen: Screen, corpus: Sequence[Row], *, seed: int, say: Say = print) -> Parts:
    """Fit fusion and calibration on the dev rows of a corpus, and certify them."""
    dev = sample_per_set(select(corpus, "dev"), MOST_PER_SET, seed)
    texts, rows = _whole_and_cropped(dev, seed)
    say(f"fusion, calibration and certificate: {len(texts)} texts of {len(dev)} dev rows")
    truth = targets(dev, presume=True)[rows]
    llama, ngrams = branch.logits(texts), screen.logits(texts)
    words = np.array([word_count(text) for text in texts])
    third = np.array([hashlib.sha256(dev[row].text.encode()).digest()[0] % 3 for row in rows])
    fusion = _fit_fusion(llama, ngrams, words, _for_third(truth, third, _FUSION))
    fused = fuse(fusion, llama, ngrams, words)
    calibration = Calibration.fit(fused, _less_rare(_for_third(truth, third, _CALIBRATION), seed), words)
    certified = np.flatnonzero((third == _CERTIFICATE) & (np.arange(len(rows)) < len(dev)))
    certificate = Certificate.fit(
        calibration.apply(fused[certified], words[certified]).p,
        targets(dev, presume=False)[rows[certified]],
        words[certified],
        data="dev rows of the training sets, a third of their texts",
        languages=[dev[row].lang for row in rows[certified]],
    )
    return Parts(branch.heads, fusion, screen, calibration, certificate)


def fuse(fusion: Fusion, llama: Floats, screen: Floats, words: NDArray[np.int64]) -> Floats:
    """Fused logits [n, L]."""
    with torch.inference_mode():
        fused: Floats = fusion(*(torch.from_numpy(array) for array in (llama, screen, words))).numpy()
    return fused


def _fit_fusion(llama: Floats, screen: Floats, words: NDArray[np.int64], truth: Targets) -> Fusion:
    return fit_fusion(*(torch.from_numpy(array) for array in (llama, screen, words, truth)))


def _for_third(truth: Targets, third: NDArray[np.int64], part: int) -> Targets:
    """Targets known only in one third; of a label with too few positives there, in all but the certificate's."""
    kept = np.where((third == part)[:, None], truth, np.nan).astype(np.float32)
    scarce = np.nansum(kept, axis=0) < _FEWEST_IN_THIRD
    kept[:, scarce] = np.where((third != _CERTIFICATE)[:, None], truth, np.nan)[:, scarce]
    return kept


def _less_rare(truth: Targets, seed: int) -> Targets:
    """Hide random negatives of labels with fewer than 2 % positive rows.

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
