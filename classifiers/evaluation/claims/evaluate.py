"""`assay claims eval`: how well claims are found, and how well a post's relation to one is predicted.

Retrieval: mean average precision at 5 (a post has one right claim, so it is the mean of 1/rank), precision at 1, recall
at 5; also for BM25 alone and embeddings alone. Relation: accuracy and macro-F1, over all four relations and, on the
pairs that are about the claim, over the three of entails, neutral, contradicts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.bundle import Bundle
from classifiers.claims.index import ClaimIndex, Entry
from classifiers.claims.relation import RELATIONS, UNRELATED
from classifiers.claims.words import plain
from classifiers.errors import InputError
from classifiers.matcher import Matcher
from classifiers.training.claims.corpus import DEV, TEST, Pair, Search, clef, relations, written
from classifiers.training.claims.corrections import corrections

CUTOFF = 5
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well the claims of some posts were found."""

    posts: int
    map5: float
    p1: float
    r5: float


@dataclass(frozen=True, slots=True)
class Told:
    """How well relations were predicted, over the relations that occur; `f1` by relation in that order."""

    pairs: int
    accuracy: float
    macro_f1: float
    f1: tuple[float, ...]
    abstained: float


def retrieval(found: Sequence[NDArray[np.intp]], answers: Sequence[int]) -> Retrieval:
    """Figures from each post's claims, best first, and its right one."""
    ranks = [
        int(np.flatnonzero(places == answer)[0]) if answer in places else None
        for places, answer in zip((of[:CUTOFF] for of in found), answers, strict=True)
    ]
    precision = [0.0 if rank is None else 1 / (1 + rank) for rank in ranks]
    first, five = (np.mean([rank is not None and rank < k for rank in ranks]) for k in (1, CUTOFF))
    return Retrieval(len(answers), float(np.mean(precision)), float(first), float(five))


def told(labels: Sequence[int], probabilities: NDArray[np.float32], of: Sequence[int], abstained: float) -> Told:
    """Figures over the relations `of` (places in RELATIONS); other probabilities are ignored."""
    kept = np.isin(labels, of)
    truth = np.asarray(labels)[kept]
    called = np.asarray(of)[probabilities[kept][:, of].argmax(axis=1)]
    scores = [_f1(truth == place, called == place) for place in of]
    return Told(len(truth), float((truth == called).mean()), float(np.mean(scores)), tuple(scores), abstained)


def _f1(truth: NDArray[np.bool_], called: NDArray[np.bool_]) -> float:
    both = int((truth & called).sum())
    return 2 * both / max(1, int(truth.sum()) + int(called.sum()))


def search_of(claims: Path, pairs: Path) -> Search:
    """The user's own test: JSON lines of claims (`id`, `claim`, `title`) and posts (`post`, `claim_id`).

    Raises InputError.
    """
    entries = [
        Entry(str(row["id"]), str(row["claim"]), str(row.get("title") or "")) for row in _lines(claims, "id", "claim")
    ]
    places = {entry.id: place for place, entry in enumerate(entries)}
    posts, answers = [], []
    for row in _lines(pairs, "post", "claim_id"):
        wanted = str(row["claim_id"])
        if wanted not in places:
            raise InputError(f"{pairs}: claim_id {wanted!r} is not in {claims}")
        posts.append(str(row["post"]))
        answers.append(places[wanted])
    return Search(tuple(entries), tuple(posts), tuple(answers), (TEST,) * len(posts))


def _lines(path: Path, *needed: str) -> list[dict[str, object]]:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}, line {number}: is not JSON: {error}") from error
        missing = [name for name in needed if not isinstance(row, dict) or name not in row]
        if missing:
            raise InputError(f"{path}, line {number}: {', '.join(missing)} is missing; give each line {needed}")
        found.append(row)
    return found


