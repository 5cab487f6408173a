"""What transparency needs of the outside world."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from service.audit.entry import AuditEntry
from service.transparency.numbers import Appeals, Counted
from service.transparency.restriction import Restriction
from service.transparency.subject import Found, Sought


class Decisions(Protocol):
    """What was decided in a time."""

    def restrictions(self, start: datetime, end: datetime) -> AsyncIterator[Restriction]:
        """Decisions in [start, end) that put a restriction on a post, in the order of their sequences."""
        ...

    async def counted(self, start: datetime, end: datetime) -> Counted:
        """How often what was decided in [start, end). Of posts that are gone, whole days (UTC) that begin in it."""
        ...

    async def appeals(self, start: datetime, end: datetime) -> Appeals:
        """What became of appeals in [start, end)."""
        ...


class Traces(Protocol):
    """One store of what may be a person's: the record store, Redis."""

    @property
    def store(self) -> str:
        """What reports call it."""
        ...

    async def gather(self, sought: Sought) -> Sought:
        """What else of the person there is here."""
        ...

    async def erase(self, sought: Sought) -> Mapping[str, int]:
        """Erase it for good; how much of which kind."""
        ...

    async def search(self, sought: Sought) -> list[Found]:
        """Read everything through, and return where any of it is left."""
        ...


class ErasureLog(Protocol):
    """Where an erasure is noted."""

    async def note(self, actor: str, action: str, digest: str, detail: Mapping[str, Any]) -> AuditEntry:
        """Note what `actor` has done to somebody of whom nothing is said but a salted digest."""
        ...
