"""Claims, matches and what people say of them, to messages and back."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import date

from assay.v1 import claim_pb2

from service.claims.limits import check_claim, given_id
from service.claims.rating import rating
from service.domain.claim import Claim, ClaimRecord, ClaimState, Match, Rating, Relation
from service.errors import InvalidInput
from service.rpc.client_errors import sendable
from service.rpc.messages.enums import CLAIM_STATES, RATINGS, RELATIONS
from service.rpc.messages.times import read_time, write_time

_NAME = re.compile(r"claims/([!-.0-~]{1,256})")
_PREFIX = "claims/"
_FIELDS = {"id": "name", "claim": "statement", "date": "review_date"}


def read_claim_name(name: str, field: str) -> str:
    """The id in `claims/{claim}`. Raises `InvalidInput` naming `field`."""
    found = _NAME.fullmatch(name)
    if found is None:
        problem = f"{name[:80]!r} is not claims/{{claim}}" if name else "is missing"
        raise InvalidInput(field, problem, "send a claim's name, such as claims/review-42")
    return found[1]


def read_claim(message: claim_pb2.Claim, field: str) -> Claim:
    """The claim, checked; with an id where it came without, and a rating read out of its verdict where it has none.

    Raises `InvalidInput` whose path starts with `field`, such as `claims[3].url`.
    """
    try:
        claim = decode_claim(message)
        if not message.name:
            claim = replace(claim, id=given_id(claim.url, claim.claim, claim.publisher))
        check_claim(claim)
    except InvalidInput as error:
        ours = InvalidInput(_FIELDS.get(error.field, error.field), error.problem, error.remedy)
        raise ours.at(field) from None
    return claim


def try_claim(message: claim_pb2.Claim, field: str) -> Claim | InvalidInput:
    """The claim, or what is wrong with it: for calls that answer for each claim by itself."""
    try:
        return read_claim(message, field)
    except InvalidInput as error:
        return error


def decode_claim(message: claim_pb2.Claim) -> Claim:
    """The claim as it was sent. Raises `InvalidInput` where the domain has no word for what the message says."""
    if message.name and not message.name.startswith(_PREFIX):
        problem = f"{message.name[:80]!r} is not claims/{{claim}}"
        raise InvalidInput("name", problem, "name the claim as in claims/review-42, or not at all")
    return Claim(
        id=message.name.removeprefix(_PREFIX),
        claim=message.statement,
        title=message.title,
        url=message.url,
        date=_read_date(message) if message.HasField("review_date") else None,
        verdict=message.verdict,
        publisher=message.publisher,
        rating=RATINGS.member(message.rating, "rating") or rating(message.verdict),
    )


def encode_claim(claim: Claim) -> claim_pb2.Claim:
    """The message for `claim`; nameless when its id is empty. Raises `InvalidInput` for text that is not Unicode."""
    message = claim_pb2.Claim()
    with sendable("claim"):
        _write_claim(claim, message)
    return message


def _write_claim(claim: Claim, message: claim_pb2.Claim) -> None:
    message.name = claim.name if claim.id else ""
    message.statement, message.title, message.url = claim.claim, claim.title, claim.url
    if day := claim.date:
        reviewed = message.review_date
        reviewed.year, reviewed.month, reviewed.day = day.year, day.month, day.day
    message.verdict, message.publisher, message.rating = claim.verdict, claim.publisher, RATINGS.number(claim.rating)


def write_record(record: ClaimRecord, message: claim_pb2.Claim) -> None:
    """Fill the empty `message` with a claim as stored."""
    _write_claim(record.claim, message)
    message.state, message.quarantine_reason = CLAIM_STATES.number(record.state), record.reason
    write_time(record.updated_at, message.update_time)
    message.confirmed_count, message.rejected_count = record.confirmed, record.rejected


def read_record(message: claim_pb2.Claim) -> ClaimRecord:
    """The claim that a server sent. Raises `InvalidInput` for enum numbers of a newer server."""
    return ClaimRecord(
        claim=decode_claim(message),
        state=CLAIM_STATES.member(message.state, "state") or ClaimState.ACTIVE,
        reason=message.quarantine_reason,
        updated_at=read_time(message.update_time, "update_time"),
        confirmed=message.confirmed_count,
        rejected=message.rejected_count,
    )


def write_match(match: Match, message: claim_pb2.ClaimMatch) -> None:
    """Fill the empty `message` with `match`."""
    message.claim, message.statement, message.verdict = f"{_PREFIX}{match.claim_id}", match.claim, match.verdict
    message.rating, message.publisher, message.url = RATINGS.number(match.rating), match.publisher, match.url
    message.score, message.weight = match.score, match.weight
    message.relation, message.relation_probability = RELATIONS.number(match.relation), match.p_relation
    message.abstained, message.quarantined = match.abstained, match.quarantined


def read_match(message: claim_pb2.ClaimMatch) -> Match:
    """The match that a server sent. Raises `InvalidInput` for enum numbers of a newer server."""
    return Match(
        claim_id=message.claim.removeprefix(_PREFIX),
        claim=message.statement,
        verdict=message.verdict,
        rating=RATINGS.member(message.rating, "rating") or Rating.UNRATED,
        publisher=message.publisher,
        url=message.url,
        score=message.score,
        relation=RELATIONS.member(message.relation, "relation") or Relation.UNRELATED,
        p_relation=message.relation_probability,
        abstained=message.abstained,
        quarantined=message.quarantined,
        weight=message.weight,
    )


def _read_date(message: claim_pb2.Claim) -> date:
    day = message.review_date
    with suppress(ValueError, OverflowError):
        return date(day.year, day.month, day.day)
    problem = f"{day.year}-{day.month}-{day.day} is no day"
    raise InvalidInput("review_date", problem, "send year, month and day, or nothing")