class Evaluation:
    """Measures one matcher; `report` returns tables as text."""

    def __init__(self, bundle: Bundle, encoder: Path | None) -> None:
        self._matcher = Matcher(bundle, encoder)
        self._name = "BM25 + the encoder given" if encoder else "BM25 + own encoder"

    def of_search(self, search: Search, splits: Sequence[str]) -> list[str]:
        """Lines on retrieval."""
        index = self._matcher.index(search.entries)
        lines = [f"| among {len(search.entries):,} claims | posts | MAP@5 | P@1 | R@5 |", "|---|---|---|---|---|"]
        for split in splits:
            posts, answers = search.of(split)
            for name, found in self._found(index, posts).items():
                of = retrieval(found, answers)
                lines.append(f"| {split}: {name} | {of.posts} | {of.map5:.3f} | {of.p1:.3f} | {of.r5:.3f} |")
        return lines

    def _found(self, index: ClaimIndex, posts: Sequence[str]) -> dict[str, list[NDArray[np.intp]]]:
        """Claims of each post, best first, by BM25 alone, by embeddings alone, and ranked."""
        texts = [plain(post) for post in posts]
        return {
            "BM25 alone": [index.by_words(text, CUTOFF) for text in texts],
            "embeddings alone": index.by_embedding(texts, CUTOFF),
            self._name: [self._matcher.rank(of)[0] for of in index.search(texts)],
        }

    def of_pairs(self, name: str, pairs: Sequence[Pair]) -> list[str]:
        """Lines on the relation, over four relations and over three."""
        labels = [RELATIONS.index(pair.relation) for pair in pairs]
        parts = [self._probabilities(pairs[start : start + _AT_ONCE]) for start in range(0, len(pairs), _AT_ONCE)]
        probabilities = np.concatenate(parts)
        abstained = float(np.mean([self._matcher.abstains(row) for row in probabilities]))
        lines = []
        for of in (range(len(RELATIONS)), range(RELATIONS.index(UNRELATED))):
            figures = told(labels, probabilities, list(of), abstained)
            each = " | ".join(f"{score:.3f}" for score in figures.f1) + " |" * (len(RELATIONS) - len(of))
            head = f"| {name}, {len(of)} relations | {figures.pairs} | {figures.abstained:.1%}"
            lines.append(f"{head} | {figures.accuracy:.3f} | {figures.macro_f1:.3f} | {each} |")
        return lines

    def _probabilities(self, pairs: Sequence[Pair]) -> NDArray[np.float32]:
        posts, claims = [plain(pair.post) for pair in pairs], [plain(pair.claim) for pair in pairs]
        return self._matcher.relations(posts, claims)


def report(bundle: Bundle, data: Path, encoder: Path | None) -> str:
    """All figures on the sets of a data directory and on the written pairs that were held out."""
    evaluation, search = Evaluation(bundle, encoder), clef(data)
    labelled = [pair for pair in relations(data) if pair.split == TEST]
    own = [pair for pair in written() if pair.split == TEST]
    dev_posts, dev_answers = search.of(DEV)
    answered = [(post, search.entries[answer].claim) for post, answer in zip(dev_posts, dev_answers, strict=True)]
    frames = [Pair(*row, "rules", TEST) for row in corrections(answered, 1, held_out=True)]
    columns = ["", "pairs", "abstained", "accuracy", "macro-F1", *(f"F1 {relation}" for relation in RELATIONS)]
    lines = ["### Retrieval: CLEF CheckThat 2020", "", *evaluation.of_search(search, (DEV, TEST)), ""]
    lines += ["### Relation", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    lines += evaluation.of_pairs("pairs_relation test", labelled)
    lines += evaluation.of_pairs("of these, Emergent", [pair for pair in labelled if pair.source == "emergent"])
    lines += evaluation.of_pairs("written pairs, held-out claims", own)
    lines += evaluation.of_pairs("rule-made, held-out frames", frames)
    return "\n".join(lines)
