"""A front that only delivers webhooks, for tests that kill it: `python deliver.py DATABASE_URL LEASE_SECONDS`."""

import asyncio
import sys

from prometheus_client import CollectorRegistry

from service.records.sql.store import SqlStore
from service.webhooks.delivering import Delivering
from service.webhooks.http_sender import HttpSender
from service.webhooks.sql.store import SqlWebhooks
from service.webhooks.telemetry import WebhookTelemetry


async def main(url: str, lease: float) -> None:
    webhooks = SqlWebhooks.beside(await SqlStore.connect(url))
    sender = HttpSender(allow_private=True)
    await Delivering(webhooks, sender, WebhookTelemetry(CollectorRegistry()), lease=lease).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
