"""A person's traces in Redis: cached verdicts and judgements, counts of attempts, clusters, queued messages, answers.

All our keys begin with `assay:`; a search reads every one of them, whatever its type. What a worker has in its
hands meanwhile is acknowledged or comes back to the queue, and the next pass finds it there.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from redis.asyncio import Redis

from service.domain.post import Post
from service.moderation.celery_queue import QUEUES, REPLIES
from service.moderation.redis.cache import JUDGEMENTS
from service.moderation.redis.clusters import BAND
from service.storage.redis_connection import Breaker, RedisConnection
from service.transparency.needles import Needles
from service.transparency.queue_messages import posts_in, readable, reply_without, without
from service.transparency.subject import Found, Sought

_OURS = "assay:*"
_AT_ONCE = 500
_PATIENCE = 15.0  # seconds for one answer
_NAME = 16  # bytes of a cluster's name: a content digest

Cut = Callable[[bytes], bytes | None]
"""Makes a value without what is the person's: None where it is as before, empty where nothing is left."""

# KEYS: a list. ARGV: a value, what takes its place (empty: nothing).
_IN_LIST = """
if ARGV[2] ~= '' and redis.call('LINSERT', KEYS[1], 'BEFORE', ARGV[1], ARGV[2]) < 1 then
    return 0
end
return redis.call('LREM', KEYS[1], 1, ARGV[1])
"""
# KEYS: messages without acknowledgement, their index. ARGV: field, value, what takes its place (empty: nothing).
_IN_HASH = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    return 0
end
if ARGV[3] == '' then
    redis.call('HDEL', KEYS[1], ARGV[1])
    redis.call('ZREM', KEYS[2], ARGV[1])
else
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
"""
# KEYS: a string. ARGV: its value, what takes its place (empty: nothing).
_IN_STRING = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
if ARGV[2] == '' then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
end
return 1
"""


