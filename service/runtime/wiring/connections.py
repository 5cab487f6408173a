"""The connections of fronts, workers and commands: one opened store, Redis, and the files of the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from service.claims.redis_traffic import RedisClaimTraffic
from service.claims.sql import SqlClaims
from service.claims.surges import Surges
from service.claims.traffic import SurgeLimits
from service.moderation import author
from service.moderation.celery_queue import CeleryQueue
from service.moderation.ports import Observer
from service.moderation.redis.cache import RedisCache
from service.policy import certificate as certificates
from service.policy.certificate import Certificate
from service.policy.document import DEFAULT, PolicyDocuments
from service.policy.governance.live import LivePolicy
from service.policy.sql.versions import SqlPolicies
from service.records.redis_announcer import RedisAnnouncer
from service.records.sql.store import SqlStore
from service.runtime.settings import Settings
from service.storage.redis_connection import RedisConnection

STARTER = Path(__file__).parents[3] / "classifiers" / "starter"


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections that fronts and workers both hold."""

    redis: RedisConnection
    store: SqlStore
    queue: CeleryQueue
    announcer: RedisAnnouncer


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """The record store while the context is open, opened once for all stores made `beside` it.

    It belongs to the loop that opened it. Raises as `SqlStore.connect` does.
    """
    store = await SqlStore.connect(settings.database_url)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_redis(settings: Settings) -> AsyncIterator[RedisConnection]:
    """Redis while the context is open; it may not answer yet."""
    redis = RedisConnection(settings.redis_url)
    try:
        yield redis
    finally:
        await redis.close()


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Connections]:
    """The connections while the context is open. Raises as `SqlStore.connect` does."""
    async with opened_store(settings) as store, opened_redis(settings) as redis:
        queue, announcer = CeleryQueue(redis), RedisAnnouncer(redis)
        try:
            yield Connections(redis, store, queue, announcer)
        finally:
            await announcer.close()
            await queue.close()


def certificate(settings: Settings) -> Certificate | None:
    """The certificate for automatic rules: that of the settings, or that of the judging bundle, if it has one.

    Raises `InvalidInput` where it can't be read.
    """
    path = settings.certificate or _bundle(settings) / certificates.FILE
    return certificates.load(path) if settings.certificate or path.is_file() else None


def policy_document(settings: Settings) -> str:
    """The policy file of the settings, or the shipped one. Raises `OSError`, and `UnicodeDecodeError`."""
    return (settings.policy or DEFAULT).read_text(encoding="utf-8")


def weighing(settings: Settings) -> author.Weighing:
    """The weights for posts of one author: those of the settings, or of the judging bundle, if it has a fit.

    Raises `InvalidInput`, and `OSError` for a missing file.
    """
    path = settings.timeline or _bundle(settings) / author.FILE
    if not settings.timeline and not path.is_file():
        return author.UNFITTED
    return author.Weighing.from_json(path.read_text(encoding="utf-8"))


def _bundle(settings: Settings) -> Path:
    return settings.heads or settings.model or STARTER


async def live_policy(settings: Settings, store: SqlStore) -> LivePolicy:
    """The live policy of this process, as the store has it now.

    Raises `PolicyInvalid` where the file of the settings, or the version that is live, can't be read with their
    certificate: a front must not start with another policy than the configured one.
    """
    reader = PolicyDocuments(certificate(settings))
    live = LivePolicy(reader.policy(policy_document(settings)))
    await live.refresh(SqlPolicies.beside(store), reader)
    return live


def surges_of(settings: Settings, held: Connections, observer: Observer) -> Surges:
    """The finder of surging claims."""
    limits = SurgeLimits(posts=settings.surge_posts, share=settings.surge_share)
    return Surges(
        RedisClaimTraffic(held.redis, window=settings.surge_window, limits=limits),
        SqlClaims.beside(held.store),
        observer,
    )


def redis_cache(settings: Settings, connection: RedisConnection) -> RedisCache:
    """The cache in Redis."""
    return RedisCache(connection, ttl=settings.cache_ttl, jitter=settings.cache_jitter)
