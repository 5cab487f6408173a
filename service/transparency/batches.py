"""Statements of reasons, checked one by one and put into batches that the database takes whole."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from service.transparency.restriction import Restriction
from service.transparency.statement_check import Problem, problems
from service.transparency.statements import Terms, stated, statement_of

BATCH = 100
"""Statements that the database takes in one call."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A statement that the database would refuse, and why: by verdict and post, so that it can be put right."""

    sequence: int
    post: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to a hundred good statements in the order of their verdicts, and what was left out on the way."""

    statements: tuple[dict[str, Any], ...] = ()
    rejected: tuple[Rejected, ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        """What to POST to the database's `statements` endpoint, as JSON."""
        return {"statements": list(self.statements)}


@dataclass(slots=True)
class _Gathering:
    statements: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    puids: set[str] = field(default_factory=set)

    def take(self, restriction: Restriction, terms: Terms) -> None:
        statement = statement_of(restriction, terms)
        found = problems(statement)
        if not found and statement["puid"] in self.puids:
            found = [Problem("puid", "is in an earlier statement", "export each verdict once")]
        if found:
            self.rejected.append(Rejected(restriction.sequence, restriction.post.name, tuple(found)))
        else:
            self.puids.add(statement["puid"])
            self.statements.append(statement)

    def batch(self) -> Batch:
        made = Batch(tuple(self.statements), tuple(self.rejected))
        self.statements, self.rejected = [], []
        return made


async def batches(restrictions: AsyncIterator[Restriction], terms: Terms) -> AsyncIterator[Batch]:
    """Batches of the statements for the database. The last may hold none, only what was left out."""
    gathering = _Gathering()
    async for restriction in restrictions:
        if stated(restriction):
            gathering.take(restriction, terms)
        if len(gathering.statements) == BATCH:
            yield gathering.batch()
    if gathering.statements or gathering.rejected:
        yield gathering.batch()
