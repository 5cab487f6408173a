"""The part of the record store for deliveries to webhooks: enqueued once, held by one front, settled once."""

import random
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import sql as sql_audit
from service.errors import WebhookNotFound
from service.storage.database import SqlDatabase, microseconds, moment, unbroken
from service.storage.tables.webhooks import ATTEMPTS, DELIVERIES, ENDPOINTS, EVENTS
from service.webhooks.delivery import Answer, Attempt, Delivery, DeliveryState, Leased, Outcome
from service.webhooks.event import Event, EventType
from service.webhooks.ports import DeliveryFilter
from service.webhooks.sql import events as sql_webhook_events
from service.webhooks.sql.endpoints import find_endpoint, hold_endpoint, turn_off, valid_secrets

_MOST_COUNTED = 100_000
_PENDING = DELIVERIES.c.state == DeliveryState.PENDING
_FREE = DELIVERIES.c.lease == ""


class SqlDeliveries(SqlDatabase):
    """`webhooks.ports.DeliveryStore` on SQL."""

    @unbroken
    async def enqueue(self, events: Sequence[Event]) -> int:
        """See `ports.DeliveryStore.enqueue`. Nothing is written while no endpoint wants any of them."""
        if not await self._wanted(events):
            return 0
        async with self.write() as tx:
            return await sql_webhook_events.enqueue(tx, now=self.now(), events=events)

    async def _wanted(self, events: Sequence[Event]) -> bool:
        async with self.read() as connection:
            return await sql_webhook_events.wanted(connection, events)

    @unbroken
    async def lease(self, limit: int, *, each: int, busy: Mapping[str, int], seconds: float) -> list[Leased]:
        """See `ports.DeliveryStore.lease`. While nothing is due it only reads."""
        now = self.now()
        rooms = {endpoint: each - busy.get(endpoint, 0) for endpoint in await self._due(now)}
        endpoints = [endpoint for endpoint, room in rooms.items() if room > 0]
        if not endpoints:
            return []
        random.shuffle(endpoints)  # so that none is always last where lanes are few
        found: list[Row[Any]] = []
        async with self.write() as tx:
            for endpoint in endpoints:
                room = min(rooms[endpoint], limit - len(found))
                found += (await tx.execute(_due_of(endpoint, now).limit(room))).all() if room > 0 else ()
            token = await _hold(tx, [row.id for row in found], now + round(seconds * 1e6))
            valid = await valid_secrets(tx, endpoints, now)
        return [_leased(row, token, valid[row.endpoint_id]) for row in found]

    async def _due(self, now: int) -> list[str]:
        """The enabled endpoints for which something is due."""
        due = exists().where(DELIVERIES.c.endpoint_id == ENDPOINTS.c.id, _PENDING, DELIVERIES.c.due_at <= now)
        async with self.read() as connection:
            query = select(ENDPOINTS.c.id).where(ENDPOINTS.c.enabled, due)
            return list((await connection.execute(query)).scalars())

    @unbroken
    async def settle(self, leased: Leased, answer: Answer, result: Outcome) -> bool:
        """See `ports.DeliveryStore.settle`."""
        now = self.now()
        settled = {"state": result.state, "lease": "", "changed_at": now, "due_at": now + round(result.wait * 1e6)}
        async with self.write() as tx:
            if result.disable and not await _still_there(tx, leased):
                return False
            if not (await tx.execute(_held(leased).values(settled))).rowcount:
                return False
            await tx.execute(ATTEMPTS.insert().values(_attempt(leased, answer, now)))
            if result.disable:
                await turn_off(tx, leased.endpoint, result.disable, now)
        return True

    @unbroken
    async def release(self, leased: Collection[Leased]) -> None:
        """See `ports.DeliveryStore.release`."""
        now = self.now()
        async with self.write() as tx:
            for each in sorted(leased, key=lambda each: each.id):
                untried = {"tries": each.tries - 1, "attempts": each.number - 1, "lease": "", "due_at": now}
                await tx.execute(_held(each).values(untried))

    @unbroken
    async def deliveries(
        self, endpoint_id: str, only: DeliveryFilter, *, before: int | None, limit: int
    ) -> list[Delivery]:
        """See `ports.EndpointStore.deliveries`."""
        query = select(DELIVERIES, EVENTS.c.type, EVENTS.c.subject).join(EVENTS, EVENTS.c.id == DELIVERIES.c.event_id)
        query = query.where(*_narrow(endpoint_id, only)).order_by(DELIVERIES.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(DELIVERIES.c.id < before)
        async with self.read() as connection:
            await find_endpoint(connection, endpoint_id)
            rows = (await connection.execute(query)).all()
            attempts = await _attempts(connection, [row.id for row in rows])
        return [_delivery(row, attempts.get(row.id, ())) for row in rows]

    @unbroken
    async def replay(self, endpoint_id: str, only: DeliveryFilter, *, delivery: int | None, actor: str) -> int:
        """See `ports.EndpointStore.replay`."""
        now = self.now()
        ours = _narrow(endpoint_id, only) + ([DELIVERIES.c.id == delivery] if delivery is not None else [])
        again = {"state": DeliveryState.PENDING, "tries": 0, "due_at": now, "lease": "", "changed_at": now}
        async with self.write() as tx:
            await find_endpoint(tx, endpoint_id)
            if delivery is not None and not (await tx.execute(select(DELIVERIES.c.id).where(*ours))).first():
                raise WebhookNotFound(f"there is no webhooks/{endpoint_id}/deliveries/{delivery}")
            unheld = or_(_FREE, DELIVERIES.c.due_at <= now)
            count = (await tx.execute(update(DELIVERIES).where(*ours, unheld).values(again))).rowcount
            detail = {"deliveries": count, **({"delivery": delivery} if delivery is not None else {})}
            subject = f"webhooks/{endpoint_id}"
            await sql_audit.append(tx, now=now, actor=actor, action="webhook.replay", subject=subject, detail=detail)
        return count

    @unbroken
    async def waiting(self) -> Mapping[DeliveryState, int]:
        """See `ports.DeliveryStore.waiting`."""
        counts: dict[DeliveryState, int] = {}
        async with self.read() as connection:
            for state in (DeliveryState.PENDING, DeliveryState.DEAD):
                some = select(DELIVERIES.c.id).where(DELIVERIES.c.state == state).limit(_MOST_COUNTED).subquery()
                counts[state] = (await connection.execute(select(func.count()).select_from(some))).scalar_one()
        return counts


def _due_of(endpoint_id: str, now: int) -> Select[Any]:
    """What is due for an endpoint, unless another transaction is taking it, longest waiting first."""
    query = select(DELIVERIES, EVENTS.c.body, ENDPOINTS.c.url)
    query = query.join(EVENTS, EVENTS.c.id == DELIVERIES.c.event_id)
    query = query.join(ENDPOINTS, ENDPOINTS.c.id == DELIVERIES.c.endpoint_id)
    query = query.where(DELIVERIES.c.endpoint_id == endpoint_id, ENDPOINTS.c.enabled, _PENDING)
    query = query.where(DELIVERIES.c.due_at <= now).order_by(DELIVERIES.c.due_at, DELIVERIES.c.id)
    return query.with_for_update(of=DELIVERIES, skip_locked=True)


async def _hold(tx: AsyncConnection, ids: Sequence[int], until: int) -> str:
    """Lease these and count a try for each; the lease's token."""
    token = secrets.token_hex(8)
    counted = {"tries": DELIVERIES.c.tries + 1, "attempts": DELIVERIES.c.attempts + 1}
    held = update(DELIVERIES).where(DELIVERIES.c.id.in_(ids))
    await tx.execute(held.values(counted | {"lease": token, "due_at": until}))
    return token


async def _still_there(tx: AsyncConnection, leased: Leased) -> bool:
    """Whether the endpoint exists; locks it before its deliveries, as its removal does."""
    try:
        await hold_endpoint(tx, leased.endpoint)
    except WebhookNotFound:
        return False
    return True


def _held(leased: Leased) -> Any:
    """An update of a delivery still held by this lease."""
    return update(DELIVERIES).where(DELIVERIES.c.id == leased.id, DELIVERIES.c.lease == leased.lease, _PENDING)


def _attempt(leased: Leased, answer: Answer, now: int) -> dict[str, Any]:
    """The row of an attempt. It is dated to when the request began."""
    return {
        "delivery_id": leased.id,
        "number": leased.number,
        "at": now - round(answer.seconds * 1e6),
        "status": answer.status,
        "seconds": answer.seconds,
        "error": answer.error,
    }


def _narrow(endpoint_id: str, only: DeliveryFilter) -> list[ColumnElement[bool]]:
    conditions = [DELIVERIES.c.endpoint_id == endpoint_id]
    if only.states:
        conditions.append(DELIVERIES.c.state.in_(only.states))
    if only.start:
        conditions.append(DELIVERIES.c.created_at >= microseconds(only.start))
    if only.end:
        conditions.append(DELIVERIES.c.created_at < microseconds(only.end))
    return conditions


async def _attempts(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, tuple[Attempt, ...]]:
    query = select(ATTEMPTS).where(ATTEMPTS.c.delivery_id.in_(ids)).order_by(ATTEMPTS.c.number)
    found: dict[int, tuple[Attempt, ...]] = {}
    for row in await connection.execute(query):
        attempt = Attempt(number=row.number, at=moment(row.at), status=row.status, seconds=row.seconds, error=row.error)
        found[row.delivery_id] = (*found.get(row.delivery_id, ()), attempt)
    return found


def _leased(row: Row[Any], token: str, valid: tuple[str, ...]) -> Leased:
    return Leased(
        id=row.id,
        lease=token,
        endpoint=row.endpoint_id,
        url=row.url,
        secrets=valid,
        event=row.event_id,
        body=row.body.encode(),
        tries=row.tries + 1,
        number=row.attempts + 1,
    )


def _delivery(row: Row[Any], attempts: tuple[Attempt, ...]) -> Delivery:
    state = DeliveryState(row.state)
    return Delivery(
        id=row.id,
        endpoint=row.endpoint_id,
        event=row.event_id,
        type=EventType(row.type),
        subject=row.subject,
        state=state,
        created_at=moment(row.created_at),
        due_at=moment(row.due_at) if state is DeliveryState.PENDING else None,
        attempts=attempts,
    )
