"""Policies, posts, claims and other data shown on the pages are read by what would read them.

The word after the language says what a block is: `policy`, `wrong` (a policy with a mistake) or `rules`; a feed's
format (`posts` for JSON lines); `claims`; `labelled` posts; a `webhook`'s body. Others are only written to a file.
"""

import io
import json
from pathlib import Path

import pytest

from classifiers.data.labelled import read_posts
from service.claims.files import ClaimFileError
from service.claims.files import read as read_claims
from service.domain.validation import check
from service.errors import PolicyInvalid
from service.feeds import FORMATS, FeedError, parse
from service.policy import document
from service.webhooks.event import EventType
from tests.docs.markdown import PAGES, Fence, fences

BLOCKS = [fence for page in PAGES for fence in fences(page)]
LANGUAGES = {"console", "python", "text", "yaml", "json", "jsonl", "csv", "sh"}
HEAD = "schema: 1\nname: x\ndescription: x\ndefaults: {abstained: ALLOW, provisional: FAIL, set_aside: REVIEW}\n"


def test_every_block_has_a_language() -> None:
    assert {fence.where: fence.language for fence in BLOCKS if fence.language not in LANGUAGES} == {}


@pytest.mark.parametrize("fence", [fence for fence in BLOCKS if fence.words], ids=lambda fence: fence.where)
def test_a_sample_is_read_by_what_reads_its_kind(fence: Fence, tmp_path: Path) -> None:
    kind = fence.words[0]
    if fence.language == "yaml":
        _policy(kind, fence.text)
    elif kind == "posts" or kind in FORMATS:
        items = list(parse("jsonl" if kind == "posts" else kind, io.BytesIO(fence.text.encode())))
        assert items
        for item in items:
            assert not isinstance(item, FeedError), f"{fence.where}: {item}"
            check(item)
    elif kind == "claims":
        file = tmp_path / fence.file
        file.write_text(fence.text)
        with file.open("rb") as stream:
            assert [item for item in read_claims(stream, file.name) if not isinstance(item, ClaimFileError)], (
                fence.where
            )
    elif kind == "labelled":
        file = tmp_path / "posts.jsonl"
        file.write_text(fence.text)
        assert len(read_posts(file)) == fence.text.count("\n")
    elif kind == "webhook":
        body = json.loads(fence.text)
        assert set(body) == {"id", "type", "timestamp", "data"}
        assert body["type"] in set(EventType)
    else:
        assert fence.language in {"console", "sh", "text"}, f"{fence.where}: {kind} is no kind of {fence.language}"


def _policy(kind: str, text: str) -> None:
    if kind == "wrong":
        with pytest.raises(PolicyInvalid):
            document.parse(text)
    else:
        document.parse(f"{HEAD}rules:\n{text}" if kind == "rules" else text)
