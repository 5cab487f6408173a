"""Filters of verdicts as pages take them from their address, and as they are written back into links."""

from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from service.dashboard.request import PageRequest
from service.domain.decision import Category, Decision
from service.domain.post import Surface
from service.domain.verdict import VerdictFilter
from service.errors import InvalidInput

_Choice = TypeVar("_Choice", Decision, Category, Surface)
FIELDS = ("text", "author", "claim", "cluster", "decision", "category", "surface", "start", "end")


def filter_of(request: PageRequest) -> VerdictFilter:
    """What the page's address asks for. Raises `InvalidInput` naming the field."""
    start, end = _moment(request, "start"), _moment(request, "end")
    if start and end and start >= end:
        raise InvalidInput("end", "is not after the start", "choose a later time, or none")
    return VerdictFilter(
        decisions=_chosen(request, "decision", Decision),
        categories=_chosen(request, "category", Category),
        surfaces=_chosen(request, "surface", Surface),
        start=start,
        end=end,
        claim_id=request.query("claim").removeprefix("claims/"),
        cluster=request.query("cluster"),
        author=request.query("author"),
        text=request.query("text"),
    )


def address(request: PageRequest, path: str, **more: str) -> str:
    """`path` with the page's filter, and `more`."""
    asked = [(name, value) for name in FIELDS for value in request.queries(name)]
    asked += [(name, value) for name, value in more.items() if value]
    return f"{path}?{urlencode(asked)}" if asked else path


def _chosen(request: PageRequest, name: str, kind: type[_Choice]) -> tuple[_Choice, ...]:
    try:
        return tuple(sorted({kind(value) for value in request.queries(name)}))
    except ValueError:
        raise InvalidInput(name, "is none that there is", f"choose among {', '.join(kind)}") from None


def _moment(request: PageRequest, name: str) -> datetime | None:
    """A time of `datetime-local`, taken as UTC."""
    told = request.query(name)
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        raise InvalidInput(name, f"{told[:40]!r} is no time", "write it as 2026-03-01T12:00, in UTC") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
