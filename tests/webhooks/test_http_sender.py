"""Sending over real sockets: what arrives, what is not followed, and addresses that nothing is sent to."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import httpx
import pytest
from starlette.responses import RedirectResponse, Response, StreamingResponse

from service.webhooks.delivery import Answer
from service.webhooks.http_sender import HttpSender
from tests.webhooks.conftest import Receiver

HEADERS = {"webhook-id": "evt_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


def resolving(*answers: str | list[str]) -> tuple[Resolve, list[str]]:
    """A name server that gives these answers one after another, the last for ever; and what it was asked."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        answer = answers[min(len(asked), len(answers)) - 1]
        return [answer] if isinstance(answer, str) else answer

    return resolve, asked


class Wire(httpx.AsyncBaseTransport):
    """Notes where connections go, and refuses those to `dead` addresses."""

    def __init__(self, dead: Sequence[str] = ()) -> None:
        self.requests: list[httpx.Request] = []
        self._dead = dead

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host in self._dead:
            raise httpx.ConnectError("refused")
        return httpx.Response(204, stream=httpx.ByteStream(b""))


@contextlib.asynccontextmanager
async def opened(sender: HttpSender) -> AsyncIterator[HttpSender]:
    yield sender
    await sender.close()


async def send(url: str, **options: object) -> Answer:
    async with opened(HttpSender(**options)) as sender:  # type: ignore[arg-type]
        return await sender.send(url, b"{}", HEADERS)


