"""Texts in, matching claims and the texts' relations to them out, for workers and `assay claims`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.bundle import CLAIMS, Bundle, BundleError
from classifiers.claims.comparison import compare
from classifiers.claims.encoder import Vectors
from classifiers.claims.index import Candidates, ClaimIndex, Encoder, Entry
from classifiers.claims.pairs import PairReader
from classifiers.claims.relation import RELATIONS, Pairs
from classifiers.claims.words import plain
from classifiers.network.sentence_encoder import SentenceEncoder

MOST = 5
"""Matches of a text."""


@dataclass(frozen=True, slots=True)
class IndexMatch:
    """A claim by its place in the index, and a text's relation to it.

    `score` is the probability that the text is about it, `p_relation` that of `relation`; `abstained` where the
    relation is one to act on and below its certificate.
    """

    place: int
    score: float
    relation: str
    p_relation: float
    abstained: bool


class Matcher:
    """A bundle's claim parts, ready to match. `version` covers all that an index and a match depend on."""

    def __init__(self, bundle: Bundle, encoder: Path | None = None, *, device: str = "cpu") -> None:
        """`encoder`: a sentence-transformers directory to use instead of the bundle's own. Raises InputError."""
        if bundle.parts.claims is None:
            raise BundleError(f"{bundle.manifest.name}: has no {CLAIMS}; run `assay claims train` on it")
        parts = bundle.parts.claims
        self._own, self._relation = parts.encoder, parts.relation
        self._encoder: Encoder = SentenceEncoder(encoder, device) if encoder else parts.encoder
        self._ranker = parts.other_ranker if encoder else parts.own_ranker
        self._reader = PairReader(bundle.backbone, bundle.tokenizer, bundle.parts.heads.shape.layers)
        made_of = (bundle.version, bundle.manifest.files[CLAIMS], self._encoder.version)
        self.version = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:8]

    def index(self, entries: Sequence[Entry], before: ClaimIndex | None = None) -> ClaimIndex:
        """An index of claims, reusing one of similar claims.

        Takes a second for a few thousand claims, with another encoder a minute.
        """
        return ClaimIndex(entries, self._encoder, self._own.weigh, before)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The bundle's own embeddings [n, D] of texts."""
        return self._own.embed([plain(text) for text in texts])

    def match(self, texts: Sequence[str], index: ClaimIndex, *, least: float = 0.0) -> list[list[IndexMatch]]:
        """Up to `MOST` matches of each text, best first, with a score of at least `least`."""
        tidy = [plain(text) for text in texts]
        ranked = [self.rank(found) for found in index.search(tidy)]
        wanted = [
            (text, int(place), float(score))
            for text, (places, scores) in enumerate(ranked)
            for place, score in zip(places[:MOST], scores[:MOST], strict=True)
            if score >= least
        ]
        matches: list[list[IndexMatch]] = [[] for _ in texts]
        for (text, place, score), relation in zip(wanted, self._relations(tidy, index, wanted), strict=True):
            matches[text].append(IndexMatch(place, score, *relation))
        return matches

    def _relations(
        self, texts: Sequence[str], index: ClaimIndex, wanted: Sequence[tuple[int, int, float]]
    ) -> list[tuple[str, float, bool]]:
        """Relation, its probability and whether it abstained, of each text and place."""
        if not wanted:
            return []
        posts = [texts[text] for text, _, _ in wanted]
        claims = [plain(index.entries[place].claim) for _, place, _ in wanted]
        probabilities = self.relations(posts, claims)
        return [(RELATIONS[int(row.argmax())], float(row.max()), self.abstains(row)) for row in probabilities]

    def relations(self, posts: Sequence[str], claims: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities [n, 4], in the order of RELATIONS, for `plain` texts."""
        comparisons = [compare(self._own, post, claim) for post, claim in zip(posts, claims, strict=True)]
        return self._relation.probabilities(Pairs.of(comparisons, self._reader.read(posts, claims)))

    def abstains(self, probabilities: NDArray[np.float32]) -> bool:
        """Whether the likeliest relation of [4] is one to act on, and below its certificate."""
        return self._relation.abstains(RELATIONS[int(probabilities.argmax())], float(probabilities.max()))

    def rank(self, found: Candidates) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Places in the index, best first, and the probability that the text is about each."""
        return self._ranker.rank(found)
