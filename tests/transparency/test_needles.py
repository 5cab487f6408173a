"""Finding a person in whatever a store holds: every form that a text takes, and nothing of others."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.transparency.needles import AUTHOR, NAME, TEXT, Needles

TEXT_OF_HER = 'She said "no" \\ twice,\nin März 🧪'
NAME_OF_HERS = "platforms/x/posts/1"
LONG, SHORT = "u-5f2c9d01", "u1"


def needles(author: str = LONG, text: str = TEXT_OF_HER) -> Needles:
    return Needles(author, [NAME_OF_HERS], [text])


class TestTexts:
    @pytest.mark.parametrize(
        "value",
        [
            TEXT_OF_HER,
            json.dumps({"text": TEXT_OF_HER}),
            json.dumps({"text": TEXT_OF_HER}, ensure_ascii=False),
            json.dumps([json.dumps({"text": TEXT_OF_HER})]),
            json.dumps([json.dumps({"text": TEXT_OF_HER}, ensure_ascii=False)], ensure_ascii=False),
            f"somebody quoted: {TEXT_OF_HER}!",
        ],
    )
    def test_in_every_form(self, value: str) -> None:
        assert needles().of(value) == {TEXT}

    def test_a_short_one_only_as_a_whole_value(self) -> None:
        short = needles(text="Yes!")
        assert short.of("Yes!") == {TEXT}
        assert short.of('{"text": "Yes!"}') == {TEXT}
        assert short.of('["{\\"text\\": \\"Yes!\\"}"]') == {TEXT}
        assert short.of("Yes! we can") == set()

    @settings(deadline=None, max_examples=60)
    @given(st.text(min_size=16, max_size=60).filter(lambda text: len(text.strip()) >= 16))
    def test_whatever_it_is(self, text: str) -> None:
        try:
            text.encode()
        except UnicodeEncodeError:
            return
        for ascii_only in (True, False):
            held = json.dumps({"a": [text]}, ensure_ascii=ascii_only)
            assert TEXT in Needles("", [], [text]).of(held)
            assert TEXT in Needles("", [], [text]).of(json.dumps(held, ensure_ascii=ascii_only))


class TestNames:
    @pytest.mark.parametrize(
        "value",
        [
            NAME_OF_HERS,
            f'{{"post": "{NAME_OF_HERS}"}}',
            f"{NAME_OF_HERS}/verdict",
            f"assay:v:p1:{NAME_OF_HERS}",
            f"see {NAME_OF_HERS}.",
            f"({NAME_OF_HERS})",
        ],
    )
    def test_as_a_whole(self, value: str) -> None:
        assert needles().of(value) == {NAME}

    @pytest.mark.parametrize("more", ["2", "-a", "_", "~", ".1", ":x", "%20", "=", "@"])
    def test_not_where_a_longer_name_begins_so(self, more: str) -> None:
        assert needles().of(NAME_OF_HERS + more) == set()

    def test_not_on_a_platform_that_ends_so(self) -> None:
        assert needles().of(f"my{NAME_OF_HERS}") == set()


class TestAuthors:
    def test_a_long_pseudonym_anywhere(self) -> None:
        assert needles().of(f"by {LONG}, again") == {AUTHOR}
        assert needles().of(f"by {LONG}9") == set()

    def test_a_short_one_only_as_a_whole_value(self) -> None:
        short = needles(author=SHORT)
        assert short.of(SHORT) == short.of('{"author": "u1"}') == {AUTHOR}
        assert short.of("a u1 b") == set()

    def test_counts_values(self) -> None:
        held = [LONG, f"{LONG} and {NAME_OF_HERS}", "nothing", TEXT_OF_HER]
        assert needles().within(held) == {AUTHOR: 2, NAME: 1, TEXT: 1}
        assert needles().within(["nothing", ""]) == {}
        assert Needles("", [], []).of("") == set()
