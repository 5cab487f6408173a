"""Nearest-neighbour search among embeddings of claims: exact while that is cheap, then approximate.

A lone post's product with 15,000 vectors of 256 dimensions takes two milliseconds of a core, as they exceed
its caches; a search of usearch's graph (HNSW, Malkov & Yashunin 2016, arXiv:1603.09320) a quarter of one, but the graph
takes seconds to build and misses some. From `EXACT` claims on the search is by graph, over signed bytes.
"""

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from classifiers.claims.encoder import Vectors

EXACT = 12_000
"""Up to this many vectors all are compared."""

Places = NDArray[np.intp]


class DenseIndex(Protocol):
    """Finds the nearest vectors."""

    def nearest(self, vectors: Vectors, k: int) -> list[Places]:
        """The places of the k vectors nearest to each of `vectors` [n, D], roughly nearest first."""
        ...

    def at(self, places: Places) -> Vectors:
        """The vectors [len(places), D]."""
        ...


class ExactIndex:
    """Compares with every vector."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def nearest(self, vectors: Vectors, k: int) -> list[Places]:
        """See `DenseIndex`."""
        k = min(k, len(self._vectors))
        if not k:
            return [np.empty(0, np.intp) for _ in vectors]
        cosines = vectors @ self._vectors.T  # [n, claims]
        found = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(cosines, found, 1), axis=1)
        return list(np.take_along_axis(found, order, 1))

    def at(self, places: Places) -> Vectors:
        """See `DenseIndex`."""
        return self._vectors[places]


class GraphIndex:
    """Walks a graph of neighbours. `add` takes vectors part by part, so that they need not all be in memory at once."""

    def __init__(self, vectors: Vectors) -> None:
        self._index = Index(
            ndim=vectors.shape[1], metric="cos", dtype="i8", connectivity=16, expansion_add=64, expansion_search=128
        )
        self._bytes = np.empty((0, vectors.shape[1]), np.int8)
        self.add([vectors])

    def add(self, parts: Iterable[Vectors]) -> None:
        """Add vectors [n, D], part by part, at the next places."""
        kept = [self._bytes]
        for vectors in parts:
            first = len(self._index)
            self._index.add(np.arange(first, first + len(vectors), dtype=np.uint64), vectors, threads=1)
            kept.append(np.round(vectors * 127).astype(np.int8))
        self._bytes = np.concatenate(kept)

    def nearest(self, vectors: Vectors, k: int) -> list[Places]:
        """See `DenseIndex`."""
        return [self._index.search(vector, k, threads=1).keys.astype(np.intp) for vector in vectors]

    def at(self, places: Places) -> Vectors:
        """See `DenseIndex`."""
        return self._bytes[places].astype(np.float32) / np.float32(127)


def dense_index(parts: Iterable[Vectors], count: int) -> DenseIndex:
    """The cheaper index of `count` unit vectors, which come in parts [n, D], one at least."""
    if count <= EXACT:
        return ExactIndex(np.concatenate(list(parts)))
    rest = iter(parts)
    graph = GraphIndex(next(rest))
    graph.add(rest)
    return graph
