"""A real server on a free port over the memory store, with a small pipeline whose answers the post's text chooses."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import grpc
import grpc.aio
import pytest
from assay.v1 import claim_pb2, post_pb2
from assay.v1.appeal_service_pb2_grpc import AppealServiceStub
from assay.v1.claim_service_pb2_grpc import ClaimServiceStub
from assay.v1.moderation_service_pb2_grpc import ModerationServiceStub
from assay.v1.review_service_pb2_grpc import ReviewServiceStub
from assay.v1.verdict_service_pb2_grpc import VerdictServiceStub
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from service.domain.claim import ClaimState, Match, Relation
from service.domain.judgement import Evidence, Judgement, TokenSurprise
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.errors import AssayError, DeadlineExceeded, NoWorker, Overloaded
from service.moderation.author import Weighing
from service.policy.routing import Routing
from service.records.sql.store import SqlStore
from service.review.appealing import Appealing
from service.review.casework import Casework
from service.review.reviewing import Reviewing
from service.rpc.client.client import Client
from service.rpc.server import Server
from service.storage.tables.audit import AUDIT
from tests.fakes.queue_and_cache import MemoryAnnouncer
from tests.fakes.store import MemoryStore
from tests.review.reviewed import Reviewed, review_on


@dataclass
class ScriptedPipeline:
    """Judges at once and records, unless the text begins with `!`: then it does as the word after it says.

    A text that is read repeats the claims of the store whose statements stand in it.
    """

    store: MemoryStore
    announcer: MemoryAnnouncer
    verdict_of: Callable[..., Verdict]
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    missing: AssayError | None = None
    refusals: int = 1_000_000
    running: int = 0
    peak: int = 0
    cancelled: int = 0
    deadlines: list[float | None] = field(default_factory=list)

    async def moderate(self, post: Post, *, deadline: float | None = None) -> Verdict:
        self.deadlines.append(deadline)
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await self._obey(post.text, deadline or 0.0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        return await self.decide(post)

    async def _obey(self, text: str, deadline: float) -> None:
        match text.split(maxsplit=1)[0]:
            case "!overload" if self.refusals:
                self.refusals -= 1
                raise Overloaded("4,096 posts are waiting", 0.15)
            case "!crash":
                raise RuntimeError(text)
            case "!wait":
                await self.gate.wait()
            case "!late":
                await asyncio.sleep(deadline - time.time())
                raise DeadlineExceeded("no worker answered in time")
            case "!noworker":
                raise NoWorker("no worker with a loaded model answers")

    async def decide(self, post: Post) -> Verdict:
        [recorded] = await self.store.record([post], [self.verdict_of(post)])
        await self.announcer.announce()
        return recorded

    async def moderate_many(
        self, posts: Sequence[Post], *, deadline: float | None = None
    ) -> list[Verdict | AssayError]:
        async def one(post: Post) -> Verdict | AssayError:
            try:
                return await self.moderate(post, deadline=deadline)
            except AssayError as error:
                return error

        return await asyncio.gather(*map(one, posts))

    async def read(self, posts: Sequence[Post], *, deadline: float | None = None) -> list[Judgement | None]:
        self.deadlines.append(deadline)
        for post in posts:
            await self._obey(post.text, deadline or 0.0)
        return [None if post.text == "!setaside" else await self._judgement(post) for post in posts]

    async def _judgement(self, post: Post) -> Judgement:
        claims = await self.store.claim_set()
        judgement = self.verdict_of(post).judgement
        assert judgement
        matches = tuple(
            Match(
                claim_id=record.claim.id,
                claim=record.claim.claim,
                verdict=record.claim.verdict,
                rating=record.claim.rating,
                publisher=record.claim.publisher,
                url=record.claim.url,
                score=0.875,
                relation=Relation.REPEATS,
                p_relation=0.75,
                quarantined=record.state is ClaimState.QUARANTINED,
            )
            for record in claims.records
            if record.claim.claim in post.text
        )
        return replace(
            judgement,
            claims_version=claims.version,
            words=len(post.text.split()),
            abstained=(),
            evidence=replace(judgement.evidence, matches=matches),
        )

    async def submit(self, posts: Sequence[Post], *, request_id: str = "") -> list[bool]:
        return await self.store.accept(posts, request_id=request_id)

    async def ready(self) -> None:
        if self.missing:
            raise self.missing


@dataclass
class Front:
    """A running server and ways to reach it."""

    server: Server
    pipeline: ScriptedPipeline
    store: MemoryStore
    registry: CollectorRegistry
    channel: grpc.aio.Channel
    address: str

    @property
    def moderation(self) -> ModerationServiceStub:
        return ModerationServiceStub(self.channel)

    @property
    def verdicts(self) -> VerdictServiceStub:
        return VerdictServiceStub(self.channel)

    @property
    def claims(self) -> ClaimServiceStub:
        return ClaimServiceStub(self.channel)


@pytest.fixture
def pipeline(verdict_of: Callable[..., Verdict]) -> ScriptedPipeline:
    return ScriptedPipeline(MemoryStore(), MemoryAnnouncer(), verdict_of)


@pytest.fixture
async def front(pipeline: ScriptedPipeline, weighing: Weighing) -> AsyncIterator[Front]:
    registry = CollectorRegistry()
    server = Server(
        pipeline,
        pipeline.store,
        pipeline.announcer,
        weighing,
        claims=pipeline.store,
        address="127.0.0.1:0",
        reflection=True,
        heartbeat=0.3,
        registry=registry,
    )
    address = f"127.0.0.1:{await server.start()}"
    options = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        yield Front(server, pipeline, pipeline.store, registry, channel, address)
    await server.stop(grace=1.0)


@dataclass
class CaseFront:
    """A running server with cases over SQLite, and what its use cases told."""

    reviewed: Reviewed
    channel: grpc.aio.Channel
    cached: list[Verdict] = field(default_factory=list)
    announced: int = 0

    @property
    def reviews(self) -> ReviewServiceStub:
        return ReviewServiceStub(self.channel)

    @property
    def appeals(self) -> AppealServiceStub:
        return AppealServiceStub(self.channel)

    async def put(self, verdicts: Sequence[Verdict]) -> None:
        self.cached += verdicts

    async def announce(self) -> None:
        self.announced += 1

    def report_failure(self, where: str, error: Exception) -> None:
        raise AssertionError(where) from error

    async def clustered(self, posts: Sequence[Post]) -> str:
        """Record verdicts that ask for a person, all in one cluster; its name."""
        cluster = posts[0].content_digest
        verdicts = [self.reviewed.asking(post) for post in posts]
        told = [replace(v, judgement=replace(v.judgement, cluster=cluster)) for v in verdicts if v.judgement]
        await self.reviewed.store.record(posts, told)
        return cluster

    async def audited(self) -> list[tuple[str, str, str]]:
        """Actor, action and subject of each entry in the audit log."""
        async with self.reviewed.store.read() as connection:
            rows = (await connection.execute(select(AUDIT).order_by(AUDIT.c.number))).all()
        return [(row.actor, row.action, row.subject) for row in rows]


@pytest.fixture
async def casework(
    pipeline: ScriptedPipeline, weighing: Weighing, verdict_of: Callable[..., Verdict], sqlite_url: str
) -> AsyncIterator[CaseFront]:
    """A server with ReviewService and AppealService over a record store on SQLite."""
    reviewed = await review_on(SqlStore.connect, sqlite_url, verdict_of)
    reviewed.clock.time = time.time()
    front = CaseFront(reviewed, grpc.aio.insecure_channel("127.0.0.1:1"))
    parts: dict[str, Any] = {"routing": Routing, "observer": front, "cache": front, "announcer": front}
    cases = Casework(
        Reviewing(reviewed.review, reviewed.review, reviewed.review, reviewed.store, **parts),
        Appealing(reviewed.review, reviewed.store, **parts),
    )
    server = Server(
        pipeline,
        pipeline.store,
        pipeline.announcer,
        weighing,
        claims=pipeline.store,
        address="127.0.0.1:0",
        cases=cases,
        registry=CollectorRegistry(),
    )
    address = f"127.0.0.1:{await server.start()}"
    async with grpc.aio.insecure_channel(address, options=[("grpc.enable_retries", 0)]) as channel:
        front.channel = channel
        yield front
    await server.stop(grace=1.0)
    await reviewed.store.close()


@pytest.fixture
async def client(front: Front) -> AsyncIterator[Client]:
    async with Client(front.address, timeout=5.0, patience=2.0) as client:
        yield client


@pytest.fixture
def message_of() -> Callable[..., post_pb2.Post]:
    """Makes a good post message; fields by keyword."""

    def make(text: str = "Vaccines contain microchips", number: int = 1, **fields: object) -> post_pb2.Post:
        return post_pb2.Post(**{"name": f"platforms/x/posts/{number}", "text": text, **fields})  # type: ignore[arg-type]

    return make


@pytest.fixture
def claim_of() -> Callable[..., claim_pb2.Claim]:
    """Makes a good claim message; fields by keyword."""

    def make(number: int = 1, **fields: object) -> claim_pb2.Claim:
        given = {
            "name": f"claims/{number:05}",
            "statement": f"Bananas numbered {number} glow in the dark",
            "url": f"https://example.org/reviews/{number}",
            "verdict": "False",
            "publisher": "Example Facts",
        }
        return claim_pb2.Claim(**{**given, **fields})  # type: ignore[arg-type]

    return make


@pytest.fixture
def with_surprise() -> Callable[[Verdict, int], Verdict]:
    """Gives a verdict evidence of so many tokens."""

    def make(verdict: Verdict, tokens: int) -> Verdict:
        assert verdict.judgement
        surprise = tuple(TokenSurprise(5 * number, 5 * number + 4, 7.5) for number in range(tokens))
        return replace(verdict, judgement=replace(verdict.judgement, evidence=Evidence(surprise=surprise)))

    return make


@dataclass
class Failure:
    """A failed call: code, message, trailers and details."""

    code: grpc.StatusCode
    message: str
    metadata: dict[str, str | bytes]
    status: status_pb2.Status

    def detail(self, kind: type[Message]) -> Message:
        for packed in self.status.details:
            found = kind()
            if packed.Unpack(found):
                return found
        raise AssertionError(f"no {kind.__name__} in {self.status}")

    @property
    def field(self) -> str:
        return self.detail(error_details_pb2.BadRequest).field_violations[0].field  # type: ignore[attr-defined]

    @property
    def description(self) -> str:
        return self.detail(error_details_pb2.BadRequest).field_violations[0].description  # type: ignore[attr-defined]

    @property
    def reason(self) -> str:
        return self.detail(error_details_pb2.ErrorInfo).reason  # type: ignore[attr-defined]


@pytest.fixture
def failure_of() -> Callable[..., object]:
    """Awaits a call that must fail, or unpacks an item's status, and gives the failure."""

    def unpack(status: status_pb2.Status) -> Failure:
        code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
        return Failure(code, status.message, {}, status)

    async def wait(call: object) -> Failure:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call  # type: ignore[misc]
        metadata = dict(caught.value.trailing_metadata() or ())
        status = status_pb2.Status.FromString(metadata.get("grpc-status-details-bin", b""))
        return Failure(caught.value.code(), caught.value.details() or "", metadata, status)

    return lambda given: unpack(given) if isinstance(given, status_pb2.Status) else wait(given)
