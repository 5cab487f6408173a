"""One post, one way: the front's half. `service.moderation.judging` is the worker's half.

    moderate: cache -> single flight -> batch -> record store (accept) -> live queue -> worker -> reply -> the caller
    submit:   record store (accept) -> the dispatcher -> bulk queue -> worker
    read:     cache -> single flight -> batch -> live queue -> worker -> reply: judgements; nothing is recorded

What the cache holds is decided here, as `service.moderation.deciding` says; whatever a model must read goes to a
worker, which records before it replies. While Redis is away the store answers what it can.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from service.claims.surges import Surges
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.errors import AssayError, DeadlineExceeded, NoWorker, RedisUnavailable
from service.moderation.batching import MicroBatcher, Waiting
from service.moderation.deciding import Deciding
from service.moderation.dispatching import Dispatcher
from service.moderation.ports import CacheHit, FrontStore, LoadObserver, Queue, VerdictCache
from service.moderation.transport import Batch, Lane
from service.moderation.worker_pool import WorkerPool
from service.moderation.write_behind import WriteBehind
from service.policy.policy import Policy
from service.supervision import kept_running

RecordHits = Literal["all", "flagged", "none"]
_LAST_DISPATCH = 5.0


@dataclass(frozen=True, slots=True)
class FrontLimits:
    """One front's limits. Seconds, tokens and counts as `service.runtime.settings` describes them."""

    default_deadline: float = 10.0
    batch_tokens: int = 512
    gather_window: float = 0.002
    max_waiting: int = 4096
    lease: float = 180.0
    record_hits: RecordHits = "all"


@dataclass(frozen=True, slots=True)
class FrontRecords:
    """The stores of posts and verdicts, and where a front's own verdicts go."""

    store: FrontStore
    cache: VerdictCache
    write_behind: WriteBehind


@dataclass(frozen=True, slots=True)
class Workers:
    """A front's connection to the workers; `front` is the name that they reply to."""

    front: str
    queue: Queue
    pool: WorkerPool
    dispatcher: Dispatcher


