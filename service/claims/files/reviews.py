"""ClaimReview objects (https://schema.org/ClaimReview), as publishers and the Fact Check Markup feed write them.

Publishers fill them in differently: a property may be one value or several, a string or an object; anything else is
taken as missing. Verdict and title are shown and not searched, so one that is over its limit is cut, after the rating
was read from the whole.
"""

import re
from urllib.parse import urlsplit

from service.claims.files.dates import day
from service.claims.limits import MAX_TITLE, MAX_WORDS, given_id
from service.claims.rating import rating
from service.domain.claim import Claim
from service.errors import InvalidInput
from service.feeds.fields import Object

TYPE = "ClaimReview"
_KEPT_ID = re.compile(r"(?!_:|#)[!-.0-~]{1,256}")  # blank nodes and fragments are unique within a page only


def claim_of(review: Object) -> Claim:
    """The claim that was reviewed. Raises `InvalidInput`."""
    rated, item = _child(review, "reviewRating"), _child(review, "itemReviewed")
    statement = _words(review, "claimReviewed") or _words(item, "name")
    if not statement:
        raise InvalidInput("claimReviewed", "is missing", "leave out reviews that do not say what was reviewed")
    url, verdict = _words(review, "url"), _words(rated, "alternateName", "name")
    publisher = _party(review, "publisher") or _party(review, "author")
    scale = (_number(rated, key) for key in ("ratingValue", "bestRating", "worstRating"))
    return Claim(
        id=_id(review) or given_id(url, statement, publisher),
        claim=statement,
        title=_cut(_words(review, "headline", "name"), MAX_TITLE),
        url=url,
        date=day(_words(review, "datePublished"), "datePublished"),
        verdict=_cut(verdict, MAX_WORDS),
        publisher=_cut(publisher, MAX_WORDS),
        rating=rating(verdict, *scale),
    )


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _child(item: Object, key: str) -> Object:
    value = _first(item.get(key))
    return value if isinstance(value, dict) else {}


def _words(item: Object, *keys: str) -> str:
    """The first of these properties that is a string with words in it."""
    found = (_first(item.get(key)) for key in keys)
    return next((value.strip() for value in found if isinstance(value, str) and value.strip()), "")


def _number(item: Object, key: str) -> float | None:
    value = _first(item.get(key))
    if not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _party(review: Object, key: str) -> str:
    """The name of a person or organisation, else the host of its address."""
    party = _child(review, key)
    return _words(review, key) or _words(party, "name") or _host(_words(party, "url"))


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _id(review: Object) -> str:
    """The review's own identifier where it fits; empty where there is no globally unique one."""
    named = (_words(review, "identifier"), _words(_child(review, "identifier"), "value"), _words(review, "@id"))
    return next(filter(_KEPT_ID.fullmatch, named), "")


def _cut(words: str, limit: int) -> str:
    return words if len(words) <= limit else f"{words[: limit - 1].rstrip()}…"
