"""The standard health service, reflection, and an address that is taken."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub
from prometheus_client import CollectorRegistry

from service.errors import NoWorker
from service.rpc.server import Server

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
MODERATION, VERDICTS, CLAIMS = (f"assay.v1.{name}Service" for name in ("Moderation", "Verdict", "Claim"))


async def status(front, service):
    return (await HealthStub(front.channel).Check(health_pb2.HealthCheckRequest(service=service))).status


async def becomes(front, service, wanted):
    async with asyncio.timeout(6):
        while await status(front, service) != wanted:  # noqa: ASYNC110 - another process's state, as a probe sees it
            await asyncio.sleep(0.1)


async def test_ready_per_service_and_alive_always(front, pipeline):
    assert [await status(front, service) for service in ("", MODERATION, VERDICTS, CLAIMS)] == [SERVING] * 4
    pipeline.missing = NoWorker("no worker")
    await becomes(front, MODERATION, NOT_SERVING)
    assert [await status(front, service) for service in ("", VERDICTS, CLAIMS)] == [SERVING] * 3
    pipeline.missing = None
    await becomes(front, MODERATION, SERVING)


async def test_check_that_breaks_is_not_ready(front, pipeline):
    pipeline.missing = RuntimeError("broken")
    await becomes(front, MODERATION, NOT_SERVING)
    pipeline.missing = None
    await becomes(front, MODERATION, SERVING)


async def test_unknown_service(front):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await status(front, "no.such.Service")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_drain_turns_services_off_and_ends_health_watches(front, message_of):
    watch = HealthStub(front.channel).Watch(health_pb2.HealthCheckRequest(service=MODERATION))
    assert (await watch.read()).status == SERVING
    await asyncio.wait_for(front.server.stop(grace=9.0), 5.0)
    assert (await watch.read()).status == NOT_SERVING


async def test_reflection_lists_all_services(front):
    call = ServerReflectionStub(front.channel).ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    names = {service.name for service in (await call.read()).list_services_response.service}
    assert {MODERATION, VERDICTS, CLAIMS} <= names
    call.cancel()


async def test_address_in_use(front, pipeline, weighing):
    registry = CollectorRegistry()
    store = pipeline.store
    second = Server(
        pipeline, store, pipeline.announcer, weighing, claims=store, address=front.address, registry=registry
    )
    with pytest.raises(OSError, match="free it or choose another"):
        await second.start()
    await second.stop(0)
