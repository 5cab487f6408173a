"""Normalisation: exact offsets, idempotence, what it undoes, and what it must leave alone."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.text.normalise import OBFUSCATIONS, byte_offsets, normalise, word_count

_LETTERS = "aeopcxyABCaаеорсухіѕАВСαορνκΑΒΕДжщяｆｕｌｌ𝐚𝓫Ⓒ🅷ᴛɪɑﬁ½ª™…“’´¨ℹ‼1#ｶﾞ각\u1100\u1161\u11a8الﻻक्षกカ工"
_INVISIBLE = "\u200b\u200c\u200d\u00ad\u202e\ufeff\u3164\ufe0f\U000e0067\U000e007f\U000e0100\x00"
_MARKS = "\u0301\u0308\u0336\u0345\u20e3"
_EMOJI = "❤👨👩🏽🏴🇩"
_SPACES = " \n\t\u00a0\u2003"
_TRICKY = st.sampled_from(_LETTERS + _INVISIBLE + _MARKS + _EMOJI + _SPACES)
_SPACED_OUT = st.lists(st.sampled_from(["a", "B", "е", " ", " ", "  ", "\u200b", "\n "]), max_size=40).map("".join)
TEXTS = st.one_of(st.text(), st.lists(_TRICKY, max_size=30).map("".join), _SPACED_OUT)


@settings(max_examples=400)
@given(TEXTS)
def test_offsets_rise_to_the_length_of_the_original(text: str) -> None:
    normal = normalise(text)
    assert len(normal.offsets) == len(normal.text) + 1
    assert normal.offsets[-1] == len(text)
    assert all(0 <= here <= after for here, after in pairwise(normal.offsets))


@settings(max_examples=1000)
@given(TEXTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


@given(TEXTS)
def test_undone_kinds_are_the_documented_ones_and_counted(text: str) -> None:
    assert all(kind in OBFUSCATIONS and count > 0 for kind, count in normalise(text).undone.items())


@given(st.text())
def test_byte_offsets_are_the_boundaries_of_utf8(text: str) -> None:
    encoded = text.encode()
    offsets = byte_offsets(text)
    assert [encoded[a:b].decode() for a, b in pairwise(offsets)] == list(text)
    assert offsets[-1] == len(encoded)


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_tidy_ascii_is_untouched(text: str) -> None:
    normal = normalise(text)
    assert (normal.text, normal.undone) == (text, {})
    assert normal.offsets == tuple(range(len(text) + 1))


@pytest.mark.parametrize(
    ("disguised", "plain", "undone"),
    [
        ("раypal is here", "paypal is here", {"homoglyph": 2}),
        ("Thе quісk brоwn fох јumрѕ оvеr а dоg", "The quick brown fox jumps over a dog", {"homoglyph": 13}),
        ("ᴛʜɪs is smɑll", "this is small", {"homoglyph": 4}),
        ("hel\u200blo wor\u00adld\u2060", "hello world", {"format_character": 3}),
        ("safe\u202etxt.exe", "safetxt.exe", {"format_character": 1}),
        ("hi\U000e0068\U000e0069 there", "hi there", {"format_character": 2}),
        ("𝐇𝐞𝐥𝐥𝐨 ｗｏｒｌｄ Ⓐ 🅱🅷", "Hello world A 🅱H", {"compatibility": 12}),
        ("h̶i t̴h̵ere", "hi there", {"combining_mark": 3}),
        ("null\x00 byte\x1b[0m", "null byte[0m", {"control_character": 2}),
        ("too   many\t\tgaps\u2003here.  Fine", "too many gaps here. Fine", {"whitespace": 3}),
        ('no "v a c c i n e", no', 'no "vaccine", no', {"whitespace": 1}),
        ("the v a c c i n e is", "the vaccine is", {"whitespace": 1}),
        ("T h i s  i s  a  t e s t", "This is a test", {"whitespace": 4}),
        ("приbет, кoлодец", "приbет, колодец", {"homoglyph": 1}),
        ("Неrе і go: а сору of ассеѕѕ", "Here i go: a copy of access", {"homoglyph": 15}),
        ("go: а сору of ассеѕѕ", "go: a copy of access", {"homoglyph": 11}),
        ("It'ѕ not in ΑREA5і", "It's not in AREA5i", {"homoglyph": 3}),
        ("so 🤦\u200b\u200d\u200b♀\u200b️ ❤\u2060️", "so 🤦\u200d♀️ ❤️", {"format_character": 4}),
    ],
)
def test_undoes_disguises(disguised: str, plain: str, undone: dict[str, int]) -> None:
    normal = normalise(disguised)
    assert normal.text == plain
    assert normal.undone == undone


@pytest.mark.parametrize(
    "text",
    [
        "Я люблю iPhone и Linux, Xerox",
        "Ένα απλό κείμενο με Windows",
        "He said Москва is cold",
        "Y M C A or plan B C D",
        "He said Москва and ухо",
        "Он купил Xerox",
        "the frequency ν, the angle α and the density ρ",
        "日本語のテスト、カ工ロ",
        "می\u200cخواهم",
        "क्\u200dष and क्\u200cष",
        "👨\u200d👩\u200d👧 ❤️ 1️⃣ 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 🇩🇪 👍🏽 ™️ ‼️ ㊗️",
        "café, naïve, Việt Nam, Łódź, İstanbul ışık, ᾅδης",
        "x ≠ y ≥ z → w",
    ],
)
def test_leaves_honest_text_alone(text: str) -> None:
    normal = normalise(text)
    assert normal.text == unicodedata.normalize("NFC", text)
    assert normal.undone == {}


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("“Don’t” she said…", '"Don\'t" she said...'),
        ("\ufeffone\r\n\r\ntwo ", "one two"),
        ("ﬁne™ №5 x²", "fine™ No5 x2"),
        ("שלום\u200f!", "שלום!"),
        ("Title  Here \ufe0f so", "Title Here so"),
        ("\x93it\x92s\x94", '"it\'s"'),
    ],
)
def test_ordinary_typing_is_folded_without_being_counted(typed: str, plain: str) -> None:
    normal = normalise(typed)
    assert normal.text == plain
    assert normal.undone == {}


def test_offsets_point_at_the_character_that_was_replaced() -> None:
    original = "a\u200b  раy ﬁx"
    normal = normalise(original)
    assert normal.text == "a pay fix"
    assert [original[index] for index in normal.offsets[:-1]] == list("a раy ﬁﬁx")


def test_lone_surrogates_become_replacement_characters() -> None:
    assert normalise("a\ud83d b").text == "a\ufffd b"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("One, two - three!", 3),
        ("#tag @user https://a.b/c don't", 4),
        ("日本語です", 3),
        ("see 日本 now", 3),
        ("👍 👍", 0),
    ],
)
def test_word_count(text: str, words: int) -> None:
    assert word_count(text) == words


SWAPS = dict(zip("aeopcxyisjhABEKMHOPCTXIJSNZ", "аеорсхуіѕјһАВЕКМНОРСТХІЈЅΝΖ", strict=True))
ENGLISH = (
    "Officials said on Monday that the vaccine was tested in Kenya, Peru and Japan; he explains https://example.org"
)


@given(st.sets(st.sampled_from(sorted(SWAPS)), min_size=1), st.integers(1, 3))
def test_homoglyph_attack_at_any_rate_is_undone(letters: set[str], every: int) -> None:
    attacked = "".join(
        SWAPS[char] if char in letters and index % every == 0 else char for index, char in enumerate(ENGLISH)
    )
    swapped = sum(before != after for before, after in zip(ENGLISH, attacked, strict=True))
    normal = normalise(attacked)
    assert normal.undone.get("homoglyph", 0) <= swapped
    missed = [word for word in normal.text.split() if not word.isascii()]
    assert all(word.isalpha() and all(char in SWAPS.values() for char in word) for word in missed)
    assert normal.text == ENGLISH or missed


def test_homoglyph_attack_on_every_letter_is_undone_wholly() -> None:
    assert normalise("".join(SWAPS.get(char, char) for char in ENGLISH)).text == ENGLISH


def test_zero_width_space_after_every_character_is_undone() -> None:
    text = "One ❤️ of 👩🏽\u200d⚕️ says: 1️⃣ covfefe 🏴\u200d☠️ isn't real 🇩🇪"
    assert normalise("\u200b".join(text)).text == text
