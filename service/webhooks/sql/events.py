"""Events for webhooks, enqueued in the transaction of what they report; and their deletion."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.database import microseconds
from service.storage.documents import Row, insert, listed
from service.storage.tables.webhooks import DELIVERIES, ENDPOINTS, EVENTS
from service.webhooks.delivery import DeliveryState
from service.webhooks.event import Event
from service.webhooks.sql.endpoints import endpoint_of

_LISTENING = select(ENDPOINTS).where(ENDPOINTS.c.enabled).order_by(ENDPOINTS.c.id)


async def wanted(connection: AsyncConnection, events: Sequence[Event]) -> bool:
    """Whether any endpoint wants any of the events."""
    return bool(await _pairs(connection, events))


async def enqueue(tx: AsyncConnection, *, now: int, events: Sequence[Event]) -> int:
    """Enqueue each event for every endpoint that wants it, once; returns the number of deliveries.

    In `tx`, at `now` (microseconds since the epoch): the events exist once the transaction commits.
    """
    pairs = await _pairs(tx, events, hold=True)
    if not pairs:
        return 0
    await _keep(tx, list({event.id: event for _, event in pairs}.values()))
    rows: list[Row] = [_delivery(endpoint_id, event.id, now) for endpoint_id, event in pairs]
    once = insert(tx, DELIVERIES, rows).on_conflict_do_nothing(index_elements=["endpoint_id", "event_id"])
    return len((await tx.execute(once.returning(DELIVERIES.c.id))).all())


async def forget(tx: AsyncConnection, subjects: Collection[str]) -> int:
    """Delete all events about the resources of these names, with their deliveries; how many events."""
    return (await tx.execute(delete(EVENTS).where(EVENTS.c.subject.in_(listed(tx, subjects))))).rowcount


async def _pairs(
    connection: AsyncConnection, events: Sequence[Event], *, hold: bool = False
) -> list[tuple[str, Event]]:
    """Pairs of endpoint id and event to deliver: in one order for all concurrent callers, oldest event first.

    With `hold`, endpoints are held against removal until the deliveries that refer to them are committed.
    """
    query = _LISTENING.with_for_update(read=True, key_share=True) if hold else _LISTENING
    endpoints = [endpoint_of(row) for row in (await connection.execute(query)).mappings()]
    unique = sorted({event.id: event for event in events}.values(), key=lambda event: (event.at, event.id))
    return [(endpoint.id, event) for event in unique for endpoint in endpoints if endpoint.wants(event)]


async def _keep(tx: AsyncConnection, events: Sequence[Event]) -> None:
    rows: list[Row] = [
        {
            "id": event.id,
            "type": event.type,
            "subject": event.subject,
            "at": microseconds(event.at),
            "body": event.body,
        }
        for event in events
    ]
    statement = insert(tx, EVENTS, rows)
    # The update changes nothing, and holds an event that was there against removal.
    same = {"at": EVENTS.c.at}
    await tx.execute(statement.on_conflict_do_update(index_elements=[EVENTS.c.id], set_=same))


def _delivery(endpoint_id: str, event_id: str, now: int) -> Row:
    return {
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "state": DeliveryState.PENDING,
        "tries": 0,
        "attempts": 0,
        "lease": "",
        "due_at": now,
        "created_at": now,
        "changed_at": now,
    }
