"""A worker's half of the pipeline, out of settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.moderation.deciding import Deciding
from service.moderation.judging import Judging, Records, Tasks
from service.moderation.ports import Classifier, WorkerRegistry
from service.moderation.redis.attempts import RedisAttempts
from service.moderation.redis.clusters import RedisClusters
from service.moderation.redis.registry import RedisRegistry
from service.moderation.telemetry import TelemetryObserver
from service.policy.budget import Budget
from service.policy.governance.live import LivePolicy, PolicyWatch
from service.policy.governance.ports import WatchObserver
from service.policy.policy import Policies
from service.policy.redis_budget import RedisBudget
from service.records.sql.store import SqlStore
from service.runtime.settings import Settings
from service.runtime.wiring import policy as policy_parts
from service.runtime.wiring.connections import certificate, connected, redis_cache, surges_of
from service.storage.redis_connection import RedisConnection


@asynccontextmanager
async def judging(
    settings: Settings, classifier: Classifier, policies: Policies | None = None
) -> AsyncIterator[Judging]:
    """A worker's half of the pipeline. `PolicyHouse.watch`, on a store of its own, keeps what it decides by fresh."""
    observer = TelemetryObserver()
    async with connected(settings) as held:
        yield Judging(
            tasks=Tasks(held.queue, RedisAttempts(held.redis)),
            classifier=classifier,
            clusters=RedisClusters(held.redis, window=settings.cluster_window),
            surges=surges_of(settings, held, observer),
            deciding=Deciding(
                policies or await policy_parts.taken_up(settings, held.store, certificate(settings)),
                Budget(RedisBudget(held.redis), observer),
            ),
            records=Records(held.store, redis_cache(settings, held.redis), held.announcer),
            observer=observer,
        )


async def live_policy(settings: Settings) -> LivePolicy:
    """The live policy as it stands in the store. Raises as `SqlStore.connect` and `policy` do."""
    store = await SqlStore.connect(settings.database_url)
    try:
        return await policy_parts.taken_up(settings, store, certificate(settings))
    finally:
        await store.close()


@asynccontextmanager
async def policy_watch(settings: Settings, live: LivePolicy, observer: WatchObserver) -> AsyncIterator[PolicyWatch]:
    """What keeps `live` fresh, on a connection of its own. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    try:
        yield policy_parts.watch(live, store, certificate(settings), observer)
    finally:
        await store.close()


@asynccontextmanager
async def registry(settings: Settings) -> AsyncIterator[WorkerRegistry]:
    """The registry alone, for a worker's heartbeat."""
    connection = RedisConnection(settings.redis_url)
    try:
        yield RedisRegistry(connection)
    finally:
        await connection.close()
