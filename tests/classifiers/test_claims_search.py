"""Finding claims: words, encoder, indexes, ranker."""

import numpy as np
import pytest
from numpy.typing import NDArray

from classifiers.claims.dense import EXACT, ExactIndex, GraphIndex, dense_index
from classifiers.claims.encoder import WordEncoder, quantised
from classifiers.claims.index import CANDIDATES, FEATURES, Candidates, ClaimIndex, Entry
from classifiers.claims.lexical import LexicalIndex, terms
from classifiers.claims.ranker import BASE_RATE
from classifiers.claims.words import plain, tokens, words
from classifiers.training.claims.ranker_fit import fit_ranker

TOPICS = {
    "malaria": ["bleach", "malaria", "cures", "doctors"],
    "cash": ["cash", "euros", "law", "bans"],
    "moon": ["moon", "tide", "tables", "astronomers"],
}


@pytest.fixture(scope="module")
def encoder() -> WordEncoder:
    """Words of one topic point the same way; topics are at right angles."""
    vocabulary = {word: place for place, word in enumerate(word for of in TOPICS.values() for word in of)}
    random = np.random.default_rng(0)
    vectors = random.normal(scale=0.1, size=(len(vocabulary) + 16, 8)).astype(np.float32)
    for topic, of in enumerate(TOPICS.values()):
        for word in of:
            vectors[vocabulary[word], topic] += 1
    rows, scales = quantised(vectors)
    return WordEncoder(vocabulary, rows, scales, np.ones(len(vectors), np.float32))


def _ones(of_text: object) -> NDArray[np.float32]:
    return np.ones(len(list(of_text)), np.float32)  # type: ignore[call-overload]


def test_words_part_hashtags_and_drop_links() -> None:
    text = plain("#StopTheSteal2020 it\u2019s Ann's hoax https://t.co/x pic.twitter.com/y @JoeSmith_99")
    assert words(text) == ["stop", "the", "steal", "2020", "it", "ann", "hoax", "joe", "smith", "99"]


def test_words_are_compared_undisguised() -> None:
    assert words(plain("v\u0430ccine c\u200bures")) == ["vaccine", "cures"]  # a Cyrillic letter, a zero-width space


def test_tokens_keep_marks_that_tell_a_relation() -> None:
    assert tokens(plain('Is it "true"?!')) == ["is", "it", '"', "true", '"', "?", "!"]


def test_quantised_vectors_stay_near() -> None:
    vectors = np.random.default_rng(1).normal(size=(50, 32)).astype(np.float32)
    rows, scales = quantised(vectors)
    assert np.abs(rows * scales[:, None] - vectors).max() <= np.abs(vectors).max() / 127


def test_like_texts_lie_near_and_empty_ones_nowhere(encoder: WordEncoder) -> None:
    vectors = encoder.embed(["bleach cures malaria", "doctors malaria", "cash law bans euros", ""])
    assert vectors[0] @ vectors[1] > 0.9
    assert abs(vectors[0] @ vectors[2]) < 0.5
    assert not vectors[3].any()


def test_unknown_words_share_rows_by_hash_and_meet_themselves(encoder: WordEncoder) -> None:
    first, again = encoder.places(["zyxwv"]), encoder.places(["zyxwv"])
    assert first == again
    assert len(encoder.vocabulary) <= first[0] < len(encoder.rows)
    vectors = encoder.embed(["zyxwv", "zyxwv"])
    assert vectors[0] @ vectors[1] == pytest.approx(1, abs=1e-5)


def test_overlap_by_hand() -> None:
    index = LexicalIndex(["Coffee cures 3 cancers", "Tea is good", "the of"], _ones)
    query = terms("Does coffee cure cancer in 3 days, or 4?")
    overlap = index.overlap(query, np.array([0, 1, 2]))
    assert overlap.mass.tolist() == [4, 0, 0]
    assert overlap.of_claim.tolist() == [1, 0, 0]
    asked = len(set(query.stems))
    assert overlap.of_post[0] == pytest.approx(4 / asked)
    assert overlap.numbers.tolist() == [1, 0.5, 0.5]
    missing = index.overlap(terms("coffee cures cancers"), np.array([0]))
    assert (missing.numbers[0], missing.no_other_number[0]) == (0, 0)


def test_bm25_finds_and_takes_unknown_words_in_its_stride() -> None:
    index = LexicalIndex(["coffee cures cancer", "tea is good", "coffee is hot"], _ones)
    assert index.scores(terms("cancer and coffee zebra")).argmax() == 0
    assert not index.scores(terms("zebra")).any()
    assert len(LexicalIndex([], _ones).scores(terms("zebra"))) == 0
    assert not LexicalIndex(["the of", ""], _ones).scores(terms("zebra")).any()


