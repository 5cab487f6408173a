"""The dashboard on a port, alone or in the process of a front, and the first administrator's one-time password."""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from service.dashboard.app import dashboard_app
from service.desk import Desk

_BACKLOG = 2_048
_GRACE = 3


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Where the dashboard is, and the one-time password of `admin` if nobody was there before."""

    url: str
    password: str


@asynccontextmanager
async def serving(desk: Desk, address: str, *, proxies: str = "") -> AsyncIterator[Dashboard]:
    """The dashboard at HOST:PORT while the context is open, and somebody who may sign in to it.

    Raises as `listening` does.
    """
    async with listening(dashboard_app(desk), address, proxies=proxies) as url:
        password = await desk.directory.first() if desk.sign_in.limits.passwords else ""
        yield Dashboard(desk.url or url, password)


@asynccontextmanager
async def listening(app: ASGIApp, address: str, *, proxies: str = "") -> AsyncIterator[str]:
    """The app at HOST:PORT (port 0: any) while the context is open; its URL. Raises `OSError` where it can't listen.

    `proxies` are addresses whose `X-Forwarded-*` headers are believed.
    """
    listener = _bound(address)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=_GRACE,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://{address.rpartition(':')[0]}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """A server that leaves signals to the process that it runs in."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


def _bound(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), int(port)))
        listener.listen(_BACKLOG)
    except OSError as cause:
        listener.close()
        why = f"the dashboard cannot listen at {address}: {cause.strerror or cause}"
        raise OSError(cause.errno, f"{why}; set ASSAY_DASHBOARD_ADDRESS to another address, or to off") from cause
    return listener
