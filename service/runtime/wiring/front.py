"""Makes a front from settings: adapters, use cases and loops, as one context that closes them all."""

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from service.claims.ports import ClaimStore
from service.dashboard.services import DashboardServices
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.moderation.author import Weighing
from service.moderation.deciding import Deciding
from service.moderation.dispatching import Dispatcher
from service.moderation.local_cache import LocalCache
from service.moderation.pipeline import FrontLimits, FrontRecords, Pipeline, Workers
from service.moderation.ports import VerdictCache
from service.moderation.redis.registry import RedisRegistry
from service.moderation.telemetry import TelemetryObserver
from service.moderation.worker_pool import WorkerPool
from service.moderation.write_behind import WriteBehind
from service.policy.budget import Budget
from service.policy.document import PolicyDocuments
from service.policy.governance import shadow
from service.policy.governance.governing import Governing
from service.policy.governance.live import LivePolicy, PolicyWatch
from service.policy.redis_budget import RedisBudget
from service.policy.routing import Routing
from service.policy.sql.shadow import SqlShadow
from service.policy.sql.versions import SqlPolicies
from service.quality import sampling
from service.quality.drift_watch import DriftWatch
from service.quality.golden_scheduler import GoldenScheduler
from service.quality.sql.store import SqlQuality
from service.quality.telemetry import QualityTelemetry
from service.records.followers import Follower, Handle, SharedReading
from service.records.ports import Announcer, RecordReader
from service.review.casework import Casework
from service.review.opening import CaseOpening
from service.review.sql.store import SqlReview
from service.runtime.settings import Settings
from service.runtime.wiring import use_cases
from service.runtime.wiring.connections import (
    Connections,
    certificate,
    connected,
    live_policy,
    redis_cache,
    surges_of,
    weighing,
)
from service.storage.redis_connection import RedisConnection
from service.supervision import Loop, kept_running
from service.transparency.publishing import Publishing
from service.transparency.telemetry import TransparencyObserver
from service.webhooks import enqueueing
from service.webhooks.delivering import Delivering
from service.webhooks.http_sender import HttpSender
from service.webhooks.managing import Endpoints
from service.webhooks.sql.store import SqlWebhooks
from service.webhooks.telemetry import WebhookTelemetry


@dataclass(frozen=True, slots=True)
class Front:
    """The parts for doors: a started pipeline, the store of verdicts, the announcer that wakes watchers, the use cases.

    And the weights for an author's posts.
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
    """A front while the context is open; drained at the end. Raises as `connected` and `live_policy` do."""
    observer, weigh = TelemetryObserver(), weighing(settings)
    async with connected(settings) as held, use_cases.opened_sender(settings) as sender:
        store, cache, budget = held.store, _cache(settings, held.redis), Budget(RedisBudget(held.redis), observer)
        live = await live_policy(settings, store)
        observer.took_up(live.current)
        at = _Parts(settings, held, cache, live, Deciding(live, budget), observer, SharedReading(store))

        governing = use_cases.governing(settings, store, budget)
        await governing.enrol()
        cases = use_cases.casework(
            settings, store, routing=at.routing, observer=observer, cache=cache, announcer=held.announcer
        )
        publishing = use_cases.publishing(settings, store, held.redis, lambda: live.current)
        pipeline = _pipeline(at)
        services = use_cases.dashboard_services(
            settings, store, held.announcer, policies=live, governing=governing, casework=cases, reading=pipeline
        )
        async with (
            kept_running(_loops(at, sender), observer),
            _started(pipeline),
            kept_running(_measuring(at, pipeline), observer),
        ):
            yield Front(
                pipeline=pipeline,
                store=store,
                claims=services.claims,
                announcer=held.announcer,
                weighing=weigh,
                services=services,
                webhooks=use_cases.endpoints(settings, store, sender),
                cases=cases,
                governing=governing,
                publishing=publishing,
            )


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts that much of a front shares."""

    settings: Settings
    held: Connections
    cache: VerdictCache
    live: LivePolicy
    deciding: Deciding
    observer: TelemetryObserver
    followed: SharedReading

    def routing(self) -> Routing:
        """The live policy's routing of cases."""
        return self.live.current.routing

    def follow(self, name: str, handle: Handle, start_at: Literal["beginning", "now"] = "beginning") -> Loop:
        """Follows the records for `handle`."""
        return Follower(name, self.followed, self.held.announcer, handle, self.observer, start_at).run


