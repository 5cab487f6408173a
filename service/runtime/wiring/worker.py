"""Makes a worker from settings: its judging, and its background loops. `workers.tasks` runs it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from service.claims.ports import ClaimStore
from service.claims.sql import SqlClaims
from service.failures import FailureLog, UnforeseenLog
from service.moderation.deciding import Deciding
from service.moderation.judging import Judging, Records, Tasks
from service.moderation.ports import Classifier
from service.moderation.redis.attempts import RedisAttempts
from service.moderation.redis.clusters import RedisClusters
from service.moderation.redis.registry import RedisRegistry
from service.moderation.telemetry import TelemetryObserver
from service.moderation.transport import WorkerInfo
from service.policy.budget import Budget
from service.policy.document import PolicyDocuments
from service.policy.governance.live import LivePolicy, PolicyWatch
from service.policy.policy import Policy
from service.policy.redis_budget import RedisBudget
from service.policy.sql.versions import SqlPolicies
from service.records.sql.store import SqlStore
from service.runtime.settings import Settings
from service.runtime.wiring.connections import (
    certificate,
    connected,
    live_policy,
    opened_redis,
    opened_store,
    redis_cache,
    surges_of,
)
from service.supervision import Loop, every

_INTERVAL = 2.0

TakeUpClaims = Callable[[ClaimStore], Awaitable[object]]
"""Loads the claims of the store if they have changed."""


@dataclass(frozen=True, slots=True)
class Worker:
    """The judging of batches by the live policy; the store that it records in, and the claims in it."""

    judging: Judging
    live: LivePolicy
    store: SqlStore
    claims: ClaimStore


@asynccontextmanager
async def opened(settings: Settings, classifier: Classifier, live: LivePolicy | None = None) -> AsyncIterator[Worker]:
    """A worker's half of the pipeline while the context is open. Raises as `connected` and `live_policy` do."""
    observer = TelemetryObserver()
    async with connected(settings) as held:
        live = live or await live_policy(settings, held.store)
        judging = Judging(
            tasks=Tasks(held.queue, RedisAttempts(held.redis)),
            classifier=classifier,
            clusters=RedisClusters(held.redis, window=settings.cluster_window),
            surges=surges_of(settings, held, observer),
            deciding=Deciding(live, Budget(RedisBudget(held.redis), observer)),
            records=Records(held.store, redis_cache(settings, held.redis), held.announcer),
            observer=observer,
        )
        yield Worker(judging, live, held.store, SqlClaims.beside(held.store))


def beside(
    settings: Settings, live: LivePolicy, info: Callable[[], WorkerInfo], take_up: TakeUpClaims | None
) -> dict[str, Loop]:
    """The background loops, each on its own event loop and so with its own connection.

    `info` returns the worker's current state; `take_up` is None for a worker without claims.
    """
    loops: dict[str, Loop] = {
        "heartbeat": lambda: heartbeat(settings, info),
        "policy": lambda: watch_policy(settings, live),
    }
    if take_up is not None:
        loops["claims"] = lambda: watch_claims(settings, take_up)
    return loops


async def heartbeat(settings: Settings, info: Callable[[], WorkerInfo]) -> None:
    """Registers this worker as alive, for ever."""
    async with opened_redis(settings) as redis:
        registry = RedisRegistry(redis)
        await every(_INTERVAL, lambda: registry.beat(info()), UnforeseenLog(), "heartbeat")


async def watch_policy(settings: Settings, live: LivePolicy) -> None:
    """Keeps the policy fresh, for ever. A batch is decided by one policy, the next by the one live then."""
    reader = PolicyDocuments(certificate(settings))
    async with opened_store(settings) as store:
        await PolicyWatch(live, SqlPolicies.beside(store), reader, _PolicyLog(), interval=_INTERVAL).run()


async def watch_claims(settings: Settings, take_up: TakeUpClaims) -> None:
    """Keeps the claims that the worker holds fresh, for ever."""
    async with opened_store(settings) as store:
        await every(_INTERVAL, lambda: take_up(SqlClaims.beside(store)), UnforeseenLog(), "claims")


class _PolicyLog(FailureLog):
    """Logs the reports of the watch over the policy."""

    def took_up(self, policy: Policy) -> None:
        """Log it."""
        structlog.get_logger("assay").info("policy loaded", policy=policy.version, title=policy.name)
