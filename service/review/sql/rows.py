"""Cases, decisions and appeals as rows of their tables, and filters on cases as conditions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, func, or_

from service.domain.decision import Category, Decision
from service.domain.post import PostKey, Surface
from service.review.appeal import Appeal, AppealState
from service.review.case import Case, CaseDecision, CaseFilter, CaseKind, CaseState, Scope
from service.storage.database import microseconds, moment
from service.storage.tables.records import row_key
from service.storage.tables.review import CASES

Row = RowMapping
NOWHERE = 0
"""The value of a time column where there is no time."""


def joined(names: Iterable[str]) -> str:
    """Names as one column holds them."""
    found = sorted(names)
    return f"|{'|'.join(found)}|" if found else ""


def parted(column: str) -> list[str]:
    """The names in such a column."""
    return column.strip("|").split("|") if column else []


def named_in(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Whether `name` is among the names in `column`."""
    return column.contains(f"|{name}|", autoescape=True)


def case_row(case: Case) -> dict[str, Any]:
    """The row of CASES."""
    return {
        "id": case.id,
        "kind": case.kind,
        "state": case.state,
        "queue": case.queue,
        "key": row_key(case.post),
        "name": case.post.name,
        "fingerprint": case.post.fingerprint,
        "content_digest": case.content_digest,
        "cluster": case.cluster,
        "surface": case.surface,
        "region": case.region,
        "language": case.language.lower(),
        "author": case.author,
        "categories": _ordered(case.categories),
        "severity": case.severity,
        "rank": -case.priority,
        "opened_at": microseconds(case.opened_at),
        "holder": case.holder,
        "leased_at": since_epoch(case.leased_at),
        "lease_until": since_epoch(case.lease_until),
        "barred": joined(case.barred),
        "skipped": joined(case.skipped),
        "subject": case.subject,
        "decision": case.decision,
        "closed_at": since_epoch(case.closed_at),
    }


def case_of(row: Row) -> Case:
    """The case in a row of CASES. One that is only kept for a moderator has no holder: they don't know of it."""
    leased = bool(row["leased_at"])
    return Case(
        id=row["id"],
        kind=CaseKind(row["kind"]),
        state=CaseState(row["state"]),
        queue=row["queue"],
        post=PostKey(row["name"], row["fingerprint"]),
        content_digest=row["content_digest"],
        cluster=row["cluster"],
        surface=Surface(row["surface"]),
        region=row["region"],
        language=row["language"],
        author=row["author"],
        categories=_categories(row["categories"]),
        severity=row["severity"],
        priority=-row["rank"],
        opened_at=moment(row["opened_at"]),
        holder=row["holder"] if leased else "",
        leased_at=time_of(row["leased_at"]),
        lease_until=time_of(row["lease_until"]) if leased else None,
        barred=frozenset(parted(row["barred"])),
        skipped=frozenset(parted(row["skipped"])),
        subject=row["subject"],
        decision=row["decision"],
        closed_at=time_of(row["closed_at"]),
    )


def decision_row(decision: CaseDecision, request_id: str = "") -> dict[str, Any]:
    """The row of CASE_DECISIONS, without its number."""
    return {
        "id": decision.id,
        "about": decision.about,
        "kind": decision.kind,
        "name": decision.post.name,
        "fingerprint": decision.post.fingerprint,
        "content_digest": decision.content_digest,
        "flagged": _ordered(decision.flagged),
        "subject": decision.subject,
        "moderator": decision.moderator,
        "decision": decision.decision,
        "categories": _ordered(decision.categories),
        "reason": decision.reason,
        "rationale": decision.rationale,
        "scope": decision.scope,
        "decided_at": microseconds(decision.decided_at),
        "seconds": decision.seconds,
        "applied": int(decision.applied),
        "posts": decision.posts,
        "undone_at": since_epoch(decision.undone_at),
        "request_id": request_id,
    }


def decision_of(row: Row) -> CaseDecision:
    """The decision in a row of CASE_DECISIONS."""
    return CaseDecision(
        id=row["id"],
        about=row["about"],
        kind=CaseKind(row["kind"]),
        post=PostKey(row["name"], row["fingerprint"]),
        content_digest=row["content_digest"],
        flagged=_categories(row["flagged"]),
        subject=row["subject"],
        moderator=row["moderator"],
        decision=Decision(row["decision"]),
        categories=_categories(row["categories"]),
        reason=row["reason"],
        rationale=row["rationale"],
        scope=Scope(row["scope"]),
        decided_at=moment(row["decided_at"]),
        seconds=row["seconds"],
        applied=bool(row["applied"]),
        posts=row["posts"],
        undone_at=time_of(row["undone_at"]),
    )


