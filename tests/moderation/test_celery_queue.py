"""`CeleryQueue` with real Celery workers: the order of the lanes, what becomes of the batch when a worker ends."""

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable

import pytest

from service.domain.post import Post
from service.moderation.celery_queue import CeleryQueue
from service.moderation.transport import Batch, Lane
from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.redis_connection import RedisConnection
from tests.waiting import until

StartWorker = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
async def celery(redis_connection: RedisConnection) -> AsyncIterator[CeleryQueue]:
    queue = CeleryQueue(redis_connection)
    yield queue
    await queue.close()


def batch(name: str, seconds: float) -> Batch:
    return Batch(name, (Post(platform="test", id=name, text=str(seconds)),))


async def told(connection: RedisConnection, event: str, count: int) -> list[str]:
    """The first `count` names under `event`, once there are as many."""

    async def so_many() -> bool:
        return bool(await connection.client.llen(event) >= count)

    await until(so_many, within=20)
    names = await connection.client.lrange(event, 0, count - 1)
    return [name.decode() if isinstance(name, bytes) else name for name in names]


async def ended(worker: subprocess.Popen[bytes]) -> float:
    """Seconds until the worker has ended."""
    begun = time.perf_counter()
    await asyncio.wait_for(asyncio.to_thread(worker.wait), 20)
    return time.perf_counter() - begun


async def waiting(connection: RedisConnection, lane: Lane) -> list[str]:
    """Names of the batches in a lane, the next one first."""
    messages = await connection.client.lrange(f"assay:q:{lane}", 0, -1)
    return [json.loads(message)["headers"]["id"] for message in reversed(messages)]


async def test_live_overtakes_bulk_and_bulk_overtakes_replay(
    redis_connection: RedisConnection, celery: CeleryQueue, start_worker: StartWorker
) -> None:
    for number in range(100):
        await celery.send(Lane.BULK, batch(f"bulk-{number}", 0.02))
        if number < 3:
            await celery.send(Lane.REPLAY, batch(f"replay-{number}", 0.0))
    start_worker(redis_connection.url)
    before = len(await told(redis_connection, "begun", 10))
    before = max(before, await redis_connection.client.llen("begun"))
    await celery.send(Lane.LIVE, batch("live", 0.0))
    begun = await told(redis_connection, "begun", 104)
    assert begun.index("live") <= before + 1  # one that had begun, and no other, went before it
    assert [name for name in begun if name != "live"] == [
        *(f"bulk-{number}" for number in range(100)),
        *(f"replay-{number}" for number in range(3)),
    ]
    assert set((await celery.depths()).values()) == {0}
    assert await redis_connection.client.pubsub_channels() == []  # no gossip, no remote control


async def test_the_batch_of_a_killed_worker_comes_back(
    redis_connection: RedisConnection, celery: CeleryQueue, start_worker: StartWorker
) -> None:
    killed = start_worker(redis_connection.url, visibility_timeout=3.0)
    await celery.send(Lane.LIVE, batch("held", 1.0))
    await told(redis_connection, "begun", 1)
    begun = time.perf_counter()
    killed.send_signal(signal.SIGKILL)
    await celery.send(Lane.BULK, batch("other", 0.0))
    start_worker(redis_connection.url, visibility_timeout=3.0)
    assert await told(redis_connection, "begun", 3) == ["held", "other", "held"]
    assert 2.5 < time.perf_counter() - begun < 15  # kombu's own settings take 100 s
    assert await told(redis_connection, "done", 2) == ["other", "held"]


async def test_a_worker_outlives_an_outage_of_redis(
    own_redis: EmbeddedRedis, lost_connection: RedisConnection, start_worker: StartWorker
) -> None:
    celery = CeleryQueue(lost_connection)
    worker = start_worker(own_redis.url, visibility_timeout=3.0)
    await celery.send(Lane.LIVE, batch("held", 0.5))
    await told(lost_connection, "begun", 1)
    own_redis.stop()
    await asyncio.sleep(1.5)  # meanwhile the batch ends and cannot be acknowledged
    own_redis.start()
    await celery.send(Lane.LIVE, batch("after", 0.0))
    assert await told(lost_connection, "done", 2) == ["after", "held"]
    assert worker.poll() is None
    await celery.close()


async def test_sigterm_finishes_the_batch_and_leaves_the_rest(
    redis_connection: RedisConnection, celery: CeleryQueue, start_worker: StartWorker
) -> None:
    worker = start_worker(redis_connection.url)
    await celery.send(Lane.LIVE, batch("running", 1.0))
    await celery.send(Lane.LIVE, batch("next", 1.0))
    await told(redis_connection, "begun", 1)
    worker.send_signal(signal.SIGTERM)
    assert await ended(worker) < 5
    assert await told(redis_connection, "done", 1) == ["running"]
    assert await redis_connection.client.llen("begun") == 1
    assert await waiting(redis_connection, Lane.LIVE) == ["next"]


async def test_a_cold_shutdown_gives_the_batch_back_at_once(
    redis_connection: RedisConnection, celery: CeleryQueue, start_worker: StartWorker
) -> None:
    worker = start_worker(redis_connection.url)
    await celery.send(Lane.LIVE, batch("running", 10.0))
    await celery.send(Lane.LIVE, batch("next", 0.0))
    await told(redis_connection, "begun", 1)
    worker.send_signal(signal.SIGQUIT)
    assert await ended(worker) < 5
    assert await waiting(redis_connection, Lane.LIVE) == ["running", "next"]
    assert await redis_connection.client.llen("done") == 0