class Pipeline:
    """The front's half from posts to verdicts. `start` before use, `drain` after."""

    def __init__(
        self,
        *,
        records: FrontRecords,
        workers: Workers,
        deciding: Deciding,
        surges: Surges,
        observer: LoadObserver,
        limits: FrontLimits = FrontLimits(),
    ) -> None:
        self._store, self._cache, self._write_behind = records.store, records.cache, records.write_behind
        self._front, self._queue = workers.front, workers.queue
        self._worker_pool, self._dispatcher = workers.pool, workers.dispatcher
        self._deciding, self._surges, self._observer, self._limits = deciding, surges, observer, limits
        self._micro_batcher = MicroBatcher(
            self._ship,
            front=workers.front,
            budget=limits.batch_tokens,
            window=limits.gather_window,
            max_waiting=limits.max_waiting,
            patience=limits.lease,
            room=workers.pool.room,
        )
        self._flights: dict[str, Waiting] = {}
        self._running = contextlib.AsyncExitStack()
        self._dispatching: asyncio.Task[None] | None = None

    @property
    def policy(self) -> Policy:
        """The live policy."""
        return self._deciding.policy

    async def start(self) -> None:
        """Start the background loops."""
        with contextlib.suppress(AssayError):
            await self._worker_pool.refresh()
        loops = {
            "dispatcher": self._dispatcher.run,
            "micro_batcher": self._micro_batcher.run,
            "worker_pool": self._worker_pool.run,
            "write_behind": self._write_behind.run,
            "surges": self._surges.run,
            "replies": self._listen,
        }
        tasks = await self._running.enter_async_context(kept_running(loops, self._observer))
        self._dispatching = tasks["dispatcher"]

    async def drain(self, grace: float = 10.0) -> None:
        """Wait up to `grace` seconds for calls in flight, stop the loops, record what is still to record.

        Accepted posts that are not decided stay in the store for the next start.
        """
        until = time.monotonic() + grace
        while len(self._micro_batcher) and time.monotonic() < until:  # noqa: ASYNC110 - once in a process's life
            await asyncio.sleep(0.02)
        self._dispatcher.stop()
        if self._dispatching:
            await asyncio.wait([self._dispatching], timeout=_LAST_DISPATCH)
        await self._running.aclose()
        await self._micro_batcher.close()
        await self._surges.flush()
        try:
            await self._write_behind.flush()
        except AssayError as error:
            self._observer.report_failure("drain", error)

    async def ready(self) -> None:
        """Returns when store, Redis and a worker with a loaded model answer; else raises `Unavailable` naming it."""
        await self._store.ping()
        await self._cache.ping()
        if not await self._worker_pool.refresh():
            raise NoWorker("no worker with a loaded model answers; start one with `assay worker`")

    async def moderate(self, post: Post, *, deadline: float | None = None) -> Verdict:
        """The verdict of one post within `deadline` (Unix seconds). Raises `AssayError`."""
        [result] = await self.moderate_many([post], deadline=deadline)
        if isinstance(result, AssayError):
            raise result
        return result

    async def moderate_many(
        self, posts: Sequence[Post], *, deadline: float | None = None
    ) -> list[Verdict | AssayError]:
        """A verdict or an error for each post, in order. Offsets of evidence count bytes of the canonical text."""
        started = time.perf_counter()
        deadline = time.time() + self._limits.default_deadline if deadline is None else deadline
        hits = await self._lookup(posts)
        results: list[Verdict | AssayError | None] = [*await self._from_hits(posts, hits)]
        misses = [number for number, result in enumerate(results) if result is None]
        if misses:
            judged = await self._ask([posts[number] for number in misses], deadline)
            for number, result in zip(misses, judged, strict=True):
                results[number] = result
        self._observer.stage("total", time.perf_counter() - started)
        return [result for result in results if result is not None]

    async def submit(self, posts: Sequence[Post], *, request_id: str = "") -> list[bool]:
        """Accept posts durably; True where new. Raises `Conflict`, `StoreUnavailable`."""
        accepted = await self._store.accept(posts, request_id=request_id)
        self._dispatcher.poke()
        return accepted

    async def read(self, posts: Sequence[Post], *, deadline: float | None = None) -> list[Judgement | None]:
        """What the classifiers say of each post's text, in order; None where it stopped the model and was set aside.

        The posts are not decided, and only the judgements are kept, in the cache. Raises `AssayError` as soon as
        one text cannot be judged within `deadline` (Unix seconds).
        """
        deadline = time.time() + self._limits.default_deadline if deadline is None else deadline
        hits = await self._lookup(posts)
        asked = [
            asyncio.ensure_future(self._judgement(post, hit, deadline)) for post, hit in zip(posts, hits, strict=True)
        ]
        try:
            return await asyncio.gather(*asked)
        finally:
            for task in asked:
                task.cancel()

    # From the cache ---------------------------------------------------------------------------------------------------

    async def _lookup(self, posts: Sequence[Post]) -> list[CacheHit]:
        started = time.perf_counter()
        try:
            hits = await self._cache.find(
                posts, judged_by=self._worker_pool.judged_by, policy_version=self.policy.version
            )
        except RedisUnavailable as error:
            self._observer.report_failure("cache", error)
            self._observer.looked_up(errors=len(posts))
            return await self._lookup_in_store(posts)
        found = sum(hit.verdict is not None or hit.judgement is not None for hit in hits)
        self._observer.looked_up(hits=found, misses=len(hits) - found)
        self._observer.stage("cache", time.perf_counter() - started)
        return hits

    async def _lookup_in_store(self, posts: Sequence[Post]) -> list[CacheHit]:
        try:
            verdicts = await self._store.find([post.key for post in posts])
            digests = [post.content_digest for post in posts]
            judgements = await self._store.judgements(digests, self._worker_pool.judged_by)
        except AssayError as error:
            self._observer.report_failure("store", error)
            return [CacheHit()] * len(posts)
        return [CacheHit(*found) for found in zip(verdicts, judgements, strict=True)]

    async def _from_hits(self, posts: Sequence[Post], hits: Sequence[CacheHit]) -> list[Verdict | None]:
        """The verdict on each post with a cached verdict or judgement, in order."""
        version = self.policy.version
        results = [self._from_hit(hit, version) for hit in hits]
        due = [
            (number, post, judgement, hit.verdict is not None)
            for number, (post, hit, result) in enumerate(zip(posts, hits, results, strict=True))
            if result is None and (judgement := hit.judgement or (hit.verdict and hit.verdict.judgement))
        ]
        if due:
            numbers, *judged = zip(*due, strict=True)
            for number, verdict in zip(numbers, await self._decide(*judged), strict=True):
                results[number] = verdict
        return results

    def _from_hit(self, hit: CacheHit, version: str) -> Verdict | None:
        if hit.verdict and hit.verdict.policy_version == version and _stands(hit.verdict, hit.judgement):
            by_model = hit.verdict.judgement and hit.verdict.source is not Source.MODERATOR
            verdict = replace(hit.verdict, source=Source.CACHE) if by_model else hit.verdict
            self._observer.decided(verdict)
            return verdict
        return None

    async def _decide(
        self, posts: Sequence[Post], judgements: Sequence[Judgement], recorded: Sequence[bool]
    ) -> list[Verdict]:
        """The verdicts on posts whose texts are judged; `recorded`: whether the post has one already."""
        verdicts = await self._deciding.decide(posts, [(judgement, Source.CACHE) for judgement in judgements])
        for post, judgement, verdict, already in zip(posts, judgements, verdicts, recorded, strict=True):
            self._observer.decided(verdict)
            if not already:  # else it was counted when it was first decided
                self._surges.note(judgement)
                if self._to_record(verdict):
                    self._write_behind.put(post, verdict)
        return verdicts

    def _to_record(self, verdict: Verdict) -> bool:
        wanted = self._limits.record_hits
        return wanted == "all" or (wanted == "flagged" and bool(verdict.ruling.categories))

    # From a worker ----------------------------------------------------------------------------------------------------

    async def _ask(self, posts: Sequence[Post], deadline: float) -> list[Verdict | AssayError]:
        """Answers from the workers; provisional ones only to posts that are sure to be judged later."""
        results = await asyncio.gather(*(self._judged(post, deadline) for post in posts))
        provisional = {n: r for n, r in enumerate(results) if isinstance(r, Verdict) and r.source is Source.PROVISIONAL}
        if not provisional:
            return results
        try:
            await self._store.accept([posts[number] for number in provisional])
        except AssayError as error:
            return [error if number in provisional else result for number, result in enumerate(results)]
        self._dispatcher.poke()
        for verdict in provisional.values():
            self._observer.decided(verdict)
        return results

    async def _judged(self, post: Post, deadline: float) -> Verdict | AssayError:
        try:
            verdict = await self._flight(post, deadline)
        except (DeadlineExceeded, RedisUnavailable) as error:
            return self._deciding.provisional(post) or error
        except AssayError as error:
            return error
        own = verdict.post == post.key
        if own and (verdict.judgement is None or verdict.policy_version == self.policy.version):
            return verdict
        if verdict.judgement is None:  # the twin was set aside: this post must not be judged by proxy
            return self._deciding.provisional(post) or DeadlineExceeded("the model could not judge this text")
        [decided] = await self._decide([post], [verdict.judgement], [own])
        return decided

    async def _judgement(self, post: Post, hit: CacheHit, deadline: float) -> Judgement | None:
        return hit.judgement or (await self._flight(post, deadline, recorded=False)).judgement

    async def _flight(self, post: Post, deadline: float, *, recorded: bool = True) -> Verdict:
        """The verdict of this post, or of a concurrent twin with the same content.

        A post to be recorded does not join a twin that is only read: it would not be recorded.
        """
        while (left := deadline - time.time()) > 0:
            flight = self._flights.get(post.content_digest)
            if flight is None or (recorded and not flight.recorded):
                flight = self._take_off(post, deadline, recorded=recorded)
            flight.deadline = max(flight.deadline, deadline)
            try:
                async with asyncio.timeout(left):
                    return await asyncio.shield(flight.verdict)
            except TimeoutError:
                break
            except DeadlineExceeded:  # it was sent while its callers had less time: lead the next
                self._landed(flight)
        raise DeadlineExceeded("no worker answered in time")

    def _take_off(self, post: Post, deadline: float, *, recorded: bool) -> Waiting:
        flight = self._micro_batcher.put(post, deadline, recorded=recorded)
        self._flights[post.content_digest] = flight
        flight.verdict.add_done_callback(lambda _: self._landed(flight))
        return flight

    def _landed(self, flight: Waiting) -> None:
        if self._flights.get(flight.post.content_digest) is flight:
            del self._flights[flight.post.content_digest]
        if not flight.verdict.cancelled():
            flight.verdict.exception()  # read it, since every waiter may have left

    async def _ship(self, batch: Batch) -> None:
        """Commit a live batch to the store, then send it. If the queue is away the dispatcher sends it later."""
        if not batch.recorded:
            return await self._queue.send(Lane.LIVE, replace(batch, sent_at=time.time()))
        started = time.perf_counter()
        await self._store.accept(batch.posts, lease=self._limits.lease)
        self._observer.stage("store", time.perf_counter() - started)
        try:
            await self._queue.send(Lane.LIVE, replace(batch, sent_at=time.time()))
        except RedisUnavailable:
            await self._dispatcher.release([post.key for post in batch.posts])
            raise

    async def _listen(self) -> None:
        async for reply in self._queue.replies(self._front):
            self._micro_batcher.answered(reply)
            for verdict in reply.verdicts:
                self._worker_pool.learn(verdict.judged_by)


def _stands(verdict: Verdict, judgement: Judgement | None) -> bool:
    """Whether it agrees with people's decisions: none on the text was made or withdrawn since."""
    judgement = judgement or verdict.judgement
    standing = judgement.standing_for(verdict.post.name) if judgement else None
    return judgement is None or verdict.ruling.case == (standing.case if standing else "")
