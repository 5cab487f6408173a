"""Checks an audit chain: each entry is as it was written, and none is missing, moved or inserted.

A chain can't show by itself that its end was cut off, or that all of it was rewritten: note the head that a check
reports somewhere else, and have the next check expect it.
"""

from dataclasses import dataclass

from service.audit.entry import FIRST, AuditEntry, Head, intact
from service.errors import InvalidInput

_DIGEST_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """The result of a check: how many entries hold, where the chain begins and ends, the first that fails and why.

    `broken` is 0 where all hold. `start` is the last entry that retention deleted (`Head()`: none). `expected` says
    whether the head that was noted elsewhere is among the entries; None when none was asked for.
    """

    entries: int
    start: Head
    head: Head
    broken: int = 0
    problem: str = ""
    expected: bool | None = None

    @property
    def whole(self) -> bool:
        """Whether every entry holds and the noted head, if any was given, is there."""
        return not self.broken and self.expected is not False


class ChainCheck:
    """Takes the entries in the order of their numbers, from the one that follows `start` on.

    `expect` is a head's digest that was noted earlier; empty: none.
    """

    def __init__(self, start: Head = Head(), expect: str = "") -> None:  # noqa: B008 - frozen
        if expect and (len(expect) != _DIGEST_LENGTH or set(expect) - set("0123456789abcdef")):
            raise InvalidInput("expect", "is not a digest", "send the 64 hex digits that an earlier check reported")
        self._start = self._head = start
        self._entries, self._broken, self._problem = 0, 0, ""
        self._expect, self._seen = expect, expect in {start.digest, FIRST}

    @property
    def over(self) -> bool:
        """Whether there is nothing more to learn: an entry is broken."""
        return bool(self._broken)

    def take(self, entry: AuditEntry) -> None:
        """Look at the next entry."""
        if self._broken:
            return
        if problem := self._wrong(entry):
            self._broken, self._problem = entry.number, problem
            return
        self._entries += 1
        self._head = Head(entry.number, entry.digest)
        self._seen = self._seen or entry.digest == self._expect

    def report(self) -> ChainReport:
        """The result so far."""
        return ChainReport(
            entries=self._entries,
            start=self._start,
            head=self._head,
            broken=self._broken,
            problem=self._problem,
            expected=self._seen if self._expect else None,
        )

    def _wrong(self, entry: AuditEntry) -> str:
        if entry.number != self._head.number + 1:
            return f"follows entry {self._head.number}: those between are missing"
        if entry.previous != self._head.digest:
            return f"does not follow entry {self._head.number} as that is now: one of the two was inserted or replaced"
        return "" if intact(entry) else "was changed after it was written"
