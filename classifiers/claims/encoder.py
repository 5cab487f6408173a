"""A small sentence encoder: a text's embedding is the weighted sum of its words' vectors, scaled to unit length.

The vectors and the words' weights are distilled from a larger encoder (`distil`), as static embeddings are (Tissier et
al. 2017 and Model2Vec after them), so that a thousand claims cost milliseconds. It has no word order:
distinguishing "dog bites man" from "man bites dog" is left to the relation. A word outside the vocabulary shares one
of a few thousand rows with others of its hash, so that a rare name still matches itself.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from classifiers.claims.words import words

MOST_WORDS = 64
"""Words of a text that count."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WordEncoder:
    """Rows [V + B, D] of signed bytes: V words of the vocabulary, then B buckets of the others.

    `scales` [V + B] make a row's bytes a vector, `weights` [V + B] say how much a word counts.
    """

    vocabulary: Mapping[str, int]
    rows: NDArray[np.int8]
    scales: Vectors
    weights: Vectors
    masses: Vectors = field(init=False)

    def __post_init__(self) -> None:
        lengths = np.linalg.norm(self.rows.astype(np.float32), axis=1) * self.scales
        masses = self.weights * lengths
        object.__setattr__(self, "masses", masses / max(float(np.median(masses)), 1e-9))

    @property
    def size(self) -> int:
        """Dimensions of an embedding, D."""
        return int(self.rows.shape[1])

    @property
    def version(self) -> str:
        """Digest of the vectors."""
        return hashlib.sha256(self.rows.tobytes() + self.weights.tobytes()).hexdigest()[:16]

    def places(self, of_text: Sequence[str]) -> list[int]:
        """The row of each word."""
        known, first, buckets = self.vocabulary, len(self.vocabulary), len(self.rows) - len(self.vocabulary)
        return [known[word] if word in known else first + crc32(word.encode()) % buckets for word in of_text]

    def weigh(self, of_text: Sequence[str]) -> Vectors:
        """The weight of each word [n], 1 for the median word."""
        return self.masses[self.places(of_text)]

    def directions(self, places: Sequence[int]) -> Vectors:
        """Unit vectors [n, D] of rows."""
        return _unit(self.rows[places].astype(np.float32))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit embeddings [n, D] of `plain` texts; zero where a text has no word."""
        made = np.zeros((len(texts), self.size), np.float32)
        for row, text in enumerate(texts):
            if places := self.places(words(text)[:MOST_WORDS]):
                made[row] = (self.weights[places] * self.scales[places]) @ self.rows[places].astype(np.float32)
        return _unit(made)


def quantised(vectors: Vectors) -> tuple[NDArray[np.int8], Vectors]:
    """Vectors [n, D] as signed bytes, and the scale [n] of each."""
    scales = np.abs(vectors).max(axis=1).clip(1e-12) / 127
    return np.round(vectors / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)
    return unit
