"""A whole house on memory adapters: a front, a worker that judges by keywords, and outages on demand."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import settings

from service.claims.surges import Surges
from service.claims.traffic import SurgeLimits
from service.domain.canonical import canonical
from service.domain.claim import Claim, Match, Rating, Relation
from service.domain.decision import Decision, Ruling
from service.domain.judgement import Evidence, JudgedBy, Judgement, Signal, Span
from service.domain.post import Post
from service.domain.text_signature import NO_SIGNATURE, TextSignature
from service.domain.verdict import Source, Verdict
from service.errors import AssayError, RedisUnavailable, StoreUnavailable
from service.moderation.deciding import Deciding
from service.moderation.dispatching import Dispatcher
from service.moderation.judging import Judging, Records, Tasks
from service.moderation.pipeline import FrontLimits, FrontRecords, Pipeline, Workers
from service.moderation.transport import Batch, Lane, WorkerInfo
from service.moderation.worker_pool import WorkerPool
from service.moderation.write_behind import WriteBehind
from service.policy.budget import Budget
from service.policy.document import parse
from service.policy.policy import Policy
from tests.fakes.budget import MemoryBudget
from tests.fakes.clusters import MemoryClusters
from tests.fakes.queue_and_cache import (
    MemoryAnnouncer,
    MemoryAttempts,
    MemoryCache,
    MemoryClaimTraffic,
    MemoryQueue,
    MemoryRegistry,
)
from tests.fakes.store import MemoryStore

settings.register_profile("unit", max_examples=60, deadline=None)  # a busy machine is no failure
settings.load_profile("unit")

CLAIM = Claim(
    id="moon",
    claim="The moon is made of green cheese.",
    url="https://check.example/moon",
    verdict="False",
    publisher="Example Check",
    rating=Rating.FALSE,
)
CLAIM_RELATIONS = {"cheese says who": Relation.REBUTS, "cheese": Relation.REPEATS}
KEYWORDS = {"ai_generated": "delve", "misinformation": "hoax"}

POLICY = """
schema: 1
name: test
description: Keywords decide; ads are strict, stories get provisional verdicts.
defaults:
  abstained: ALLOW
  provisional: {story: REVIEW, other: FAIL}
  set_aside: REVIEW
thresholds: {likely: 0.9}
rules:
  - name: machine-written
    when: {signals: {ai_generated: {at_least: likely}}}
    then: LABEL
    category: AI_GENERATED
    reason: Looks machine-written.
  - name: false-ads
    when: {surfaces: [ad], signals: {misinformation: {at_least: likely}}}
    then: REVIEW
    category: MISINFORMATION
    reason: Looks misleading.
