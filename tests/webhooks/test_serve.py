"""A real `assay serve` tells a real receiver of what is recorded: endpoints over gRPC, verdicts in the database."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import grpc.aio
import pytest
from assay.v1 import webhook_service_pb2 as pb
from assay.v1.webhook_service_pb2_grpc import WebhookServiceStub

from service.domain.decision import Decision, Ruling
from service.domain.verdict import Source
from service.records.sql.store import SqlStore
from service.webhooks.signing import verify
from tests.factories import post_of, verdict_of
from tests.processes import Process
from tests.webhooks.conftest import Receiver

if TYPE_CHECKING:
    from assay.v1.webhook_service_pb2_grpc import WebhookServiceAsyncStub


@pytest.fixture
def serve(sqlite_url: str, redis_url: str) -> Iterator[Process]:
    process = Process(
        "serve",
        ASSAY_DATABASE_URL=sqlite_url,
        ASSAY_REDIS_URL=redis_url,
        ASSAY_ADDRESS="127.0.0.1:0",
        ASSAY_WEBHOOK_ALLOW_PRIVATE="true",
    )
    yield process
    process.stop()


@pytest.fixture
async def stub(serve: Process) -> AsyncIterator["WebhookServiceAsyncStub"]:
    port = serve.wait_for(r'"?port"?[=:] ?(\d+)').group(1)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield WebhookServiceStub(channel)


async def test_what_is_decided_and_revised_is_told_signed(
    stub: "WebhookServiceAsyncStub",
    store: SqlStore,
    receiver: Receiver,
) -> None:
    wish = pb.Endpoint(url=receiver.url, events=["verdict.decided", "verdict.revised"])
    made = await stub.CreateEndpoint(pb.CreateEndpointRequest(endpoint=wish))
    tested = await stub.TestEndpoint(pb.TestEndpointRequest(name=made.endpoint.name))
    assert tested.attempt.status == 204
    post = post_of()
    [verdict] = await store.record([post], [verdict_of(post)])
    await receiver.until(2, within=30)
    await store.revise(
        [replace(verdict, ruling=Ruling(Decision.ALLOW, reason="satire", case="cases/1"), source=Source.MODERATOR)]
    )
    _, decided, revised = await receiver.until(3, within=30)
    assert all(verify(made.secret, each.headers, each.body, now=time.time()) for each in (decided, revised))
    told = [json.loads(each.body) for each in (decided, revised)]
    assert [each["type"] for each in told] == ["verdict.decided", "verdict.revised"]
    assert [each["data"]["decision"] for each in told] == ["LABEL", "ALLOW"]
    assert told[1]["data"]["case"] == "cases/1"
