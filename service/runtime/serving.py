"""Runs one front: gRPC server, webhook receiver, shims and metrics port, until a signal; then drains."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from prometheus_client import start_http_server

from service.dashboard.services import DashboardServices
from service.errors import InvalidInput
from service.feeds.http_receiver import webhook_app
from service.moderation.pipeline import Pipeline
from service.rpc.server import Server
from service.runtime import http_listening
from service.runtime.dashboard import Dashboard
from service.runtime.dashboard import serving as dashboard_serving
from service.runtime.settings import Settings
from service.runtime.shims import listening
from service.runtime.wiring import commands, connections
from service.runtime.wiring.front import Front, started_front
from service.shims.app import ShimOptions, shim_app
from service.shims.keys import Keys

_GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Serving:
    """A front that listens: its gRPC port, and the pipeline to ask whether it is ready. `shims` is a URL, if any.

    `dashboard` is where that is served, if it is.
    """

    port: int
    pipeline: Pipeline
    shims: str = ""
    dashboard: Dashboard | None = None


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
    """A front that serves while the context is open, with the dashboard if that is asked for and not turned off."""
    log = structlog.get_logger("assay")
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    async with started_front(settings) as front, _webhook(settings, front), _shims(settings, front) as shims:
        server = Server(
            front.pipeline,
            front.store,
            front.announcer,
            front.weighing,
            claims=front.claims,
            webhooks=front.webhooks,
            cases=front.cases,
            governing=front.governing,
            publishing=front.publishing,
            address=settings.address,
            reflection=settings.reflection,
            default_deadline=settings.default_deadline,
        )
        port = await server.start()
        log.info("serving", address=settings.address, port=port)
        try:
            async with _dashboard(settings, front.services if dashboard else None) as served:
                yield Serving(port, front.pipeline, shims, served)
        finally:
            log.info("draining", grace=_GRACE)
            await server.stop(_GRACE)


@asynccontextmanager
async def _webhook(settings: Settings, front: Front) -> AsyncIterator[None]:
    if not settings.webhook_address:
        yield
        return
    receiver = webhook_app(
        front.pipeline.submit,
        verify_token=settings.webhook_verify_token.get_secret_value(),
        app_secret=settings.webhook_app_secret.get_secret_value(),
        platform=settings.webhook_platform,
        authors=connections.pseudonyms(settings),
    )
    remedy = "set ASSAY_WEBHOOK_ADDRESS to another address"
    async with http_listening.listening(receiver, settings.webhook_address, what="the webhook receiver", remedy=remedy):
        yield


@asynccontextmanager
async def _shims(settings: Settings, front: Front) -> AsyncIterator[str]:
    """The URL of Perspective's and OpenAI's endpoints while they are served; empty when they are off."""
    if settings.shim_address in {"", "off"}:
        yield ""
        return
    options = ShimOptions(
        record=settings.shim_record,
        platform=settings.shim_platform,
        languages=frozenset(filter(None, (one.strip().lower() for one in settings.shim_languages.split(",")))),
        drop_unsupported=settings.shim_drop_unsupported,
        deadline=settings.default_deadline,
    )
    keys = Keys(settings.shim_keys.get_secret_value().split(","))
    async with listening(shim_app(front.pipeline, keys, options), settings.shim_address) as url:
        structlog.get_logger("assay").info("shims", url=url, keys=keys.wanted)
        yield url


@asynccontextmanager
async def _dashboard(settings: Settings, services: DashboardServices | None) -> AsyncIterator[Dashboard | None]:
    """The dashboard on these services while it is served; none without them, or when it is off."""
    if services is None or settings.dashboard_address == "off":
        yield None
        return
    async with dashboard_serving(services, settings.dashboard_address, proxies=settings.dashboard_proxies) as served:
        structlog.get_logger("assay").info("dashboard", url=served.url)
        yield served


async def serve_dashboard(settings: Settings, announce: Callable[[Dashboard], None]) -> None:
    """Serve the dashboard alone until SIGINT or SIGTERM; `announce` hears where. Raises as `serve` does."""
    if settings.dashboard_address == "off":
        raise InvalidInput("dashboard_address", "is off", "set ASSAY_DASHBOARD_ADDRESS to HOST:PORT")
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    stopping = stop_signal()
    async with commands.dashboard_alone(settings) as services, _dashboard(settings, services) as served:
        if served:
            announce(served)
        await stopping.wait()
