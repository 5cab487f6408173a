"""Near-duplicates: texts whose sets of shingles overlap by 80 % or more (Jaccard), found by MinHash.

Locality-sensitive hashing (10 bands of 5 rows: it finds a pair at .8 with probability .98,
https://doi.org/10.1017/9781139924801.004) proposes pairs, and the exact Jaccard index of the shingles decides. All
hashes are fixed, and so is the outcome.
"""

from dataclasses import dataclass

from datasketch import MinHash, MinHashLSH

from classifiers.text.shingles import shingles

NEAR = 0.8
_BANDS, _ROWS = 10, 5
_EMPTY = MinHash(num_perm=_BANDS * _ROWS, hashfunc=int)


@dataclass(frozen=True, slots=True)
class Sketch:
    """A text as its shingles' hashes, and their minimum under each of 50 permutations."""

    shingles: frozenset[int]
    minima: MinHash


def sketch(text: str) -> Sketch:
    """The form in which texts are compared, in lower case."""
    found = shingles(text)
    minima = _EMPTY.copy()
    minima.update_batch(found)
    return Sketch(found, minima)


class NearDuplicates:
    """Texts seen so far, to look up near-duplicates of another one."""

    def __init__(self) -> None:
        self._index = MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))
        self._seen: list[frozenset[int]] = []

    def add(self, text: Sketch) -> None:
        """Remember a text."""
        self._index.insert(len(self._seen), text.minima, check_duplication=False)
        self._seen.append(text.shingles)

    def holds(self, text: Sketch) -> bool:
        """Whether a text that was added is a near-duplicate of this one."""
        return any(_jaccard(text.shingles, self._seen[found]) >= NEAR for found in self._index.query(text.minima))


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)
