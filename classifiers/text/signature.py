"""Signatures: short hashes of a text and of its embedding, by which near-duplicate posts are found and compared.

Of the words: MinHash of the shingles (Broder 1997, https://doi.org/10.1109/SEQUEN.1997.666900) in 8 bands of 4 rows.
Two texts share a band with probability 1 - (1 - J^4)^8: .89 where their shingles overlap by J = .7, .40 at .5, .01 at
.2.

Of the meaning: SimHash of the embedding, the sides of 64 fixed random hyperplanes that it lies on (Charikar 2002,
https://doi.org/10.1145/509907.509965), in 4 bands of 16 bits. Two embeddings at angle a share a band with probability
1 - (1 - (1 - a/pi)^16)^4: .55 at a cosine of .95, .82 at .98, .93 at .99.

Texts are not normalised here: pass them as `classifiers.text` normalises them, else lookalike letters change all of
their shingles.
"""

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

from classifiers.text.shingles import shingles

LEAST_BYTES = 24
_TEXT_BANDS, _ROWS = 8, 4
_MEANING_BANDS, _BITS = 4, 16
_SEED = 1
_LARGEST = 127
_EMPTY = MinHash(num_perm=_TEXT_BANDS * _ROWS, hashfunc=int, scheme="affine32")


class TextSignature(NamedTuple):
    """Names of the bands; 32 MinHash minima of 4 bytes; the embedding, a signed byte a dimension.

    Texts of under `LEAST_BYTES` bytes, about five words, have none: one changed word changes all.
    """

    bands: tuple[str, ...] = ()
    minima: bytes = b""
    vector: bytes = b""


def text_signature(text: str, vector: NDArray[np.float32] | None = None) -> TextSignature:
    """The signature of one text and, where there is one, its embedding: [dimensions], of any length but 0."""
    return text_signatures([text], None if vector is None else vector[None])[0]


def text_signatures(texts: Sequence[str], vectors: NDArray[np.float32] | None = None) -> list[TextSignature]:
    """The signature of each text, with its row of `vectors`: [texts, dimensions]."""
    meanings = [((), b"")] * len(texts) if vectors is None else _meanings(vectors)
    return [_joined(text, *meaning) for text, meaning in zip(texts, meanings, strict=True)]


def _joined(text: str, bands: tuple[str, ...], vector: bytes) -> TextSignature:
    if len(text.encode()) < LEAST_BYTES:
        return TextSignature()
    minima = _minima(text)
    return TextSignature(_text_bands(minima) + bands, minima, vector)


def _minima(text: str) -> bytes:
    sketch = _EMPTY.copy()
    sketch.update_batch(shingles(text))
    return bytes(sketch.hashvalues.astype(np.uint32).data)


def _text_bands(minima: bytes) -> tuple[str, ...]:
    width = 4 * _ROWS
    rows = (minima[start : start + width] for start in range(0, len(minima), width))
    return tuple(f"t{band}{blake2b(row, digest_size=8).hexdigest()}" for band, row in enumerate(rows))


def _meanings(vectors: NDArray[np.float32]) -> list[tuple[tuple[str, ...], bytes]]:
    """Bands and quantised vector of each row."""
    sides = vectors @ _hyperplanes(vectors.shape[1]) > 0  # [texts, 64]
    words = np.packbits(sides, axis=1).view(">u2")  # [texts, 4]
    scale = _LARGEST / np.maximum(np.abs(vectors).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    quantised = np.rint(vectors * scale).astype(np.int8)  # [texts, dimensions]
    return [
        (tuple(f"m{band}{word:04x}" for band, word in enumerate(row)), small.tobytes())
        for row, small in zip(words.tolist(), quantised, strict=True)
    ]


@cache
def _hyperplanes(dimensions: int) -> NDArray[np.float32]:
    """Normals of the hyperplanes: [dimensions, 64], the same on every machine."""
    normals = np.random.default_rng(_SEED).standard_normal((dimensions, _MEANING_BANDS * _BITS))
    return normals.astype(np.float32)
