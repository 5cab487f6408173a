"""The limits of a claim, and the ids of claims that came without."""

from dataclasses import replace

import pytest

from service.claims.limits import check_claim, check_reason, given_id
from service.domain.claim import Claim
from service.errors import InvalidInput


def test_a_claim_at_its_limits(claim: Claim) -> None:
    check_claim(claim)
    check_claim(Claim(id="~" * 256, claim="x" * 4096, title="x" * 1024, verdict="x" * 256, publisher="x" * 256))
    check_claim(replace(claim, url="http://" + "x" * 2041))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("id", value) for value in ("", "a/b", "a b", "é", "x" * 257, "a\n", "a\x1f")),
        *(("claim", value) for value in ("", " \t", "x" * 4097, "a\x00b", "a\x1fb", "\ud800")),
        *(("title", value) for value in ("x" * 1025, "\x1f")),
        *(
            ("url", value)
            for value in ("ftp://x.example", "x.example", "http://", "https://a b", "http://x/" + "x" * 2048)
        ),
        *(("verdict", value) for value in ("x" * 257, "\x1b[31m")),
        *(("publisher", value) for value in ("x" * 257, "\x1f")),
    ],
)
def test_a_field_beyond_its_limit_is_named(claim: Claim, field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_claim(replace(claim, **{field: value}))  # type: ignore[arg-type]
    assert caught.value.field == field
    assert caught.value.remedy


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1025, "\x00"])
def test_a_reason_that_says_nothing(reason: str) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        check_reason(reason)


def test_a_given_id_keeps_the_limits_and_follows_the_review(claim: Claim) -> None:
    named = given_id(claim.url, claim.claim, claim.publisher)
    check_claim(replace(claim, id=named))
    assert named == given_id(claim.url, f"  {claim.claim.replace(' ', '  ')}", claim.publisher)
    others = [given_id("", claim.claim, claim.publisher), given_id(claim.url, "Another", claim.publisher)]
    assert len({named, *others, given_id(claim.url, claim.claim, "Another")}) == 4
