"""The shipped parts at work: texts in, matches out; and the figures by which they are judged."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifiers.bundle import Bundle, BundleError, load_bundle
from classifiers.claims.index import ClaimIndex, Entry
from classifiers.claims.relation import RELATIONS
from classifiers.errors import InputError
from classifiers.evaluation.claims.evaluate import retrieval, search_of, told
from classifiers.matcher import MOST, Matcher

CLAIMS = [
    Entry("bleach", "Drinking bleach cures malaria.", "No, bleach is no cure"),
    Entry("cash", "A new law bans cash payments above 50 euros."),
    Entry("moon", "Governments shortened the moon's cycle by eleven minutes in 1972."),
    Entry("bees", "One in three bees has been replaced by a drone."),
    Entry("water", "The water board added a mineral to the tap water to make people obey."),
    Entry("votes", "Voting machines flipped nine out of ten votes in the harbour district."),
]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture(scope="module")
def matcher(bundle: Bundle) -> Matcher:
    return Matcher(bundle)


@pytest.fixture(scope="module")
def index(matcher: Matcher) -> ClaimIndex:
    return matcher.index(CLAIMS)


def test_a_copy_finds_its_claim_first_and_a_stranger_none(matcher: Matcher, index: ClaimIndex) -> None:
    copies = matcher.match([entry.claim.upper() for entry in CLAIMS], index)
    assert [found[0].place for found in copies] == list(range(len(CLAIMS)))
    assert all(found[0].score > 0.5 for found in copies)
    (strange,) = matcher.match(["Lovely morning walk with the dog, then coffee with my sister."], index, least=0.2)
    assert strange == []


def test_matches_are_few_and_fall_in_score(matcher: Matcher, index: ClaimIndex) -> None:
    (found,) = matcher.match(["They say a law bans cash above 50 euros, and bees are drones"], index)
    assert len(found) == MOST
    assert [match.score for match in found] == sorted((match.score for match in found), reverse=True)
    assert {match.relation for match in found} <= set(RELATIONS)
    assert all(0.25 <= match.p_relation <= 1 for match in found)


def test_other_words_and_disguises_find_it_too(matcher: Matcher, index: ClaimIndex) -> None:
    texts = ["my aunt was healed of malaria by bleach", "Drinking bl\u0435ach c\u200bures m\u0430laria"]
    assert [found[0].place for found in matcher.match(texts, index)] == [0, 0]


def test_a_single_claim_is_found_as_surely_as_one_of_many(matcher: Matcher, index: ClaimIndex) -> None:
    alone = matcher.index(CLAIMS[:1])
    (one,), (many,) = (matcher.match([CLAIMS[0].claim], each, least=0.5) for each in (alone, index))
    assert one[0].place == many[0].place == 0


def test_a_text_gets_the_same_matches_in_any_company(matcher: Matcher, index: ClaimIndex) -> None:
    text = "No, bleach does not cure malaria, ask any doctor."
    (alone,), *_ = (matcher.match([text], index),)
    among = matcher.match(["x", text, CLAIMS[3].claim, ""], index)[1]
    assert [match.place for match in alone] == [match.place for match in among]
    np.testing.assert_allclose([m.p_relation for m in alone], [m.p_relation for m in among], atol=0.02)


def test_an_index_may_be_made_while_another_is_searched(matcher: Matcher, index: ClaimIndex) -> None:
    expected = matcher.match([entry.claim for entry in CLAIMS], index)
    made: list[ClaimIndex] = []
    many = [Entry(str(n), f"Claim {n} about {entry.claim}") for n in range(60) for entry in CLAIMS]
    thread = threading.Thread(target=lambda: made.extend(matcher.index(many) for _ in range(5)))
    thread.start()
    while thread.is_alive():
        assert matcher.match([entry.claim for entry in CLAIMS], index) == expected
    thread.join()
    assert len(made) == 5


def test_another_encoder_finds_claims_by_its_own_vectors(bundle: Bundle, teacher_dir: Path) -> None:
    matcher = Matcher(bundle, teacher_dir)
    assert matcher.version != Matcher(bundle).version
    (found,) = matcher.match([CLAIMS[0].claim], matcher.index(CLAIMS))
    assert found[0].place == 0


def test_a_bundle_without_claim_parts_says_how_to_get_them(bundle: Bundle) -> None:
    bare = replace(bundle, parts=replace(bundle.parts, claims=None))
    with pytest.raises(BundleError, match="assay claims train"):
        Matcher(bare)


def test_retrieval_figures_by_hand() -> None:
    found = [np.array([7, 1, 2, 3, 4, 5]), np.array([1, 7, 2, 3, 4]), np.array([1, 2, 3, 4, 5, 7])]
    figures = retrieval(found, [7, 7, 7])
    assert figures.map5 == pytest.approx((1 + 0.5 + 0) / 3)
    assert (figures.p1, figures.r5) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_relation_figures_by_hand() -> None:
    probabilities = np.eye(4, dtype=np.float32)[[0, 0, 1, 3, 3]]
    probabilities[4] = [0.1, 0.3, 0.2, 0.4]
    labels = [0, 2, 1, 3, 1]
    four = told(labels, probabilities, [0, 1, 2, 3], 0.0)
    assert four.accuracy == pytest.approx(3 / 5)
    assert four.f1 == pytest.approx((2 / 3, 2 / 3, 0, 2 / 3))
    three = told(labels, probabilities, [0, 1, 2], 0.0)
    assert (three.pairs, three.accuracy) == (4, pytest.approx(3 / 4))


def _lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_a_test_of_your_own_is_read_or_refused_by_line(tmp_path: Path) -> None:
    claims = _lines(tmp_path / "claims.jsonl", [{"id": 1, "claim": "Bleach cures malaria."}])
    pairs = _lines(tmp_path / "pairs.jsonl", [{"post": "bleach!", "claim_id": "1"}])
    search = search_of(claims, pairs)
    assert (search.answers, search.entries[0].id) == ((0,), "1")
    with pytest.raises(InputError, match="claim_id '9' is not in"):
        search_of(claims, _lines(tmp_path / "other.jsonl", [{"post": "x", "claim_id": 9}]))
    with pytest.raises(InputError, match="line 1: post is missing"):
        search_of(claims, _lines(tmp_path / "other.jsonl", [{"text": "x", "claim_id": 1}]))
    (tmp_path / "junk.jsonl").write_text("{")
    with pytest.raises(InputError, match="line 1: is not JSON"):
        search_of(tmp_path / "junk.jsonl", pairs)
