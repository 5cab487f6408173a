"""Shared words: BM25 over claims (library bm25s), and the share of a claim and of a post that they make up.

BM25 orders claims by how rare the shared words are among them. How sure a match is must not depend on how
many other claims there are, so the shares go by weights of words that are the same for every set.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import bm25s
import numpy as np
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray

from classifiers.claims.stemming import stemmed
from classifiers.claims.words import words

_K1, _B = 1.2, 0.5  # claims are short and of like length
_STOP = frozenset(STOPWORDS_EN)
Scores = NDArray[np.float32]
Weigh = Callable[[Sequence[str]], Scores]


@dataclass(frozen=True, slots=True)
class Terms:
    """Words of a text without the commonest, and the stem of each."""

    words: tuple[str, ...]
    stems: tuple[str, ...]


def terms(text: str) -> Terms:
    """The terms of a `plain` text."""
    kept = [word for word in words(text) if word not in _STOP]
    return Terms(tuple(kept), tuple(stemmed(kept)))


@dataclass(frozen=True, slots=True)
class Overlap:
    """The overlap of a post with each of n claims, each [n].

    `mass`: the summed weights of the shared words; `of_claim` and `of_post`: its share of the claim's and the post's.
    `numbers`: share of the claim's numbers that the post has, one half for a claim without; `no_other_number`: 1 where
    none is missing.
    """

    mass: Scores
    of_claim: Scores
    of_post: Scores
    numbers: Scores
    no_other_number: Scores


class LexicalIndex:
    """An index of texts; immutable once made. `weigh` returns the weights of words."""

    def __init__(self, texts: Sequence[str], weigh: Weigh) -> None:
        self._weigh = weigh
        self._vocabulary: dict[str, int] = {}
        self._first: list[str] = []  # the word by which each stem was met
        ids = [self._numbered(text) for text in texts]  # numbers, since a million texts' words would fill the memory
        self._bm25 = bm25s.BM25(method="bm25+", k1=_K1, b=_B)
        if self._vocabulary:
            self._bm25.index((ids, self._vocabulary), create_empty_token=False, show_progress=False)
        distinct = [np.unique(of) for of in ids]
        self._sizes = np.array([len(of) for of in distinct], np.int32)
        self._ends = np.cumsum(self._sizes, dtype=np.int64)
        self._members = np.concatenate([np.empty(0, np.int32), *distinct])
        self._weights = weigh(self._first)
        self._is_number = np.array([stem[0].isdigit() for stem in self._vocabulary], bool)

    def _numbered(self, text: str) -> NDArray[np.int32]:
        """The place of each stem in the vocabulary, to which new ones are added."""
        found = terms(text)
        for word, stem in zip(found.words, found.stems, strict=True):
            if stem not in self._vocabulary:
                self._vocabulary[stem] = len(self._vocabulary)
                self._first.append(word)
        return np.array([self._vocabulary[stem] for stem in found.stems], np.int32)

    def scores(self, query: Terms) -> Scores:
        """BM25 of every text [n] for a query."""
        known = [stem for stem in query.stems if stem in self._vocabulary]
        if not known:
            return np.zeros(len(self._sizes), np.float32)
        found: Scores = self._bm25.get_scores(known)
        return found

    def overlap(self, query: Terms, places: NDArray[np.intp]) -> Overlap:
        """The overlap of a query with the texts at `places`."""
        asked = dict(zip(query.stems, query.words, strict=True))
        known = [self._vocabulary[stem] for stem in asked if stem in self._vocabulary]
        unknown = [word for stem, word in asked.items() if stem not in self._vocabulary]
        mass = float(self._weights[known].sum()) + float(self._weigh(unknown).sum())
        there = np.zeros(len(self._vocabulary), bool)
        there[known] = True
        sizes = self._sizes[places]
        ends = self._ends[places]
        members = np.concatenate([self._members[end - size : end] for end, size in zip(ends, sizes, strict=True)])
        owners = np.repeat(np.arange(len(places)), sizes)

        def total(of: NDArray[np.float32]) -> NDArray[np.float64]:
            sums: NDArray[np.float64] = np.bincount(owners, of, minlength=len(places)).astype(np.float64)
            return sums

        weights, shared, number = self._weights[members], there[members], self._is_number[members].astype(np.float32)
        common, numbers, met = total(weights * shared), total(number), total(number * shared)
        return Overlap(
            common.astype(np.float32),
            (common / np.maximum(total(weights), 1e-6)).astype(np.float32),
            (common / max(mass, 1e-6)).astype(np.float32),
            np.where(numbers > 0, met / np.maximum(numbers, 1), 0.5).astype(np.float32),
            (met >= numbers).astype(np.float32),
        )

    def sizes(self, places: NDArray[np.intp]) -> Scores:
        """How many different stems the texts at `places` have."""
        return self._sizes[places].astype(np.float32)
