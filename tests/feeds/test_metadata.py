import pytest

from service.domain.post import Post
from service.domain.validation import check
from service.errors import InvalidInput
from service.feeds import Pseudonyms, parse
from service.feeds.metadata import metadata

PLAIN = Pseudonyms()


def test_values_become_strings_and_nulls_nothing() -> None:
    item = {"a": "text", "b": 1.5, "c": True, "d": None, "e": {"x": ["é"]}, "id": "consumed"}
    assert metadata(item, ("id",), PLAIN) == {"a": "text", "b": "1.5", "c": "true", "e": '{"x":["é"]}'}


def test_overlong_values_are_cut_and_marked() -> None:
    found = metadata({"long": "x" * 5_000, "short": "y", "k" * 200: "z", "": "no key"}, (), PLAIN)
    assert len(found["long"]) == 4_096
    assert found["assay.truncated"] == "long"
    assert found["assay.omitted"] == "2"
    assert found["short"] == "y"


def test_whatever_comes_keeps_the_limits_of_a_post() -> None:
    item = {f"key {n}": "v" * (5_000 if n % 2 else 1) for n in range(200)} | {"nul\x00": "a\x00b", "half": "\ud800"}
    found = metadata(item, (), PLAIN)
    check(Post(platform="p", id="1", text="x", metadata=found))
    assert len(found) == 64
    "".join(found.values()).encode()


def test_nuls_and_half_surrogates_are_replaced() -> None:
    assert metadata({"a\x00": "b\x00\ud800🦊"}, (), PLAIN) == {"a\ufffd": "b\ufffd\ufffd🦊"}


def test_pseudonyms_depend_on_the_key_and_are_stable() -> None:
    keyed = Pseudonyms(b"secret")
    assert keyed.of("Ada") == keyed.of("Ada") != PLAIN.of("Ada")
    assert keyed.of(keyed.of("Ada")) == keyed.of("Ada")
    assert (keyed.of(""), keyed.of("123")) == ("", "123")
    assert len(keyed.of("Ada")) == 18


def test_a_feed_takes_the_key() -> None:
    (plain,) = parse("jsonl", [b'{"text": "x", "author": "Ada"}'])
    (keyed,) = parse("jsonl", [b'{"text": "x", "author": "Ada"}'], Pseudonyms(b"secret"))
    assert isinstance(plain, Post)
    assert isinstance(keyed, Post)
    assert plain.author != keyed.author


def test_deep_values_are_refused() -> None:
    deep: object = "x"
    for _ in range(40):
        deep = {"a": deep}
    with pytest.raises(InvalidInput, match="nested more than 32"):
        metadata({"deep": deep}, (), PLAIN)
