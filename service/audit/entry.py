"""The audit log's entries: who did what to what, each bound to the one before it. Standard library only.

An entry's digest covers all of it and the digest of the entry before, so that changing, removing or
inserting an entry breaks every later digest. It does not keep someone who controls the whole database from writing a
new chain, or from cutting off its end: compare its last digest with one that was noted elsewhere.

Entries name people by pseudonym and posts by resource name, and hold no text: so a person can be erased from every
other table, after which these names lead nowhere, and the chain stays as it is.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

FIRST = "0" * 64
"""The digest before the first entry."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: its last entry's number and digest; 0 and `FIRST` where there is none."""

    number: int = 0
    digest: str = FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries; empty strings and None do not narrow. The time range is [start, end).

    `action` takes the whole action or a prefix such as `case.`. `subject` is a resource name, whole.
    """

    actor: str = ""
    action: str = ""
    subject: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act. `actor` is a pseudonymous id, `system` or `platform`; `subject` a resource name; numbers count from 1.

    `detail` holds JSON values: ids, choices and counts, never a post's text.
    """

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    previous: str
    digest: str


def chained(
    previous: "AuditEntry | Head | None",
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
) -> AuditEntry:
    """The entry that follows `previous`."""
    number, before = (previous.number + 1, previous.digest) if previous else (1, FIRST)
    detail = json.loads(json.dumps(detail))  # as it will be read back
    return AuditEntry(
        number=number,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
        previous=before,
        digest=digest_of(number, at, actor, action, subject, detail, before),
    )


def digest_of(  # noqa: PLR0917 - all that an entry holds, in its order
    number: int, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any], previous: str
) -> str:
    """SHA-256 in hex over the canonical JSON of what an entry holds."""
    held = [number, at.isoformat(), actor, action, subject, detail, previous]
    return hashlib.sha256(json.dumps(held, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def intact(entry: AuditEntry) -> bool:
    """Whether the entry is as it was written. Whether `previous` is its predecessor's digest is the reader's to see."""
    held = entry.number, entry.at, entry.actor, entry.action, entry.subject, entry.detail, entry.previous
    return entry.digest == digest_of(*held)
