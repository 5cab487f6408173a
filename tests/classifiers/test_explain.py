"""Spans and surprise land on the right bytes of the text as it was posted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.explain import Span, spans, surprise
from classifiers.text import normalise

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
    found = spans(text, normalise(text), {"misinformation": shares})
    assert [(_passage(text, span.start, span.end), span.weight) for span in found] == [
        ("totally secret cure", 4.5),
        ("not", -3.0),
    ]
    assert spans(text, normalise(text), {"misinformation": shares}, top=1) == found[:1]


def test_labels_are_kept_apart_and_in_order_of_the_text() -> None:
    text = "one two three"
    found = spans(text, normalise(text), {"hate": [(4, 7, 1.0)], "fraud": [(0, 3, 2.0), (8, 13, 0.0)], "sexual": []})
    assert found == (Span(0, 3, 2.0, "fraud"), Span(4, 7, 1.0, "hate"))


def test_all_zero_shares_give_no_span() -> None:
    assert spans("a b", normalise("a b"), {"hate": [(0, 1, 0.0), (2, 3, 0.0)]}) == ()


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


def test_another_original_is_refused() -> None:
    with pytest.raises(ValueError, match="another text"):
        spans("other", normalise("text"), {})
