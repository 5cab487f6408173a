"""Spans and surprise land on the right bytes of the text as it was posted, and the account adds up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.explain import MOST_SPANS, Explanation, Span, explanation, surprise
from classifiers.text.normalise import normalise

POST = "Ｔhе “bаnk” says  hel\u200blo 👍🏽 and ﬁne wörds"
PLAIN = 'The "bank" says hello 👍🏽 and fine wörds'


def _passage(post: str, start: int, end: int) -> str:
    return post.encode()[start:end].decode()


def _words(text: str) -> list[tuple[int, int]]:
    found, position = [], 0
    for word in text.split():
        start = text.index(word, position)
        position = start + len(word)
        found.append((start, position))
    return found


def test_words_of_a_disguised_post_are_found_in_its_bytes() -> None:
    normal = normalise(POST)
    assert normal.text == PLAIN
    placed = surprise(POST, normal, _words(PLAIN), [1.0] * 8)
    assert [_passage(POST, start, end) for start, end, _ in placed] == POST.split()


def test_strong_neighbours_of_one_sign_become_one_span() -> None:
    text = "we know that totally secret cure is not real"
    weights = [0.1, 0.0, -0.1, 2.0, 1.5, 1.0, 0.2, -3.0, 0.1]
    shares = [(*place, weight) for place, weight in zip(_words(text), weights, strict=True)]
    found = explanation(text, normalise(text), "misinformation", 2.0, shares)
    assert [(_passage(text, span.start, span.end), span.weight) for span in found.spans] == [
        ("totally secret cure", 4.5),
        ("not", pytest.approx(-3.0)),
    ]
    assert found.rest == pytest.approx(0.3)
    assert found.base == pytest.approx(0.2)


def test_a_share_is_spread_over_the_words_that_it_covers_and_spaces_have_none() -> None:
    text = "one three five"
    found = explanation(text, normalise(text), "hate", 0.0, [(0, 9, 8.0), (9, 14, 4.0), (3, 4, 1.0), (0, 3, -4.0)])
    nine: Any = pytest.approx(9.0)
    nothing: Any = pytest.approx(0.0)
    assert found == Explanation("hate", 0.0, (Span(4, 14, nine, "hate"),), nothing, -9.0)


def test_only_the_weightiest_spans_are_shown_and_the_rest_is_counted() -> None:
    text = " ".join("ab" for _ in range(40))
    shares = [(*place, 2.0 if index % 2 else -2.0) for index, place in enumerate(_words(text))]
    found = explanation(text, normalise(text), "fraud", 5.0, shares)
    assert len(found.spans) == MOST_SPANS
    assert found.base == pytest.approx(5.0)
    assert found.rest == pytest.approx(-sum(span.weight for span in found.spans))


@pytest.mark.parametrize(("text", "shares"), [("", [(0, 0, 2.0)]), ("", []), ("a b", [(0, 1, 0.0), (2, 3, 0.0)])])
def test_without_words_or_shares_all_is_base(text: str, shares: list[tuple[int, int, float]]) -> None:
    assert explanation(text, normalise(text), "hate", 1.5, shares) == Explanation("hate", 1.5, (), 0.0, 1.5)


def test_tokens_that_share_a_character_become_one_and_empty_ones_are_left_out() -> None:
    text = "a 👍 b"
    tokens = [(0, 0), (0, 1), (1, 3), (2, 3), (2, 3), (3, 5)]
    assert surprise(text, normalise(text), tokens, [9.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == (
        (0, 1, 1.0),
        (2, 6, 9.0),
        (7, 8, 5.0),
    )


def test_half_of_a_ligature_is_the_whole_ligature() -> None:
    normal = normalise("ﬁx")
    assert surprise("ﬁx", normal, [(0, 1)], [1.0]) == ((0, 3, 1.0),)


@given(st.text(min_size=1), st.data())
def test_any_span_is_decodable_and_inside(text: str, data: st.DataObject) -> None:
    normal = normalise(text)
    start = data.draw(st.integers(0, len(normal.text)))
    end = data.draw(st.integers(start, len(normal.text)))
    for first, last, _ in surprise(text, normal, [(start, end)], [1.0]):
        assert 0 <= first < last <= len(text.encode())
        assert _passage(text, first, last)


@given(st.text(min_size=1), st.floats(-9, 9), st.data())
def test_any_account_adds_up_and_cuts_no_character(text: str, raw: float, data: st.DataObject) -> None:
    normal = normalise(text)
    places = st.integers(0, len(normal.text))
    passages = st.tuples(places, places, st.floats(-5, 5)).map(lambda drawn: (min(drawn[:2]), max(drawn[:2]), drawn[2]))
    found = explanation(text, normal, "hate", raw, data.draw(st.lists(passages, max_size=30)))
    assert found.base + found.rest + sum(span.weight for span in found.spans) == pytest.approx(raw, abs=1e-9)
    for span in found.spans:
        assert 0 <= span.start < span.end <= len(text.encode())
        assert _passage(text, span.start, span.end)


def test_another_original_is_refused() -> None:
    with pytest.raises(ValueError, match="another text"):
        explanation("other", normalise("text"), "hate", 0.0, [])
