"""What fronts and workers both hold: connections, and what settings name."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from service.claims.ports import ClaimStore
from service.claims.redis_traffic import RedisClaimTraffic
from service.claims.sql import SqlClaims
from service.claims.surges import Surges
from service.claims.traffic import SurgeLimits
from service.feeds import Pseudonyms
from service.moderation.author import SHIPPED, Weighing
from service.moderation.celery_queue import CeleryQueue
from service.moderation.ports import Observer
from service.moderation.redis.cache import RedisCache
from service.policy import certificate as certificates
from service.policy.certificate import Certificate
from service.policy.document import load
from service.policy.policy import Policy
from service.records.followers import SharedReading
from service.records.redis_announcer import RedisAnnouncer
from service.records.sql.store import SqlStore
from service.runtime.settings import Settings
from service.storage.redis_connection import RedisConnection

_STARTER = Path(__file__).parents[3] / "classifiers" / "starter"


def policy(settings: Settings) -> Policy:
    """The policy of the settings, or the shipped default. Raises `PolicyInvalid`, and as `certificate` does."""
    return load(settings.policy, certificate(settings))


def certificate(settings: Settings) -> Certificate | None:
    """What automatic rules rest on: the certificate of the settings, or that in the bundle that judges, if it has one.

    Raises `InvalidInput` where it can't be read.
    """
    path = settings.certificate or (settings.heads or settings.model or _STARTER) / certificates.FILE
    return certificates.load(path) if settings.certificate or path.is_file() else None


def weighing(settings: Settings) -> Weighing:
    """How posts of one author are weighed together. Raises `InvalidInput`, and `OSError` for a file not there."""
    return Weighing.from_json((settings.timeline or SHIPPED).read_text(encoding="utf-8"))


def pseudonyms(settings: Settings) -> Pseudonyms:
    """What makes pseudonyms of the authors that feeds name. Raises `InvalidInput` for a key that is too long."""
    return Pseudonyms(settings.author_key.get_secret_value().encode())


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections that fronts and workers both hold."""

    redis: RedisConnection
    store: SqlStore
    queue: CeleryQueue
    announcer: RedisAnnouncer
    followed: SharedReading


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Connections]:
    """The connections while the context is open. Raises as `SqlStore.connect` does."""
    async with AsyncExitStack() as stack:
        store = await SqlStore.connect(settings.database_url)
        stack.push_async_callback(store.close)
        redis = RedisConnection(settings.redis_url)
        stack.push_async_callback(redis.close)
        queue, announcer = CeleryQueue(redis), RedisAnnouncer(redis)
        stack.push_async_callback(queue.close)
        stack.push_async_callback(announcer.close)
        yield Connections(redis, store, queue, announcer, SharedReading(store))


def surges_of(settings: Settings, held: Connections, observer: Observer) -> Surges:
    """What finds surging claims."""
    limits = SurgeLimits(posts=settings.surge_posts, share=settings.surge_share)
    return Surges(
        RedisClaimTraffic(held.redis, window=settings.surge_window, limits=limits),
        SqlClaims.beside(held.store),
        observer,
    )


def redis_cache(settings: Settings, connection: RedisConnection) -> RedisCache:
    """The cache in Redis."""
    return RedisCache(connection, ttl=settings.cache_ttl, jitter=settings.cache_jitter)


@asynccontextmanager
async def record_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """The record store alone, where no Redis is needed. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def claim_store(settings: Settings) -> AsyncIterator[ClaimStore]:
    """The claims alone, where no Redis is needed. Raises as `SqlStore.connect` does."""
    async with record_store(settings) as store:
        yield SqlClaims.beside(store)
