"""A front out of settings: adapters chosen and parts wired, as contexts that give connections back."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from service.claims.ports import ClaimStore
from service.dashboard.services import DashboardServices
from service.moderation.author import Weighing
from service.moderation.dispatching import Dispatcher
from service.moderation.local_cache import LocalCache
from service.moderation.pipeline import FrontLimits, Pipeline
from service.moderation.ports import Observer, VerdictCache
from service.moderation.redis.registry import RedisRegistry
from service.moderation.telemetry import TelemetryObserver
from service.moderation.worker_pool import WorkerPool
from service.moderation.write_behind import WriteBehind
from service.policy.budget import Budget
from service.policy.governance.governing import Governing
from service.policy.governance.live import LivePolicy
from service.policy.policy import Policies
from service.policy.redis_budget import RedisBudget
from service.policy.routing import Routing
from service.records.followers import Follower
from service.records.ports import Announcer, RecordReader
from service.records.sql.store import SqlStore
from service.review.appealing import Appealing
from service.review.casework import Casework
from service.review.opening import CaseOpening
from service.review.reviewing import Reviewing, ReviewLimits
from service.review.sql.store import SqlReview
from service.runtime.settings import Settings
from service.runtime.wiring import policy as policy_parts
from service.runtime.wiring import quality as quality_parts
from service.runtime.wiring import transparency as transparency_parts
from service.runtime.wiring import webhooks as webhook_parts
from service.runtime.wiring.connections import Connections, certificate, connected, redis_cache, surges_of, weighing
from service.runtime.wiring.dashboard import dashboard_services
from service.storage.redis_connection import RedisConnection
from service.supervision import kept_running
from service.transparency.publishing import Publishing
from service.webhooks.managing import Endpoints


@dataclass(frozen=True, slots=True)
class Front:
    """What a gRPC server needs: a started pipeline, the store of verdicts, the announcer that wakes watchers.

    And how it weighs an author's posts together.
    """

    pipeline: Pipeline
    store: RecordReader
    claims: ClaimStore
    announcer: Announcer
    weighing: Weighing
    services: DashboardServices
    webhooks: Endpoints
    cases: Casework
    governing: Governing
    publishing: Publishing


@asynccontextmanager
async def started_front(settings: Settings) -> AsyncIterator[Front]:
    """A started pipeline; drained at the end."""
    weigh = weighing(settings)
    observer = TelemetryObserver()
    async with AsyncExitStack() as stack:
        held = await stack.enter_async_context(connected(settings))
        webhooks = await stack.enter_async_context(
            webhook_parts.sending(settings, held.store, held.followed, held.announcer, observer)
        )
        cache, budget = _cache(settings, held.redis), Budget(RedisBudget(held.redis), observer)
        live, governing = await stack.enter_async_context(_policies(settings, held, budget, observer))
        cases = await stack.enter_async_context(_cases(settings, held, cache, lambda: live.current.routing, observer))
        await stack.enter_async_context(transparency_parts.keeping(settings, held.store))
        publishing = transparency_parts.publishing(settings, held.store, held.redis, lambda: live.current)
        pipeline = _pipeline(settings, held, observer, cache, live, budget)
        await pipeline.start()
        await stack.enter_async_context(
            quality_parts.measured(
                settings, held.store, held.followed, held.announcer, pipeline, policies=live, observer=observer
            )
        )
        try:
            told = held.announcer
            services = dashboard_services(
                settings, held.store, told, policies=live, governing=governing, casework=cases, reading=pipeline
            )
            yield Front(
                pipeline, held.store, services.claims, told, weigh, services, webhooks, cases, governing, publishing
            )
        finally:
            await pipeline.drain()


@asynccontextmanager
async def _policies(
    settings: Settings, held: Connections, budget: Budget, observer: TelemetryObserver
) -> AsyncIterator[tuple[LivePolicy, Governing]]:
    """The live policy, kept fresh while the context is open, and what people do with policies."""
    store, certified = held.store, certificate(settings)
    live = await policy_parts.taken_up(settings, store, certified)
    observer.took_up(live.current)
    governing = policy_parts.governing(settings, store, certified, budget)
    await governing.enrol()
    watch = policy_parts.watch(live, store, certified, observer)
    async with (
        kept_running({"policy": watch.run}, observer),
        policy_parts.in_shadow(live, store, held.followed, held.announcer, observer),
    ):
        yield live, governing


def _pipeline(  # noqa: PLR0917 - a front's parts
    settings: Settings,
    held: Connections,
    observer: TelemetryObserver,
    cache: VerdictCache,
    decides: Policies,
    budget: Budget,
) -> Pipeline:
    dispatcher = Dispatcher(
        held.store,
        held.queue,
        observer,
        budget=settings.batch_tokens,
        messages=settings.bulk_messages,
        lease=settings.lease,
    )
    return Pipeline(
        front=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
        policy=decides,
        store=held.store,
        cache=cache,
        queue=held.queue,
        worker_pool=WorkerPool(RedisRegistry(held.redis), observer, batches_per_worker=settings.batches_per_worker),
        dispatcher=dispatcher,
        write_behind=WriteBehind(held.store, cache, held.announcer, observer),
        surges=surges_of(settings, held, observer),
        budget=budget,
        observer=observer,
        limits=_limits(settings),
    )


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
        Reviewing(
            review,
            review,
            review,
            store,
            routing=routing,
            observer=observer,
            cache=cache,
            announcer=announcer,
            limits=limits,
        ),
        Appealing(review, store, routing=routing, observer=observer, cache=cache, announcer=announcer),
    )


@asynccontextmanager
async def _cases(
    settings: Settings, held: Connections, cache: VerdictCache, routing: Callable[[], Routing], observer: Observer
) -> AsyncIterator[Casework]:
    """Opens cases for what is recorded while the context is open."""
    review, announcer = SqlReview.beside(held.store), held.announcer
    opening = CaseOpening(review, held.store, cache=cache, announcer=announcer, routing=routing, observer=observer)
    follower = Follower("cases", held.followed, announcer, opening.handle, observer)
    async with kept_running({"cases": follower.run, "returned cases": opening.sweep_on}, observer):
        yield casework(settings, held.store, routing=routing, observer=observer, cache=cache, announcer=announcer)


def _cache(settings: Settings, connection: RedisConnection) -> VerdictCache:
    cache = redis_cache(settings, connection)
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
