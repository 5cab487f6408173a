"""The dashboard on a port, alone or in the process of a front, and the first administrator's one-time password."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from service.dashboard.app import dashboard_app
from service.dashboard.services import DashboardServices
from service.runtime import http_listening

LOCAL = "127.0.0.1:8080"
"""Where the dashboard listens unless told otherwise."""
_GRACE = 3


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Where the dashboard is, and the one-time password of `admin` if nobody was there before."""

    url: str
    password: str


@asynccontextmanager
async def serving(services: DashboardServices, address: str, *, proxies: str = "") -> AsyncIterator[Dashboard]:
    """The dashboard at HOST:PORT while the context is open, and somebody who may sign in to it.

    Raises as `listening` does.
    """
    async with listening(dashboard_app(services), address, proxies=proxies) as url:
        password = await services.directory.first() if services.sign_in.limits.passwords else ""
        yield Dashboard(services.url or url, password)


def listening(app: ASGIApp, address: str, *, proxies: str = "") -> AbstractAsyncContextManager[str]:
    """The app at HOST:PORT (port 0: any) while the context is open; its URL. Raises `OSError` where it can't listen.

    `proxies` are addresses whose `X-Forwarded-*` headers are believed.
    """
    remedy = "set ASSAY_DASHBOARD_ADDRESS to another address, or to off"
    return http_listening.listening(app, address, what="the dashboard", remedy=remedy, grace=_GRACE, proxies=proxies)


def local_if_free(address: str) -> str:
    """The address; `off` where it is `LOCAL` and another program listens there."""
    return "off" if address == LOCAL and not http_listening.is_free(LOCAL) else address
