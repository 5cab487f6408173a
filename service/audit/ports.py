"""The port of the audit log; `service.audit.sql` implements it."""

from collections.abc import Mapping
from typing import Any, Protocol

from service.audit.chain import ChainReport
from service.audit.entry import AuditEntry, AuditFilter, Head


class AuditLog(Protocol):
    """The audit log. The entry of a change of the record store is appended in that change's own transaction."""

    async def append(
        self, *, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
    ) -> AuditEntry:
        """Append an entry without a change, such as that a person read something."""
        ...

    async def page(self, only: AuditFilter, *, before: int | None, limit: int) -> list[AuditEntry]:
        """Up to `limit` entries with a number below `before` (None: the newest), newest first."""
        ...

    async def verify(self, expect: str = "") -> ChainReport:
        """Check every entry that there is now; `expect` is a head's digest noted earlier. Raises `InvalidInput`."""
        ...

    async def head(self) -> Head:
        """Where the chain ends now."""
        ...
