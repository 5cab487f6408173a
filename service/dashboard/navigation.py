"""The dashboard's pages, in the order of a day's work: what each is called, and who sees it."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.people.person import Person
from service.people.roles import Right


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the navigation: `page` names its route, `key` follows a `g`, `icon` is a path in a box of 16 by 16."""

    page: str
    title: str
    right: Right
    key: str
    icon: str


_ICONS = {
    "queue": "M2 9.5h3.4l1.1 2h3l1.1-2H14M2 9.5 4 3h8l2 6.5V13H2z",
    "appeals": "M8 2v12M5 14h6M3 4h10M3 4 1.2 9h3.6zM13 4l-1.8 5h3.6z",
    "live": "M1.5 8h3l2-5 3 10 2-5h3",
    "search": "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4 14 14",
    "overview": "M2 14h12M4.5 11V8M8 11V3M11.5 11V6",
    "policy": "M8 1.5l5.5 2v4.2c0 3.2-2.3 5.6-5.5 6.8-3.2-1.2-5.5-3.6-5.5-6.8V3.5zM5.6 8l1.8 1.8 3-3.6",
    "claims": "M2.5 3.5h11M2.5 8h6M2.5 12.5h4M9.5 11.5l1.6 1.6 3-3.4",
    "quality": "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
    "audit": "M3.5 2h9v12h-9zM6 5.5h4M6 8h4M6 10.5h2",
    "people": "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14c.6-3 2.8-4.3 5.5-4.3s4.9 1.3 5.5 4.3",
}


def _entry(page: str, right: Right, key: str) -> Entry:
    return Entry(page, page.capitalize(), right, key, _ICONS[page])


ENTRIES = (
    _entry("queue", Right.DECIDE, "q"),
    _entry("appeals", Right.DECIDE_APPEALS, "a"),
    _entry("live", Right.SEE, "l"),
    _entry("search", Right.SEE, "s"),
    _entry("overview", Right.SEE, "o"),
    _entry("policy", Right.SEE, "p"),
    _entry("claims", Right.SEE, "c"),
    _entry("quality", Right.SEE_QUALITY, "u"),
    _entry("audit", Right.SEE_AUDIT, "d"),
    _entry("people", Right.MANAGE_PEOPLE, "e"),
)


def entries_for(person: Person | None, there: Iterable[str]) -> list[Entry]:
    """What the person's rights show of the pages that are there; nothing until a one-time password is changed."""
    if person is None or person.one_time:
        return []
    routes = set(there)
    return [entry for entry in ENTRIES if person.may(entry.right) and entry.page in routes]
