"""`assay claims train`: fits the parts of a bundle that match claims.

    short texts -> the teacher's embeddings -> word encoder
    posts with their claim -> candidates -> rankers, for the own encoder and for the teacher
    pairs with a relation -> their views -> relation classifier, temperature, certificate

Finished steps are kept in the work directory and reused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from classifiers.bundle import Bundle, load_bundle, write_claims
from classifiers.claims.comparison import compare
from classifiers.claims.encoder import WordEncoder
from classifiers.claims.index import ClaimIndex, Encoder
from classifiers.claims.lexical import Weigh
from classifiers.claims.pairs import PairReader
from classifiers.claims.parts import ClaimParts, load_encoder, save_encoder
from classifiers.claims.ranker import Ranker
from classifiers.claims.relation import Pairs
from classifiers.claims.words import plain
from classifiers.data.rows import Row, load_rows
from classifiers.network.sentence_encoder import SentenceEncoder
from classifiers.training.claims.corpus import DEV, TRAIN, Pair, Search, clef, label, written
from classifiers.training.claims.distil import Distillation, distil
from classifiers.training.claims.ranker_fit import fit_ranker
from classifiers.training.claims.relation_fit import LabelledPairs, fit_relation, weigh
from classifiers.training.claims.relation_pairs import SHARES, short_texts, strangers, training_pairs
from classifiers.training.teacher import embeddings

_ENCODER = "encoder.safetensors"
_NEAR_FROM, _NEAR_TO = 2, 4
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ClaimTraining:
    """`bundle`: the bundle to write into, a full or a heads bundle (then with its `model`). `teacher`: an encoder."""

    data: Path
    bundle: Path
    teacher: Path
    work: Path
    model: Path | None = None
    licences: tuple[str, ...] | None = None
    distillation: Distillation = field(default_factory=Distillation)
    device: str = "cpu"
    seed: int = 0


def train_claims(options: ClaimTraining, say: Say = print) -> ClaimParts:
    """Fit the claim parts, write them into the bundle, and return them. Raises InputError."""
    options.work.mkdir(parents=True, exist_ok=True)
    bundle = load_bundle(*_of_bundle(options), device=options.device)
    search, corpus = clef(options.data), load_rows(options.data, options.licences)
    encoder = _encoder(options, corpus, search, say)
    outsiders = strangers(corpus, options.seed)
    own, near = _ranker(search, outsiders, encoder, encoder.weigh)
    say("ranker of the own encoder fitted")
    teacher = SentenceEncoder(options.teacher, options.device)
    other, _ = _ranker(search, outsiders, teacher, encoder.weigh)
    say("ranker of the teacher fitted")
    pairs = training_pairs(options.data, search, near, options.seed)
    held_out = [pair for pair in written() if pair.split == DEV]
    views = Views(bundle, encoder)
    relation = fit_relation(views.labelled(pairs), views.labelled(held_out), options.seed)
    say(f"relation fitted on {len(pairs)} pairs; thresholds {[round(t, 2) for t in relation.thresholds.tolist()]}")
    parts = ClaimParts(encoder, own, other, relation)
    write_claims(options.bundle, parts)
    return parts


def _of_bundle(options: ClaimTraining) -> tuple[Path, Path | None]:
    return (options.model, options.bundle) if options.model else (options.bundle, None)


def _encoder(options: ClaimTraining, corpus: Sequence[Row], search: Search, say: Say) -> WordEncoder:
    path = options.work / _ENCODER
    if not path.is_file():
        texts = short_texts(corpus, options.data, search, options.seed)
        targets = embeddings(options.teacher, texts, options.work, device=options.device, say=say)
        save_encoder(distil(texts, targets, options.distillation, say), path)
    return load_encoder(path)


def _ranker(search: Search, outsiders: Sequence[str], encoder: Encoder, weigh: Weigh) -> tuple[Ranker, list[list[int]]]:
    """The ranker, and for each training post other claims similar to its own."""
    index = ClaimIndex(search.entries, encoder, weigh)
    posts, answers = search.of(TRAIN)
    found = index.search([plain(post) for post in posts])
    some = range(0, len(search.entries), max(1, len(search.entries) // len(posts)))
    copies = index.search([plain(search.entries[place].claim) for place in some])
    ranker = fit_ranker(
        list(zip(found, answers, strict=True)),
        list(zip(copies, some, strict=True)),
        index.search([plain(post) for post in outsiders]),
    )
    near = []
    for each, answer in zip(found, answers, strict=True):
        places = [int(place) for place in ranker.rank(each)[0] if place != answer]
        near.append(places[_NEAR_FROM:_NEAR_TO])  # the first may be the same claim, checked twice
    return ranker, near


class Views:
    """Makes the relation classifier's views of pairs."""

    def __init__(self, bundle: Bundle, encoder: WordEncoder) -> None:
        self._encoder = encoder
        self._reader = PairReader(bundle.backbone, bundle.tokenizer, bundle.parts.heads.shape.layers)

    def labelled(self, pairs: Sequence[Pair]) -> LabelledPairs:
        """Pairs with labels and weights."""
        posts, claims = [plain(pair.post) for pair in pairs], [plain(pair.claim) for pair in pairs]
        comparisons = [compare(self._encoder, *texts) for texts in zip(posts, claims, strict=True)]
        labels = np.array([label(pair) for pair in pairs], np.int64)
        weights = weigh([pair.source for pair in pairs], labels, SHARES)
        return LabelledPairs(Pairs.of(comparisons, self._reader.read(posts, claims)), labels, weights)
