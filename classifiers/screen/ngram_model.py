"""A linear model per label over hashed n-grams: one view of the screen (`classifiers.screen`).

A text is a row of log counts times inverse document frequency, scaled to unit length; its logit is the row times the
label's weights plus a bias. Texts must be normalised (`classifiers.text`). The logits are not calibrated: classes
are balanced in training. Only fitting needs scipy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from classifiers.screen import ngrams

TENSORS = ("weight", "bias", "idf")
_BATCH = 512


@dataclass(frozen=True, slots=True)
class NgramModel:
    """Weights of the linear model: `weight` [2**bits, L], `bias` [L], inverse document frequency `idf` [2**bits]."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    idf: NDArray[np.float32]

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        targets: NDArray[np.float32],
        sample_weight: NDArray[np.float32] | None = None,
        groups: NDArray[np.int64] | None = None,
        *,
        bits: int = 18,
        ridge: float = 0.15,
        iterations: int = 60,
    ) -> Self:
        """Fit to normalised texts, each label by itself (`logistic.solve`).

        `targets` [n, L] holds 0 or 1, or NaN where the label is unknown; `sample_weight` [n, L] weights them; the
        rows of one number in `groups` [n, L] get an intercept of their own while fitting (`logistic.solve`). A label
        without both classes keeps zero weights. What is learned is rounded to half precision, so that a saved model
        scores the same.
        """
        from classifiers.screen import logistic  # noqa: PLC0415 scipy is there for training only

        _check(texts, targets, sample_weight)
        rows = ngrams.count(texts, bits)
        seen = np.bincount(rows.bucket, minlength=1 << bits)
        idf = _rounded(np.log((1 + len(texts)) / (1 + seen)) + 1)
        matrix = logistic.matrix(weigh(rows, idf), rows.bucket, rows.indptr, 1 << bits)
        cells = np.ones(targets.shape) if sample_weight is None else sample_weight.astype(np.float64)
        numbers = np.full(targets.shape, -1) if groups is None else groups
        weight = np.zeros((1 << bits, targets.shape[1]), np.float32)
        bias = np.zeros(targets.shape[1], np.float32)
        for label in range(targets.shape[1]):
            weight[:, label], bias[label] = logistic.solve(
                matrix, targets[:, label], cells[:, label], numbers[:, label], ridge=ridge, iterations=iterations
            )
        return cls(_rounded(weight), _rounded(bias), idf)

    @property
    def bits(self) -> int:
        """Logarithm of the number of buckets."""
        return int(self.idf.size).bit_length() - 1

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Score texts: float32 [n, L]."""
        batches = [self._batch(texts[first : first + _BATCH]) for first in range(0, len(texts), _BATCH)]
        return np.concatenate([np.zeros((0, self.bias.size), np.float32), *batches])

    def _batch(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = ngrams.count(texts, self.bits)
        sums = torch.nn.functional.embedding_bag(
            torch.from_numpy(rows.bucket),
            torch.from_numpy(self.weight),
            torch.from_numpy(rows.indptr[:-1].astype(np.int32)),
            mode="sum",
            per_sample_weights=torch.from_numpy(weigh(rows, self.idf)),
        )
        logits: NDArray[np.float32] = sums.numpy() + self.bias
        return logits

    def contributions(self, text: str, label: int) -> list[tuple[int, int, float]]:
        """Share each word of `text` has in a label's logit: (start, end, weight) in characters, in order.

        An n-gram's weight is spread evenly over its characters; a space's share goes to the word before it. Shares sum
        to the logit less the bias. Text beyond `ngrams.MOST_CHARS` has no share; an empty text has no spans.
        """
        found = ngrams.occurrences([text], self.bits)
        rows = ngrams.count([text], self.bits)
        values = weigh(rows, self.idf) * self.weight[rows.bucket, label] / rows.times
        each = values[np.searchsorted(rows.bucket, found.bucket)].astype(np.float64)
        density = np.zeros(min(len(text), ngrams.MOST_CHARS) + 3)
        np.add.at(density, found.start, each / (found.stop - found.start))
        np.add.at(density, found.stop, -each / (found.stop - found.start))
        return _by_word(text[: ngrams.MOST_CHARS], np.cumsum(density)[:-1])

    def times(self, factor: float) -> Self:
        """The model with its logits multiplied by a power of two."""
        return type(self)(self.weight * np.float32(factor), self.bias * np.float32(factor), self.idf)

    def tensors(self) -> dict[str, NDArray[np.float16]]:
        """The tensors for `from_tensors`, in half precision."""
        return {name: getattr(self, name).astype(np.float16) for name in TENSORS}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.float16]]) -> Self:
        """The model of these named tensors. Raises ValueError for a name or shape that doesn't fit."""
        if set(tensors) != set(TENSORS):
            raise ValueError(f"it needs exactly the tensors {', '.join(TENSORS)}, but there are {sorted(tensors)}")
        model = cls(**{name: tensor.astype(np.float32) for name, tensor in tensors.items()})
        shape = (1 << model.bits, model.bias.size)
        if (model.weight.shape, model.idf.shape) != (shape, shape[:1]):
            raise ValueError(f"weight has shape {model.weight.shape}, but idf and bias need {shape}")
        return model


def weigh(rows: ngrams.Counts, idf: NDArray[np.float32]) -> NDArray[np.float32]:
    """Value of each n-gram of each row: (1 + log count) times inverse document frequency, rows of unit length."""
    values = (1 + np.log(rows.times.astype(np.float32))) * idf[rows.bucket]
    norms = np.sqrt(np.add.reduceat(values * values, rows.indptr[:-1]))
    scaled: NDArray[np.float32] = values / np.repeat(norms, np.diff(rows.indptr))
    return scaled


def _check(texts: Sequence[str], targets: NDArray[np.float32], weights: NDArray[np.float32] | None) -> None:
    if not texts:
        raise ValueError("texts: a model can't be fitted to none")
    if targets.ndim != 2 or len(targets) != len(texts):
        raise ValueError(f"targets: shape {targets.shape} doesn't give one row of labels to each of {len(texts)} texts")
    if weights is not None and weights.shape != targets.shape:
        raise ValueError(f"sample_weight: shape {weights.shape} isn't that of targets, {targets.shape}")


def _rounded(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return values.astype(np.float16).astype(np.float32)


def _by_word(text: str, shares: NDArray[np.float64]) -> list[tuple[int, int, float]]:
    """Sum the shares of the padded characters (one more at each end) over whitespace-separated words."""
    starts = [i for i, char in enumerate(text) if not char.isspace() and (i == 0 or text[i - 1].isspace())]
    if not starts:
        return []
    cuts = [0, *(start + 1 for start in starts[1:])]
    weights = np.add.reduceat(shares, cuts)
    stops = [len(text[:after].rstrip()) for after in (*starts[1:], len(text))]
    return list(zip(starts, stops, weights.tolist(), strict=True))
