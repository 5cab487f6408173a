"""The shims' app on a port, in the process of the gRPC server."""

from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette

from service.runtime import http_listening

LOCAL = "127.0.0.1:8081"
"""Where `assay up` listens unless told otherwise."""


def listening(app: Starlette, address: str) -> AbstractAsyncContextManager[str]:
    """The app at HOST:PORT (port 0: any) for as long as the context is open; gives the URL. Raises `OSError`."""
    remedy = "set ASSAY_SHIM_ADDRESS to another address, or to off"
    return http_listening.listening(app, address, what="the shims", remedy=remedy)


def local_if_free() -> str:
    """`LOCAL`, or nothing where another program listens there."""
    return LOCAL if http_listening.is_free(LOCAL) else ""
