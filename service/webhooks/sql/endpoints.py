"""The part of the record store for webhook endpoints and their secrets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import sql as sql_audit
from service.domain.decision import Category, Decision
from service.errors import WebhookNotFound
from service.storage.database import SqlDatabase, moment, unbroken
from service.storage.tables.webhooks import ENDPOINTS, SECRETS
from service.webhooks.endpoint import Endpoint
from service.webhooks.event import EventType


class SqlEndpoints(SqlDatabase):
    """`webhooks.ports.EndpointStore` on SQL."""

    @unbroken
    async def add_endpoint(self, endpoint: Endpoint, secret: str) -> Endpoint:
        """See `ports.EndpointStore.add_endpoint`."""
        now = self.now()
        made = {"id": endpoint.id, "created_at": now, "created_by": endpoint.created_by}
        async with self.write() as tx:
            await tx.execute(ENDPOINTS.insert().values(made | _said(endpoint, now)))
            await tx.execute(SECRETS.insert().values(endpoint_id=endpoint.id, number=1, secret=secret))
            await _audit(
                tx, endpoint.id, now=now, actor=endpoint.created_by, action="webhook.create", **_told(endpoint)
            )
            return await find_endpoint(tx, endpoint.id)

    @unbroken
    async def find_endpoint(self, endpoint_id: str) -> Endpoint:
        """See `ports.EndpointStore.find_endpoint`."""
        async with self.read() as connection:
            return await find_endpoint(connection, endpoint_id)

    @unbroken
    async def endpoints(self, *, after: str = "", limit: int = 1_000) -> list[Endpoint]:
        """See `ports.EndpointStore.endpoints`."""
        query = select(ENDPOINTS).where(ENDPOINTS.c.id > after).order_by(ENDPOINTS.c.id).limit(limit)
        async with self.read() as connection:
            return [endpoint_of(row) for row in (await connection.execute(query)).mappings()]

    @unbroken
    async def change_endpoint(self, endpoint: Endpoint, *, actor: str) -> Endpoint:
        """See `ports.EndpointStore.change_endpoint`."""
        now = self.now()
        async with self.write() as tx:
            await find_endpoint(tx, endpoint.id)
            await tx.execute(update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint.id).values(_said(endpoint, now)))
            await _audit(tx, endpoint.id, now=now, actor=actor, action="webhook.update", **_told(endpoint))
            return await find_endpoint(tx, endpoint.id)

    @unbroken
    async def remove_endpoint(self, endpoint_id: str, *, actor: str) -> None:
        """See `ports.EndpointStore.remove_endpoint`: secrets, deliveries and attempts go with it."""
        async with self.write() as tx:
            await find_endpoint(tx, endpoint_id)
            await tx.execute(delete(ENDPOINTS).where(ENDPOINTS.c.id == endpoint_id))
            await _audit(tx, endpoint_id, now=self.now(), actor=actor, action="webhook.delete")

    @unbroken
    async def rotate_secret(self, endpoint_id: str, secret: str, *, overlap: float, actor: str) -> datetime:
        """See `ports.EndpointStore.rotate_secret`."""
        now = self.now()
        ends = now + round(overlap * 1e6)
        ours = SECRETS.c.endpoint_id == endpoint_id
        async with self.write() as tx:
            await hold_endpoint(tx, endpoint_id)
            newest = (await tx.execute(select(func.max(SECRETS.c.number)).where(ours))).scalar_one()
            await tx.execute(delete(SECRETS).where(ours, SECRETS.c.number < newest))
            await tx.execute(update(SECRETS).where(ours).values(expires_at=ends))
            await tx.execute(SECRETS.insert().values(endpoint_id=endpoint_id, number=newest + 1, secret=secret))
            await _audit(tx, endpoint_id, now=now, actor=actor, action="webhook.rotate", overlap=overlap)
        return moment(ends)

    @unbroken
    async def secrets_of(self, endpoint_id: str) -> tuple[str, ...]:
        """See `ports.EndpointStore.secrets_of`."""
        async with self.read() as connection:
            found = await valid_secrets(connection, [endpoint_id], self.now())
        if endpoint_id not in found:
            raise _missing(endpoint_id)
        return found[endpoint_id]

    @unbroken
    async def note(self, endpoint_id: str, *, actor: str, action: str) -> None:
        """See `ports.EndpointStore.note`."""
        async with self.write() as tx:
            await find_endpoint(tx, endpoint_id)
            await _audit(tx, endpoint_id, now=self.now(), actor=actor, action=action)


async def find_endpoint(connection: AsyncConnection, endpoint_id: str) -> Endpoint:
    """The endpoint as stored. Raises `WebhookNotFound`."""
    row = (await connection.execute(select(ENDPOINTS).where(ENDPOINTS.c.id == endpoint_id))).mappings().one_or_none()
    if row is None:
        raise _missing(endpoint_id)
    return endpoint_of(row)


async def hold_endpoint(tx: AsyncConnection, endpoint_id: str) -> None:
    """Lock it until the transaction ends. Raises `WebhookNotFound`."""
    query = select(ENDPOINTS.c.id).where(ENDPOINTS.c.id == endpoint_id).with_for_update()
    if (await tx.execute(query)).one_or_none() is None:
        raise _missing(endpoint_id)


async def valid_secrets(
    connection: AsyncConnection, endpoint_ids: Sequence[str], now: int
) -> dict[str, tuple[str, ...]]:
    """The secrets of each endpoint that are valid at `now`, the newest first."""
    valid: ColumnElement[bool] = or_(SECRETS.c.expires_at.is_(None), SECRETS.c.expires_at > now)
    query = select(SECRETS).where(SECRETS.c.endpoint_id.in_(endpoint_ids), valid)
    found: dict[str, tuple[str, ...]] = {}
    for row in await connection.execute(query.order_by(SECRETS.c.number.desc())):
        found[row.endpoint_id] = (*found.get(row.endpoint_id, ()), row.secret)
    return found


async def turn_off(tx: AsyncConnection, endpoint_id: str, reason: str, now: int) -> None:
    """Disable a locked endpoint for `reason`, as the system."""
    on = (ENDPOINTS.c.id == endpoint_id) & ENDPOINTS.c.enabled
    off = update(ENDPOINTS).where(on).values(enabled=False, disabled_reason=reason, updated_at=now)
    if (await tx.execute(off)).rowcount:
        await _audit(tx, endpoint_id, now=now, actor="system", action="webhook.disable", reason=reason)


def endpoint_of(row: RowMapping) -> Endpoint:
    """The endpoint in a row of ENDPOINTS."""
    return Endpoint(
        id=row["id"],
        url=row["url"],
        description=row["description"],
        events=tuple(map(EventType, row["events"])),
        decisions=tuple(map(Decision, row["decisions"])),
        categories=tuple(map(Category, row["categories"])),
        enabled=row["enabled"],
        disabled_reason=row["disabled_reason"],
        created_at=moment(row["created_at"]),
        created_by=row["created_by"],
        updated_at=moment(row["updated_at"]),
    )


def _said(endpoint: Endpoint, now: int) -> dict[str, Any]:
    """The columns that people set."""
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "events": list(endpoint.events),
        "decisions": list(endpoint.decisions),
        "categories": list(endpoint.categories),
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason,
        "updated_at": now,
    }


def _told(endpoint: Endpoint) -> dict[str, Any]:
    """Its audit details: the host alone, since paths and queries of URLs may hold keys."""
    return {"host": urlsplit(endpoint.url).hostname, "events": list(endpoint.events), "enabled": endpoint.enabled}


async def _audit(tx: AsyncConnection, endpoint_id: str, *, now: int, actor: str, action: str, **detail: Any) -> None:
    subject = f"webhooks/{endpoint_id}"
    await sql_audit.append(tx, now=now, actor=actor, action=action, subject=subject, detail=detail)


def _missing(endpoint_id: str) -> WebhookNotFound:
    return WebhookNotFound(f"there is no webhooks/{endpoint_id}; ListEndpoints lists them all")