def _loops(at: _Parts, sender: HttpSender) -> dict[str, Loop]:
    """Background loops: policy, cases, webhooks, retention."""
    settings, store, observer = at.settings, at.held.store, at.observer
    reader, webhooks = PolicyDocuments(certificate(settings)), SqlWebhooks.beside(store)
    trial = shadow.Shadow(lambda: at.live.shadow, store, SqlShadow.beside(store))
    opening = CaseOpening(
        SqlReview.beside(store),
        store,
        cache=at.cache,
        announcer=at.held.announcer,
        routing=at.routing,
        observer=observer,
    )
    delivering = Delivering(webhooks, sender, WebhookTelemetry())
    return {
        "policy": PolicyWatch(at.live, SqlPolicies.beside(store), reader, observer).run,
        shadow.FOLLOWER: at.follow(shadow.FOLLOWER, trial.handle, "now"),
        "cases": at.follow("cases", opening.handle),
        "returned cases": opening.sweep_on,
        "webhook follower": at.follow(
            enqueueing.FOLLOWER, enqueueing.Webhooks(webhooks, delivering.poke).handle, "now"
        ),
        "webhooks": delivering.run,
        "retention": use_cases.keeper(settings, store, TransparencyObserver()).run,
    }


def _measuring(at: _Parts, pipeline: Pipeline) -> dict[str, Loop]:
    """Background loops on a started pipeline: counts, samples, golden items, the watch for drift."""
    settings, store, telemetry = at.settings, at.held.store, QualityTelemetry()
    quality, cases = SqlQuality.beside(store), SqlReview.beside(store)

    def decide(post: Post, judgement: Judgement) -> Verdict:
        return at.deciding.uncounted([post], [(judgement, Source.MODEL)])[0]

    rates = use_cases.rates(settings)
    sample = sampling.Sampling(quality, store, cases, routing=at.routing, observer=telemetry, rates=rates)
    scheduler = GoldenScheduler(
        quality,
        cases,
        read=pipeline.read,
        decide=decide,
        routing=at.routing,
        observer=telemetry,
        every=settings.golden_every,
    )
    return {
        "quality": at.follow(sampling.FOLLOWER, sample.handle),
        "golden": scheduler.run,
        "quality watch": DriftWatch(use_cases.quality(store), quality, telemetry).run,
    }


def _pipeline(at: _Parts) -> Pipeline:
    settings, held, cache, observer = at.settings, at.held, at.cache, at.observer
    dispatcher = Dispatcher(
        held.store,
        held.queue,
        observer,
        budget=settings.batch_tokens,
        messages=settings.bulk_messages,
        lease=settings.lease,
    )
    return Pipeline(
        records=FrontRecords(held.store, cache, WriteBehind(held.store, cache, held.announcer, observer)),
        workers=Workers(
            f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
            held.queue,
            WorkerPool(RedisRegistry(held.redis), observer, batches_per_worker=settings.batches_per_worker),
            dispatcher,
        ),
        deciding=at.deciding,
        surges=surges_of(settings, held, observer),
        observer=observer,
        limits=FrontLimits(
            default_deadline=settings.default_deadline,
            batch_tokens=settings.batch_tokens,
            gather_window=settings.gather_window,
            max_waiting=settings.max_waiting,
            lease=settings.lease,
            record_hits=settings.record_hits,
        ),
    )


@asynccontextmanager
async def _started(pipeline: Pipeline) -> AsyncIterator[None]:
    await pipeline.start()
    try:
        yield
    finally:
        await pipeline.drain()


def _cache(settings: Settings, connection: RedisConnection) -> VerdictCache:
    cache = redis_cache(settings, connection)
    if not settings.local_cache:
        return cache
    return LocalCache(cache, size=settings.local_cache, ttl=settings.local_ttl)
