"""Claims in CSV: separators, columns in any order, and rows that are wrong."""

from collections.abc import Callable
from datetime import date

import pytest

from service.claims.files import ClaimFileError
from service.claims.limits import given_id
from service.domain.claim import Claim, Rating

Claims = Callable[..., list[Claim]]

HEADER = "id,claim,title,url,date,verdict,publisher"
ROW = '7,"Cheese, all of it",Moon,https://b.example/7,2026-05-01T22:00:00-07:00,Mostly False,Bakers'


def test_every_column(read_claims: Claims) -> None:
    assert read_claims(f"{HEADER}\n{ROW}\n") == [
        Claim(
            id="7",
            claim="Cheese, all of it",
            title="Moon",
            url="https://b.example/7",
            date=date(2026, 5, 1),
            verdict="Mostly False",
            publisher="Bakers",
            rating=Rating.MISLEADING,
        )
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_columns_in_any_order_and_with_any_separator(read_claims: Claims, mark: str) -> None:
    rows = [[" Verdict ", "CLAIM", "source", "rating"], ["Satire", '"One, two; three"', "Bakers", "true"]]
    raw = b"\xef\xbb\xbf\r\n" + "\r\n".join(mark.join(row) for row in rows).encode()
    (claim,) = read_claims(raw, "claims.csv")
    assert (claim.claim, claim.publisher, claim.rating) == ("One, two; three", "Bakers", Rating.TRUE)
    assert claim.id == given_id("", claim.claim, "Bakers")


def test_fields_over_several_lines_keep_the_count_of_lines(read_all: Claims) -> None:
    claim, error = read_all('claim,date\n"It is\ncheese",\n\nIt is rock,tomorrow\n')
    assert isinstance(claim, Claim)
    assert claim.claim == "It is\ncheese"
    assert str(error).startswith("line 5: date 'tomorrow' is not an ISO date")


def test_other_columns_are_ignored_and_named_once(read_claims: Claims) -> None:
    notes: list[str] = []
    assert len(read_claims("claim,Colour,note\na,b,c\nd,e,f\n", note=notes.append)) == 2
    assert notes == ["column 'colour' is ignored", "column 'note' is ignored"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a b,x,,,,,", ("line 3", "id 'a b'")),
        (",,,,,,", ()),
        ("1, ,t,,,,", ("line 3", "claim is missing")),
        ("1,x,,www.b.example,,,", ("line 3", "url", "http")),
        ("1,x,,,2026-13-01,,", ("line 3", "date", "ISO")),
        ("1,x,,,,,p,more,more", ("line 3", "holds 9 fields, 2 more", "quotation")),
        ("1,x\x00,,,,,", ("line 3", "claim", "U+0000")),
        (f'1,"{"x" * 200_000},,,,,', ("line 3", "is not CSV", "quotation")),
    ],
)
def test_a_bad_row_is_named_and_passed_over(read_all: Claims, row: str, words: tuple[str, ...]) -> None:
    items = read_all(f"{HEADER}\n{ROW}\n{row}\n{ROW}\n", "claims.csv")
    said = [str(item) for item in items if isinstance(item, ClaimFileError)]
    assert len(said) == bool(words)
    assert all(word in said[0] for word in words)
    assert isinstance(items[0], Claim)


def test_bytes_that_are_no_utf8_are_named_by_their_row(read_all: Claims) -> None:
    first, error, last = read_all(b"claim,verdict\nfine,False\nna\xefve,False\nfine,True\n")
    assert str(error) == "line 3: claim is not UTF-8; save the file as UTF-8"
    assert isinstance(first, Claim)
    assert isinstance(last, Claim)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("id,text\n1,x\n", ("line 1", "no column claim", "'text'", "publisher")),
        ("\n\nnothing to see", ("line 3", "no column claim")),
        ("claim,claim\na,b\n", ("column claim twice",)),
        (b"\x93claim\xff\n", ("line 1", "not UTF-8")),
        (bytes(range(256)) * 300, ("no column claim",)),
        (bytes(range(255, 0, -1)) * 300, ("not UTF-8",)),
        ("claim,id\n", ("file", "holds no claims")),
        ("", ("file", "holds no claims")),
    ],
)
def test_a_file_that_is_no_table_of_claims_is_one_error(
    read_all: Claims, raw: bytes | str, words: tuple[str, ...]
) -> None:
    (error,) = read_all(raw, "claims.csv")
    assert isinstance(error, ClaimFileError)
    assert all(word in str(error) for word in words)
