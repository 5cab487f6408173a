"""The queue to the Celery workers and back, both in Redis.

Batches go out as Celery task messages, published with kombu itself: `Celery.send_task` costs twice as much a message
(it prints the arguments for a monitor that is not there). Answers come back as plain lists, one per front.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import structlog
from kombu import Connection, Producer
from kombu.exceptions import OperationalError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.moderation.transport import Batch, Lane, Reply
from service.moderation.wire import decode_reply, encode_batch, encode_reply
from service.storage.redis_connection import RedisConnection

_log = structlog.get_logger(__name__)

TASK = "assay.judge"
QUEUES, REPLIES = "assay:q:", "assay:r:"
"""What the keys of queues, and of the lists that answers to a front wait in, begin with."""

# What producer and worker must agree on. One priority step: lanes are queues, so a queue is one list.
WIRE: Mapping[str, Any] = {"global_keyprefix": QUEUES, "priority_steps": [0]}

_REPLY_LIFETIME = 60  # seconds to keep answers to a front that is gone
_POP = 5  # seconds that one blocking pop waits


class CeleryQueue:
    """A `Queue`. kombu's publishing blocks, so one thread of this queue's own does it."""

    def __init__(self, connection: RedisConnection) -> None:
        self._redis = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="publish")
        self._broker = Connection(
            broker_url(connection.url),
            transport_options={
                **WIRE,
                "socket_timeout": connection.timeout,
                "socket_connect_timeout": connection.connect_timeout,
            },
        )
        self._producer: Producer | None = None

    async def send(self, lane: Lane, batch: Batch) -> None:
        """See `Queue`. A message sent as Redis went away may have arrived nevertheless."""
        with self._redis.breaker:
            async with asyncio.timeout(2 * self._redis.timeout):  # others may be before it in the thread's queue
                await asyncio.get_running_loop().run_in_executor(self._thread, self._publish, lane, batch)

    async def reply(self, to: str, reply: Reply) -> None:
        """See `Queue`."""
        key, value = _reply_key(to), json.dumps(encode_reply(reply), separators=(",", ":"))
        with self._redis.breaker:
            async with self._redis.client.pipeline(transaction=False) as pipe:
                pipe.rpush(key, value)
                pipe.expire(key, _REPLY_LIFETIME)
                await pipe.execute()

    async def replies(self, front: str) -> AsyncIterator[Reply]:
        """See `Queue`. Close it (`aclose`) to release its connection."""
        client = self._redis.blocking(timeout=2 * _POP)
        try:
            while True:
                value = await self._pop(client, _reply_key(front))
                if value is not None:
                    yield decode_reply(json.loads(value))
        finally:
            await client.aclose()

    async def depths(self) -> Mapping[Lane, int]:
        """See `Queue`."""
        with self._redis.breaker:
            async with self._redis.client.pipeline(transaction=False) as pipe:
                for lane in Lane:
                    pipe.llen(f"{WIRE['global_keyprefix']}{lane}")
                lengths = await pipe.execute()
        return dict(zip(Lane, lengths, strict=True))

    async def close(self) -> None:
        """Send the message under way and close the connection to the broker."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._broker.release)
        self._thread.shutdown()

    async def _pop(self, client: Redis, key: str) -> bytes | str | None:
        try:
            found = await client.blpop([key], timeout=_POP)
        except (RedisError, OSError) as error:
            _log.warning("replies_interrupted", error=str(error))
            await asyncio.sleep(0.5)
            return None
        return found[1] if found else None

    def _publish(self, lane: Lane, batch: Batch) -> None:
        if self._producer is None:
            self._connect()
            self._producer = Producer(self._broker.channel(), serializer="json", auto_declare=False)
        self._producer.publish(
            ([encode_batch(batch)], {}, {}),
            routing_key=lane.value,
            headers={"lang": "py", "task": TASK, "id": batch.id, "root_id": batch.id, "ignore_result": True},
            correlation_id=batch.id,
        )

    def _connect(self) -> None:
        try:
            self._broker.ensure_connection(max_retries=0)
        except OperationalError as error:
            raise ConnectionError(str(error)) from error


def broker_url(url: str) -> str:
    """The URL in kombu's form of the Redis at `url`: it calls unix:// redis+socket:// and its db virtual_host."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    options = dict(parse_qsl(parts.query))
    options["virtual_host"] = options.pop("db", "0")
    return f"redis+socket://{parts.netloc}{parts.path}?{urlencode(options)}"


def _reply_key(front: str) -> str:
    return f"{REPLIES}{front}"
