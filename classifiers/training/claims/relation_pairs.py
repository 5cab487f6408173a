"""Training data of each claim part, from a data directory and the pairs written for this project."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from classifiers.claims.relation import RELATIONS, REPEATS, UNRELATED
from classifiers.data.rows import Row
from classifiers.training.claims.corpus import DEV, TEST, TRAIN, Pair, Search, entries, relations, written
from classifiers.training.claims.corrections import corrections
from classifiers.training.teacher import MOST_WORDS

_SHORTEST, _LONGEST, _LONG_TEXT, _CROPS = 8, 32, 60, 3
_FEWEST_LETTERS = 15
_RULES, _STRANGERS, _HEADLINES = 4000, 2000, 1500
_COLLECTIONS = ("claims_clef2020", "claims_snopes_knownlie", "claims_politifact")
_EVERYDAY = frozenset({"tweeteval", "showerthoughts"})

SHARES = {
    "fnc1": 2.0,
    "headlines": 1.3,
    "written": 4.5,
    "rules": 0.8,
    "searched": 0.3,
    "near": 0.3,
}
"""How often the relation classifier sees each kind of pair, relative to the others."""


def short_texts(corpus: Sequence[Row], data: Path, search: Search, seed: int) -> list[str]:
    """Texts for the encoder to learn from: crops of the corpus' training posts, claims, titles; each once."""
    chance = random.Random(seed)  # noqa: S311
    texts = [crop for row in corpus if row.split == TRAIN for crop in _crops(row.text, chance)]
    for name in _COLLECTIONS:
        texts += [text for entry in entries(data, name) for text in (entry.claim, entry.title) if text]
    texts += search.of(TRAIN)[0]
    for pair in relations(data):
        if pair.split == TRAIN:
            texts += [pair.claim, *_crops(pair.post, chance)]
    fitting = (text for text in texts if len(text) > _FEWEST_LETTERS and len(text.split(" ")) <= MOST_WORDS)
    return list(dict.fromkeys(fitting))


def _crops(text: str, chance: random.Random) -> Iterator[str]:
    """A run of words from anywhere in a text; three from a long one."""
    words = text.split()
    for _ in range(_CROPS if len(words) > _LONG_TEXT else 1):
        length = chance.randint(_SHORTEST, _LONGEST)
        start = chance.randint(0, max(0, len(words) - length))
        yield " ".join(words[start : start + length])


def strangers(corpus: Sequence[Row], seed: int) -> list[str]:
    """Everyday posts, presumed to be about no claim."""
    chance = random.Random(seed)  # noqa: S311
    posts = [row.text for row in corpus if row.split == TRAIN and row.dataset in _EVERYDAY]
    return chance.sample(posts, min(_STRANGERS, len(posts)))


def training_pairs(data: Path, search: Search, near: Sequence[Sequence[int]], seed: int) -> list[Pair]:
    """Pairs for the relation classifier. `near`: places of other claims similar to each training post's."""
    chance = random.Random(seed)  # noqa: S311
    posts, answers = search.of(TRAIN)
    positives = [(post, search.entries[answer].claim) for post, answer in zip(posts, answers, strict=True)]
    found = [pair for pair in relations(data) if pair.split == TRAIN]
    found += headlines(found, chance)
    found += [pair for pair in written() if pair.split == TRAIN]
    found += [Pair(post, claim, REPEATS, "searched", TRAIN) for post, claim in positives]
    others = chance.sample(answers, len(answers))
    for post, answer, other in zip(posts, answers, others, strict=True):
        if other != answer:
            found.append(Pair(post, search.entries[other].claim, UNRELATED, "searched", TRAIN))
    for post, places in zip(posts, near, strict=True):
        found += [Pair(post, search.entries[place].claim, UNRELATED, "near", TRAIN) for place in places]
    claims = _titled(data, search, chance)
    made = list(corrections([*positives, *claims], seed))
    found += [Pair(*row, "rules", TRAIN) for row in chance.sample(made, min(_RULES, len(made)))]
    return found


def headlines(pairs: Sequence[Pair], chance: random.Random) -> list[Pair]:
    """Pairs of headlines, from pairs of articles and headlines: short posts, as people write them.

    A headline that its article confirms is a claim; another headline's relation to that claim is
    its relation to the article. `_HEADLINES` of each relation at most.
    """
    of_article: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for pair in pairs:
        of_article[pair.post][pair.relation].append(pair.claim)
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for by_relation in of_article.values():
        for claim in by_relation[REPEATS]:
            for relation in RELATIONS:
                others = (headline for headline in by_relation[relation] if headline != claim)
                for headline in islice(others, 1 if relation == UNRELATED else None):
                    found[headline, claim].add(relation)
    made = []
    for relation in RELATIONS:
        sure = [texts for texts, relations_of in found.items() if relations_of == {relation}]
        kept = chance.sample(sure, min(_HEADLINES, len(sure)))
        made += [Pair(*texts, relation, "headlines", TRAIN) for texts in kept]
    return made


def _titled(data: Path, search: Search, chance: random.Random) -> list[tuple[str, str]]:
    """Headlines of reviews that state their claim (no questions), for rules to work on; as many as training posts."""
    held_out = {search.entries[answer].claim for split in (DEV, TEST) for answer in search.of(split)[1]}
    stating = [
        (entry.title, entry.claim)
        for entry in entries(data, "claims_snopes_knownlie")
        if entry.title and not entry.title.rstrip().endswith("?") and entry.claim not in held_out
    ]
    return chance.sample(stating, min(len(search.of(TRAIN)[0]), len(stating)))
