"""An ASGI app on a port of this process: bound before it serves, closed with its context."""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

_BACKLOG = 2_048
_GRACE = 5


@asynccontextmanager
async def listening(
    app: ASGIApp,
    address: str,
    *,
    what: str = "the server",
    remedy: str = "choose another address",
    grace: int = _GRACE,
    proxies: str = "",
) -> AsyncIterator[str]:
    """The app at HOST:PORT (port 0: any) while the context is open; its URL.

    Raises `OSError` where it can't listen, naming `what` and the `remedy`. `proxies` are addresses whose
    `X-Forwarded-*` headers are trusted.
    """
    try:
        listener = bound(address)
    except OSError as cause:
        why = f"{what} cannot listen at {address}: {cause.strerror or cause}; {remedy}"
        raise (OSError(cause.errno, why) if cause.errno else OSError(why)) from cause
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=grace,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://{address.rpartition(':')[0]}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def is_free(address: str) -> bool:
    """Whether the address is free."""
    try:
        bound(address).close()
    except OSError:
        return False
    return True


def bound(address: str) -> socket.socket:
    """A socket that listens at HOST:PORT. Raises `OSError`, also for an invalid address."""
    host, _, port = address.rpartition(":")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), int(port)))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    except (OverflowError, UnicodeError) as cause:  # a port over 65535, an invalid name
        listener.close()
        raise OSError(str(cause)) from cause
    return listener


class _Server(uvicorn.Server):
    """A server that leaves signals to its process."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield
