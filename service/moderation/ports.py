"""The ports of moderation, as small Protocols. Adapters are modules named after a technology.

Every adapter of one port passes the same contract test. Methods raise `StoreUnavailable` or
`RedisUnavailable` when their server does not answer, and nothing else that is not a programming error.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.claims.surges import SurgeObserver
from service.domain.decision import Standing
from service.domain.judgement import JudgedBy, Judgement
from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict
from service.moderation.transport import Batch, Lane, Reply, WorkerInfo
from service.policy.budget import BudgetObserver


class FrontStore(Protocol):
    """What a front needs of the record store."""

    async def accept(self, posts: Sequence[Post], *, lease: float = 0.0, request_id: str = "") -> list[bool]:
        """See `records.ports.PostStore.accept`."""
        ...

    async def find(self, keys: Sequence[PostKey]) -> list[Verdict | None]:
        """See `records.ports.Recorded.find`."""
        ...

    async def judgements(self, digests: Sequence[str], judged_by: JudgedBy) -> list[Judgement | None]:
        """See `records.ports.JudgementStore.judgements`."""
        ...

    async def ping(self) -> None:
        """See `records.ports.RecordReader.ping`."""
        ...


class JudgingStore(Protocol):
    """What a worker needs of the record store."""

    async def undecided(self, keys: Collection[PostKey]) -> set[PostKey]:
        """See `records.ports.PostStore.undecided`."""
        ...

    async def release(self, keys: Collection[PostKey]) -> None:
        """See `records.ports.PostStore.release`."""
        ...

    async def find(self, keys: Sequence[PostKey]) -> list[Verdict | None]:
        """See `records.ports.Recorded.find`."""
        ...

    async def standing(self, digests: Sequence[str]) -> list[tuple[Standing, ...]]:
        """See `records.ports.JudgementStore.standing`."""
        ...

    async def record(self, posts: Sequence[Post], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """See `records.ports.VerdictStore.record`."""
        ...


class AnswerStore(Protocol):
    """What writing behind needs of the record store."""

    async def accept(self, posts: Sequence[Post], *, lease: float = 0.0, request_id: str = "") -> list[bool]:
        """See `records.ports.PostStore.accept`."""
        ...

    async def record(self, posts: Sequence[Post], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """See `records.ports.VerdictStore.record`."""
        ...


class Classifier(Protocol):
    """Text in, judgements out."""

    @property
    def judged_by(self) -> JudgedBy:
        """The bundle, and the claims that it holds now."""
        ...

    def judge(self, posts: Sequence[Post]) -> list[Judgement]:
        """One judgement per post, in order, all by the same bundle and claims. Blocks the thread for a model pass."""
        ...


@dataclass(frozen=True, slots=True)
class CacheHit:
    """What is cached for one post: the verdict of this version and policy, and the judgement of its text."""

    verdict: Verdict | None = None
    judgement: Judgement | None = None


class VerdictCache(Protocol):
    """Judgements under content digest + versions of bundle and claims; verdicts under post name + policy version."""

    async def find(self, posts: Sequence[Post], *, judged_by: JudgedBy, policy_version: str) -> list[CacheHit]:
        """What is cached for each post, in one round trip. A cached verdict of another fingerprint is a miss."""
        ...

    async def put(self, verdicts: Sequence[Verdict]) -> None:
        """Cache the verdicts and their judgements."""
        ...

    async def keep(self, judgements: Sequence[Judgement]) -> None:
        """Cache judgements alone: of texts that were read and not decided."""
        ...

    async def ping(self) -> None:
        """Returns when the cache answers; raises `RedisUnavailable`."""
        ...


class Queue(Protocol):
    """The queue to the workers and back."""

    async def send(self, lane: Lane, batch: Batch) -> None:
        """Enqueue one batch."""
        ...

    async def reply(self, to: str, reply: Reply) -> None:
        """Answer the front `to`."""
        ...

    def replies(self, front: str) -> AsyncIterator[Reply]:
        """Answers addressed to `front`, for ever; waits out outages of the queue."""
        ...

    async def depths(self) -> Mapping[Lane, int]:
        """Messages waiting in each lane."""
        ...


class WorkerRegistry(Protocol):
    """The workers that are alive."""

    async def beat(self, worker: WorkerInfo) -> None:
        """Register this worker as alive for the next ten seconds."""
        ...

    async def alive(self) -> list[WorkerInfo]:
        """Workers that beat within ten seconds, the most recently started first."""
        ...


class Attempts(Protocol):
    """How often a post was begun and not finished, to find one that kills its worker."""

    async def counts(self, keys: Sequence[PostKey]) -> list[int]:
        """Attempts begun and not finished, per post."""
        ...

    async def begin(self, keys: Sequence[PostKey]) -> None:
        """Count one attempt for each."""
        ...

    async def finish(self, keys: Sequence[PostKey]) -> None:
        """Forget them."""
        ...


class Clusters(Protocol):
    """Groups of posts with near-duplicate texts, as far back as the adapter's window."""

    async def assign(self, judgements: Sequence[Judgement]) -> list[str]:
        """The cluster of each judgement's text, in order: one that it is `near` to, or a new one.

        A new cluster is named by the content digest of its first text; texts without bands are alone in theirs.
        """
        ...


class Observer(SurgeObserver, BudgetObserver, Protocol):
    """Where logs and metrics go. Implementations log ids, scores and latencies only, never a text."""

    def decided(self, verdict: Verdict) -> None:
        """A verdict was given: one event a post."""
        ...

    def stage(self, name: str, seconds: float) -> None:
        """A stage took so long: cache, store, queue, model, record or total."""
        ...

    def looked_up(self, *, hits: int = 0, misses: int = 0, errors: int = 0) -> None:
        """Cache lookups by result, counted in posts."""
        ...


class LoadObserver(Observer, Protocol):
    """What else a front and its dispatcher report."""

    def backlog(self, posts: int, age: float) -> None:
        """Undecided posts in the store, and the age of the oldest in seconds."""
        ...

    def queued(self, depths: Mapping[Lane, int]) -> None:
        """Messages waiting in each lane."""
        ...

    def worker_pool(self, workers: Sequence[WorkerInfo]) -> None:
        """The workers that answer."""
        ...
