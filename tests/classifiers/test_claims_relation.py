"""How a post stands to a claim: what is compared, the classifier, its certificate, the pairs it learns from."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import beta

from classifiers.bundle import CLAIMS, Bundle, BundleError, load_bundle, write_claims
from classifiers.claims.comparison import Comparison, compare
from classifiers.claims.encoder import WordEncoder
from classifiers.claims.pairs import PairReader
from classifiers.claims.parts import ClaimParts
from classifiers.claims.relation import DISCUSSES, NEVER, REBUTS, RELATIONS, REPEATS, UNRELATED, Pairs, Relation
from classifiers.training.claims.corpus import DEV, TEST, TRAIN, Pair, written
from classifiers.training.claims.relation_fit import (
    ALPHA,
    DELTA,
    LabelledPairs,
    certified,
    fit_relation,
    upper_bound,
    weigh,
)
from classifiers.training.claims.relation_pairs import headlines


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture(scope="module")
def parts(bundle: Bundle) -> ClaimParts:
    assert bundle.parts.claims
    return bundle.parts.claims


@pytest.fixture(scope="module")
def encoder(parts: ClaimParts) -> WordEncoder:
    return parts.encoder


CLAIM = "Bleach cures malaria in 3 days."


def _moved(encoder: WordEncoder, one: str, other: str) -> np.ndarray:
    return compare(encoder, other, CLAIM).features - compare(encoder, one, CLAIM).features


def test_a_denial_moves_what_a_statement_does_not(encoder: WordEncoder) -> None:
    assert np.any(_moved(encoder, "Bleach cures malaria.", "Bleach does not cure malaria.") > 0)
    assert not np.array_equal(
        compare(encoder, "Bleach cures malaria.", CLAIM).grams,
        compare(encoder, "No, bleach cures malaria?", CLAIM).grams,
    )


def test_manner_looks_alike_whatever_it_is_about(encoder: WordEncoder) -> None:
    one = compare(encoder, "No, bleach does not cure malaria. It is a hoax.", "Bleach cures malaria.")
    other = compare(encoder, "No, garlic does not heal influenza. It is a hoax.", "Garlic heals influenza.")
    shared = len(set(one.grams.tolist()) & set(other.grams.tolist()))
    assert shared / len(one.grams) > 0.9


def test_features_are_finite_for_any_text(encoder: WordEncoder) -> None:
    for post, claim in (("", ""), ("?", "the"), ("🙂🙂", "123"), ("a " * 500, "b"), ("\n\n", "x")):
        found = compare(encoder, post, claim)
        assert np.isfinite(found.features).all()
        assert len(found.grams)


def test_the_reader_reads_each_pair_by_itself(bundle: Bundle) -> None:
    reader = PairReader(bundle.backbone, bundle.tokenizer, bundle.parts.heads.shape.layers)
    posts, claims = ["Bleach is no cure.", "x", "word " * 400], [CLAIM, "", "Another claim."]
    together = reader.read(posts, claims)
    assert together.shape == (3, 3 * bundle.backbone.shape.hidden_size)
    for row in range(3):
        np.testing.assert_allclose(reader.read([posts[row]], [claims[row]])[0], together[row], atol=0.05)


def _labelled(count: int, seed: int) -> LabelledPairs:
    """Pairs whose relation stands in one feature and one gram."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, count)
    comparisons = [
        Comparison(
            np.eye(6, dtype=np.float32)[label] + random.normal(scale=0.3, size=6).astype(np.float32),
            np.array([label, 9]),
        )
        for label in labels
    ]
    pools = random.normal(size=(count, 12)).astype(np.float32)
    return LabelledPairs(Pairs.of(comparisons, pools), labels.astype(np.int64), np.ones(count))


@pytest.fixture(scope="module")
def fitted() -> Relation:
    return fit_relation(_labelled(600, 0), _labelled(400, 1), steps=300)


def test_a_relation_is_learnt_and_certified(fitted: Relation) -> None:
    labelled = _labelled(300, 2)
    probabilities = fitted.probabilities(labelled.pairs)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == labelled.labels).mean() > 0.9
    assert (fitted.thresholds < NEVER).all()
    assert not fitted.abstains(REPEATS, 0.99)
    assert fitted.abstains(REBUTS, float(fitted.thresholds[1]) - 0.01)
    assert not fitted.abstains(UNRELATED, 0.1)


def test_the_bound_is_clopper_pearson() -> None:
    for errors, of in ((0, 10), (3, 40), (17, 88)):
        assert upper_bound(errors, of) == pytest.approx(beta.ppf(1 - DELTA, errors + 1, of - errors), abs=1e-4)


