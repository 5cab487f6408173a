"""Chooses the adapters of webhooks: settings in, wired parts out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.moderation.ports import Observer
from service.records.followers import Followed, Follower
from service.records.ports import Announcer
from service.records.sql.store import SqlStore
from service.runtime.settings import Settings
from service.supervision import kept_running
from service.webhooks.delivering import Delivering
from service.webhooks.enqueueing import FOLLOWER, Webhooks
from service.webhooks.http_sender import HttpSender
from service.webhooks.managing import Endpoints
from service.webhooks.sql.store import SqlWebhooks
from service.webhooks.telemetry import WebhookTelemetry


@asynccontextmanager
async def sending(
    settings: Settings, store: SqlStore, followed: Followed, announcer: Announcer, observer: Observer
) -> AsyncIterator[Endpoints]:
    """Follows the verdicts and delivers webhooks while the context is open; gives the use cases."""
    webhooks, sender = SqlWebhooks.beside(store), HttpSender(allow_private=settings.webhook_allow_private)
    delivering = Delivering(webhooks, sender, WebhookTelemetry())
    told = Webhooks(webhooks, delivering.poke)
    follower = Follower(FOLLOWER, followed, announcer, told.handle, observer, "now")
    try:
        async with kept_running({"webhook follower": follower.run, "webhooks": delivering.run}, observer):
            yield Endpoints(webhooks, sender, allow_private=settings.webhook_allow_private)
    finally:
        await sender.close()


@asynccontextmanager
async def endpoints(settings: Settings) -> AsyncIterator[Endpoints]:
    """The use cases alone, for commands that need no Redis. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    sender = HttpSender(allow_private=settings.webhook_allow_private)
    try:
        yield Endpoints(SqlWebhooks.beside(store), sender, allow_private=settings.webhook_allow_private)
    finally:
        await sender.close()
        await store.close()