def test_graph_finds_what_exact_search_finds() -> None:
    random = np.random.default_rng(2)
    vectors = random.normal(size=(3000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = vectors[:50] + random.normal(scale=0.02, size=(50, 32)).astype(np.float32)
    exact, graph = ExactIndex(vectors), GraphIndex(vectors[:1000])
    graph.add([vectors[1000:1500], vectors[1500:]])
    found = zip(exact.nearest(queries, 10), graph.nearest(queries, 10), strict=True)
    assert np.mean([len(set(one.tolist()) & set(other.tolist())) / 10 for one, other in found]) > 0.9
    np.testing.assert_allclose(graph.at(np.array([0, 2999])), vectors[[0, 2999]], atol=0.01)


def test_the_index_changes_kind_with_its_size() -> None:
    parts = [np.eye(4, dtype=np.float32)[:2], np.eye(4, dtype=np.float32)[2:]]
    assert isinstance(dense_index(iter(parts), EXACT), ExactIndex)
    graph = dense_index(iter(parts), EXACT + 1)
    assert isinstance(graph, GraphIndex)
    assert [places[0] for places in graph.nearest(np.eye(4, dtype=np.float32), 1)] == [0, 1, 2, 3]


def _claims(count: int) -> list[Entry]:
    text = "The {} mayors of Northbridge ban bicycles"
    return [Entry(f"c{number}", text.format(number), f"No ban {number}") for number in range(count)]


def test_an_index_of_nothing_finds_nothing(encoder: WordEncoder) -> None:
    index = ClaimIndex([], encoder, encoder.weigh)
    [found] = index.search(["bleach cures malaria"])
    assert len(index) == len(found.places) == 0
    assert found.features.shape == (0, len(FEATURES))


def test_no_more_candidates_than_asked_for(encoder: WordEncoder) -> None:
    index = ClaimIndex([*_claims(CANDIDATES + 20), Entry("m", "Bleach cures malaria")], encoder, encoder.weigh)
    [found] = index.search([plain("Doctors say bleach cures malaria")])
    assert len(found.places) == CANDIDATES
    assert index.entries[found.places[0]].id == "m"
    assert np.isfinite(found.features).all()


def test_a_new_index_on_top_of_an_old_one_is_as_good_as_a_fresh_one(encoder: WordEncoder) -> None:
    old = ClaimIndex(_claims(8), encoder, encoder.weigh)
    changed = [*_claims(8)[3:], Entry("m", "Bleach cures malaria"), Entry("c1", "The moon tide tables", "")]

    class Counting:
        version = "counting"

        def __init__(self) -> None:
            self.seen: list[str] = []

        def embed(self, texts: list[str]) -> NDArray[np.float32]:
            self.seen.extend(texts)
            return encoder.embed(texts)

    counting = Counting()
    grown = ClaimIndex(changed, counting, encoder.weigh, old)  # type: ignore[arg-type]
    assert sorted(counting.seen) == sorted(["Bleach cures malaria", "The moon tide tables"] * 2)
    fresh = ClaimIndex(changed, encoder, encoder.weigh)
    texts = ["bleach malaria", "mayors ban bicycles 4"]
    for one, other in zip(grown.search(texts), fresh.search(texts), strict=True):
        assert one.places.tolist() == other.places.tolist()
        np.testing.assert_allclose(one.features, other.features, atol=1e-5)


def _post(random: np.random.Generator, right: int | None) -> Candidates:
    """Twelve candidates of noise, of which the right one stands out by its cosine."""
    features = random.normal(scale=0.1, size=(12, len(FEATURES))).astype(np.float32)
    if right is not None:
        features[right, FEATURES.index("cosine")] += 1.5
    return Candidates(np.arange(12), features)


def test_a_ranker_learns_which_and_whether() -> None:
    random = np.random.default_rng(3)
    answers = random.integers(0, 12, 200).tolist()
    strangers = [_post(random, None) for _ in range(200)]
    ranker = fit_ranker([(_post(random, answer), answer) for answer in answers], [], strangers)
    again = random.integers(0, 12, 100).tolist()
    ranked = [ranker.rank(_post(random, answer)) for answer in again]
    assert np.mean([places[0] == answer for (places, _), answer in zip(ranked, again, strict=True)]) > 0.95
    assert np.mean([scores[0] for _, scores in ranked]) > 0.5
    assert all((np.diff(ranker.rank(_post(random, 3))[1]) <= 0.2).all() for _ in range(5))
    about_none = [ranker.rank(_post(random, None))[1].max() for _ in range(100)]
    assert np.mean(about_none) < BASE_RATE


def test_an_answer_that_was_not_found_is_left_out_of_the_fit() -> None:
    random = np.random.default_rng(4)
    found = [(_post(random, 2), 2) for _ in range(30)]
    ranker = fit_ranker([*found, (_post(random, None), 99)], found, [_post(random, None) for _ in range(30)])
    assert ranker.rank(_post(random, 2))[0][0] == 2
