"""The client against a real server: objects in and out, clear errors, retries, resumed streams and watches."""

import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing

import pytest

from service.domain.decision import Decision
from service.domain.post import Post
from service.domain.verdict import Verdict, VerdictFilter
from service.errors import (
    AssayError,
    Conflict,
    DeadlineExceeded,
    InvalidInput,
    NotDecided,
    NotFound,
    NoWorker,
    Overloaded,
    Unavailable,
)
from service.moderation.author import Weighing
from service.rpc.client.client import Client
from service.rpc.server import Server
from tests.factories import post_of, verdict_of
from tests.fixtures.grpc_front import Front, ScriptedPipeline
from tests.rpc.servers import server_of
from tests.waiting import until


async def test_moderate_and_read_back(grpc_client: Client) -> None:
    verdict = await grpc_client.moderate(post_of())
    assert verdict.post == post_of().key
    assert verdict.ruling == verdict_of(post_of()).ruling
    assert verdict.judgement
    assert verdict.judgement.evidence.spans[0].signal == "misinformation"
    assert await grpc_client.verdict(post_of().name) == verdict


@pytest.mark.parametrize(
    ("text", "kind"),
    [("\x00", InvalidInput), ("!late", DeadlineExceeded), ("!crash", AssayError), ("\ud83d", InvalidInput)],
)
async def test_errors_are_the_servers(front: Front, text: str, kind: type[AssayError]) -> None:
    async with Client(front.address, timeout=0.5) as client:
        with pytest.raises(AssayError) as caught:
            await client.moderate(post_of(text))
    assert type(caught.value) is kind


async def test_missing_and_undecided(grpc_client: Client) -> None:
    with pytest.raises(NotFound):
        await grpc_client.verdict("platforms/x/posts/none")
    await grpc_client.submit([post_of()])
    with pytest.raises(NotDecided):
        await grpc_client.verdict(post_of().name)


async def test_overload_is_waited_out(grpc_client: Client, front: Front) -> None:
    front.pipeline.refusals = 2
    started = time.monotonic()
    assert isinstance(await grpc_client.moderate(post_of("!overload")), Verdict)
    assert time.monotonic() - started >= 0.3  # twice the 150 ms of RetryInfo


async def test_patience_ends(front: Front) -> None:
    async with Client(front.address, patience=0.4) as client:
        with pytest.raises(Overloaded):
            await client.moderate(post_of("!overload"))
        with pytest.raises(NoWorker):
            await client.moderate(post_of("!noworker"))


async def test_nobody_listens() -> None:
    async with Client("127.0.0.1:9", patience=0.3) as client:
        assert not await client.ready()
        with pytest.raises(Unavailable, match="no Assay service answers at"):
            await client.verdict("platforms/x/posts/1")


async def test_ready(grpc_client: Client, front: Front) -> None:
    assert await grpc_client.ready()


async def test_too_large_says_send_less(grpc_client: Client) -> None:
    with pytest.raises(AssayError, match="send less at once"):
        await grpc_client.moderate(post_of(metadata={"k": "x" * 5_000_000}))


async def test_submit_splits_and_answers_in_order(grpc_client: Client, front: Front) -> None:
    posts = [post_of("long " * 3_000 + str(number), str(number)) for number in range(1_500)]
    posts[1_400] = post_of("", "1400")
    answers = await grpc_client.submit(posts, request_id="feed")
    assert isinstance(answers[1_400], InvalidInput)
    assert [answer for answer in answers if answer is True] == [True] * 1_499
    assert (await front.store.backlog())[0] == 1_499
    again = await grpc_client.submit(posts, request_id="feed")
    assert again[:1_400] == answers[:1_400]
    with pytest.raises(Conflict):
        await grpc_client.submit([post_of("other")], request_id="feed")