class RedisErasure:
    """`transparency.ports.Traces` on Redis, over a connection of its own: nobody waits, so an answer has its time."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    @property
    def store(self) -> str:
        """See `Traces.store`."""
        return "redis"

    async def gather(self, sought: Sought) -> Sought:
        """See `Traces.gather`: posts that wait in a queue; nobody else may know of them yet."""
        posts: list[Post] = []
        async with _opened(self._connection) as keys:
            async for key in keys.matching(f"{QUEUES}*"):
                for _, value in await keys.values(key):
                    posts += filter(sought.subject.owns, posts_in(value))
        return sought.found(posts)

    async def erase(self, sought: Sought) -> Mapping[str, int]:
        """See `Traces.erase`."""
        gone: Counter[str] = Counter()
        theirs: list[bytes] = []
        async with _opened(self._connection) as keys:
            async for key in keys.matching(_OURS):
                if kind := _kind(key, sought):
                    theirs.append(key)
                    gone[kind] += 1
                elif cut := _cut(key, sought):
                    what, without_theirs = cut
                    gone[what] += await keys.rewrite(key, without_theirs)
            for start in range(0, len(theirs), _AT_ONCE):
                await keys.delete(theirs[start : start + _AT_ONCE])
        return +gone

    async def search(self, sought: Sought) -> list[Found]:
        """See `Traces.search`."""
        needles = Needles(sought.subject.author, sought.names, sought.alone.values())
        found: Counter[tuple[str, str]] = Counter()
        async with _opened(self._connection) as keys:
            async for key in keys.matching(_OURS):
                held = await keys.values(key)
                words = [_text(key), *(_text(field) for field, _ in held)]
                words += [each for _, value in held for each in readable(value)]
                found.update({(_place(key), what): count for what, count in needles.within(words).items()})
        return [Found(self.store, place, what, count) for (place, what), count in sorted(found.items())]


class _Keys:
    """Reads and rewrites keys, whatever their type."""

    def __init__(self, client: Redis, breaker: Breaker) -> None:
        self._client, self._breaker = client, breaker
        self._in_list = client.register_script(_IN_LIST)
        self._in_hash = client.register_script(_IN_HASH)
        self._in_string = client.register_script(_IN_STRING)

    async def matching(self, pattern: str) -> AsyncIterator[bytes]:
        """The keys that match, some perhaps twice."""
        cursor = 0
        while True:
            with self._breaker:
                cursor, keys = await self._client.scan(cursor, match=pattern, count=_AT_ONCE)
            for key in cast("list[bytes]", keys):
                yield key
            if not cursor:
                return

    async def values(self, key: bytes) -> list[tuple[bytes, str]]:
        """The values under the key, each with its field where it is a hash."""
        return [(field, _text(value)) for field, value in (await self._held(key))[1]]

    async def delete(self, keys: Sequence[bytes]) -> None:
        """Delete them."""
        with self._breaker:
            await self._client.unlink(*keys)

    async def rewrite(self, key: bytes, cut: Cut) -> int:
        """Put what `cut` makes of each value in its place, unless it is another by now; how many."""
        kind, held = await self._held(key)
        count = 0
        for field, value in held:
            if (left := cut(value)) is None:
                continue
            with self._breaker:
                match kind:
                    case "list":
                        count += await self._in_list(keys=[key], args=[value, left])
                    case "hash":
                        count += await self._in_hash(keys=[key, key + b"_index"], args=[field, value, left])
                    case "string":
                        count += await self._in_string(keys=[key], args=[value, left])
        return count

    async def _held(self, key: bytes) -> tuple[str, list[tuple[bytes, bytes]]]:
        client: Any = self._client  # its stubs know no keys in bytes
        with self._breaker:
            kind = _text(await client.type(key))
            match kind:
                case "string":
                    return kind, [(b"", await client.get(key) or b"")]
                case "list":
                    return kind, [(b"", value) for value in await client.lrange(key, 0, -1)]
                case "hash":
                    return kind, list((await client.hgetall(key)).items())
                case "zset":
                    return kind, [(b"", value) for value in await client.zrange(key, 0, -1)]
                case "set":
                    return kind, [(b"", value) for value in await client.smembers(key)]
        return kind, []


@asynccontextmanager
async def _opened(connection: RedisConnection) -> AsyncIterator[_Keys]:
    patient = RedisConnection(connection.url, timeout=_PATIENCE, connect_timeout=_PATIENCE, connections=1)
    try:
        yield _Keys(patient.client, patient.breaker)
    finally:
        await patient.close()


def _cut(key: bytes, sought: Sought) -> tuple[str, Cut] | None:
    """What lies under the key that may be the person's in part, and how it is cut out."""
    if key.startswith(BAND):
        theirs = {bytes.fromhex(content) for content in sought.alone}
        return "clusters", lambda value: _without_names(value, theirs)
    if key.startswith(JUDGEMENTS.encode()) and _content(key) in sought.texts:
        return "decisions in judgements of others", lambda value: _without_standing(value, sought.names)
    if key.startswith(REPLIES.encode()):
        return "answers to fronts", lambda value: _encoded(reply_without(_text(value), sought.names))
    if key.startswith(QUEUES.encode()):

        def is_theirs(post: Post) -> bool:
            return sought.subject.owns(post) or post.name in sought.names

        return "queued messages", lambda value: _encoded(without(_text(value), is_theirs))
    return None


def _without_names(band: bytes, theirs: Collection[bytes]) -> bytes | None:
    names = [band[start : start + _NAME] for start in range(0, len(band), _NAME)]
    left = b"".join(name for name in names if name not in theirs)
    return None if left == band else left


def _without_standing(value: bytes, names: Collection[str]) -> bytes | None:
    """A cached judgement without what people decided on these posts; nothing is left of one that can't be read."""
    try:
        body = json.loads(value)
        standing = [each for each in body.get("standing", ()) if each[0] not in names]
    except (ValueError, TypeError, LookupError, AttributeError):
        return b""
    if len(standing) == len(body.get("standing", ())):
        return None
    return json.dumps({**body, "standing": standing}, separators=(",", ":")).encode()


def _content(key: bytes) -> str:
    """The content digest that a judgement's key ends with."""
    return _text(key.rpartition(b":")[2])


def _encoded(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


def _kind(key: bytes, sought: Sought) -> str:
    """What the key holds, if it is the person's; else empty."""
    parts = key.split(b":", 3)
    if len(parts) < 3 or parts[0] != b"assay":
        return ""
    match parts[1]:
        case b"v" | b"a" if len(parts) == 4 and _text(parts[3]) in sought.names:
            return "cached verdicts" if parts[1] == b"v" else "attempts"
        case b"j" if _content(key) in sought.alone:
            return "cached judgements"
        case b"cr" | b"cm" if key[9:].hex() in sought.alone:
            return "clusters"
    return ""


def _place(key: bytes) -> str:
    """The key as a report may name it: without the post's name in it."""
    return _text(key) if key.startswith(QUEUES.encode()) else f"assay:{_text(key.split(b':', 2)[1])}:*"


def _text(value: bytes | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
