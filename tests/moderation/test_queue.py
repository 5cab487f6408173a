"""What every `Queue` keeps to. The order in which workers take them is tested in `test_celery_queue`."""

import asyncio
import os
import signal
import time
from contextlib import suppress

import pytest

from service.domain.verdict import Verdict
from service.errors import RedisUnavailable
from service.moderation.celery_queue import CeleryQueue, broker_url
from service.moderation.ports import Queue
from service.moderation.transport import Batch, Lane, Reply
from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.redis_connection import RedisConnection
from tests.factories import post_of, verdict_of
from tests.waiting import until


def reply_of(batch_id: str, *verdicts: Verdict) -> Reply:
    return Reply(batch_id, verdicts, tuple(verdict.post for verdict in verdicts))


class TestQueue:
    async def test_depths_count_the_messages_of_each_lane(self, queue: Queue) -> None:
        assert await queue.depths() == {Lane.LIVE: 0, Lane.BULK: 0, Lane.REPLAY: 0}
        for number, lane in enumerate((Lane.LIVE, Lane.REPLAY, Lane.LIVE)):
            await queue.send(lane, Batch(str(number), (post_of(), post_of(id="2"))))
        assert await queue.depths() == {Lane.LIVE: 2, Lane.BULK: 0, Lane.REPLAY: 1}

    async def test_a_reply_arrives_whole(self, queue: Queue) -> None:
        reply = reply_of("b1", verdict_of(post_of()), verdict_of(post_of("other", id="2")))
        await queue.reply("front-1", reply)
        async with asyncio.timeout(5):
            assert await anext(queue.replies("front-1")) == reply

    async def test_replies_come_in_order_and_to_their_front_alone(self, queue: Queue) -> None:
        for number in range(3):
            await queue.reply("front-1", reply_of(f"1-{number}"))
            await queue.reply("front-2", reply_of(f"2-{number}"))
        replies = queue.replies("front-2")
        async with asyncio.timeout(5):
            assert [(await anext(replies)).batch_id for _ in range(3)] == ["2-0", "2-1", "2-2"]

    async def test_replies_are_waited_for(self, queue: Queue) -> None:
        waiting = asyncio.ensure_future(anext(queue.replies("front-1")))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await queue.reply("front-1", reply_of("late"))
        async with asyncio.timeout(5):
            assert (await waiting).batch_id == "late"


class TestCeleryQueue:
    @pytest.mark.parametrize(
        ("url", "broker"),
        [
            ("redis://host:6379/3", "redis://host:6379/3"),
            ("rediss://user:pass@host", "rediss://user:pass@host"),
            ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
            ("unix://:pass@/run/redis.sock?db=2", "redis+socket://:pass@/run/redis.sock?virtual_host=2"),
        ],
    )
    def test_the_broker_is_the_same_redis(self, url: str, broker: str) -> None:
        assert broker_url(url) == broker

    async def test_sending_fails_fast_and_recovers(
        self, own_redis: EmbeddedRedis, lost_connection: RedisConnection
    ) -> None:
        queue, batch = CeleryQueue(lost_connection), Batch("b1", (post_of(),))
        await queue.send(Lane.LIVE, batch)
        own_redis.stop()
        begun = time.perf_counter()
        for _ in range(10):
            with pytest.raises(RedisUnavailable):
                await queue.send(Lane.LIVE, batch)
        assert time.perf_counter() - begun < 1
        own_redis.start()

        async def sent() -> bool:
            with suppress(RedisUnavailable):
                await queue.send(Lane.LIVE, batch)
                return True
            return False

        await until(sent)
        assert (await queue.depths())[Lane.LIVE] == 2
        await queue.close()

    async def test_a_queue_that_starts_before_redis_works_once_it_is_there(
        self, own_redis: EmbeddedRedis, lost_connection: RedisConnection
    ) -> None:
        queue, batch = CeleryQueue(lost_connection), Batch("b1", (post_of(),))
        own_redis.stop()
        begun = time.perf_counter()
        with pytest.raises(RedisUnavailable):
            await queue.send(Lane.BULK, batch)
        assert time.perf_counter() - begun < 0.5
        own_redis.start()
        await queue.send(Lane.BULK, batch)
        assert (await queue.depths())[Lane.BULK] == 1
        await queue.close()

    async def test_many_that_send_to_a_redis_that_hangs_wait_a_second_at_most(
        self, own_redis: EmbeddedRedis, lost_connection: RedisConnection
    ) -> None:
        queue = CeleryQueue(lost_connection)
        await queue.send(Lane.LIVE, Batch("first", (post_of(),)))
        process: int = (await lost_connection.client.info("server"))["process_id"]
        os.kill(process, signal.SIGSTOP)
        begun = time.perf_counter()
        sends = (queue.send(Lane.LIVE, Batch(str(number), (post_of(),))) for number in range(20))
        answers = await asyncio.gather(*sends, return_exceptions=True)
        os.kill(process, signal.SIGCONT)
        assert time.perf_counter() - begun < 1.5
        assert {type(answer) for answer in answers} == {RedisUnavailable}
        await queue.close()

    async def test_it_uses_the_database_that_the_url_names(self, redis_url: str) -> None:
        connection = RedisConnection(f"{redis_url}?db=2")
        queue = CeleryQueue(connection)
        await queue.send(Lane.REPLAY, Batch("b1", (post_of(),)))
        assert (await queue.depths())[Lane.REPLAY] == 1
        await queue.close()
        await connection.close()

    async def test_replies_wait_out_an_outage(self, own_redis: EmbeddedRedis, lost_connection: RedisConnection) -> None:
        queue = CeleryQueue(lost_connection)
        waiting = asyncio.ensure_future(anext(queue.replies("front-1")))
        await asyncio.sleep(0.1)
        own_redis.stop()
        await asyncio.sleep(0.7)
        own_redis.start()
        await queue.reply("front-1", reply_of("after"))
        async with asyncio.timeout(5):
            assert (await waiting).batch_id == "after"
        await queue.close()

    async def test_replies_to_a_front_that_is_gone_are_forgotten(self, redis_connection: RedisConnection) -> None:
        queue = CeleryQueue(redis_connection)
        await queue.reply("gone", reply_of("b1"))
        assert 0 < await redis_connection.client.ttl("assay:r:gone") <= 60
        await queue.close()
