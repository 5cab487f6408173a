"""Filter messages to domain filters and back, in one canonical order, so that equal filters are equal objects."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from assay.v1 import claim_service_pb2, verdict_service_pb2

from service.domain.claim import ClaimFilter
from service.domain.validation import check_text
from service.domain.verdict import VerdictFilter
from service.errors import InvalidInput
from service.rpc.client_errors import sendable
from service.rpc.messages.claim import read_claim_name
from service.rpc.messages.enums import CATEGORIES, CLAIM_STATES, DECISIONS, SURFACES, EnumTable
from service.rpc.messages.times import read_time, write_time

_Member = TypeVar("_Member", bound=StrEnum)
_Number = TypeVar("_Number", bound=int)
_MAX_WORDS = 256


def read_filter(message: verdict_service_pb2.VerdictFilter) -> VerdictFilter:
    """The filter. Raises `InvalidInput` naming the field, such as `filter.decisions[0]`."""
    start = read_time(message.start_time, "filter.start_time") if message.HasField("start_time") else None
    end = read_time(message.end_time, "filter.end_time") if message.HasField("end_time") else None
    if start and end and start >= end:
        raise InvalidInput("filter.end_time", "is not after filter.start_time", "send a later time, or nothing")
    for name in ("cluster", "author", "text"):
        check_text(f"filter.{name}", getattr(message, name), _MAX_WORDS)
    return VerdictFilter(
        decisions=read_members(DECISIONS, message.decisions, "filter.decisions"),
        categories=read_members(CATEGORIES, message.categories, "filter.categories"),
        surfaces=read_members(SURFACES, message.surfaces, "filter.surfaces"),
        start=start,
        end=end,
        claim_id=read_claim_name(message.claim, "filter.claim") if message.claim else "",
        cluster=message.cluster,
        author=message.author,
        text=message.text,
    )


def encode_filter(only: VerdictFilter) -> verdict_service_pb2.VerdictFilter:
    """The message for `only`."""
    with sendable("filter"):
        message = verdict_service_pb2.VerdictFilter(
            decisions=map(DECISIONS.number, only.decisions),
            categories=map(CATEGORIES.number, only.categories),
            surfaces=map(SURFACES.number, only.surfaces),
            claim=f"claims/{only.claim_id}" if only.claim_id else "",
            cluster=only.cluster,
            author=only.author,
            text=only.text,
        )
    if only.start:
        write_time(only.start, message.start_time)
    if only.end:
        write_time(only.end, message.end_time)
    return message


def read_claim_filter(message: claim_service_pb2.ClaimFilter) -> ClaimFilter:
    """The filter. Raises `InvalidInput` naming the field, such as `filter.query`."""
    check_text("filter.publisher", message.publisher, _MAX_WORDS)
    check_text("filter.query", message.query, _MAX_WORDS)
    return ClaimFilter(CLAIM_STATES.member(message.state, "filter.state"), message.publisher, message.query)


def encode_claim_filter(only: ClaimFilter) -> claim_service_pb2.ClaimFilter:
    """The message for `only`."""
    with sendable("filter"):
        message = claim_service_pb2.ClaimFilter(publisher=only.publisher, query=only.query)
    if only.state:
        message.state = CLAIM_STATES.number(only.state)
    return message


def read_members(table: EnumTable[_Member, _Number], numbers: Iterable[int], field: str) -> tuple[_Member, ...]:
    """Each member once, sorted; none when an unspecified one says that any will do."""
    members = {table.member(number, f"{field}[{index}]") for index, number in enumerate(numbers)}
    return () if None in members else tuple(sorted(member for member in members if member))
