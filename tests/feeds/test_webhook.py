import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from structlog.testing import capture_logs

from service.errors import AssayError, InvalidInput, Overloaded, StoreUnavailable
from service.feeds.http_receiver import MAX_BODY, Submit, webhook_app
from tests.feeds.conftest import Acceptor

SECRET = "app secret"
TOKEN = "töken"
CHANGE = {"field": "feed", "value": {"item": "status", "verb": "add", "post_id": "1_2", "message": "Private words"}}
LIKE = {"field": "feed", "value": {"item": "like", "verb": "add", "post_id": "1_2"}}
BROKEN = {"field": "feed", "value": {"item": "status", "verb": "add", "message": "no id"}}


def notification(*listed: Mapping[str, object]) -> bytes:
    return json.dumps({"object": "page", "entry": [{"id": "1", "time": 1, "changes": listed}]}).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


@pytest.fixture
def app(submit: Submit) -> Starlette:
    return webhook_app(submit, verify_token=TOKEN, app_secret=SECRET, platform="facebook")


@pytest.fixture
async def http(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as found:
        yield found


async def test_the_handshake_echoes_the_challenge(http: httpx.AsyncClient) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "<1158201444>"}
    answer = await http.get("/webhook", params=asked)
    assert (answer.status_code, answer.text) == (200, "<1158201444>")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "asked",
    [{}, {"hub.mode": "subscribe", "hub.verify_token": "wrong"}, {"hub.mode": "other", "hub.verify_token": TOKEN}],
)
async def test_a_wrong_handshake_is_refused(http: httpx.AsyncClient, asked: dict[str, str]) -> None:
    answer = await http.get("/webhook", params={**asked, "hub.challenge": "42"})
    assert answer.status_code == 403
    assert "42" not in answer.text


async def test_a_signed_notification_is_accepted_and_its_redelivery_harmless(
    http: httpx.AsyncClient, acceptor: Acceptor
) -> None:
    body = notification(CHANGE, LIKE)
    with capture_logs() as events:
        answers = [await http.post("/webhook", content=body, headers=signed(body)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [post.text for post in acceptor.accepted] == ["Private words"]
    assert [(event["accepted"], event["repeated"], event["ignored"]) for event in events] == [(1, 0, 1), (0, 1, 1)]
    assert "Private" not in repr(events)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        (signed(notification(CHANGE), "other secret"), 403),
        (signed(b"other body"), 403),
        ({"X-Hub-Signature-256": "sha256="}, 403),
        ({"X-Hub-Signature-256": b"sha256=\xe9"}, 403),
        ({"X-Hub-Signature": "sha1=00"}, 401),
    ],
)
async def test_what_is_not_signed_is_not_read(
    http: httpx.AsyncClient, acceptor: Acceptor, headers: dict[str, Any], status: int
) -> None:
    answer = await http.post("/webhook", content=notification(CHANGE), headers=headers)
    assert answer.status_code == status
    assert not acceptor.accepted


async def test_the_signature_is_checked_before_the_json(http: httpx.AsyncClient) -> None:
    assert (await http.post("/webhook", content=b"{", headers=signed(b"{}"))).status_code == 403
    assert (await http.post("/webhook", content=b"{", headers=signed(b"{"))).status_code == 400


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_is_refused(http: httpx.AsyncClient, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * (MAX_BODY // 4)

    body = chunks() if chunked else b"x" * (MAX_BODY + 1)
    assert (await http.post("/webhook", content=body)).status_code == 413


@pytest.mark.parametrize(
    ("outage", "wait"), [(StoreUnavailable("the store is away"), "10"), (Overloaded("too much", 2.6), "3")]
)
async def test_what_was_not_accepted_is_to_be_sent_again(
    http: httpx.AsyncClient, acceptor: Acceptor, outage: AssayError, wait: str
) -> None:
    acceptor.outage = outage
    body = notification(CHANGE)
    answer = await http.post("/webhook", content=body, headers=signed(body))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, wait)
    acceptor.outage = None
    assert (await http.post("/webhook", content=body, headers=signed(body))).status_code == 200
    assert len(acceptor.accepted) == 1


async def test_a_malformed_change_is_logged_and_the_rest_accepted(http: httpx.AsyncClient, acceptor: Acceptor) -> None:
    body = notification(BROKEN, CHANGE)
    with capture_logs() as events:
        answer = await http.post("/webhook", content=body, headers=signed(body))
    assert answer.status_code == 200
    assert len(acceptor.accepted) == 1
    assert events[0]["refused"] == 1
    assert events[0]["refusals"][0].startswith("entry[0].changes[0]: id is missing")


@pytest.mark.parametrize("missing", ["verify_token", "app_secret"])
def test_no_receiver_without_token_and_secret(submit: Submit, missing: str) -> None:
    values: dict[str, Any] = {"verify_token": TOKEN, "app_secret": SECRET, missing: ""}
    with pytest.raises(InvalidInput, match=f"webhook_{missing}: is empty"):
        webhook_app(submit, platform="facebook", **values)


async def test_over_a_real_socket(app: Starlette, acceptor: Acceptor) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    body = notification(CHANGE)
    async with httpx.AsyncClient(base_url=address) as client:
        answer = await client.post("/webhook", content=body, headers=signed(body))
    server.should_exit = True
    await running
    assert answer.status_code == 200
    assert [post.id for post in acceptor.accepted] == ["1_2"]
