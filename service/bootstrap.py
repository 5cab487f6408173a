"""The one place where adapters are chosen: settings in, wired parts out, as contexts that give connections back."""

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from service import certificate as certificates
from service.adapters.celery_queue import CeleryQueue
from service.adapters.local_cache import LocalCache
from service.adapters.observer import TelemetryObserver
from service.adapters.redis_announcer import RedisAnnouncer
from service.adapters.redis_attempts import RedisAttempts
from service.adapters.redis_cache import RedisCache
from service.adapters.redis_claim_traffic import RedisClaimTraffic
from service.adapters.redis_clusters import RedisClusters
from service.adapters.redis_connection import RedisConnection
from service.adapters.redis_registry import RedisRegistry
from service.adapters.sql_store import SqlStore
from service.certificate import Certificate
from service.claim_traffic import SurgeLimits
from service.dispatching import Dispatcher
from service.feeds import Pseudonyms
from service.fleet import Fleet
from service.judging import Judging
from service.pipeline import FrontLimits, Pipeline
from service.policy import Policy
from service.policy_file import load
from service.ports import Announcer, Classifier, Observer, RecordStore, VerdictCache, WorkerRegistry
from service.settings import Settings
from service.surges import Surges
from service.timeline import SHIPPED, Weighing
from service.write_behind import WriteBehind

_STARTER = Path(__file__).parents[1] / "classifiers" / "starter"


@dataclass(frozen=True, slots=True)
class Front:
    """What a gRPC server needs: a started pipeline, the store of verdicts, the announcer that wakes watchers.

    And how it weighs an author's posts together.
    """

    pipeline: Pipeline
    store: RecordStore
    announcer: Announcer
    weighing: Weighing


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
class _Wires:
    """The connections that fronts and workers both hold."""

    redis: RedisConnection
    store: SqlStore
    queue: CeleryQueue
    announcer: RedisAnnouncer


@asynccontextmanager
async def _wires(settings: Settings) -> AsyncIterator[_Wires]:
    async with AsyncExitStack() as stack:
        store = await SqlStore.connect(settings.database_url)
        stack.push_async_callback(store.close)
        redis = RedisConnection(settings.redis_url)
        stack.push_async_callback(redis.close)
        queue, announcer = CeleryQueue(redis), RedisAnnouncer(redis)
        stack.push_async_callback(queue.close)
        stack.push_async_callback(announcer.close)
        yield _Wires(redis, store, queue, announcer)


@asynccontextmanager
async def front(settings: Settings) -> AsyncIterator[Front]:
    """A started pipeline; drained at the end."""
    weigh = weighing(settings)
    async with _wires(settings) as wires:
        pipeline = _pipeline(settings, wires)
        await pipeline.start()
        try:
            yield Front(pipeline, wires.store, wires.announcer, weigh)
        finally:
            await pipeline.drain()


def _pipeline(settings: Settings, wires: _Wires) -> Pipeline:
    observer = TelemetryObserver()
    cache = _cache(settings, wires.redis)
    dispatcher = Dispatcher(
        wires.store,
        wires.queue,
        observer,
        budget=settings.batch_tokens,
        messages=settings.bulk_messages,
        lease=settings.lease,
    )
    return Pipeline(
        front=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
        policy=policy(settings),
        store=wires.store,
        cache=cache,
        queue=wires.queue,
        fleet=Fleet(RedisRegistry(wires.redis), observer, batches_per_worker=settings.batches_per_worker),
        dispatcher=dispatcher,
        write_behind=WriteBehind(wires.store, cache, wires.announcer, observer),
        surges=_surges(settings, wires, observer),
        observer=observer,
        limits=_limits(settings),
    )


@asynccontextmanager
async def judging(settings: Settings, classifier: Classifier) -> AsyncIterator[Judging]:
    """A worker's half of the pipeline."""
    observer = TelemetryObserver()
    async with _wires(settings) as wires:
        yield Judging(
            policy=policy(settings),
            classifier=classifier,
            store=wires.store,
            cache=_redis_cache(settings, wires.redis),
            queue=wires.queue,
            attempts=RedisAttempts(wires.redis),
            announcer=wires.announcer,
            clusters=RedisClusters(wires.redis, window=settings.cluster_window),
            surges=_surges(settings, wires, observer),
            observer=observer,
        )


@asynccontextmanager
async def record_store(settings: Settings) -> AsyncIterator[RecordStore]:
    """The record store alone, for commands that need no Redis. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    try:
        yield store
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


def _surges(settings: Settings, wires: _Wires, observer: Observer) -> Surges:
    limits = SurgeLimits(posts=settings.surge_posts, share=settings.surge_share)
    return Surges(RedisClaimTraffic(wires.redis, window=settings.surge_window, limits=limits), wires.store, observer)


def _redis_cache(settings: Settings, connection: RedisConnection) -> RedisCache:
    return RedisCache(connection, ttl=settings.cache_ttl, jitter=settings.cache_jitter)


def _cache(settings: Settings, connection: RedisConnection) -> VerdictCache:
    cache = _redis_cache(settings, connection)
    if not settings.local_cache:
        return cache
    return LocalCache(cache, size=settings.local_cache, ttl=settings.local_ttl)


def _limits(settings: Settings) -> FrontLimits:
    return FrontLimits(
        default_deadline=settings.default_deadline,
        batch_tokens=settings.batch_tokens,
        gather_window=settings.gather_window,
        max_waiting=settings.max_waiting,
        lease=settings.lease,
        record_hits=settings.record_hits,
    )