async def test_stream_answers_each_post(grpc_client: Client, front: Front) -> None:
    front.pipeline.refusals = 5
    texts = ["one", "", "!overload", "\ud83d", "!noworker"]
    posts = [post_of(texts[number % 5], str(number)) for number in range(20)]
    async with Client(front.address, patience=1.0) as patient:
        answers = {index: answer async for index, answer in patient.moderate_stream(posts)}
    assert sorted(answers) == list(range(20))
    kinds = {text: {type(answers[number]) for number in range(20) if texts[number % 5] == text} for text in texts}
    assert kinds == {
        "one": {Verdict},
        "": {InvalidInput},
        "!overload": {Verdict},
        "\ud83d": {InvalidInput},
        "!noworker": {NoWorker},
    }


async def test_long_stream_from_an_async_source(grpc_client: Client) -> None:
    async def source() -> AsyncIterator[Post]:
        for number in range(3_000):
            yield post_of(f"text {number}", str(number))

    async with aclosing(grpc_client.moderate_stream(source())) as answers:
        assert sorted([index async for index, _ in answers]) == list(range(3_000))


async def test_sources_error_reaches_the_caller(grpc_client: Client) -> None:
    def source() -> Iterator[Post]:
        yield post_of()
        raise ValueError("line 2 is broken")

    with pytest.raises(ValueError, match="line 2"):
        [None async for _ in grpc_client.moderate_stream(source())]


async def test_leaving_a_stream_cancels_its_posts(grpc_client: Client, front: Front) -> None:
    posts = [post_of("quick", "0"), *(post_of("!wait", str(number)) for number in range(1, 9))]
    async with aclosing(grpc_client.moderate_stream(posts)) as answers:
        assert (await anext(answers))[0] == 0
        await until(lambda: front.pipeline.running == 8, within=2)
    await until(lambda: not front.pipeline.running, within=2)


Restart = Callable[[], Awaitable[tuple[Server, str]]]


@pytest.fixture
async def restart(scripted: ScriptedPipeline, weighing: Weighing) -> AsyncIterator[Restart]:
    """Starts a server on a port that stays the same from start to start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    servers: list[Server] = []

    async def start() -> tuple[Server, str]:
        server = server_of(scripted, scripted.store, scripted.announcer, weighing, address=address, heartbeat=0.3)
        await server.start()
        servers.append(server)
        return server, address

    yield start
    for server in servers:
        await server.stop(0)


async def test_stream_survives_restarts_of_the_server(restart: Restart, scripted: ScriptedPipeline) -> None:
    server, address = await restart()
    posts = [post_of(f"text {number}" if number % 3 else "!wait", str(number)) for number in range(300)]
    seen = []
    async with Client(address, patience=5.0) as client:
        async for index, answer in client.moderate_stream(posts):
            assert isinstance(answer, Verdict)
            seen.append(index)
            if len(seen) == 50:
                await server.stop(0)
                await restart()
                scripted.gate.set()
    assert sorted(seen) == list(range(300))


async def test_watch_survives_restarts_of_the_server(restart: Restart, scripted: ScriptedPipeline) -> None:
    server, address = await restart()
    seen = []
    async with Client(address, patience=5.0) as client, aclosing(client.watch("0")) as watch:
        for number in range(30):
            await scripted.decide(post_of(f"text {number}", str(number)))
        async for cursor, verdict in watch:
            if verdict:
                seen.append((int(cursor), verdict.post.name.rpartition("/")[2]))
            if len(seen) == 10:
                await server.stop(0)
                server, _ = await restart()
            if len(seen) == 30:
                break
    assert seen == [(number + 1, str(number)) for number in range(30)]


async def test_watch_with_filter_and_bad_cursor(grpc_client: Client, scripted: ScriptedPipeline) -> None:
    await scripted.decide(post_of())
    async with aclosing(grpc_client.watch("0", VerdictFilter(decisions=(Decision.BLOCK,)))) as watch:
        assert await anext(watch) == ("1", None)
    with pytest.raises(InvalidInput, match="cursor"):
        await anext(grpc_client.watch("nonsense"))
