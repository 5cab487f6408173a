"""One post, one way: the worker's half. `service.moderation.pipeline` is the front's half.

    batch -> what is undecided -> cached judgements -> one model pass, claims, cluster -> policy -> record -> cache,
    announce, reply

Tasks may come twice or be cut off anywhere; a post is recorded exactly once. A post that was
begun three times and never finished is set aside for a person: suspects are judged alone, so that others pass.
Batches that are only read skip the record store: judged, cached as judgements, answered. They do not
count as traffic of the claims that they match: a read must not have a claim quarantined.
"""

import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace

from service.claims.surges import Surges
from service.domain.fusing import fused
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.errors import AssayError, RedisUnavailable, Unavailable
from service.moderation.deciding import MAX_ATTEMPTS, Deciding
from service.moderation.ports import Attempts, Classifier, Clusters, JudgingStore, Observer, Queue, VerdictCache
from service.moderation.transport import Batch, Reply
from service.records.ports import Announcer


@dataclass(frozen=True, slots=True)
class Tasks:
    """The queue of replies, and the count of attempts at each post."""

    queue: Queue
    attempts: Attempts


@dataclass(frozen=True, slots=True)
class Records:
    """The destinations of verdicts: recorded, cached, announced."""

    store: JudgingStore
    cache: VerdictCache
    announcer: Announcer


@dataclass(frozen=True, slots=True)
class _Errand:
    """A batch's seconds in the queue, and whether its posts are to be recorded."""

    queued: float
    recorded: bool


