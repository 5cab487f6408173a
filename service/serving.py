"""Runs one front: the gRPC server, the webhook receiver and the metrics port, until a signal; then drains."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
import uvicorn
from prometheus_client import start_http_server

from service import bootstrap
from service.pipeline import Pipeline
from service.rpc.server import Server
from service.settings import Settings
from service.webhook import webhook_app

_GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Serving:
    """A front that listens: its gRPC port, and the pipeline to ask whether it is ready."""

    port: int
    pipeline: Pipeline


def stop_signal() -> asyncio.Event:
    """An event that SIGINT or SIGTERM sets."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises `Unavailable`, and `OSError` when the address is taken."""
    stopping = stop_signal()
    async with running(settings):
        await stopping.wait()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Serving]:
    """A front that serves while the context is open."""
    log = structlog.get_logger("assay")
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    async with bootstrap.front(settings) as front, _webhook(settings, front):
        server = Server(
            front.pipeline,
            front.store,
            front.announcer,
            front.weighing,
            address=settings.address,
            reflection=settings.reflection,
            default_deadline=settings.default_deadline,
        )
        port = await server.start()
        log.info("serving", address=settings.address, port=port)
        try:
            yield Serving(port, front.pipeline)
        finally:
            log.info("draining", grace=_GRACE)
            await server.stop(_GRACE)


@asynccontextmanager
async def _webhook(settings: Settings, front: bootstrap.Front) -> AsyncIterator[None]:
    if not settings.webhook_address:
        yield
        return
    host, _, port = settings.webhook_address.rpartition(":")
    receiver = webhook_app(
        front.pipeline.submit,
        verify_token=settings.webhook_verify_token.get_secret_value(),
        app_secret=settings.webhook_app_secret.get_secret_value(),
        platform=settings.webhook_platform,
        authors=bootstrap.pseudonyms(settings),
    )
    server = uvicorn.Server(uvicorn.Config(receiver, host=host, port=int(port), log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await task
