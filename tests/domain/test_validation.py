"""What a post may hold, and that errors name the field."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.domain.post import Context, Post
from service.domain.validation import MAX_TEXT, check, check_correlation_id, check_request_id
from service.errors import InvalidInput
from tests.factories import numbered

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "a"},
        {"text": "x" * MAX_TEXT},
        {"text": "tabs\tand\r\nlines"},
        {"text": "👩\u200d🚀"},
        {"text": "\u202eright to left"},
        {"locale": "pt-BR"},
        {"locale": "en_US", "region": "US"},
        {"created_at": NOW + timedelta(hours=23)},
        {"author": "a" * 256},
        {"metadata": {"k" * 128: "v" * 4096}},
        {"context": Context(image_text="read\nfrom the image")},
    ],
)
def test_a_post_within_the_limits_passes(fields: dict[str, Any]) -> None:
    check(numbered(1, **fields), NOW)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"text": "   \n"}, "text"),
        ({"text": "\u200b\u200d \ufeff"}, "text"),
        ({"text": "x" * (MAX_TEXT + 1)}, "text"),
        ({"text": "be\x07ll"}, "text"),
        ({"text": "half \ud83d pair"}, "text"),
        ({"context": Context(parent_text="\x1f")}, "context.parent_text"),
        ({"context": Context(digital_source_type="x" * (MAX_TEXT + 1))}, "context.digital_source_type"),
        ({"author": "a" * 257}, "author"),
        ({"author": "a\x1fb"}, "author"),
        ({"author": "a\udc00b"}, "author"),
        ({"locale": "deutsch!"}, "locale"),
        ({"region": "de"}, "region"),
        ({"created_at": datetime(1999, 12, 31, tzinfo=UTC)}, "create_time"),
        ({"created_at": NOW + timedelta(days=2)}, "create_time"),
        ({"metadata": {str(number): "" for number in range(65)}}, "metadata"),
        ({"metadata": {"": "no key"}}, "metadata['']"),
        ({"metadata": {"key": "\x00"}}, "metadata['key']"),
        ({"metadata": {"key": "\ud800"}}, "metadata['key']"),
        ({"metadata": {"key": "v" * 4097}}, "metadata['key']"),
    ],
)
def test_a_broken_limit_names_the_field_and_a_remedy(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(numbered(1, **fields), NOW)
    assert caught.value.field == field
    assert caught.value.remedy in str(caught.value)


@pytest.mark.parametrize(
    ("platform", "number"),
    [("Example", "1"), ("", "1"), ("example", ""), ("example", "a/b"), ("example", "ä"), ("x" * 64, "1")],
)
def test_a_name_that_is_no_resource_name_is_refused(platform: str, number: str) -> None:
    with pytest.raises(InvalidInput, match="percent-encode"):
        check(Post(platform=platform, id=number, text="words"), NOW)


def test_the_error_points_at_the_character() -> None:
    with pytest.raises(InvalidInput, match=r"U\+0007 at character 2"):
        check(numbered(1, text="be\x07ll"), NOW)


def test_an_error_is_never_as_long_as_the_input() -> None:
    with pytest.raises(InvalidInput) as caught:
        check(numbered(1, locale="x" * 10_000), NOW)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", ["", "a" * 128, "3f1e-~!"])
def test_printable_ids_pass(value: str) -> None:
    check_request_id(value)
    check_correlation_id(value)


@pytest.mark.parametrize("value", ["a" * 129, "a b", "ä", "a\n"])
def test_other_ids_are_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="request_id"):
        check_request_id(value)
    with pytest.raises(InvalidInput, match="correlation_id"):
        check_correlation_id(value)
