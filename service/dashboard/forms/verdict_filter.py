"""Filters of verdicts as pages take them from their address, and as they are written back into links."""

from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from service.dashboard.request import Visit
from service.domain.decision import Category, Decision
from service.domain.post import Surface
from service.domain.verdict import VerdictFilter
from service.errors import InvalidInput

_Choice = TypeVar("_Choice", Decision, Category, Surface)
FIELDS = ("text", "author", "claim", "cluster", "decision", "category", "surface", "start", "end")


def filter_of(visit: Visit) -> VerdictFilter:
    """What the page's address asks for. Raises `InvalidInput` naming the field."""
    start, end = _moment(visit, "start"), _moment(visit, "end")
    if start and end and start >= end:
        raise InvalidInput("end", "is not after the start", "choose a later time, or none")
    return VerdictFilter(
        decisions=_chosen(visit, "decision", Decision),
        categories=_chosen(visit, "category", Category),
        surfaces=_chosen(visit, "surface", Surface),
        start=start,
        end=end,
        claim_id=visit.query("claim").removeprefix("claims/"),
        cluster=visit.query("cluster"),
        author=visit.query("author"),
        text=visit.query("text"),
    )


def address(visit: Visit, path: str, **more: str) -> str:
    """`path` with the page's filter, and `more`."""
    asked = [(name, value) for name in FIELDS for value in visit.queries(name)]
    asked += [(name, value) for name, value in more.items() if value]
    return f"{path}?{urlencode(asked)}" if asked else path


def _chosen(visit: Visit, name: str, kind: type[_Choice]) -> tuple[_Choice, ...]:
    try:
        return tuple(sorted({kind(value) for value in visit.queries(name)}))
    except ValueError:
        raise InvalidInput(name, "is none that there is", f"choose among {', '.join(kind)}") from None


def _moment(visit: Visit, name: str) -> datetime | None:
    """A time of `datetime-local`, taken as UTC."""
    told = visit.query(name)
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        raise InvalidInput(name, f"{told[:40]!r} is no time", "write it as 2026-03-01T12:00, in UTC") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
