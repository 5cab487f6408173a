"""The verdict cache in Redis: judgements by content, bundle and claims, verdicts by post name and policy version.

One MGET in, one script out. Not for Redis Cluster, where the keys of one call are in several slots.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog

from service.domain.codec import decode_judgement, decode_verdict, encode_judgement, encode_verdict
from service.domain.judgement import JudgedBy, Judgement
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.moderation.ports import CacheHit
from service.storage.redis_connection import RedisConnection

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

_PUT = """
for i, key in ipairs(KEYS) do
    redis.call('SET', key, ARGV[2 * i - 1], 'PX', ARGV[2 * i])
end
"""

JUDGEMENTS = "assay:j:"
"""What the keys of cached judgements begin with."""


class RedisCache:
    """A `VerdictCache`. Entries live `ttl` seconds, each varied by up to `jitter` (a share of it) to either side.

    A verdict is found only together with its judgement, so one by another bundle or other claims is a miss. So is a
    value that this release cannot read; the first one is logged.
    """

    def __init__(self, connection: RedisConnection, *, ttl: float, jitter: float = 0.1) -> None:
        self._connection = connection
        self._ttl, self._jitter = ttl, jitter
        self._put = connection.client.register_script(_PUT)
        self._unreadable = False

    async def find(self, posts: Sequence[Post], *, judged_by: JudgedBy, policy_version: str) -> list[CacheHit]:
        """See `VerdictCache`. One MGET of two keys per post."""
        if not posts:
            return []
        keys = [_judgement_key(judged_by, post.content_digest) for post in posts]
        keys += [_verdict_key(policy_version, post.name) for post in posts]
        with self._connection.breaker:
            values = await self._connection.client.mget(keys)
        judgements, verdicts = values[: len(posts)], values[len(posts) :]
        return [self._hit(*found) for found in zip(posts, judgements, verdicts, strict=True)]

    async def put(self, verdicts: Sequence[Verdict]) -> None:
        """See `VerdictCache`. Verdicts without a judgement (provisional, set aside) are left out."""
        values: dict[str, bytes] = {}
        for verdict in verdicts:
            if (judgement := verdict.judgement) is not None:
                values |= _judgement_entry(judgement)
                values[_verdict_key(verdict.policy_version, verdict.post.name)] = _dump(encode_verdict(verdict))
        await self._set(values)

    async def keep(self, judgements: Sequence[Judgement]) -> None:
        """See `VerdictCache`."""
        await self._set({key: value for judgement in judgements for key, value in _judgement_entry(judgement).items()})

    async def _set(self, values: Mapping[str, bytes]) -> None:
        if not values:
            return
        args = [arg for value in values.values() for arg in (value, self._lifetime())]
        with self._connection.breaker:
            await self._put(keys=list(values), args=args)

    async def ping(self) -> None:
        """Returns when Redis answers; raises `RedisUnavailable`."""
        await self._connection.ping()

    def _hit(self, post: Post, judgement_value: bytes | str | None, verdict_value: bytes | str | None) -> CacheHit:
        judgement = self._read(judgement_value, decode_judgement)
        if judgement is None:
            return CacheHit()
        verdict = self._read(verdict_value, lambda data: _verdict(data, post, judgement))
        return CacheHit(verdict, judgement)

    def _read(self, value: bytes | str | None, decode: Callable[[Mapping[str, Any]], T]) -> T | None:
        if value is None:
            return None
        try:
            return decode(json.loads(value))
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            if not self._unreadable:
                _log.warning("cache_value_unreadable", error=repr(error))
            self._unreadable = True
            return None

    def _lifetime(self) -> int:
        """Time to live in milliseconds."""
        share = random.uniform(1 - self._jitter, 1 + self._jitter)  # noqa: S311 - spreads expiry, hides nothing
        return max(1, round(self._ttl * share * 1000))


def _verdict(data: Mapping[str, Any], post: Post, judgement: Judgement) -> Verdict | None:
    if data["fingerprint"] != post.fingerprint or (data["model"], data.get("claims", "")) != judgement.judged_by:
        return None
    return decode_verdict(data, judgement)


def _judgement_entry(judgement: Judgement) -> dict[str, bytes]:
    return {_judgement_key(judgement.judged_by, judgement.content_digest): _dump(encode_judgement(judgement))}


def _judgement_key(judged_by: JudgedBy, content_digest: str) -> str:
    return f"{JUDGEMENTS}{judged_by.model}:{judged_by.claims}:{content_digest}"


def _verdict_key(policy_version: str, name: str) -> str:
    return f"assay:v:{policy_version}:{name}"


def _dump(data: Mapping[str, Any]) -> bytes:
    return _encode(data).encode()
