"""The HTTP interfaces of a front, each at its own address and served only if configured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from service.dashboard.app import dashboard_app
from service.dashboard.services import DashboardServices
from service.feeds.http_receiver import webhook_app
from service.runtime.http_listening import is_free, listening
from service.runtime.settings import Settings
from service.runtime.wiring.front import Front
from service.runtime.wiring.use_cases import pseudonyms
from service.shims.app import ShimOptions, shim_app
from service.shims.keys import Keys

DASHBOARD, SHIMS = "127.0.0.1:8080", "127.0.0.1:8081"
"""Where `assay up` serves them by default."""
_GRACE = 3  # seconds: a page that waits for news delays no shutdown


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The dashboard's URL, and the one-time password of `admin` if there was no account."""

    url: str
    password: str


@asynccontextmanager
async def dashboard(settings: Settings, services: DashboardServices | None) -> AsyncIterator[Dashboard | None]:
    """The dashboard on these services, with an account to sign in; none without services, or when it is off.

    Raises as `listening` does.
    """
    address = settings.dashboard_address
    if services is None or address == "off":
        yield None
        return
    remedy = "set ASSAY_DASHBOARD_ADDRESS to another address, or to off"
    app, proxies = dashboard_app(services), settings.dashboard_proxies
    async with listening(app, address, what="the dashboard", remedy=remedy, grace=_GRACE, proxies=proxies) as url:
        password = await services.directory.first() if services.sign_in.limits.passwords else ""
        structlog.get_logger("assay").info("dashboard", url=services.url or url)
        yield Dashboard(services.url or url, password)


@asynccontextmanager
async def shims(settings: Settings, front: Front) -> AsyncIterator[str]:
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
    app, remedy = shim_app(front.pipeline, keys, options), "set ASSAY_SHIM_ADDRESS to another address, or to off"
    async with listening(app, settings.shim_address, what="the shims", remedy=remedy) as url:
        structlog.get_logger("assay").info("shims", url=url, keys=keys.wanted)
        yield url


@asynccontextmanager
async def webhook_receiver(settings: Settings, front: Front) -> AsyncIterator[None]:
    """The receiver of Meta-style webhooks while it is served, if it is."""
    if not settings.webhook_address:
        yield
        return
    receiver = webhook_app(
        front.pipeline.submit,
        verify_token=settings.webhook_verify_token.get_secret_value(),
        app_secret=settings.webhook_app_secret.get_secret_value(),
        platform=settings.webhook_platform,
        authors=pseudonyms(settings),
    )
    remedy = "set ASSAY_WEBHOOK_ADDRESS to another address"
    async with listening(receiver, settings.webhook_address, what="the webhook receiver", remedy=remedy):
        yield


def dashboard_if_free(address: str) -> str:
    """The address; `off` where it is `DASHBOARD` and another program listens there."""
    return "off" if address == DASHBOARD and not is_free(DASHBOARD) else address


def shims_if_free() -> str:
    """`SHIMS`, or nothing where another program listens there."""
    return SHIMS if is_free(SHIMS) else ""
