"""Training and test data of the claim parts: claims to search, posts about them, pairs with a relation.

A data directory holds JSON lines, gzipped: `claims_*` (id, claim, title), `pairs_*` (post, claim, claim_id, split,
relation) as its README describes; pairs written for this project are shipped in `written`, a fifth of their claims held
out for the certificate and a fifth for testing.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from classifiers.claims.index import Entry
from classifiers.claims.relation import RELATIONS
from classifiers.errors import InputError

TRAIN, DEV, TEST = "train", "dev", "test"
WRITTEN = "written"
_FIFTHS = {0: TEST, 1: DEV}


class Pair(NamedTuple):
    """A post and a claim, their relation, and the pair's source."""

    post: str
    claim: str
    relation: str
    source: str
    split: str


@dataclass(frozen=True, slots=True)
class Search:
    """Claims to search, and posts with the place of the claim that each is about."""

    entries: tuple[Entry, ...]
    posts: tuple[str, ...]
    answers: tuple[int, ...]
    splits: tuple[str, ...]

    def of(self, split: str) -> tuple[list[str], list[int]]:
        """Posts and answers of one split."""
        rows = [place for place, each in enumerate(self.splits) if each == split]
        return [self.posts[row] for row in rows], [self.answers[row] for row in rows]


def rows(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """The rows of one set. Raises InputError if it is missing."""
    path = data / f"{name}.jsonl.gz"
    if not path.is_file():
        raise InputError(f"{path}: is missing; give the directory of the training data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def entries(data: Path, name: str) -> list[Entry]:
    """Claims of a collection."""
    return [Entry(str(row["id"]), row["claim"], row.get("title") or "") for row in rows(data, name)]


def clef(data: Path) -> Search:
    """CLEF CheckThat 2020 task 2: tweets and the claims of Snopes that they are about (Barron-Cedeno et al. 2020)."""
    claims = entries(data, "claims_clef2020")
    places = {entry.id: place for place, entry in enumerate(claims)}
    pairs = list(rows(data, "pairs_clef2020"))
    answers = tuple(places[pair["claim_id"]] for pair in pairs)
    return Search(tuple(claims), tuple(pair["post"] for pair in pairs), answers, tuple(p["split"] for p in pairs))


def relations(data: Path) -> list[Pair]:
    """Pairs of headlines with articles (Fake News Challenge 1) and of claims with headlines (Emergent, test only)."""
    return [
        Pair(row["post"], row["claim"], row["relation"], row["source"], row["split"])
        for row in rows(data, "pairs_relation")
    ]


def written() -> list[Pair]:
    """The pairs written for this project."""
    found = []
    for file in sorted(files("classifiers.training.claims").joinpath("written").iterdir(), key=lambda file: file.name):
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            split = _FIFTHS.get(int(row["claim_id"].rpartition("-")[2]) % 5, TRAIN)
            found.append(Pair(row["post"], row["claim"], row["relation"], WRITTEN, split))
    return found


def label(pair: Pair) -> int:
    """The place of a pair's relation in RELATIONS."""
    return RELATIONS.index(pair.relation)
