"""Verdict filters to domain filters and back, in one canonical order, so that equal filters are equal objects."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from assay.v1 import verdict_service_pb2

from service.domain import VerdictFilter
from service.errors import InvalidInput
from service.rpc.enums import CATEGORIES, DECISIONS, SURFACES, EnumTable
from service.rpc.times import read_time, write_time

_Member = TypeVar("_Member", bound=StrEnum)
_Number = TypeVar("_Number", bound=int)


def read_filter(message: verdict_service_pb2.VerdictFilter) -> VerdictFilter:
    """The filter. Raises `InvalidInput` naming the field, such as `filter.decisions[0]`."""
    start = read_time(message.start_time, "filter.start_time") if message.HasField("start_time") else None
    end = read_time(message.end_time, "filter.end_time") if message.HasField("end_time") else None
    if start and end and start >= end:
        raise InvalidInput("filter.end_time", "is not after filter.start_time", "send a later time, or nothing")
    return VerdictFilter(
        decisions=_members(DECISIONS, message.decisions, "filter.decisions"),
        categories=_members(CATEGORIES, message.categories, "filter.categories"),
        surfaces=_members(SURFACES, message.surfaces, "filter.surfaces"),
        start=start,
        end=end,
    )


def encode_filter(only: VerdictFilter) -> verdict_service_pb2.VerdictFilter:
    """The message for `only`."""
    message = verdict_service_pb2.VerdictFilter(
        decisions=map(DECISIONS.number, only.decisions),
        categories=map(CATEGORIES.number, only.categories),
        surfaces=map(SURFACES.number, only.surfaces),
    )
    if only.start:
        write_time(only.start, message.start_time)
    if only.end:
        write_time(only.end, message.end_time)
    return message


def _members(table: EnumTable[_Member, _Number], numbers: Iterable[int], field: str) -> tuple[_Member, ...]:
    """Each member once, sorted; none when an unspecified one says that any will do."""
    members = {table.member(number, f"{field}[{index}]") for index, number in enumerate(numbers)}
    return () if None in members else tuple(sorted(member for member in members if member))
