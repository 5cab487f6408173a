"""What people and platforms do with transparency: read the audit log, check it, export, report, erase.

Reads are noted in the log too: who looked at what others did, and who took data out.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from service.audit.chain import ChainReport
from service.audit.entry import AuditEntry, AuditFilter, Head
from service.audit.ports import AuditLog
from service.errors import InvalidInput
from service.transparency.batches import Batch, batches
from service.transparency.erasing import Eraser, ErasureReport
from service.transparency.ports import Decisions
from service.transparency.report import Report, report
from service.transparency.statements import Terms
from service.transparency.subject import Subject

_LOG = "audit"


class Publishing:
    """The use cases. `terms` gives what statements say of the platform, in the words of the policy that is live."""

    def __init__(
        self,
        log: AuditLog,
        decisions: Decisions,
        eraser: Eraser,
        terms: Callable[[], Terms] = Terms,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._log, self._decisions, self._eraser, self._terms, self._now = log, decisions, eraser, terms, now

    async def entries(self, only: AuditFilter, *, before: int | None, limit: int, actor: str) -> list[AuditEntry]:
        """A page of the audit log, newest first. That `actor` looks is noted with the first page."""
        if only.start and only.end and only.start >= only.end:
            raise InvalidInput("filter.end_time", "is not after filter.start_time", "send a later time, or nothing")
        if before is None:
            told = {"actor": only.actor, "action": only.action, "subject": only.subject}
            detail = {name: value for name, value in told.items() if value}
            await self._log.append(actor=actor, action="audit.read", subject=_LOG, detail=detail)
        return await self._log.page(only, before=before, limit=limit)

    async def verify(self, expect: str = "") -> ChainReport:
        """Check the chain; `expect` is a head's digest that an earlier check reported. Raises `InvalidInput`."""
        return await self._log.verify(expect)

    async def head(self) -> Head:
        """Where the audit log ends."""
        return await self._log.head()

    async def statements(self, start: datetime, end: datetime, *, actor: str) -> AsyncIterator[Batch]:
        """Batches of statements of reasons for what was decided in [start, end). Raises `InvalidInput`."""
        _check_time(start, end)
        await self._note(actor, "statements.export", start, end)
        async for batch in batches(self._decisions.restrictions(start, end), self._terms()):
            yield batch

    async def report(self, start: datetime, end: datetime, *, actor: str) -> Report:
        """The numbers of [start, end). Raises `InvalidInput`."""
        _check_time(start, end)
        await self._note(actor, "report.make", start, end)
        return await report(self._decisions, start, end, self._now())

    async def erase(self, subject: Subject, *, actor: str) -> ErasureReport:
        """Erase somebody. Raises `InvalidInput`, and `Unavailable` with part undone: call again to go on."""
        return await self._eraser.erase(subject, actor)

    async def _note(self, actor: str, action: str, start: datetime, end: datetime) -> None:
        detail = {"start": start.isoformat(), "end": end.isoformat()}
        await self._log.append(actor=actor, action=action, subject="verdicts", detail=detail)


def _check_time(start: datetime, end: datetime) -> None:
    if start >= end:
        raise InvalidInput("end_time", "is not after start_time", "send a later time")
