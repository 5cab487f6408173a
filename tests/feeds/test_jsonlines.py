import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest

from service.domain.post import Context, Post, Surface
from service.feeds import parse
from service.feeds.documents import MAX_LINE

Read = Callable[[str, object], list[Any]]
ReadPost = Callable[[str, object], Any]


def test_every_known_field_finds_its_place(read_post: ReadPost) -> None:
    found = read_post(
        "jsonl",
        {
            "id": "b-1",
            "platform": "bulletin",
            "surface": "AD",
            "author": "300001",
            "locale": "en-GB",
            "region": "GB",
            "created_at": 1767225600,
            "text": "Hello",
            "context": {"parent_text": "p", "image_alt": "a", "mood": "calm"},
            "link_title": "t",
            "metadata": {"source": "export"},
            "likes_count": 3,
        },
    )
    assert found == Post(
        platform="bulletin",
        id="b-1",
        surface=Surface.AD,
        author="300001",
        locale="en-GB",
        region="GB",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        text="Hello",
        context=Context(parent_text="p", link_title="t", image_alt="a"),
        metadata={"context.mood": "calm", "likes_count": "3", "source": "export"},
    )


def test_text_alone_is_enough_and_the_derived_id_is_stable(read: Read) -> None:
    lines = b'{"text": "same"}\n{"text": "same"}\n'
    first, second = read("jsonl", lines)
    assert first.platform == "jsonl"
    assert first.name != second.name
    assert [first, second] == read("jsonl", lines)


def test_an_author_is_a_number_or_a_pseudonym(read_post: ReadPost) -> None:
    named = read_post("jsonl", {"text": "x", "author": "ada@example.com"}).author
    assert named.startswith("a-")
    assert read_post("jsonl", {"text": "x", "author": named}).author == named
    assert read_post("jsonl", {"text": "x", "author": 12}).author == "12"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"text": "cut off', "not JSON: Unterminated string"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b'"text"', "is a string, not a JSON object"),
        (b"[]", "is an array, not a JSON object"),
        (b"{}", "text is empty"),
        (b'{"text": 3}', "text is a number"),
        (b'{"text": null}', "text is empty"),
        (b'{"text": "\\u200b\\u0301"}', "text is empty"),
        (b'{"text": "x", "n": NaN}', "number that JSON does not allow"),
        (b'{"text": "x", "n": ' + b"9" * 5000 + b"}", "number that JSON does not allow"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"text": "x", "surface": "billboard"}', "surface is 'billboard'"),
        (b'{"text": "x", "platform": "No Spaces"}', "name 'platforms/No Spaces"),
        (b'{"text": "x", "region": "Germany"}', "region 'Germany'"),
        (b'{"text": "x", "locale": "!"}', "locale '!'"),
        (b'{"text": "x", "author": {"name": "Ada"}}', "author is not an id"),
        (b'{"text": "x", "context": "y"}', "context is a string"),
        (b'{"text": "x", "link_title": ["y"]}', "link_title is an array"),
        (b'{"text": "x", "metadata": 3}', "metadata is a number"),
        (b'{"text": "x", "created_at": "2026-05-01T12:00:00"}', "created_at is not a time with an offset"),
        (b'{"text": "x", "created_at": "9999-12-31T23:59:59-01:00"}', "created_at is not a time"),
        (b'{"text": "x", "id": "' + b"x" * 600 + b'"}', "is not platforms/"),
    ],
)
def test_a_bad_line_is_reported_by_its_number_and_the_rest_goes_on(read: Read, line: bytes, problem: str) -> None:
    first, error, last = read("jsonl", b'{"text": "first"}\r\n\r\n' + line + b'\n{"text": "last"}')
    assert (first.text, last.text) == ("first", "last")
    assert error.where == "line 3"
    assert problem in error.problem
    assert error.remedy


def test_half_a_surrogate_in_an_id_is_encoded_not_raised(read_post: ReadPost) -> None:
    assert read_post("jsonl", b'{"text": "x", "id": "\\ud800"}').id == "%ED%A0%80"


def test_a_line_over_the_limit_is_skipped_without_holding_it(read: Read) -> None:
    long = b'{"text": "' + b"x" * (2 * MAX_LINE) + b'"}\n{"text": "after"}'
    error, after = read("jsonl", long)
    assert error.where == "line 1"
    assert "over 1,048,576 bytes" in error.problem
    assert after.text == "after"


def test_reading_is_lazy() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b'{"text": "again"}\n'

    assert len(list(islice(parse("jsonl", endless()), 5_000))) == 5_000


def test_chunks_may_break_anywhere_and_files_do_as_well() -> None:
    raw = "\ufeff" + "\n".join(json.dumps({"text": f"número {n} 🦊"}, ensure_ascii=False) for n in range(20))
    data = raw.encode()
    whole = list(parse("jsonl", [data]))
    assert len(whole) == 20
    assert whole == list(parse("jsonl", (data[i : i + 1] for i in range(len(data)))))
    assert whole == list(parse("jsonl", io.BytesIO(data)))