class TestSending:
    async def test_body_and_headers_arrive(self, receiver: Receiver, sender: HttpSender) -> None:
        answer = await sender.send(receiver.url + "?key=1", b'{"a":"\xc3\xa4"}', HEADERS)
        assert (answer.status, answer.taken, answer.error) == (204, True, "")
        assert 0 < answer.seconds < 5
        [received] = receiver.received
        assert received.body == b'{"a":"\xc3\xa4"}'
        assert received.headers["content-type"] == "application/json"
        assert received.headers["user-agent"].startswith("Assay-Webhooks/")
        assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
        assert {name: received.headers[name] for name in HEADERS} == HEADERS

    async def test_a_redirect_is_not_followed(self, receiver: Receiver, sender: HttpSender) -> None:
        receiver.answers.append(RedirectResponse("http://127.0.0.1:1/secret"))
        answer = await sender.send(receiver.url, b"{}", HEADERS)
        assert (answer.status, answer.taken) == (307, False)
        assert "redirect" in answer.error
        assert len(receiver.received) == 1

    async def test_errors_and_retry_after_are_told(self, receiver: Receiver, sender: HttpSender) -> None:
        receiver.answers.append(Response(status_code=503, headers={"retry-after": "120"}))
        answer = await sender.send(receiver.url, b"{}", HEADERS)
        assert (answer.status, answer.error, answer.retry_after) == (503, "HTTP 503", 120.0)

    async def test_no_more_of_an_answer_is_read_than_it_takes(self, receiver: Receiver, sender: HttpSender) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(1_024):
                sent += 65_536
                yield b"x" * 65_536
                await asyncio.sleep(0.001)

        receiver.answers.append(StreamingResponse(endless()))
        answer = await sender.send(receiver.url, b"{}", HEADERS)
        assert answer.status == 200
        assert sent < 32 * 1024 * 1024

    async def test_one_that_drips_or_hangs_costs_no_more_than_the_timeout(self, receiver: Receiver) -> None:
        async def dripping() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x"
                await asyncio.sleep(0.1)

        receiver.answers.append(StreamingResponse(dripping()))
        began = time.perf_counter()
        answer = await send(receiver.url, allow_private=True, timeout=0.5)
        receiver.hold = asyncio.Event()
        hung = await send(receiver.url, allow_private=True, timeout=0.5)
        assert time.perf_counter() - began < 3
        assert [(each.status, each.error) for each in (answer, hung)] == [(0, "no answer within 0.5 s")] * 2

    async def test_who_is_not_there_or_speaks_no_http_is_named(self, sender: HttpSender) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        assert (await sender.send(f"http://127.0.0.1:{port}/", b"{}", HEADERS)).error.startswith("no connection")
        server = await asyncio.start_server(lambda _, writer: writer.write(b"nonsense\r\n\r\n"), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            answer = await sender.send(f"http://127.0.0.1:{port}/", b"{}", HEADERS)
        assert answer.status == 0
        assert answer.error

    async def test_the_environments_proxy_is_not_asked(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
        assert (await send(receiver.url, allow_private=True)).taken


class TestAddresses:
    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "2130706433",
            "0x7f.1",
            "0",
            "127.1",
        ],
    )
    async def test_no_way_of_writing_it_reaches_loopback(self, receiver: Receiver, host: str) -> None:
        answer = await send(f"https://{host}:{receiver.port}/hook")
        assert answer.status == 0
        assert answer.refused or "resolve" in answer.error, answer
        assert receiver.received == []

    async def test_plain_http_is_not_sent_over(self, receiver: Receiver) -> None:
        answer = await send(receiver.url)
        assert (answer.refused, receiver.received) == (True, [])
        assert (await send("ftp://127.0.0.1/", allow_private=True)).refused

    @pytest.mark.parametrize("address", ["10.0.0.8", "169.254.169.254", "100.64.3.4", "::ffff:10.0.0.8", "fd00::1"])
    async def test_a_name_at_a_private_address_is_refused(self, address: str) -> None:
        resolve, _ = resolving(address)
        wire = Wire()
        answer = await send("https://hooks.example/x", resolve=resolve, transport=wire)
        assert (answer.refused, wire.requests) == (True, [])
        assert "hooks.example is at" in answer.error

    async def test_a_name_with_one_private_address_among_public_ones_is_refused(self) -> None:
        resolve, _ = resolving(["8.8.8.8", "127.0.0.1"])
        wire = Wire()
        assert (await send("https://hooks.example/", resolve=resolve, transport=wire)).refused
        assert wire.requests == []

    async def test_the_connection_goes_to_the_very_address_that_was_judged(self) -> None:
        resolve, asked = resolving("8.8.8.8", "127.0.0.1")
        wire = Wire()
        async with opened(HttpSender(resolve=resolve, transport=wire)) as sender:
            first = await sender.send("https://hooks.example/x", b"{}", HEADERS)
            assert asked == ["hooks.example"]  # once a request: nobody asks again between judging and connecting
            rebound = await sender.send("https://hooks.example/x", b"{}", HEADERS)
        assert (first.status, rebound.refused) == (204, True)
        [request] = wire.requests
        assert (str(request.url), request.headers["host"]) == ("https://8.8.8.8/x", "hooks.example")
        assert request.extensions["sni_hostname"] == "hooks.example"

    async def test_rebinding_between_judging_and_connecting_changes_nothing(self, receiver: Receiver) -> None:
        """The real socket: the name's second address would be the receiver's; nobody but us resolves it."""
        resolve, asked = resolving("127.0.0.9", "127.0.0.1")
        async with opened(HttpSender(allow_private=True, resolve=resolve)) as sender:
            url = f"http://rebind.example:{receiver.port}/hook"
            first = await sender.send(url, b"{}", HEADERS)
            assert (first.status, len(receiver.received), len(asked)) == (0, 0, 1)
            assert (await sender.send(url, b"{}", HEADERS)).taken
        assert receiver.received[0].headers["host"] == f"rebind.example:{receiver.port}"

    async def test_each_request_is_judged_again_on_a_connection_of_its_own(self, receiver: Receiver) -> None:
        resolve, asked = resolving("127.0.0.1")
        async with opened(HttpSender(allow_private=True, resolve=resolve)) as sender:
            for _ in range(3):
                await sender.send(f"http://a.example:{receiver.port}/", b"{}", HEADERS)
        assert len(asked) == 3
        assert {each.headers["connection"] for each in receiver.received} == {"close"}

    async def test_where_the_first_address_is_down_the_next_is_tried(self) -> None:
        resolve, _ = resolving(["8.8.8.8", "2606:4700::1"])
        wire = Wire(dead=["8.8.8.8"])
        assert (await send("https://hooks.example:8443/x", resolve=resolve, transport=wire)).taken
        assert [str(request.url) for request in wire.requests] == [
            "https://8.8.8.8:8443/x",
            "https://[2606:4700::1]:8443/x",
        ]

    async def test_no_name_and_no_address(self) -> None:
        resolve, _ = resolving([])
        assert "no address" in (await send("https://hooks.example/", resolve=resolve)).error
        assert (await send("https://", allow_private=True)).status == 0


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        """A certificate for hooks.example with its key."""
        path = tmp_path / "hooks.pem"
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=hooks.example"
        )
        extension = [
            "-addext",
            "subjectAltName=DNS:hooks.example",
            "-keyout",
            str(path),
            "-out",
            str(tmp_path / "cert"),
        ]
        subprocess.run([*command.split(), *extension], check=True, capture_output=True)
        path.write_text(path.read_text() + (tmp_path / "cert").read_text())
        return path

    @pytest.fixture
    async def tls_port(self, certificate: Path) -> AsyncIterator[int]:
        """A TLS server that has that certificate alone."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def test_the_certificate_is_the_names_not_the_addresss(self, certificate: Path, tls_port: int) -> None:
        resolve, _ = resolving("127.0.0.1")
        tls = ssl.create_default_context(cafile=str(certificate))
        async with opened(HttpSender(allow_private=True, resolve=resolve, tls=tls)) as sender:
            good = await sender.send(f"https://hooks.example:{tls_port}/", b"{}", HEADERS)
            other = await sender.send(f"https://other.example:{tls_port}/", b"{}", HEADERS)
        assert (good.status, other.status) == (204, 0)
        assert "certificate" in other.error.lower()

    async def test_one_that_nobody_vouches_for_is_refused(self, tls_port: int) -> None:
        resolve, _ = resolving("127.0.0.1")
        answer = await send(f"https://hooks.example:{tls_port}/", allow_private=True, resolve=resolve)
        assert "certificate" in answer.error.lower()
