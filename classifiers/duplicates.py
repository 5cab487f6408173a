"""Near-duplicates: texts whose sets of shingles overlap by 80 % or more (Jaccard), found by MinHash.

A shingle is a run of three words, or of five characters in a text of under 20 words, where one changed word would
spoil most runs of three. Long texts are compared by their first 100 words. Locality-sensitive hashing (10 bands of 5
rows: it finds a pair at .8 with probability .98, https://doi.org/10.1017/9781139924801.004) proposes pairs, and the
exact Jaccard index of the shingles decides. All hashes are fixed, so that the outcome is too.
"""

from dataclasses import dataclass
from zlib import crc32

from datasketch import MinHash, MinHashLSH

NEAR = 0.8
_BANDS, _ROWS = 10, 5
_SHORT_WORDS, _MOST_WORDS = 20, 100
_WORD_RUN, _CHARACTER_RUN = 3, 5
_EMPTY = MinHash(num_perm=_BANDS * _ROWS, hashfunc=int)


@dataclass(frozen=True, slots=True)
class Sketch:
    """A text as its shingles' hashes, and the least of them under each of 50 permutations."""

    shingles: frozenset[int]
    minima: MinHash


def sketch(text: str) -> Sketch:
    """What texts are compared by, letters in lower case."""
    words = text.lower().split()[:_MOST_WORDS]
    found = _of_words(words) if len(words) >= _SHORT_WORDS else _of_characters(" ".join(words).encode())
    minima = _EMPTY.copy()
    minima.update_batch(found)
    return Sketch(found, minima)


class NearDuplicates:
    """Texts seen so far, to be asked whether one more is nearly one of them."""

    def __init__(self) -> None:
        self._index = MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))
        self._seen: list[frozenset[int]] = []

    def add(self, text: Sketch) -> None:
        """Remember a text."""
        self._index.insert(len(self._seen), text.minima, check_duplication=False)
        self._seen.append(text.shingles)

    def holds(self, text: Sketch) -> bool:
        """Whether a text that was added is nearly this one."""
        return any(_jaccard(text.shingles, self._seen[found]) >= NEAR for found in self._index.query(text.minima))


def _of_words(words: list[str]) -> frozenset[int]:
    runs = (words[start : start + _WORD_RUN] for start in range(len(words) - _WORD_RUN + 1))
    return frozenset(crc32(" ".join(run).encode()) for run in runs)


def _of_characters(line: bytes) -> frozenset[int]:
    starts = range(max(len(line) - _CHARACTER_RUN, 0) + 1)
    return frozenset(crc32(line[start : start + _CHARACTER_RUN]) for start in starts)


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)
