"""Claims as plain records: a row of a table or an object of JSON, with the fields that `FIELDS` names."""

from service.claims.files.dates import day
from service.claims.limits import given_id
from service.claims.rating import rating
from service.domain.claim import Claim, Rating
from service.errors import InvalidInput
from service.feeds import fields

FIELDS = ("id", "claim", "title", "url", "date", "verdict", "publisher", "source", "rating")


def claim_of(record: fields.Object) -> Claim:
    """The claim of one record; only `claim` must be there. Raises `InvalidInput`.

    `source` replaces a missing `publisher`. A `rating` overrides what the verdict's words say.
    """
    words = {name: fields.text(record, name).strip() for name in FIELDS if name != "id"}
    publisher = words["publisher"] or words["source"]
    return Claim(
        id=_id(record) or given_id(words["url"], words["claim"], publisher),
        claim=words["claim"],
        title=words["title"],
        url=words["url"],
        date=day(words["date"], "date"),
        verdict=words["verdict"],
        publisher=publisher,
        rating=_rating(words["rating"]) if words["rating"] else rating(words["verdict"]),
    )


def _id(record: fields.Object) -> str:
    value = record.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return _digits(value)
    return fields.text(record, "id").strip()


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python formats no number of over 4,300 digits
        raise InvalidInput("id", "is too long", "send 256 digits at most") from None


def _rating(named: str) -> Rating:
    try:
        return Rating(named.upper())
    except ValueError:
        remedy = f"name one of {', '.join(Rating)}, or put the publisher's words under verdict"
        raise InvalidInput("rating", f"is {named[:40]!r}", remedy) from None
