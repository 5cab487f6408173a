"""Chooses the adapters of quality: settings in, wired parts out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.domain.decision import Ruling
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.moderation.pipeline import Pipeline
from service.moderation.ports import Observer
from service.policy.policy import Policies
from service.policy.routing import Routing
from service.quality.drift_watch import DriftWatch
from service.quality.golden_maker import GoldenMaker
from service.quality.golden_scheduler import GoldenScheduler
from service.quality.krippendorff import alpha
from service.quality.measures import Quality
from service.quality.prevalence import Rates
from service.quality.sampling import FOLLOWER, Sampling
from service.quality.sql.store import SqlQuality
from service.quality.telemetry import QualityTelemetry
from service.records.followers import Followed, Follower
from service.records.ports import Announcer
from service.records.sql.store import SqlStore
from service.review.sql.store import SqlReview
from service.runtime.settings import Settings
from service.supervision import kept_running


def quality(store: SqlStore) -> Quality:
    """What is known of how good decisions are, on this store."""
    held = SqlQuality.beside(store)
    return Quality(held, held, alpha)


@asynccontextmanager
async def alone(settings: Settings) -> AsyncIterator[tuple[Quality, GoldenMaker]]:
    """Quality without a front, for commands. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    try:
        measures = quality(store)
        yield measures, GoldenMaker(measures, SqlReview.beside(store), store)
    finally:
        await store.close()


def rates(settings: Settings) -> Rates:
    """How the prevalence sample is drawn."""
    return Rates(
        share=settings.prevalence_share, per_day=settings.prevalence_per_day, flagged=settings.prevalence_flagged
    )


@asynccontextmanager
async def measured(
    settings: Settings,
    store: SqlStore,
    followed: Followed,
    announcer: Announcer,
    pipeline: Pipeline,
    *,
    policies: Policies,
    observer: Observer,
) -> AsyncIterator[None]:
    """Counts, samples, mixes golden items in and watches for drift while the context is open."""
    held, cases, telemetry = SqlQuality.beside(store), SqlReview.beside(store), QualityTelemetry()

    def decide(post: Post, judgement: Judgement) -> tuple[Ruling, str]:
        live = policies.current
        return live.decide(post, judgement), live.version

    def routing() -> Routing:
        return policies.current.routing

    sampling = Sampling(held, store, cases, routing=routing, observer=telemetry, rates=rates(settings))
    scheduler = GoldenScheduler(
        held,
        cases,
        read=pipeline.read,
        decide=decide,
        routing=routing,
        observer=telemetry,
        every=settings.golden_every,
    )
    follower = Follower(FOLLOWER, followed, announcer, sampling.handle, observer)
    watch = DriftWatch(quality(store), held, telemetry)
    loops = {"quality": follower.run, "golden": scheduler.run, "quality watch": watch.run}
    async with kept_running(loops, observer):
        yield
