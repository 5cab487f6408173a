"""Hashed n-grams of many texts at once: characters 2 to 5 across word boundaries, words, and pairs of words.

Everything is done on one array of code points per batch, without a Python loop over characters. Text must be
normalised; case is folded character by character, so that positions stay those of the text. Only a text's first
`MOST_CHARS` characters are read.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_CHARS = 2400
CHAR_SIZES = (2, 3, 4, 5)

_BATCH = 256
_BASE = np.uint64(0x9E3779B97F4A7C15)  # Odd, so that powers have inverses modulo 2^64.
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
_MIX = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)


class Occurrences(NamedTuple):
    """Every n-gram of a batch: its text's row, its span in the padded batch, its bucket. Arrays of one length."""

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    bucket: NDArray[np.int64]


class Counts(NamedTuple):
    """Sparse rows of n-gram counts: row i holds `bucket[indptr[i]:indptr[i + 1]]`, each once, and how many `times`."""

    indptr: NDArray[np.int64]
    bucket: NDArray[np.int32]
    times: NDArray[np.uint8]


def occurrences(texts: Sequence[str], bits: int) -> Occurrences:
    """List the n-grams of `texts` in 2**bits buckets. In the padded batch a space is on either side of a text."""
    padded = [f" {text[:MOST_CHARS]} " for text in texts]
    codes = _fold(np.frombuffer("".join(padded).encode("utf-32-le", "replace"), dtype="<u4"))
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in padded])
    parts = [*_char_grams(codes, rows), *_word_grams(codes, rows)]
    row, start, stop, key = (np.concatenate(column) for column in zip(*parts, strict=True))
    key ^= key >> _HALF
    return Occurrences(row, start, stop, ((key * _MIX) >> np.uint64(64 - bits)).astype(np.int64))


def count(texts: Sequence[str], bits: int) -> Counts:
    """Count the n-grams of each text; counts stop at 255."""
    batches = [_count_batch(texts[first : first + _BATCH], bits) for first in range(0, len(texts), _BATCH)]
    lengths = [np.zeros(1, np.int64), *(np.diff(batch.indptr) for batch in batches)]
    buckets = [np.zeros(0, np.int32), *(batch.bucket for batch in batches)]
    times = [np.zeros(0, np.uint8), *(batch.times for batch in batches)]
    return Counts(np.cumsum(np.concatenate(lengths)), np.concatenate(buckets), np.concatenate(times))


def _count_batch(texts: Sequence[str], bits: int) -> Counts:
    found = occurrences(texts, bits)
    keys = (found.row << bits) | found.bucket
    keys.sort()
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    times = np.diff(np.append(first, len(keys)))
    keys = keys[first]
    indptr = np.searchsorted(keys, np.arange(len(texts) + 1) << bits)
    return Counts(indptr, (keys & ((1 << bits) - 1)).astype(np.int32), np.minimum(times, 255).astype(np.uint8))


Part = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]


def _char_grams(codes: NDArray[np.uint64], rows: NDArray[np.int64]) -> Iterator[Part]:
    """Rolling polynomial hash of each run of n characters within one text."""
    key = codes
    for size in range(2, CHAR_SIZES[-1] + 1):
        key = key[:-1] * _BASE + codes[size - 1 :]
        start = np.flatnonzero(rows[: len(key)] == rows[size - 1 :])
        if size in CHAR_SIZES:
            yield rows[start], start, start + size, key[start] + np.uint64(size)


def _word_grams(codes: NDArray[np.uint64], rows: NDArray[np.int64]) -> Iterator[Part]:
    """Words (runs of letters, digits and apostrophes) and pairs of successive ones, hashed from prefix sums.

    A pair whose second word is one character long has the key of the word that character and first word make: "at a"
    counts as "aat". It costs little, and weights fitted to these keys need it to stay so.
    """
    inside = _is_word(codes)
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    start, stop = edges[0::2], edges[1::2]
    powers = np.concatenate([np.ones(1, np.uint64), np.cumprod(np.full(len(codes), _BASE))])
    inverses = np.concatenate([np.ones(1, np.uint64), np.cumprod(np.full(len(codes), _INVERSE))])
    prefix = np.concatenate([np.zeros(1, np.uint64), np.cumsum(codes * powers[:-1])])
    key = (prefix[stop] - prefix[start]) * inverses[start] * _MIX
    yield rows[start], start, stop, key
    pair = np.flatnonzero(rows[start[:-1]] == rows[start[1:]])
    yield rows[start[pair]], start[pair], stop[pair + 1], key[pair] * _BASE + key[pair + 1]


@cache
def _tables() -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Folded case and "is part of a word" for each code point of the basic plane."""
    chars = [chr(point) for point in range(0x10000)]
    folded = [ord(char.lower()) if len(char.lower()) == 1 else point for point, char in enumerate(chars)]
    words = [char.isalnum() or char == "'" for char in chars]
    return np.array(folded, np.uint64), np.array(words)


def _fold(points: NDArray[np.uint32]) -> NDArray[np.uint64]:
    low = np.minimum(points, 0xFFFF)
    return np.where(points < 0x10000, _tables()[0][low], points.astype(np.uint64))


def _is_word(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether each code point is part of a word; beyond the basic plane, Han characters are and emoji aren't."""
    return np.where(codes < 0x10000, _tables()[1][np.minimum(codes, 0xFFFF)], codes >= 0x20000)
