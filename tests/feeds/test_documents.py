import json
from collections.abc import Callable
from typing import Any

import pytest

from service.errors import InvalidInput
from service.feeds import FeedError, parse

Read = Callable[[str, object], list[Any]]

PAGE = {"data": [{"id": "1", "message": "one"}, 7]}
COMPACT = json.dumps(PAGE).encode()
INDENTED = json.dumps(PAGE, indent=2).encode()


@pytest.mark.parametrize(
    ("raw", "wheres"),
    [
        (COMPACT, ["", "data[1]"]),
        (b"\xef\xbb\xbf" + INDENTED, ["", "data[1]"]),
        (b"\n\n" + INDENTED + b"\n\n", ["", "data[1]"]),
        (b"[" + COMPACT + b"," + INDENTED + b"]", ["", "[0].data[1]", "", "[1].data[1]"]),
        (COMPACT + b"\n\n" + COMPACT + b"\n", ["", "line 1, data[1]", "", "line 3, data[1]"]),
        (b"oops\n" + COMPACT, ["line 1", "", "line 2, data[1]"]),
        (COMPACT + b"\n{oops\n" + COMPACT, ["", "line 1, data[1]", "line 2", "", "line 3, data[1]"]),
        (b"", []),
        (b" \n\n", []),
        (b'{"data": [\n\n  {"id": }\n]}', ["line 3"]),
        (b'{"data": [\n"\xff"]}', ["line 2"]),
        (b"oops", ["line 1"]),
    ],
)
def test_a_page_an_array_of_pages_or_a_page_a_line(read: Read, raw: bytes, wheres: list[str]) -> None:
    found = read("graph", raw)
    assert [each.where if isinstance(each, FeedError) else "" for each in found] == wheres


def test_an_unknown_format_is_refused_at_once() -> None:
    with pytest.raises(InvalidInput, match="graph, instagram, activitystreams, jsonl"):
        parse("rss", [])


def test_an_error_reads_as_one_line() -> None:
    assert str(FeedError("line 3", "is not JSON", "fix it")) == "line 3: is not JSON; fix it"