def appeal_row(appeal: Appeal) -> dict[str, Any]:
    """The row of APPEALS, without its number and request."""
    return {
        "id": appeal.id,
        "key": row_key(appeal.post),
        "name": appeal.post.name,
        "content_digest": appeal.content_digest,
        "seq": appeal.sequence,
        "state": appeal.state,
        "opened_at": microseconds(appeal.opened_at),
        "case": appeal.case,
        "body": {
            "fingerprint": appeal.post.fingerprint,
            "contested": appeal.contested,
            "contested_categories": list(appeal.contested_categories),
            "contested_at": microseconds(appeal.contested_at),
            "statement": appeal.statement,
            "first_decider": appeal.first_decider,
            "decider": appeal.decider,
            "decision": appeal.decision,
            "categories": list(appeal.categories),
            "reason": appeal.reason,
            "rationale": appeal.rationale,
            "scope": appeal.scope,
            "decided_at": since_epoch(appeal.decided_at),
        },
    }


def appeal_of(row: Row) -> Appeal:
    """The appeal in a row of APPEALS."""
    body = row["body"]
    return Appeal(
        id=row["id"],
        post=PostKey(row["name"], body["fingerprint"]),
        content_digest=row["content_digest"],
        sequence=row["seq"],
        contested=Decision(body["contested"]),
        contested_categories=tuple(map(Category, body["contested_categories"])),
        contested_at=moment(body["contested_at"]),
        statement=body["statement"],
        state=AppealState(row["state"]),
        opened_at=moment(row["opened_at"]),
        first_decider=body["first_decider"],
        case=row["case"],
        decider=body["decider"],
        decision=Decision(body["decision"]) if body["decision"] else None,
        categories=tuple(map(Category, body["categories"])),
        reason=body["reason"],
        rationale=body["rationale"],
        scope=Scope(body["scope"]),
        decided_at=time_of(body["decided_at"]),
    )


def narrowed(only: CaseFilter) -> list[ColumnElement[bool]]:
    """The filter's conditions on CASES but those on queues and states."""
    found: list[ColumnElement[bool]] = []
    if only.kinds:
        found.append(CASES.c.kind.in_(only.kinds))
    if only.surfaces:
        found.append(CASES.c.surface.in_(only.surfaces))
    if only.regions:
        found.append(CASES.c.region.in_(only.regions))
    if only.categories:
        found.append(or_(*(named_in(CASES.c.categories, category) for category in only.categories)))
    if only.languages:
        found.append(or_(*map(_spoken, only.languages)))
    if only.least_severity > 1:
        found.append(CASES.c.severity >= only.least_severity)
    exact = {"author": only.author, "cluster": only.cluster, "name": only.post}
    found += [CASES.c[name] == value for name, value in exact.items() if value]
    return found


def free_for(moderator: str, now: int) -> ColumnElement[bool]:
    """Whether no one holds a case, and this person may."""
    barred, skipped = named_in(CASES.c.barred, moderator), named_in(CASES.c.skipped, moderator)
    # + 0: else SQLite would find them by the index of leases, which is for the few that are held, and sort them all
    return and_(CASES.c.lease_until + 0 <= now, ~barred, ~skipped)


def since_epoch(time: datetime | None) -> int:
    """The time as a column holds it that may hold none."""
    return microseconds(time) if time else NOWHERE


def time_of(column: int) -> datetime | None:
    """The time in a column that may hold none."""
    return moment(column) if column else None


def _spoken(language: str) -> ColumnElement[bool]:
    tag = language.replace("_", "-").lower()
    return or_(CASES.c.language == tag, func.substr(CASES.c.language, 1, len(tag) + 1) == f"{tag}-")


def _ordered(categories: Iterable[Category]) -> str:
    """Categories in their own order, strictest rule first."""
    found = list(categories)
    return f"|{'|'.join(found)}|" if found else ""


def _categories(column: str) -> tuple[Category, ...]:
    return tuple(map(Category, parted(column)))