def _called(right: int, wrong: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    probabilities = np.tile(np.array([p, (1 - p) / 3, (1 - p) / 3, (1 - p) / 3], np.float32), (right + wrong, 1))
    return probabilities, np.array([0] * right + [2] * wrong)


def test_thresholds_hold_what_they_promise() -> None:
    sure, unsure = _called(60, 2, 0.9), _called(30, 40, 0.5)
    probabilities, labels = (np.concatenate(both) for both in zip(sure, unsure, strict=True))
    found = certified(probabilities, labels)[0]
    assert 0.5 < found <= 0.9
    there = probabilities[:, 0] >= found
    assert upper_bound(int((labels[there] != 0).sum()), int(there.sum())) <= ALPHA


@pytest.mark.parametrize(("right", "wrong"), [(5, 0), (20, 30)])
def test_without_evidence_there_is_no_threshold(right: int, wrong: int) -> None:
    assert certified(*_called(right, wrong, 0.9)) == [NEVER, NEVER]


def test_weights_share_a_group_among_its_relations() -> None:
    groups, labels = ["a"] * 4 + ["b"] * 2, np.array([0, 0, 0, 1, 0, 1])
    weights = weigh(groups, labels, {"a": 3.0, "b": 1.0})
    assert weights[:3].sum() == pytest.approx(3) == weights[3]
    assert weights[4:].tolist() == [1, 1]


def test_parts_come_back_as_they_were(parts: ClaimParts, tmp_path: Path) -> None:
    parts.save(tmp_path / CLAIMS)
    again = ClaimParts.load(tmp_path / CLAIMS)
    assert again.encoder.version == parts.encoder.version
    np.testing.assert_array_equal(again.own_ranker.about, parts.own_ranker.about)
    np.testing.assert_array_equal(again.other_ranker.order, parts.other_ranker.order)
    for name, tensor in parts.relation.state_dict().items():
        assert torch.equal(again.relation.state_dict()[name], tensor), name


def test_claim_parts_do_not_change_a_bundle_s_version(bundle: Bundle, parts: ClaimParts, starter_copy: Path) -> None:
    before = bundle.version
    write_claims(starter_copy, ClaimParts(parts.encoder, parts.other_ranker, parts.own_ranker, parts.relation))
    again = load_bundle(starter_copy)
    assert again.version == before
    assert again.manifest.files[CLAIMS] != bundle.manifest.files[CLAIMS]


def test_damaged_claim_parts_are_refused(starter_copy: Path) -> None:
    body = (starter_copy / CLAIMS).read_bytes()
    (starter_copy / CLAIMS).write_bytes(body[:-100])
    with pytest.raises(BundleError, match="damaged or altered"):
        load_bundle(starter_copy)


def test_written_pairs_are_whole_and_split_by_claim() -> None:
    pairs = written()
    assert len(pairs) > 2000
    assert {pair.relation for pair in pairs} == set(RELATIONS)
    posts = Counter(" ".join(pair.post.lower().split()) for pair in pairs)
    assert [post for post, count in posts.items() if count > 1] == []
    splits: dict[str, set[str]] = {}
    for pair in pairs:
        splits.setdefault(pair.claim, set()).add(pair.split)
    assert all(len(of) == 1 for of in splits.values())
    shares = Counter(pair.split for pair in pairs)
    assert shares[TRAIN] > 2 * shares[DEV] > 0
    assert shares[TEST] > 0


def test_headlines_stand_to_each_other_as_they_stand_to_an_article() -> None:
    said = {
        "One article.": {REPEATS: ["A", "B"], REBUTS: ["C"], UNRELATED: ["D"]},
        "Another.": {REPEATS: ["A"], REBUTS: ["C", "E"], DISCUSSES: ["B"]},
        "A third.": {REBUTS: ["A"]},
    }
    pairs = [
        Pair(article, headline, relation, "news", TRAIN)
        for article, by_relation in said.items()
        for relation, headlines_so in by_relation.items()
        for headline in headlines_so
    ]
    made = headlines(pairs, random.Random(0))
    assert {(pair.post, pair.claim, pair.relation) for pair in made} == {
        ("A", "B", REPEATS),
        ("C", "A", REBUTS),
        ("C", "B", REBUTS),
        ("E", "A", REBUTS),
        ("D", "A", UNRELATED),
        ("D", "B", UNRELATED),
    }  # B with A is left out: the one article bears both out, the other only speaks of B
    assert {pair.split for pair in made} == {TRAIN}
