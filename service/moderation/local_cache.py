"""An in-process cache before another one: repeated posts cost no round trip."""

import time
from collections.abc import Callable, Sequence

from cachetools import TTLCache

from service.domain.judgement import JudgedBy, Judgement
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.moderation.ports import CacheHit, VerdictCache


class LocalCache:
    """A `VerdictCache` that keeps the last `size` judgements and as many verdicts for `ttl` seconds before `inner`.

    A judgement held here is a hit: the policy decides on it at once, without looking up a verdict
    in `inner`. Outages of `inner` are not hidden: `find` raises `RedisUnavailable` when a post is not held here and
    `inner` does not answer, so that the pipeline falls back to the record store; while all are held, it is not noticed.
    """

    def __init__(
        self, inner: VerdictCache, *, size: int, ttl: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._inner = inner
        self._judgements: TTLCache[tuple[JudgedBy, str], Judgement] = TTLCache(size, ttl, clock)
        self._verdicts: TTLCache[tuple[str, str], Verdict] = TTLCache(size, ttl, clock)

    async def find(self, posts: Sequence[Post], *, judged_by: JudgedBy, policy_version: str) -> list[CacheHit]:
        """See `VerdictCache`. What is not held here is looked up in `inner` in one call."""
        held = [self._held(post, judged_by, policy_version) for post in posts]
        missing = [post for post, hit in zip(posts, held, strict=True) if hit is None]
        if not missing:
            return [hit for hit in held if hit is not None]
        found = await self._inner.find(missing, judged_by=judged_by, policy_version=policy_version)
        for hit in found:
            self._hold(hit.verdict, hit.judgement)
        rest = iter(found)
        return [hit if hit is not None else next(rest) for hit in held]

    async def put(self, verdicts: Sequence[Verdict]) -> None:
        """See `VerdictCache`. Kept here even when `inner` raises."""
        for verdict in verdicts:
            self._hold(verdict, verdict.judgement)
        await self._inner.put(verdicts)

    async def keep(self, judgements: Sequence[Judgement]) -> None:
        """See `VerdictCache`. Kept here even when `inner` raises."""
        for judgement in judgements:
            self._hold(None, judgement)
        await self._inner.keep(judgements)

    async def ping(self) -> None:
        """Returns when `inner` answers; raises `RedisUnavailable`."""
        await self._inner.ping()

    def _held(self, post: Post, judged_by: JudgedBy, policy_version: str) -> CacheHit | None:
        judgement = self._judgements.get((judged_by, post.content_digest))
        if judgement is None:
            return None
        verdict = self._verdicts.get((policy_version, post.name))
        if verdict and (verdict.post.fingerprint != post.fingerprint or verdict.judged_by != judged_by):
            verdict = None
        return CacheHit(verdict, judgement)

    def _hold(self, verdict: Verdict | None, judgement: Judgement | None) -> None:
        if judgement is None:
            return
        self._judgements[judgement.judged_by, judgement.content_digest] = judgement
        if verdict is not None:
            self._verdicts[verdict.policy_version, verdict.post.name] = verdict