"""


class Killed(BaseException):
    """What a process that is killed looks like from within a test: nothing catches it."""


class KeywordClassifier:
    """Finds each signal likely where its keyword stands, and `CLAIM` repeated or rebutted by texts on cheese; texts
    with the same first four words leave near text_signatures. `passes` holds the texts of each pass; a text with a key
    of
    `failures` in it fails its pass with that error."""

    judged_by = JudgedBy("keywords-1", "claims-1")

    def __init__(self) -> None:
        self.passes: list[list[str]] = []
        self.failures: dict[str, BaseException] = {}

    def judge(self, posts: Sequence[Post]) -> list[Judgement]:
        self.passes.append([post.text for post in posts])
        for word, error in self.failures.items():
            if any(word in post.text for post in posts):
                raise error
        return [self._judgement(post) for post in posts]

    def _judgement(self, post: Post) -> Judgement:
        text = canonical(post.text)
        found = {name: re.search(word, text) for name, word in KEYWORDS.items()}
        spans = tuple(
            Span(len(text[: match.start()].encode()), len(text[: match.end()].encode()), name, 3.0)
            for name, match in found.items()
            if match
        )
        return Judgement(
            content_digest=post.content_digest,
            model_version=self.judged_by.model,
            claims_version=self.judged_by.claims,
            signals={name: _signal(name, 0.97 if match else 0.03) for name, match in found.items()},
            evidence=Evidence(spans, matches=_matches(text)),
            words=len(text.split()),
            text_signature=_signature_of(text),
        )


def _matches(text: str) -> tuple[Match, ...]:
    for words, relation in CLAIM_RELATIONS.items():
        if words in text:
            claim = CLAIM.id, CLAIM.claim, CLAIM.verdict, CLAIM.rating, CLAIM.publisher, CLAIM.url
            return (Match(*claim, score=0.95, relation=relation, p_relation=0.9),)
    return ()


def _signature_of(text: str) -> TextSignature:
    beginning = text.split()[:4]
    if len(beginning) < 4:
        return NO_SIGNATURE
    return TextSignature((" ".join(beginning),), sha256(repr(beginning).encode()).digest())


def _signal(name: str, probability: float) -> Signal:
    return Signal(name, probability, 0.0, max(0.0, probability - 0.02), min(1.0, probability + 0.02))


class Outage:
    """Stands before an adapter. Its methods raise `error` while they are named in `failing` (or `away` is set), count
    in `calls`, and wait for the event that stands under their name in `gates`."""

    def __init__(self, inner: Any, error: AssayError) -> None:
        self.inner, self.error = inner, error
        self.away = False
        self.failing: set[str] = set()
        self.calls: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if name in {"replies", "take", "beat"}:
            return method

        async def call(*args: Any, **options: Any) -> Any:
            self.calls.append(name)
            if name in self.gates:
                await self.gates[name].wait()
            if self.away or name in self.failing:
                raise self.error
            return await method(*args, **options)

        return call


@dataclass
class Told:
    """An observer that remembers."""

    verdicts: list[Verdict] = field(default_factory=list)
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    lookups: dict[str, int] = field(default_factory=dict)
    stages: list[str] = field(default_factory=list)
    pools: list[list[WorkerInfo]] = field(default_factory=list)
    backlogs: list[tuple[int, float]] = field(default_factory=list)
    quarantines: list[str] = field(default_factory=list)
    breakers: list[int] = field(default_factory=list)

    def decided(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)

    def stage(self, name: str, seconds: float) -> None:
        assert seconds >= 0
        self.stages.append(name)

    def looked_up(self, **counts: int) -> None:
        for name, count in counts.items():
            self.lookups[name] = self.lookups.get(name, 0) + count

    def quarantined(self, claim_id: str) -> None:
        self.quarantines.append(claim_id)

    def breaker_opened(self, limit: int) -> None:
        self.breakers.append(limit)

    def report_failure(self, where: str, error: Exception) -> None:
        self.failures.append((where, error))

    def backlog(self, posts: int, age: float) -> None:
        self.backlogs.append((posts, age))

    def queued(self, depths: Any) -> None:
        assert set(depths) == set(Lane)

    def worker_pool(self, workers: Sequence[WorkerInfo]) -> None:
        self.pools.append(list(workers))


def _worker(judged_by: JudgedBy) -> WorkerInfo:
    return WorkerInfo("worker-1", judged_by.model, time.time(), judged_by.claims)


@dataclass
class House:
    """The parts, each behind an `Outage`; `pipeline` and `judging` make a front and a worker of them."""

    policy: Policy
    observer: Any = field(default_factory=Told)
    worker_observer: Any = None
    classifier: KeywordClassifier = field(default_factory=KeywordClassifier)
    store: Any = field(default_factory=lambda: Outage(MemoryStore(), StoreUnavailable("the store is away")))
    cache: Any = field(default_factory=lambda: Outage(MemoryCache(), RedisUnavailable("Redis is away")))
    queue: Any = field(default_factory=lambda: Outage(MemoryQueue(), RedisUnavailable("Redis is away")))
    attempts: Any = field(default_factory=lambda: Outage(MemoryAttempts(), RedisUnavailable("Redis is away")))
    announcer: Any = field(default_factory=lambda: Outage(MemoryAnnouncer(), RedisUnavailable("Redis is away")))
    registry: Any = field(default_factory=lambda: Outage(MemoryRegistry(), RedisUnavailable("Redis is away")))

    clusters: Any = field(default_factory=lambda: Outage(MemoryClusters(), RedisUnavailable("Redis is away")))
    traffic: Any = field(
        default_factory=lambda: Outage(
            MemoryClaimTraffic(window=600.0, limits=SurgeLimits(posts=20)), RedisUnavailable("Redis is away")
        )
    )

    actions: Any = field(default_factory=lambda: Outage(MemoryBudget(), RedisUnavailable("Redis is away")))

    def redis_away(self, away: bool = True) -> None:
        redis = self.cache, self.queue, self.attempts, self.announcer, self.registry, self.clusters, self.traffic
        self.actions.away = away
        for part in redis:
            part.away = away

    def surges(self) -> Surges:
        return Surges(self.traffic, self.store, self.observer)

    def judging(self) -> Judging:
        return Judging(
            tasks=Tasks(self.queue, self.attempts),
            classifier=self.classifier,
            clusters=self.clusters,
            surges=self.surges(),
            deciding=Deciding(self.policy, Budget(self.actions, self.worker_observer or self.observer)),
            records=Records(self.store, self.cache, self.announcer),
            observer=self.worker_observer or self.observer,
        )

    def dispatcher(self, *, budget: int = 64, messages: int = 4, lease: float = 60.0) -> Dispatcher:
        return Dispatcher(self.store, self.queue, self.observer, budget=budget, messages=messages, lease=lease)

    def write_behind(self, capacity: int = 10_000) -> WriteBehind:
        return WriteBehind(self.store, self.cache, self.announcer, self.observer, capacity)

    def pipeline(self, *, policy: Policy | None = None, **limits: Any) -> Pipeline:
        return Pipeline(
            records=FrontRecords(self.store, self.cache, self.write_behind()),
            workers=Workers(
                "front-1",
                self.queue,
                WorkerPool(self.registry, self.observer, batches_per_worker=2),
                self.dispatcher(),
            ),
            deciding=Deciding(policy or self.policy, Budget(self.actions, self.observer)),
            surges=self.surges(),
            observer=self.observer,
            limits=FrontLimits(**{"default_deadline": 5.0, **limits}),
        )

    async def work(self) -> None:
        """A worker's life, with a beat at its beginning."""
        await self.registry.beat(_worker(self.classifier.judged_by))
        judging = self.judging()
        while True:
            batch = await self.queue.take()
            try:
                await judging.judge(batch)
            except StoreUnavailable:
                await asyncio.sleep(0.02)
                await self.queue.inner.send(Lane.BULK, batch)

    async def accepted(self, *posts: Post) -> Batch:
        """A batch as a worker gets it: its posts stand in the store, leased."""
        await self.store.inner.accept(posts, lease=60.0)
        return Batch("batch-1", posts, sent_at=time.time())

    async def recorded(self, *posts: Post) -> list[Verdict]:
        """The verdicts that stand recorded."""
        return [verdict for verdict in await self.store.inner.find([post.key for post in posts]) if verdict]

    async def decided(self, *posts: Post) -> list[Verdict]:
        """The same, once all posts have one."""
        async with asyncio.timeout(5):
            while len(found := await self.recorded(*posts)) < len(posts):  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.005)
        return found

    @asynccontextmanager
    async def front(self, *, worker: bool = True, grace: float = 0.2, **limits: Any) -> AsyncIterator[Pipeline]:
        """A started pipeline with a worker behind it."""
        work = asyncio.create_task(self.work()) if worker else None
        await asyncio.sleep(0)
        pipeline = self.pipeline(**limits)
        await pipeline.start()
        try:
            yield pipeline
        finally:
            await pipeline.drain(grace)
            if work:
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work


