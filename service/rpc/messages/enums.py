"""Domain enums to proto3 enum numbers and back. Proto3 enums are open: any number can arrive."""

from collections.abc import Callable
from enum import StrEnum
from typing import Generic, TypeVar

from assay.v1 import claim_pb2, claim_service_pb2, post_pb2, verdict_pb2

from service.domain.claim import Change, ClaimState, Rating, Relation
from service.domain.decision import Category, Decision
from service.domain.post import Surface
from service.domain.verdict import Source
from service.errors import InvalidInput

_Member = TypeVar("_Member", bound=StrEnum)
_Number = TypeVar("_Number", bound=int)


class EnumTable(Generic[_Member, _Number]):
    """Pairs each member `X` of a domain enum with the proto value `PREFIX_X`."""

    def __init__(self, members: type[_Member], number_of: Callable[[str], _Number], prefix: str) -> None:
        self._numbers = {member: number_of(f"{prefix}_{member.name}") for member in members}
        self._members = {int(number): member for member, number in self._numbers.items()}
        self._prefix = prefix

    def number(self, member: _Member) -> _Number:
        """The proto number of `member`."""
        return self._numbers[member]

    def member(self, number: int, field: str) -> _Member | None:
        """The member under `number`, None for 0 (unspecified). Raises `InvalidInput` naming `field` for any other."""
        member = self._members.get(number)
        if member is None and number:
            known = f"1 to {max(self._members)}"
            raise InvalidInput(field, f"{number} is no {self._prefix}", f"send one of {known}, or nothing")
        return member


SURFACES = EnumTable(Surface, post_pb2.Surface.Value, "SURFACE")
DECISIONS = EnumTable(Decision, verdict_pb2.Decision.Value, "DECISION")
CATEGORIES = EnumTable(Category, verdict_pb2.Category.Value, "CATEGORY")
SOURCES = EnumTable(Source, verdict_pb2.VerdictSource.Value, "VERDICT_SOURCE")
RATINGS = EnumTable(Rating, claim_pb2.ClaimRating.Value, "CLAIM_RATING")
RELATIONS = EnumTable(Relation, claim_pb2.ClaimRelation.Value, "CLAIM_RELATION")
CLAIM_STATES = EnumTable(ClaimState, claim_pb2.ClaimState.Value, "CLAIM_STATE")
CHANGES = EnumTable(Change, claim_service_pb2.ImportState.Value, "IMPORT_STATE")


def wants_evidence(view: int, *, default: bool) -> bool:
    """Whether a VerdictView asks for evidence. Raises `InvalidInput` for a number that is no view."""
    if view == verdict_pb2.VERDICT_VIEW_UNSPECIFIED:
        return default
    if view not in {verdict_pb2.VERDICT_VIEW_BASIC, verdict_pb2.VERDICT_VIEW_FULL}:
        raise InvalidInput("view", f"{view} is no VERDICT_VIEW", "send 1 (basic), 2 (full), or nothing")
    return view == verdict_pb2.VERDICT_VIEW_FULL
