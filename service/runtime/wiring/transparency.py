"""Chooses the adapters of transparency: settings in, wired parts out."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from service.audit.sql import SqlAudit
from service.errors import InvalidInput
from service.policy.policy import Policy
from service.records.sql.store import SqlStore
from service.runtime.settings import Settings
from service.storage.redis_connection import RedisConnection
from service.supervision import kept_running
from service.transparency.erasing import Eraser
from service.transparency.publishing import Publishing
from service.transparency.redis_erasure import RedisErasure
from service.transparency.retention import Keeper, Retention
from service.transparency.sql.erasure import SqlErasure
from service.transparency.sql.numbers import SqlNumbers
from service.transparency.sql.retention import SqlRetention
from service.transparency.statement_words import ECONOMIC_AREA, EUROPEAN_UNION
from service.transparency.statements import Terms
from service.transparency.telemetry import TransparencyObserver

_TERRITORIES = {"EU": EUROPEAN_UNION, "EEA": ECONOMIC_AREA}


def terms(settings: Settings, policy: Policy) -> Terms:
    """What statements of reasons say of the platform. Raises `InvalidInput` for a territory that is none."""
    named = settings.dsa_territory.upper()
    territory = _TERRITORIES.get(named) or tuple(part.strip() for part in named.split(",") if part.strip())
    if not territory or set(territory) - set(ECONOMIC_AREA):
        problem = f"{settings.dsa_territory!r} names no countries of the EU or EEA"
        raise InvalidInput("ASSAY_DSA_TERRITORY", problem, "set it to EU, EEA, or codes such as AT,DE")
    return Terms(
        ground=settings.dsa_ground,
        url=settings.dsa_terms_url,
        territory=territory,
        rules={rule.name: rule.reason for rule in policy.rules},
        reasons={reason.name: reason.text for reason in policy.routing.reasons},
    )


def retention(settings: Settings) -> Retention:
    """How long what is kept. Raises `InvalidInput`."""
    return Retention(
        allowed=settings.retain_allowed,
        flagged=settings.retain_flagged,
        cases=settings.retain_cases,
        appeals=settings.retain_appeals,
        deliveries=settings.retain_deliveries,
        requests=settings.retain_requests,
        confirmations=settings.retain_confirmations,
        audit=settings.retain_audit,
    )


def publishing(settings: Settings, store: SqlStore, redis: RedisConnection, policy: Callable[[], Policy]) -> Publishing:
    """The use cases of transparency; `policy` gives the live one. Raises `InvalidInput`."""
    erasure = SqlErasure.beside(store)
    eraser = Eraser([RedisErasure(redis), erasure], erasure, settle=settings.erase_settle)
    terms(settings, policy())
    return Publishing(SqlAudit.beside(store), SqlNumbers.beside(store), eraser, lambda: terms(settings, policy()))


@asynccontextmanager
async def keeping(settings: Settings, store: SqlStore) -> AsyncIterator[None]:
    """Lets go of what is older than the settings allow while the context is open. Raises `InvalidInput`."""
    observer = TransparencyObserver()
    keeper = Keeper(SqlRetention.beside(store), retention(settings), observer, interval=settings.retention_interval)
    async with kept_running({"retention": keeper.run}, observer):
        yield


@asynccontextmanager
async def publishing_alone(settings: Settings, policy: Callable[[], Policy]) -> AsyncIterator[Publishing]:
    """The use cases for commands. Only erasing needs Redis. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    redis = RedisConnection(settings.redis_url)
    try:
        yield publishing(settings, store, redis, policy)
    finally:
        await redis.close()
        await store.close()


@asynccontextmanager
async def keeper_alone(settings: Settings) -> AsyncIterator[Keeper]:
    """What lets go of old records, for commands. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    try:
        yield Keeper(SqlRetention.beside(store), retention(settings), TransparencyObserver(registry=None))
    finally:
        await store.close()
