"""Which records are older than their kind is kept: a query for each kind, of the keys to delete by, oldest first."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Select, and_, cast, func, or_, select, true

from service.domain.decision import Decision
from service.review.appeal import AppealState
from service.review.case import CaseState
from service.storage.tables.audit import AUDIT
from service.storage.tables.records import CONFIRMATIONS, POSTS, REQUESTS, VERDICTS
from service.storage.tables.review import APPEALS, CASES
from service.storage.tables.webhooks import DELIVERIES, EVENTS
from service.transparency.retention import Kind
from service.webhooks.delivery import DeliveryState

_OTHER = VERDICTS.alias("other")


def _posts(before: int, *, allowed: bool) -> Select[Any]:
    """Decided posts whose last verdict is from before then, and on which nobody still has to decide."""
    current = and_(VERDICTS.c.seq == POSTS.c.decided_seq, VERDICTS.c.decided_at < before)
    flagged = select(_OTHER.c.seq).where(_OTHER.c.key == POSTS.c.key, _OTHER.c.decision != Decision.ALLOW).exists()
    case = select(CASES.c.id).where(CASES.c.name == POSTS.c.name)
    appeal = select(APPEALS.c.id).where(APPEALS.c.name == POSTS.c.name)
    undisputed = and_(~flagged, ~case.exists(), ~appeal.exists())
    open_case = case.where(CASES.c.state == CaseState.OPEN).exists()
    open_appeal = appeal.where(APPEALS.c.state == AppealState.OPEN).exists()
    which = undisputed if allowed else and_(~undisputed, ~open_case, ~open_appeal)
    by_index = VERDICTS.c.decision == Decision.ALLOW if allowed else true()
    query = select(POSTS.c.key).select_from(POSTS.join(VERDICTS, current))
    return query.where(by_index, which).order_by(VERDICTS.c.seq)


def _cases(before: int) -> Select[Any]:
    closed = and_(CASES.c.state != CaseState.OPEN, CASES.c.closed_at > 0, CASES.c.closed_at < before)
    return select(CASES.c.id).where(closed).order_by(CASES.c.closed_at)


def _appeals(before: int) -> Select[Any]:
    decided_at = cast(APPEALS.c.body["decided_at"].as_string(), BigInteger)
    decided = and_(APPEALS.c.state != AppealState.OPEN, decided_at < before)
    return select(APPEALS.c.id).where(decided).order_by(APPEALS.c.number)


def _deliveries(before: int) -> Select[Any]:
    lately = or_(DELIVERIES.c.state == DeliveryState.PENDING, DELIVERIES.c.changed_at >= before)
    busy = select(DELIVERIES.c.id).where(DELIVERIES.c.event_id == EVENTS.c.id, lately).exists()
    return select(EVENTS.c.id).where(EVENTS.c.at < before, ~busy).order_by(EVENTS.c.at)


def _confirmations(before: int) -> Select[Any]:
    """Posts on which nobody has said anything about claims since."""
    last = func.max(CONFIRMATIONS.c.confirmed_at)
    return select(CONFIRMATIONS.c.post).group_by(CONFIRMATIONS.c.post).having(last < before).order_by(last)


def _by_time(key: Column[Any], time: ColumnElement[int], before: int) -> Select[Any]:
    return select(key).where(time < before).distinct().order_by(key)


DUE: Mapping[Kind, Callable[[int], Select[Any]]] = {
    Kind.ALLOWED: partial(_posts, allowed=True),
    Kind.FLAGGED: partial(_posts, allowed=False),
    Kind.CASES: _cases,
    Kind.APPEALS: _appeals,
    Kind.DELIVERIES: _deliveries,
    Kind.REQUESTS: partial(_by_time, REQUESTS.c.request_id, REQUESTS.c.created_at),
    Kind.CONFIRMATIONS: _confirmations,
    Kind.AUDIT: partial(_by_time, AUDIT.c.number, AUDIT.c.at),
}
"""The query for each kind, given microseconds since the epoch."""