class Judging:
    """Judges batches, one at a time."""

    def __init__(
        self,
        *,
        tasks: Tasks,
        classifier: Classifier,
        clusters: Clusters,
        surges: Surges,
        deciding: Deciding,
        records: Records,
        observer: Observer,
    ) -> None:
        self._queue, self._attempts = tasks.queue, tasks.attempts
        self._classifier, self._clusters, self._surges, self._deciding = classifier, clusters, surges, deciding
        self._store, self._cache, self._announcer = records.store, records.cache, records.announcer
        self._observer = observer

    async def judge(self, batch: Batch) -> Reply:
        """Decide and record what is undecided, and answer the front that waits.

        Posts of a live batch whose deadline has passed are dropped: the dispatcher will send them as bulk. Raises
        `StoreUnavailable` when nothing could be recorded: the message must then be delivered again.
        """
        queued = max(0.0, time.time() - batch.sent_at)
        self._observer.stage("queue", queued)
        if batch.deadline is not None and time.time() > batch.deadline:
            reply = Reply(batch.id, (), tuple(post.key for post in batch.posts))
            if batch.recorded:
                await self._quietly("release", self._store.release(reply.dropped))
        elif batch.recorded:
            reply = Reply(batch.id, tuple(await self._verdicts(batch.posts, queued)))
        else:
            reply = Reply(batch.id, tuple(await self._decided(batch.posts, _Errand(queued, recorded=False))))
        if batch.reply_to:
            await self._quietly("reply", self._queue.reply(batch.reply_to, reply))
        return reply

    async def _verdicts(self, posts: Sequence[Post], queued: float) -> list[Verdict]:
        undecided = await self._store.undecided([post.key for post in posts])
        decided = [post.key for post in posts if post.key not in undecided]
        verdicts = [verdict for verdict in await self._store.find(decided) if verdict] if decided else []
        if verdicts:  # no longer cached, or the front would not ask
            await self._quietly("cache", self._cache.put(verdicts))
        rest = [post for post in posts if post.key in undecided]
        return verdicts + await self._decided(rest, _Errand(queued, recorded=True))

    async def _decided(self, posts: Sequence[Post], errand: _Errand) -> list[Verdict]:
        verdicts: list[Verdict] = []
        fresh, suspects = await self._sorted_by_attempts(posts)
        if fresh:
            verdicts += await self._together(fresh, errand)
        for post, begun in suspects:
            verdicts += await self._alone(post, begun, errand)
        return verdicts

    async def _sorted_by_attempts(self, posts: Sequence[Post]) -> tuple[list[Post], list[tuple[Post, int]]]:
        """Posts never begun, and those begun and not finished, fewest attempts first."""
        counts: Sequence[int]
        try:
            counts = await self._attempts.counts([post.key for post in posts]) if posts else []
        except RedisUnavailable as error:
            self._observer.report_failure("attempts", error)
            counts = [0] * len(posts)
        fresh = [post for post, count in zip(posts, counts, strict=True) if not count]
        suspects = [(post, count) for post, count in zip(posts, counts, strict=True) if count]
        return fresh, sorted(suspects, key=lambda suspect: suspect[1])

    async def _together(self, posts: list[Post], errand: _Errand) -> list[Verdict]:
        try:
            return await self._attempt(posts, errand)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the model raises, the batch mates must pass
            self._observer.report_failure("model", error)
        verdicts: list[Verdict] = []
        for post in posts:
            verdicts += await self._alone(post, 0, errand)
        return verdicts

    async def _alone(self, post: Post, begun: int, errand: _Errand) -> list[Verdict]:
        for _ in range(begun, MAX_ATTEMPTS):
            try:
                return await self._attempt([post], errand)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - see above
                self._observer.report_failure("model", error)
        if not errand.recorded:  # its attempts stay counted, so that a repeat stops no worker again
            return [self._deciding.set_aside(post)]
        verdicts = await self._record([post], [self._deciding.set_aside(post)])
        await self._quietly("attempts", self._attempts.finish([post.key]))
        return verdicts

    async def _attempt(self, posts: list[Post], errand: _Errand) -> list[Verdict]:
        keys = [post.key for post in posts]
        await self._quietly("attempts", self._attempts.begin(keys))
        judgements, model_seconds = await self._judgements(posts, recorded=errand.recorded)
        await self._quietly("attempts", self._attempts.finish(keys))  # before recording, which an outage may fail
        latency = {"queue": errand.queued, "model": model_seconds}
        if errand.recorded:
            return await self._record(posts, await self._deciding.decide(posts, judgements, latency))
        await self._quietly("cache", self._cache.keep([judgement for judgement, _ in judgements]))
        return self._deciding.uncounted(posts, judgements, latency)

    async def _judgements(self, posts: list[Post], *, recorded: bool) -> tuple[list[tuple[Judgement, Source]], float]:
        """Each post's judgement and where it came from: the cache, or one model pass over the others."""
        known = await self._cached(posts)
        missing = list({p.content_digest: p for p in posts if p.content_digest not in known}.values())
        started = time.perf_counter()
        fresh = self._classifier.judge(missing) if missing else []
        seconds = time.perf_counter() - started
        if missing:
            self._observer.stage("model", seconds)
        known_to_people = await self._with_standing(await self._grouped(fresh), needed=recorded)
        judged = {judgement.content_digest: judgement for judgement in known_to_people}
        found = [
            (judged[digest], Source.MODEL) if digest in judged else (known[digest], Source.CACHE)
            for digest in (post.content_digest for post in posts)
        ]
        surging = await self._surges.check([judgement for judgement, _ in found]) if recorded else ()
        return [(fused(judgement, surging), source) for judgement, source in found], seconds

    async def _grouped(self, judgements: list[Judgement]) -> list[Judgement]:
        """The judgements with their clusters; without Redis each text is a cluster of its own."""
        try:
            clusters = await self._clusters.assign(judgements) if judgements else []
        except RedisUnavailable as error:
            self._observer.report_failure("clusters", error)
            clusters = [judgement.content_digest for judgement in judgements]
        return [replace(judgement, cluster=cluster) for judgement, cluster in zip(judgements, clusters, strict=True)]

    async def _with_standing(self, judgements: list[Judgement], *, needed: bool) -> list[Judgement]:
        """The judgements with people's decisions on their texts, which a new bundle or new claims don't undo.

        If not `needed`, as the texts are only read, they are answered without it while the store is away.
        """
        try:
            standing = await self._store.standing([each.content_digest for each in judgements]) if judgements else []
        except Unavailable as error:
            if needed:
                raise
            self._observer.report_failure("standing", error)
            return judgements
        return [replace(each, standing=held) for each, held in zip(judgements, standing, strict=True)]

    async def _cached(self, posts: list[Post]) -> dict[str, Judgement]:
        try:
            hits = await self._cache.find(
                posts, judged_by=self._classifier.judged_by, policy_version=self._deciding.policy.version
            )
        except RedisUnavailable as error:
            self._observer.report_failure("cache", error)
            return {}
        return {hit.judgement.content_digest: hit.judgement for hit in hits if hit.judgement}

    async def _record(self, posts: list[Post], verdicts: list[Verdict]) -> list[Verdict]:
        started = time.perf_counter()
        recorded = await self._store.record(posts, verdicts)
        self._observer.stage("record", time.perf_counter() - started)
        for given, stands in zip(verdicts, recorded, strict=True):
            if stands.decided_at == given.decided_at:  # else another worker was first, and reported it
                self._observer.decided(stands)
        await self._quietly("cache", self._cache.put(recorded))
        await self._quietly("announce", self._announcer.announce())
        return recorded

    async def _quietly(self, where: str, effort: Awaitable[None]) -> None:
        """Await an optional step: the verdict is recorded, or will be."""
        try:
            await effort
        except AssayError as error:
            self._observer.report_failure(where, error)
