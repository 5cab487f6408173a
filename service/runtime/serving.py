"""Runs one front: gRPC server, HTTP doors and metrics port, until a signal; then drains."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from prometheus_client import start_http_server

from service.errors import InvalidInput
from service.moderation.pipeline import Pipeline
from service.rpc.appeals import AppealServicer
from service.rpc.claims import ClaimServicer
from service.rpc.moderation import ModerationServicer
from service.rpc.policies import PolicyServicer
from service.rpc.reviews import ReviewServicer
from service.rpc.server import Server, ServerOptions
from service.rpc.service import Service
from service.rpc.transparency import TransparencyServicer
from service.rpc.verdicts import VerdictServicer
from service.rpc.watching import Watching
from service.rpc.webhooks import WebhookServicer
from service.runtime import http_doors
from service.runtime.settings import Settings
from service.runtime.wiring.front import Front, started_front

_GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Serving:
    """A listening front: its gRPC port, and the pipeline, which reports readiness. `shims` is a URL, if any.

    `dashboard` is its URL, if it is served.
    """

    port: int
    pipeline: Pipeline
    shims: str = ""
    dashboard: http_doors.Dashboard | None = None


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
async def running(settings: Settings, *, dashboard: bool = False) -> AsyncIterator[Serving]:
    """A front that serves while the context is open, with the dashboard if requested and not turned off."""
    log = structlog.get_logger("assay")
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    async with (
        started_front(settings) as front,
        http_doors.webhook_receiver(settings, front),
        http_doors.shims(settings, front) as shims,
    ):
        options = ServerOptions(
            address=settings.address, reflection=settings.reflection, default_deadline=settings.default_deadline
        )
        server = Server(services(front, options), options)
        port = await server.start()
        log.info("serving", address=settings.address, port=port)
        try:
            async with http_doors.dashboard(settings, front.services if dashboard else None) as served:
                yield Serving(port, front.pipeline, shims, served)
        finally:
            log.info("draining", grace=_GRACE)
            await server.stop(_GRACE)


def services(front: Front, options: ServerOptions) -> list[Service]:
    """All gRPC services of a front."""
    deadline, stopping = options.default_deadline, options.stopping
    watching = Watching(front.store, front.announcer, stopping, heartbeat=options.heartbeat)
    return [
        ModerationServicer(front.pipeline, front.weighing, default_deadline=deadline, stopping=stopping),
        VerdictServicer(front.store, watching),
        ClaimServicer(front.claims, front.store, front.pipeline, default_deadline=deadline),
        PolicyServicer(front.governing, front.pipeline, default_deadline=deadline),
        ReviewServicer(front.cases.reviewing),
        AppealServicer(front.cases.appealing),
        WebhookServicer(front.webhooks),
        TransparencyServicer(front.publishing),
    ]


async def serve_dashboard(settings: Settings, announce: Callable[[http_doors.Dashboard], None]) -> None:
    """Serve the dashboard alone until SIGINT or SIGTERM; `announce` gets its URL. Raises as `serve` does."""
    if settings.dashboard_address == "off":
        raise InvalidInput("dashboard_address", "is off", "set ASSAY_DASHBOARD_ADDRESS to HOST:PORT")
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    stopping = stop_signal()
    async with started_front(settings) as front, http_doors.dashboard(settings, front.services) as served:
        if served:
            announce(served)
        await stopping.wait()
