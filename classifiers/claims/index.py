"""A searchable set of claims. Immutable: a changed set is a new index, and a search keeps one to its end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from classifiers.claims.dense import DenseIndex, Places, dense_index
from classifiers.claims.encoder import Vectors
from classifiers.claims.lexical import LexicalIndex, Weigh, terms
from classifiers.claims.words import plain

CANDIDATES = 30
"""The number of claims for which a post's features are computed."""

FEATURES = (
    "bm25_share",
    "mass",
    "cosine_claim",
    "cosine_title",
    "cosine",
    "of_claim",
    "of_post",
    "numbers",
    "no_other_number",
    "size",
)
"""The ranker's features of a post and a claim: BM25 as a share of the best claim's, the rest as in `lexical.Overlap`.

Cosines of the post are with claim, title and the better of them.
"""

_PART = 8192  # texts embedded at once


class Entry(NamedTuple):
    """A claim to be found: its id, the statement, the headline of its review (or nothing)."""

    id: str
    claim: str
    title: str = ""


class Encoder(Protocol):
    """Makes embeddings of texts."""

    @property
    def version(self) -> str:
        """Digest of the encoder."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit embeddings [n, D] of `plain` texts."""
        ...


@dataclass(frozen=True, slots=True)
class Candidates:
    """The claims nearest to a post, roughly ordered: places in the index [c], features [c, F]."""

    places: Places
    features: NDArray[np.float32]


class ClaimIndex:
    """Words and embeddings of claims. Embeddings of `before` are reused for the same claims."""

    def __init__(
        self, entries: Sequence[Entry], encoder: Encoder, weigh: Weigh, before: "ClaimIndex | None" = None
    ) -> None:
        """`weigh` returns the weights of words (`WordEncoder.weigh`)."""
        self.entries = tuple(entries)
        self._encoder = encoder
        claims = [plain(entry.claim) for entry in entries]
        titles = [plain(entry.title) or claim for entry, claim in zip(entries, claims, strict=True)]
        self._words = LexicalIndex([f"{claim} {title}" for claim, title in zip(claims, titles, strict=True)], weigh)
        known = {(entry.claim, entry.title): place for place, entry in enumerate(before.entries)} if before else {}
        old = [known.get((entry.claim, entry.title), -1) for entry in entries]
        by_claim, by_title = (before._claims, before._titles) if before else (None, None)
        self._claims: DenseIndex = dense_index(_embedded(claims, old, encoder, by_claim), len(claims))
        self._titles: DenseIndex = dense_index(_embedded(titles, old, encoder, by_title), len(titles))

    def __len__(self) -> int:
        """Number of claims."""
        return len(self.entries)

    def search(self, texts: Sequence[str]) -> list[Candidates]:
        """Candidates for each `plain` text, `CANDIDATES` or as many as there are."""
        if not self.entries or not texts:
            return [Candidates(np.empty(0, np.intp), np.empty((0, len(FEATURES)), np.float32)) for _ in texts]
        vectors = self._encoder.embed(texts)
        by_claim, by_title = self._claims.nearest(vectors, CANDIDATES), self._titles.nearest(vectors, CANDIDATES)
        near = zip(texts, vectors, by_claim, by_title, strict=True)
        return [self._candidates(text, vector, np.union1d(claims, titles)) for text, vector, claims, titles in near]

    def by_words(self, text: str, k: int) -> Places:
        """The k places that BM25 alone finds first for a `plain` text."""
        return np.argsort(-self._words.scores(terms(text)), kind="stable")[:k]

    def by_embedding(self, texts: Sequence[str], k: int) -> list[Places]:
        """The k places whose claim or title is nearest to each `plain` text."""
        vectors = self._encoder.embed(texts)
        both = zip(vectors, self._claims.nearest(vectors, k), self._titles.nearest(vectors, k), strict=True)
        found = []
        for vector, claims, titles in both:
            pool = np.union1d(claims, titles).astype(np.intp)
            cosines = np.maximum(self._claims.at(pool) @ vector, self._titles.at(pool) @ vector)
            found.append(pool[np.argsort(-cosines, kind="stable")[:k]])
        return found

    def _candidates(self, text: str, vector: NDArray[np.float32], near: Places) -> Candidates:
        query = terms(text)
        scores = self._words.scores(query)
        best = max(float(scores.max()), 1e-6)
        k = min(CANDIDATES, len(scores))
        pool = np.union1d(near, np.argpartition(-scores, k - 1)[:k]).astype(np.intp)
        claim, title = self._claims.at(pool) @ vector, self._titles.at(pool) @ vector
        rough = scores[pool] / best + np.maximum(claim, title)
        kept = np.argsort(-rough, kind="stable")[:CANDIDATES]
        places, claim, title = pool[kept], claim[kept], title[kept]
        shared = self._words.overlap(query, places)
        columns = (scores[places] / best, shared.mass, claim, title, np.maximum(claim, title))
        overlap = (shared.of_claim, shared.of_post, shared.numbers, shared.no_other_number)
        features = np.stack([*columns, *overlap, np.log1p(self._words.sizes(places))], axis=1)
        return Candidates(places, features.astype(np.float32))


def _embedded(
    texts: Sequence[str], old: Sequence[int], encoder: Encoder, before: DenseIndex | None
) -> Iterator[Vectors]:
    """Embeddings [n, D] of texts, part by part; those with a place in the index before are taken from there."""
    for start in range(0, max(1, len(texts)), _PART):
        places = np.array(old[start : start + _PART], np.intp)
        fresh = np.flatnonzero(places < 0)
        made = encoder.embed([texts[start + place] for place in fresh.tolist()])
        if before is not None:
            vectors = np.empty((len(places), made.shape[1]), np.float32)
            vectors[fresh], vectors[places >= 0] = made, before.at(places[places >= 0])
            made = vectors
        yield made
