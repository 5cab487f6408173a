"""Any string becomes a text that a post may hold; offsets stay true."""

import pytest

from service.domain.validation import check
from service.shims.texts import Offsets, cleaned, is_blank, post, utf16_length


@pytest.mark.parametrize("text", ["a\x00b", "a\ud83d b", "\x85x", "line\nbreak\ttab", "🧪\x1f🧪"])
def test_what_a_post_may_not_hold_is_replaced_in_place(text: str) -> None:
    found = cleaned(text)
    check(post("perspective", found))
    assert utf16_length(found) == utf16_length(text)
    assert cleaned(found) == found


@pytest.mark.parametrize("text", ["", "  \n", "\u200b", "\u0301 \u200d"])
def test_what_shows_nothing_is_blank(text: str) -> None:
    assert is_blank(text)


def test_offsets_count_utf16_units_of_the_text_as_it_was_sent() -> None:
    text = "🧪🧪  you\r\n idiot ü!"  # canonical text: one space for each run
    canonical = "🧪🧪 you idiot ü!".encode()
    start = canonical.index(b"idiot")
    begin, end = Offsets(text).units(start, start + 5)
    assert text.encode("utf-16-le")[2 * begin : 2 * end].decode("utf-16-le") == "idiot"
    assert begin == len("🧪🧪  you\r\n ") + 2


def test_offsets_survive_characters_that_are_composed() -> None:
    text = "cafe\u0301  idiot"
    start = "café idiot".encode().index(b"idiot")
    begin, end = Offsets(text).units(start, start + 5)
    assert text[begin:end] == "idiot"


def test_the_same_call_makes_the_same_post_and_another_token_another() -> None:
    assert post("p", "a text", "t1").key == post("p", "a text", "t1").key
    assert post("p", "a text", "t1").name != post("p", "a text", "t2").name
    assert post("p", "a text", "\ud800").name
