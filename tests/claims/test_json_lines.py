"""Plain claims as JSON lines, gzip, formats told by name and content, and any bytes at all."""

import gzip
import io
import json
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.claims.files import FORMATS, ClaimFileError, Item, read
from service.claims.limits import check_claim
from service.domain.claim import Claim, Rating
from service.domain.codec import encode_claim
from service.errors import InvalidInput

Claims = Callable[..., list[Claim]]


def test_a_claim_written_by_export_reads_back(read_claims: Claims, claim: Claim) -> None:
    assert read_claims(encode_claim(claim)) == [claim]


def test_numbers_as_ids_and_source_as_publisher(read_claims: Claims) -> None:
    (claim,) = read_claims({"id": 42, "claim": " It is cheese. ", "source": "snopes", "verdict": None})
    assert claim == Claim(id="42", claim="It is cheese.", publisher="snopes")


def test_a_given_rating_goes_before_the_words(read_claims: Claims) -> None:
    assert read_claims({"claim": "x", "verdict": "False", "rating": "Unrated"})[0].rating is Rating.UNRATED


def test_every_bad_line_is_named(read_all: Claims) -> None:
    lines = [
        b"\xef\xbb\xbf" + b'{"claim": "one"}',
        b"",
        b'{"claim": ',
        b'{"claim": 5}',
        b'"claim"',
        b'{"claim": "x", "rating": "5 stars"}',
        b'{"id": true, "claim": "x"}',
        b'{"claim": "\xff"}',
        b'{"claim": "' + b"x" * (1 << 20) + b'"}',
        b'{"claim": "last"}',
    ]
    first, *errors, last = read_all(b"\n".join(lines), "claims.jsonl")
    assert [error.where for error in errors if isinstance(error, ClaimFileError)] == [f"line {n}" for n in range(3, 10)]
    assert [isinstance(item, Claim) for item in (first, last)] == [True, True]


def test_unknown_fields_are_named_once(read_claims: Claims) -> None:
    notes: list[str] = []
    read_claims('{"claim": "a", "verdit": "False"}\n{"claim": "b", "verdit": "False"}', note=notes.append)
    assert notes == ["field 'verdit' is ignored"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.jsonl", '{"claim": "x"}'),
        ("c.ndjson.gz", '{"claim": "x"}'),
        ("c.json", '[{"claim": "x"}]'),
        ("c.json", '{"claim": "x"}\n'),
        ("c.jsonld", '{\n"@graph": [\n{"claim": "x"}]}'),
        ("c.CSV", "claim\nx\n"),
        ("c.tsv", "id\tclaim\n1\tx\n"),
        ("-", '\n\n  {"claim": "x"}'),
        ("", "claim;id\nx;1\n"),
    ],
)
def test_name_and_content_tell_the_format(read_claims: Claims, name: str, content: str) -> None:
    assert [claim.claim for claim in read_claims(content, name)] == ["x"]
    assert [claim.claim for claim in read_claims(gzip.compress(content.encode()), name)] == ["x"]


def test_a_format_that_is_none(read_all: Claims) -> None:
    with pytest.raises(InvalidInput, match="jsonld"):
        read_all("", format="xml")


def test_damaged_gzip_gives_what_can_be_read_and_an_error(read_all: Claims) -> None:
    whole = gzip.compress(
        b"".join(json.dumps({"id": n, "claim": f"Claim {n * n}"}).encode() + b"\n" for n in range(9000))
    )
    *claims, error = read_all(whole[:-2000])
    assert len(claims) > 1000
    assert isinstance(error, ClaimFileError)
    assert "damaged gzip" in error.problem
    (error,) = read_all(b"\x1f\x8bnonsense")
    assert "damaged gzip" in str(error)


def test_rows_are_read_as_they_are_asked_for() -> None:
    class Endless(io.RawIOBase):
        """A file of claims without an end."""

        taken = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            line = b'{"claim": "again"}\n'
            buffer[: len(line)] = line
            self.taken += 1
            return len(line)

    source = Endless()
    items: Iterator[Item] = read(io.BufferedReader(source), "endless.jsonl")
    assert len(list(islice(items, 100))) == 100
    assert source.taken < 1000


KEYS = """
claim claimReviewed @type ClaimReview @graph dataFeedElement item reviewRating date alternateName ratingValue author
name url http://x identifier datePublished 2026-1-1 id verdict False publisher source rating http://[ itemReviewed
"""
WORDS = st.sampled_from([*KEYS.split(), "\ud800", "\x00"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=6),
    max_leaves=30,
)
TABLES = st.lists(st.lists(WORDS | st.text(max_size=6), max_size=5), max_size=5).map(
    lambda rows: "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass")
)
CONTENTS = st.one_of(
    st.binary(max_size=300),
    TABLES,
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.lists(VALUES, max_size=4).map(lambda values: b"\n".join(json.dumps(value).encode() for value in values)),
    st.binary(max_size=60).map(lambda raw: gzip.compress(raw)[:-3]),
    st.binary(max_size=60).map(lambda raw: b"\x1f\x8b\x08" + raw),
)


@given(
    raw=CONTENTS, chosen=st.sampled_from(("", *FORMATS)), name=st.sampled_from(["", "x.csv", "x.json.gz", "x.jsonl"])
)
@settings(max_examples=400, deadline=None)
def test_any_bytes_come_out_as_claims_within_the_limits_or_as_errors(raw: bytes, chosen: str, name: str) -> None:
    items = list(read(io.BufferedReader(io.BytesIO(raw)), name, chosen))
    assert items
    for item in items:
        if isinstance(item, Claim):
            check_claim(item)
        else:
            assert item.where
            assert item.problem
            assert item.remedy


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"item":' * 5_000, b"[" * 50 + b"]" * 50, b'[{"@graph":' * 400])
def test_deep_nests_are_errors(read_all: Claims, deep: bytes) -> None:
    assert all(isinstance(item, ClaimFileError) for item in read_all(deep))
