"""ClaimReview JSON-LD, in the shapes that publishers and the Fact Check Markup feed give it."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from service.claims.files import ClaimFileError
from service.claims.limits import given_id
from service.domain.claim import Claim, Rating

Claims = Callable[..., list[Claim]]
Errors = Callable[..., list[ClaimFileError]]
Json = dict[str, Any]


def test_every_field_of_a_review(read_claims: Claims, claim_review: Json) -> None:
    assert read_claims({**claim_review, "headline": "No, the moon is rock", "identifier": "moon-1"}) == [
        Claim(
            id="moon-1",
            claim="The moon is made of cheese.",
            title="No, the moon is rock",
            url="https://bakers.example/moon",
            date=date(2026, 5, 1),
            verdict="Pants on fire",
            publisher="Bakers' Facts",
            rating=Rating.FALSE,
        )
    ]


def test_a_review_is_found_in_every_shape(read_claims: Claims, claim_review: Json, feed: Json) -> None:
    (claim,) = read_claims(claim_review)
    element = feed["dataFeedElement"][0]
    shapes = [
        feed,
        [claim_review],
        {"@graph": [{"@type": "WebPage", "url": "/"}, claim_review]},
        {**element, "item": claim_review},
        [feed],
    ]
    for shape in shapes:
        assert read_claims(shape) == [claim]
        assert read_claims(json.dumps(shape, indent=2), "feed.json") == [claim]
        assert read_claims(shape, format="jsonld") == [claim]
    assert read_claims(f"{json.dumps(claim_review)}\n\n{json.dumps(claim_review)}\n", "reviews.json") == [claim, claim]


def test_a_review_without_an_id_that_names_it_everywhere_is_given_one(read_claims: Claims, claim_review: Json) -> None:
    given = given_id(claim_review["url"], claim_review["claimReviewed"], "Bakers' Facts")
    for named in ({}, {"@id": "_:b0"}, {"@id": "#review"}, {"@id": "https://bakers.example/moon"}, {"identifier": 7}):
        assert read_claims({**claim_review, **named})[0].id == given
    assert read_claims({**claim_review, "identifier": {"@type": "PropertyValue", "value": "m:7"}})[0].id == "m:7"


def test_several_values_and_odd_ones(read_claims: Claims, claim_review: Json) -> None:
    rated = {"ratingValue": 1, "bestRating": "five", "worstRating": None, "alternateName": ["Number one"]}
    odd = {"claimReviewed": ["It is cheese."], "reviewRating": [rated], "author": ["The Bakers"], "itemReviewed": "x"}
    (claim,) = read_claims({**claim_review, **odd})
    assert (claim.claim, claim.publisher, claim.verdict) == ("It is cheese.", "The Bakers", "Number one")
    assert claim.rating is Rating.FALSE


def test_the_publisher_goes_before_the_author_and_a_host_stands_in(read_claims: Claims, claim_review: Json) -> None:
    assert read_claims({**claim_review, "publisher": {"name": "The Paper"}})[0].publisher == "The Paper"
    assert (
        read_claims({**claim_review, "author": {"url": "https://www.bakers.example/x"}})[0].publisher
        == "bakers.example"
    )


def test_words_that_are_shown_are_cut_after_the_rating_was_read(read_claims: Claims, claim_review: Json) -> None:
    long = "x" * 20 + " and so on" * 40 + ". False"
    (claim,) = read_claims({**claim_review, "reviewRating": {"alternateName": long}, "headline": "t" * 2000})
    assert (len(claim.verdict), len(claim.title), claim.rating) == (255, 1024, Rating.FALSE)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"claimReviewed": None}, "claimReviewed is missing"),
        ({"url": "bakers.example"}, "url"),
        ({"datePublished": "May 1st"}, "datePublished"),
        ({"claimReviewed": "x" * 5000}, "5,000 characters"),
    ],
)
def test_a_bad_review_is_named_and_passed_over(
    read_errors: Errors, claim_review: Json, feed: Json, fault: Json, words: str
) -> None:
    feed["dataFeedElement"].append({"@type": "DataFeedItem", "item": [claim_review, {**claim_review, **fault}]})
    (error,) = read_errors(json.dumps(feed, indent=1))
    assert error.where == "dataFeedElement[1].item[1]"
    assert [error.where for error in read_errors(feed)] == ["line 1, dataFeedElement[1].item[1]"]
    assert words in error.problem
    assert error.remedy


def test_what_is_no_review_is_noted_once(read_all: Claims, claim_review: Json) -> None:
    notes: list[str] = []
    graph = [{"@type": "WebPage"}, {"@type": "WebPage"}, {"@type": "DataFeedItem", "item": None}, claim_review]
    assert len(read_all({"@graph": graph}, note=notes.append)) == 1
    assert notes == ["WebPage: not a ClaimReview, skipped", "DataFeedItem: not a ClaimReview, skipped"]
