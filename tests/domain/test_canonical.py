"""Canonical text, digests, and the way back to the offsets of the original."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.canonical import Alignment, canonical, content_digest, digest
from service.domain.post import Context, Post, Surface

PIECES = [
    *"ab €\n\t",
    "\r\n",
    "  ",
    "\u00a0",
    "\u2003",
    "e\u0301",
    "é",
    "\u0301",
    "\u2126",
    "👩\u200d🚀",
    "한",
    "\u1112\u1161",
    "q\u0323\u0307",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=40)


@given(TEXTS)
def test_canonical_form_is_its_own_canonical_form(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@given(TEXTS)
def test_white_space_and_composition_do_not_count(text: str) -> None:
    spread = "\n ".join(["", *unicodedata.normalize("NFD", text).split(), ""])
    assert content_digest(spread, "") == content_digest(text, "")


@pytest.mark.parametrize("other", ["Vaccines work", "vaccines  w0rk", "vaccinеs work", "vaccines\u200b work"])
def test_what_classifiers_can_tell_apart_counts(other: str) -> None:
    assert content_digest(other, "") != content_digest("vaccines work", "")


def test_parts_of_a_digest_do_not_run_together() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert content_digest("a b", "") != content_digest("a", "b")
    assert content_digest("a", "") != content_digest("", "a")


def test_a_text_of_no_valid_unicode_has_a_digest_all_the_same() -> None:
    assert digest("\ud800") != digest("\ud801")


@pytest.mark.parametrize(
    "change",
    [
        {"text": "other words"},
        {"surface": Surface.AD},
        {"region": "DE"},
        {"locale": "de"},
        {"author": "somebody else"},
        {"context": Context(parent_text="a question")},
        {"context": Context(digital_source_type="trainedAlgorithmicMedia")},
    ],
)
def test_what_a_decision_depends_on_makes_another_version(change: dict[str, object]) -> None:
    post = Post(platform="example", id="1", text="some words")
    assert replace(post, **change).key != post.key  # type: ignore[arg-type]


def test_what_no_decision_depends_on_makes_the_same_version() -> None:
    post = Post(platform="example", id="1", text="some words")
    assert replace(post, text=" some\nwords ", metadata={"likes": "3"}).key == post.key


def boundaries(text: str) -> list[int]:
    return [len(text[:index].encode()) for index in range(len(text) + 1)]


@given(TEXTS)
def test_offsets_map_in_order_onto_character_boundaries_of_the_original(text: str) -> None:
    alignment, ends = Alignment(text), set(boundaries(text))
    offsets = boundaries(canonical(text))
    starts = [alignment.original(offset, offsets[-1])[0] for offset in offsets]
    stops = [alignment.original(0, offset)[1] for offset in offsets]
    assert starts == sorted(starts)
    assert stops == sorted(stops)
    assert set(starts + stops) <= ends
    for number, start in enumerate(offsets):
        begin, end = alignment.original(start, offsets[min(number + 1, len(offsets) - 1)])
        assert begin <= end


@given(TEXTS)
def test_each_word_maps_onto_the_word_it_came_from(text: str) -> None:
    alignment, at = Alignment(text), 0
    for written, word in zip(text.split(), canonical(text).split(), strict=True):
        size = len(word.encode())
        begin, end = alignment.original(at, at + size)
        assert text.encode()[begin:end].decode() == written
        at += size + 1


@given(TEXTS, st.data())
def test_parts_of_a_word_that_stayed_the_same_map_exactly(text: str, data: st.DataObject) -> None:
    alignment, at = Alignment(text), 0
    for written, word in zip(text.split(), canonical(text).split(), strict=True):
        if written == word:
            first = data.draw(st.integers(0, len(word) - 1))
            part = word[first : data.draw(st.integers(first + 1, len(word)))]
            start = at + len(word[:first].encode())
            begin, end = alignment.original(start, start + len(part.encode()))
            assert text.encode()[begin:end].decode() == part
        at += len(word.encode()) + 1


def test_a_span_that_begins_with_the_space_after_a_changed_word_does_not_reach_back_over_it() -> None:
    text = "cafe\u0301  open"
    begin, end = Alignment(text).original(len("café".encode()), len("café open".encode()))
    assert text.encode()[begin:end].decode() == "  open"


def test_a_part_of_a_changed_word_widens_to_the_word() -> None:
    text = "\n cafe\u0301s open"
    begin, end = Alignment(text).original(0, 3)
    assert text.encode()[begin:end].decode() == "cafe\u0301s"


def test_an_empty_span_stays_empty_and_in_order() -> None:
    assert Alignment("a    b").original(2, 2) == (5, 5)
