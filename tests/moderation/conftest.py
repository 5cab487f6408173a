"""The adapters of each port of moderation, and Celery workers."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from service.moderation.celery_queue import CeleryQueue
from service.moderation.local_cache import LocalCache
from service.moderation.ports import Attempts, Clusters, Queue, VerdictCache, WorkerRegistry
from service.moderation.redis.attempts import RedisAttempts
from service.moderation.redis.cache import RedisCache
from service.moderation.redis.clusters import RedisClusters
from service.moderation.redis.registry import RedisRegistry
from service.storage.redis_connection import RedisConnection
from tests.fakes.clusters import MemoryClusters
from tests.fakes.queue_and_cache import (
    MemoryAttempts,
    MemoryCache,
    MemoryQueue,
    MemoryRegistry,
)

ADAPTERS = ("memory", "redis")


@pytest.fixture(params=(*ADAPTERS, "local before redis"))
def cache_of(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> Callable[[float], VerdictCache]:
    """Makes each `VerdictCache`, given the seconds that its entries live."""
    if request.param == "memory":
        return lambda ttl: MemoryCache(ttl=ttl)
    if request.param == "redis":
        return lambda ttl: RedisCache(redis_connection, ttl=ttl)
    return lambda ttl: LocalCache(RedisCache(redis_connection, ttl=ttl), size=1000, ttl=ttl)


@pytest.fixture
def cache(cache_of: Callable[[float], VerdictCache]) -> VerdictCache:
    """Each `VerdictCache`."""
    return cache_of(60.0)


@pytest.fixture(params=ADAPTERS)
async def queue(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> AsyncIterator[Queue]:
    """Each `Queue`."""
    if request.param == "memory":
        yield MemoryQueue()
        return
    celery = CeleryQueue(redis_connection)
    yield celery
    await celery.close()


@pytest.fixture(params=ADAPTERS)
def registry_of(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> Callable[[float], WorkerRegistry]:
    """Makes each `WorkerRegistry`, given the seconds that a beat counts."""
    if request.param == "memory":
        return lambda lifetime: MemoryRegistry(lifetime=lifetime)
    return lambda lifetime: RedisRegistry(redis_connection, lifetime=lifetime)


@pytest.fixture(params=ADAPTERS)
def attempts(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> Attempts:
    """Each `Attempts`."""
    if request.param == "memory":
        return MemoryAttempts()
    return RedisAttempts(redis_connection)


@pytest.fixture(params=ADAPTERS)
def clusters_of(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> Callable[[float], Clusters]:
    """Makes each `Clusters`, given the seconds that a cluster waits for its next text."""
    if request.param == "memory":
        return lambda window: MemoryClusters(window=window)
    return lambda window: RedisClusters(redis_connection, window=window)


@pytest.fixture
def clusters(clusters_of: Callable[[float], Clusters]) -> Clusters:
    """Each `Clusters`."""
    return clusters_of(60.0)


@pytest.fixture
def start_worker() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts real Celery workers that run `tests/moderation/echo_worker.py` on a URL; they are killed at the end."""
    root = Path(__file__).parents[2]
    with tempfile.TemporaryFile() as log:
        workers: list[subprocess.Popen[bytes]] = []

        def start(url: str, *, visibility_timeout: float = 60.0) -> subprocess.Popen[bytes]:
            workers.append(
                subprocess.Popen(
                    [sys.executable, "-m", "celery", "-A", "echo_worker", "worker", "--loglevel", "warning"],
                    env={
                        **os.environ,
                        "ASSAY_REDIS_URL": url,
                        "ASSAY_VISIBILITY_TIMEOUT": str(visibility_timeout),
                        "PYTHONPATH": os.pathsep.join((str(root), str(root / "tests" / "moderation"))),
                    },
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
            return workers[-1]

        yield start
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
