"""The client against a real server: objects in and out, clear errors, retries, resumed streams and watches."""

import asyncio
import socket
import time
from contextlib import aclosing

import pytest
from prometheus_client import CollectorRegistry

from service.domain.decision import Decision
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
from service.rpc.client.client import Client
from service.rpc.server import Server


async def test_moderate_and_read_back(client, post_of, verdict_of):
    verdict = await client.moderate(post_of())
    assert verdict.post == post_of().key
    assert verdict.ruling == verdict_of(post_of()).ruling
    assert verdict.judgement.evidence.spans[0].signal == "misinformation"
    assert await client.verdict(post_of().name) == verdict


@pytest.mark.parametrize(
    ("text", "kind"),
    [("\x00", InvalidInput), ("!late", DeadlineExceeded), ("!crash", AssayError), ("\ud83d", InvalidInput)],
)
async def test_errors_are_the_servers(front, post_of, text, kind):
    async with Client(front.address, timeout=0.5) as client:
        with pytest.raises(AssayError) as caught:
            await client.moderate(post_of(text))
    assert type(caught.value) is kind


async def test_missing_and_undecided(client, post_of):
    with pytest.raises(NotFound):
        await client.verdict("platforms/x/posts/none")
    await client.submit([post_of()])
    with pytest.raises(NotDecided):
        await client.verdict(post_of().name)


async def test_overload_is_waited_out(client, front, post_of):
    front.pipeline.refusals = 2
    started = time.monotonic()
    assert isinstance(await client.moderate(post_of("!overload")), Verdict)
    assert time.monotonic() - started >= 0.3  # twice the 150 ms of RetryInfo


async def test_patience_ends(front, post_of):
    async with Client(front.address, patience=0.4) as client:
        with pytest.raises(Overloaded):
            await client.moderate(post_of("!overload"))
        with pytest.raises(NoWorker):
            await client.moderate(post_of("!noworker"))


async def test_nobody_listens():
    async with Client("127.0.0.1:9", patience=0.3) as client:
        assert not await client.ready()
        with pytest.raises(Unavailable, match="no Assay service answers at"):
            await client.verdict("platforms/x/posts/1")


async def test_ready(client, front):
    assert await client.ready()


async def test_too_large_says_send_less(client, post_of):
    with pytest.raises(AssayError, match="send less at once"):
        await client.moderate(post_of(metadata={"k": "x" * 5_000_000}))


async def test_submit_splits_and_answers_in_order(client, front, post_of):
    posts = [post_of("long " * 3_000 + str(number), str(number)) for number in range(1_500)]
    posts[1_400] = post_of("", "1400")
    answers = await client.submit(posts, request_id="feed")
    assert isinstance(answers[1_400], InvalidInput)
    assert [answer for answer in answers if answer is True] == [True] * 1_499
    assert (await front.store.backlog())[0] == 1_499
    again = await client.submit(posts, request_id="feed")
    assert again[:1_400] == answers[:1_400]
    with pytest.raises(Conflict):
        await client.submit([post_of("other")], request_id="feed")


async def test_stream_answers_each_post(client, front, post_of):
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


async def test_long_stream_from_an_async_source(client, post_of):
    async def source():
        for number in range(3_000):
            yield post_of(f"text {number}", str(number))

    async with aclosing(client.moderate_stream(source())) as answers:
        assert sorted([index async for index, _ in answers]) == list(range(3_000))


async def test_sources_error_reaches_the_caller(client, post_of):
    def source():
        yield post_of()
        raise ValueError("line 2 is broken")

    with pytest.raises(ValueError, match="line 2"):
        [None async for _ in client.moderate_stream(source())]


async def test_leaving_a_stream_cancels_its_posts(client, front, post_of):
    posts = [post_of("quick", "0"), *(post_of("!wait", str(number)) for number in range(1, 9))]
    async with aclosing(client.moderate_stream(posts)) as answers:
        assert (await anext(answers))[0] == 0
        async with asyncio.timeout(2):
            while front.pipeline.running < 8:  # noqa: ASYNC110 - the server's doing
                await asyncio.sleep(0.01)
    async with asyncio.timeout(2):
        while front.pipeline.running:  # noqa: ASYNC110 - the server's doing
            await asyncio.sleep(0.01)


@pytest.fixture
async def restart(pipeline, weighing):
    """Starts a server on a port that stays the same from start to start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    servers = []

    async def start():
        server = Server(
            pipeline,
            pipeline.store,
            pipeline.announcer,
            weighing,
            claims=pipeline.store,
            address=address,
            heartbeat=0.3,
            registry=CollectorRegistry(),
        )
        await server.start()
        servers.append(server)
        return server, address

    yield start
    for server in servers:
        await server.stop(0)


async def test_stream_survives_restarts_of_the_server(restart, pipeline, post_of):
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
                pipeline.gate.set()
    assert sorted(seen) == list(range(300))


async def test_watch_survives_restarts_of_the_server(restart, pipeline, post_of):
    server, address = await restart()
    seen = []
    async with Client(address, patience=5.0) as client, aclosing(client.watch("0")) as watch:
        for number in range(30):
            await pipeline.decide(post_of(f"text {number}", str(number)))
        async for cursor, verdict in watch:
            if verdict:
                seen.append((int(cursor), verdict.post.name.rpartition("/")[2]))
            if len(seen) == 10:
                await server.stop(0)
                server, _ = await restart()
            if len(seen) == 30:
                break
    assert seen == [(number + 1, str(number)) for number in range(30)]


async def test_watch_with_filter_and_bad_cursor(client, pipeline, post_of):
    await pipeline.decide(post_of())
    async with aclosing(client.watch("0", VerdictFilter(decisions=(Decision.BLOCK,)))) as watch:
        assert await anext(watch) == ("1", None)
    with pytest.raises(InvalidInput, match="cursor"):
        await anext(client.watch("nonsense"))
