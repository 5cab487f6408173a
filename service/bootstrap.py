"""The one place where adapters are chosen: settings in, wired parts out, as contexts that give connections back."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from service import certificate as certificates
from service import policy_parts, quality_parts, transparency_parts, webhook_parts
from service.adapters.celery_queue import CeleryQueue
from service.adapters.local_cache import LocalCache
from service.adapters.observer import TelemetryObserver
from service.adapters.redis_announcer import RedisAnnouncer
from service.adapters.redis_attempts import RedisAttempts
from service.adapters.redis_budget import RedisBudget
from service.adapters.redis_cache import RedisCache
from service.adapters.redis_claim_traffic import RedisClaimTraffic
from service.adapters.redis_clusters import RedisClusters
from service.adapters.redis_connection import RedisConnection
from service.adapters.redis_registry import RedisRegistry
from service.adapters.sql_review import SqlReview
from service.adapters.sql_store import SqlStore
from service.background import kept_running
from service.budget import Budget
from service.certificate import Certificate
from service.claim_traffic import SurgeLimits
from service.desk import Desk
from service.desk_parts import desk, directory
from service.dispatching import Dispatcher
from service.feeds import Pseudonyms
from service.fleet import Fleet
from service.following import Follower, SharedReading
from service.governance.governing import Governing
from service.governance.live import LivePolicy, PolicyWatch
from service.governance.ports import WatchObserver
from service.judging import Judging
from service.people.directory import Directory
from service.pipeline import FrontLimits, Pipeline
from service.policy import Policies, Policy
from service.policy_file import load
from service.ports import Announcer, Classifier, Observer, RecordStore, VerdictCache, WorkerRegistry
from service.review.appealing import Appealing
from service.review.casework import Casework
from service.review.opening import CaseOpening
from service.review.reviewing import Reviewing, ReviewLimits
from service.routing import Routing
from service.settings import Settings
from service.surges import Surges
from service.timeline import SHIPPED, Weighing
from service.transparency.publishing import Publishing
from service.webhooks.managing import Endpoints
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
    desk: Desk
    webhooks: Endpoints
    cases: Casework
    governing: Governing
    publishing: Publishing


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
    followed: SharedReading


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
        yield _Wires(redis, store, queue, announcer, SharedReading(store))


@asynccontextmanager
async def front(settings: Settings) -> AsyncIterator[Front]:
    """A started pipeline; drained at the end."""
    weigh = weighing(settings)
    observer = TelemetryObserver()
    async with AsyncExitStack() as stack:
        wires = await stack.enter_async_context(_wires(settings))
        webhooks = await stack.enter_async_context(
            webhook_parts.sending(settings, wires.store, wires.followed, wires.announcer, observer)
        )
        cache, budget = _cache(settings, wires.redis), Budget(RedisBudget(wires.redis), observer)
        live, governing = await stack.enter_async_context(_policies(settings, wires, budget, observer))
        cases = await stack.enter_async_context(_cases(settings, wires, cache, lambda: live.current.routing, observer))
        await stack.enter_async_context(transparency_parts.keeping(settings, wires.store))
        publishing = transparency_parts.publishing(settings, wires.store, wires.redis, lambda: live.current)
        pipeline = _pipeline(settings, wires, observer, cache, live, budget)
        await pipeline.start()
        await stack.enter_async_context(
            quality_parts.measured(
                settings, wires.store, wires.followed, wires.announcer, pipeline, policies=live, observer=observer
            )
        )
        try:
            told = wires.announcer
            at_desk = desk(
                settings, wires.store, told, policies=live, governing=governing, casework=cases, reading=pipeline
            )
            yield Front(pipeline, wires.store, told, weigh, at_desk, webhooks, cases, governing, publishing)
        finally:
            await pipeline.drain()


@asynccontextmanager
async def _policies(
    settings: Settings, wires: _Wires, budget: Budget, observer: TelemetryObserver
) -> AsyncIterator[tuple[LivePolicy, Governing]]:
    """The live policy, kept fresh while the context is open, and what people do with policies."""
    store, certified = wires.store, certificate(settings)
    live = await policy_parts.taken_up(settings, store, certified)
    observer.took_up(live.current)
    governing = policy_parts.governing(settings, store, certified, budget)
    await governing.enrol()
    watch = policy_parts.watch(live, store, certified, observer)
    async with (
        kept_running({"policy": watch.run}, observer),
        policy_parts.in_shadow(live, store, wires.followed, wires.announcer, observer),
    ):
        yield live, governing


def _pipeline(  # noqa: PLR0917 - a front's parts
    settings: Settings,
    wires: _Wires,
    observer: TelemetryObserver,
    cache: VerdictCache,
    decides: Policies,
    budget: Budget,
) -> Pipeline:
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
        policy=decides,
        store=wires.store,
        cache=cache,
        queue=wires.queue,
        fleet=Fleet(RedisRegistry(wires.redis), observer, batches_per_worker=settings.batches_per_worker),
        dispatcher=dispatcher,
        write_behind=WriteBehind(wires.store, cache, wires.announcer, observer),
        surges=_surges(settings, wires, observer),
        budget=budget,
        observer=observer,
        limits=_limits(settings),
    )


@asynccontextmanager
async def judging(
    settings: Settings, classifier: Classifier, policies: Policies | None = None
) -> AsyncIterator[Judging]:
    """A worker's half of the pipeline. `PolicyHouse.watch`, on a store of its own, keeps what it decides by fresh."""
    observer = TelemetryObserver()
    async with _wires(settings) as wires:
        yield Judging(
            policy=policies or await policy_parts.taken_up(settings, wires.store, certificate(settings)),
            classifier=classifier,
            store=wires.store,
            cache=_redis_cache(settings, wires.redis),
            queue=wires.queue,
            attempts=RedisAttempts(wires.redis),
            announcer=wires.announcer,
            clusters=RedisClusters(wires.redis, window=settings.cluster_window),
            surges=_surges(settings, wires, observer),
            budget=Budget(RedisBudget(wires.redis), observer),
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
async def governing_alone(settings: Settings) -> AsyncIterator[Governing]:
    """What people do with policies, for commands that need no Redis. Raises as `SqlStore.connect` and `policy` do."""
    store = await SqlStore.connect(settings.database_url)
    try:
        yield policy_parts.governing(settings, store, certificate(settings))
    finally:
        await store.close()


@asynccontextmanager
async def review_store(settings: Settings) -> AsyncIterator[tuple[SqlReview, RecordStore]]:
    """Review, and the record store beside it, for commands that need no Redis. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    try:
        yield SqlReview.beside(store), store
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


@asynccontextmanager
async def people(settings: Settings) -> AsyncIterator[Directory]:
    """The people alone, for commands that need no Redis. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    try:
        yield directory(store)
    finally:
        await store.close()


@asynccontextmanager
async def desk_alone(settings: Settings) -> AsyncIterator[Desk]:
    """The desk of a dashboard without a gRPC server in its process: that of a front of its own."""
    async with front(settings) as at:
        yield at.desk


def casework(
    settings: Settings,
    store: SqlStore,
    *,
    routing: Callable[[], Routing],
    observer: Observer,
    cache: VerdictCache | None = None,
    announcer: Announcer | None = None,
) -> Casework:
    """Cases and appeals on this store; `routing` gives what the live policy says of them."""
    review = SqlReview.beside(store)
    limits = ReviewLimits(lease=settings.review_lease, undo_within=settings.review_undo)
    return Casework(
        Reviewing(review, store, routing=routing, observer=observer, cache=cache, announcer=announcer, limits=limits),
        Appealing(review, store, routing=routing, observer=observer, cache=cache, announcer=announcer),
    )


@asynccontextmanager
async def _cases(
    settings: Settings, wires: _Wires, cache: VerdictCache, routing: Callable[[], Routing], observer: Observer
) -> AsyncIterator[Casework]:
    """Opens cases for what is recorded while the context is open."""
    review, announcer = SqlReview.beside(wires.store), wires.announcer
    opening = CaseOpening(review, wires.store, cache=cache, announcer=announcer, routing=routing, observer=observer)
    follower = Follower("cases", wires.followed, announcer, opening.handle, observer)
    async with kept_running({"cases": follower.run, "returned cases": opening.sweep_on}, observer):
        yield casework(settings, wires.store, routing=routing, observer=observer, cache=cache, announcer=announcer)


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