@pytest.fixture
def policy() -> Policy:
    return parse(POLICY)


@pytest.fixture
def house(policy: Policy) -> House:
    return House(policy)


@pytest.fixture
def claim() -> Claim:
    """What texts on cheese repeat or rebut."""
    return CLAIM


@pytest.fixture
def killed() -> BaseException:
    return Killed()


@pytest.fixture
async def front(house: House) -> AsyncIterator[Pipeline]:
    """A started front with a worker on `house`."""
    async with house.front() as pipeline:
        yield pipeline


@pytest.fixture
def post() -> Callable[..., Post]:
    """Makes a post; its number is its id and, unless a text is given, what it says."""
    return lambda number=1, text="", **fields: Post(
        platform="example", id=str(number), text=text or f"what post {number} has to say", **fields
    )


@pytest.fixture
def verdict_on() -> Callable[..., Verdict]:
    """Makes a verdict that a worker could have given on a post."""

    def make(post: Post, **changes: Any) -> Verdict:
        [judgement] = KeywordClassifier().judge([post])
        verdict = Verdict(
            post=post.key,
            content_digest=post.content_digest,
            surface=post.surface,
            ruling=Ruling(Decision.ALLOW),
            policy_version="policy-1",
            source=Source.MODEL,
            decided_at=datetime.now(UTC),
            judgement=judgement,
        )
        return replace(verdict, **changes)

    return make


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Waits until a condition holds; fails after five seconds."""

    async def wait(condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - conditions of many kinds
                await asyncio.sleep(0.002)

    return wait
