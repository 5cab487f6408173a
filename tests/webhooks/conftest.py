"""A real HTTP receiver, webhooks on a SQLite file, and what is sent."""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.errors import AssayError
from service.records.sql.store import SqlStore
from service.webhooks.delivery import Answer, DeliveryState, Leased, Outcome
from service.webhooks.http_sender import HttpSender
from service.webhooks.managing import Endpoints
from service.webhooks.sql.store import SqlWebhooks
from tests.fakes.clock import Clock
from tests.waiting import until


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Takes all, unless `answers` holds what to answer first. `hold` lets requests wait for it."""

    received: list[Received] = field(default_factory=list)
    answers: deque[Response] = field(default_factory=deque)
    hold: asyncio.Event | None = None
    port: int = 0
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def take(self, request: Request) -> Response:
        body = await request.body()
        async with self.came:
            self.received.append(Received(request.url.path, dict(request.headers), body))
            self.came.notify_all()
        if self.hold:
            await self.hold.wait()
        return self.answers.popleft() if self.answers else Response(status_code=204)

    async def until(self, count: int, within: float = 10.0) -> list[Received]:
        """What came, as soon as it is so many."""
        async with asyncio.timeout(within), self.came:
            await self.came.wait_for(lambda: len(self.received) >= count)
        return self.received


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that listens on loopback."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/{path:path}", receiver.take, methods=["GET", "POST"])])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        receiver.port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        await until(lambda: server.started)
        yield receiver
        if receiver.hold:
            receiver.hold.set()
        server.should_exit = True
        await task


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(sqlite_url: str, clock: Clock) -> AsyncIterator[SqlStore]:
    store = await SqlStore.connect(sqlite_url, clock=clock)
    yield store
    await store.close()


@pytest.fixture
def webhooks(store: SqlStore) -> SqlWebhooks:
    return SqlWebhooks.beside(store)


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    """One that may send to loopback."""
    sender = HttpSender(allow_private=True, timeout=5.0)
    yield sender
    await sender.close()


@pytest.fixture
def endpoints(webhooks: SqlWebhooks, sender: HttpSender, clock: Clock) -> Endpoints:
    return Endpoints(webhooks, sender, allow_private=True, clock=clock)


@dataclass
class Noted:
    """An observer that remembers."""

    attempts: list[tuple[Leased, Answer, Outcome]] = field(default_factory=list)
    counts: Mapping[DeliveryState, int] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)

    def attempted(self, leased: Leased, answer: Answer, result: Outcome) -> None:
        self.attempts.append((leased, answer, result))

    def waiting(self, counts: Mapping[DeliveryState, int]) -> None:
        self.counts = counts

    def report_failure(self, where: str, error: Exception) -> None:
        assert isinstance(error, AssayError), f"{where}: {error!r}"
        self.failures.append(error)


@pytest.fixture
def noted() -> Noted:
    return Noted()
