"""The shims' app on a port, in the process of the gRPC server."""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette

LOCAL = "127.0.0.1:8081"
"""Where `assay up` listens unless told otherwise."""

_BACKLOG = 2_048
_GRACE = 5


@asynccontextmanager
async def listening(app: Starlette, address: str) -> AsyncIterator[str]:
    """The app at HOST:PORT (port 0: any) for as long as the context is open; gives the URL. Raises `OSError`."""
    listener = _bind(address)
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    host, _, _ = address.rpartition(":")
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def local_if_free() -> str:
    """`LOCAL`, or nothing where another program listens there."""
    try:
        _bind(LOCAL).close()
    except OSError:
        return ""
    return LOCAL


class _Server(uvicorn.Server):
    """A server that leaves signals to the process that it runs in."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


def _bind(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), int(port)))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError, UnicodeError) as cause:  # taken, a port over 65535, a name that is none
        listener.close()
        raise OSError(f"the shims cannot listen at {address}: {getattr(cause, 'strerror', None) or cause}") from cause
    return listener
