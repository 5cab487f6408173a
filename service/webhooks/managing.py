"""The use cases of endpoints: add, change, rotate, remove, list deliveries, replay and test them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypedDict

from service.domain.decision import Category, Decision
from service.errors import InvalidInput
from service.webhooks.delivery import Answer, Delivery
from service.webhooks.endpoint import Endpoint, check_endpoint, new_id
from service.webhooks.event import EventType, trial_event
from service.webhooks.ports import DeliveryFilter, EndpointStore, Sender
from service.webhooks.signing import headers, new_secret

OVERLAP = 86_400.0
MAX_OVERLAP = 7 * 86_400.0


class EndpointFields(TypedDict, total=False):
    """A person's settings of an endpoint; fields that are left out stay as they are."""

    url: str
    events: tuple[EventType, ...]
    description: str
    decisions: tuple[Decision, ...]
    categories: tuple[Category, ...]
    enabled: bool


class Endpoints:
    """The use cases. `actor` is a pseudonymous id. `allow_private`: see `addresses`."""

    def __init__(
        self,
        store: EndpointStore,
        sender: Sender,
        *,
        allow_private: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._sender, self._allow_private, self._clock = store, sender, allow_private, clock

    async def add(self, said: EndpointFields, *, actor: str) -> tuple[Endpoint, str]:
        """Store a new endpoint; returns it with its secret, which is shown only now. Raises `InvalidInput`."""
        now = self._now()
        blank = Endpoint(id=new_id(), url="", events=(), created_at=now, created_by=actor, updated_at=now)
        endpoint = _changed(blank, said)
        check_endpoint(endpoint, allow_private=self._allow_private)
        secret = new_secret()
        return await self._store.add_endpoint(endpoint, secret), secret

    async def find(self, endpoint_id: str) -> Endpoint:
        """The endpoint. Raises `WebhookNotFound`."""
        return await self._store.find_endpoint(endpoint_id)

    async def page(self, *, after: str, limit: int) -> list[Endpoint]:
        """Endpoints in the order of their ids."""
        return await self._store.endpoints(after=after, limit=limit)

    async def change(self, endpoint_id: str, said: EndpointFields, *, actor: str) -> Endpoint:
        """Replace what `said` names. Raises `InvalidInput`, `WebhookNotFound`."""
        there = await self._store.find_endpoint(endpoint_id)
        changed = _changed(there, said)
        stays_off = not changed.enabled and changed.url == there.url  # also where its URL is not allowed any more
        check_endpoint(changed, allow_private=self._allow_private or stays_off)
        return await self._store.change_endpoint(changed, actor=actor)

    async def remove(self, endpoint_id: str, *, actor: str) -> None:
        """Delete it and its deliveries. Raises `WebhookNotFound`."""
        await self._store.remove_endpoint(endpoint_id, actor=actor)

    async def rotate(self, endpoint_id: str, *, overlap: float = OVERLAP, actor: str) -> tuple[str, datetime]:
        """A new secret, shown only now, and when the previous one ends. Raises `InvalidInput`, `WebhookNotFound`."""
        if not 0 <= overlap <= MAX_OVERLAP:
            raise InvalidInput("overlap", f"{overlap:g} s is not 0 s to 7 days", "send 0 to end the old secret at once")
        secret = new_secret()
        return secret, await self._store.rotate_secret(endpoint_id, secret, overlap=overlap, actor=actor)

    async def deliveries(
        self, endpoint_id: str, only: DeliveryFilter, *, before: int | None = None, limit: int = 50
    ) -> Sequence[Delivery]:
        """Its deliveries, newest first. Raises `WebhookNotFound`."""
        return await self._store.deliveries(endpoint_id, only, before=before, limit=limit)

    async def replay(self, endpoint_id: str, only: DeliveryFilter, *, delivery: int | None = None, actor: str) -> int:
        """Send again; how many deliveries that makes due. Raises `WebhookNotFound`."""
        return await self._store.replay(endpoint_id, only, delivery=delivery, actor=actor)

    async def test(self, endpoint_id: str, *, actor: str) -> Answer:
        """Send a `webhook.test` now, once, enabled or not; returns the result. Raises `WebhookNotFound`."""
        endpoint = await self._store.find_endpoint(endpoint_id)
        secrets = await self._store.secrets_of(endpoint_id)
        await self._store.note(endpoint_id, actor=actor, action="webhook.test")
        event = trial_event(endpoint.name, self._now())
        body = event.body.encode()
        return await self._sender.send(endpoint.url, body, headers(secrets, event.id, int(self._clock()), body))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _changed(endpoint: Endpoint, said: EndpointFields) -> Endpoint:
    changed = replace(endpoint, **said)
    return replace(
        changed,
        events=tuple(dict.fromkeys(changed.events)),
        decisions=tuple(dict.fromkeys(changed.decisions)),
        categories=tuple(dict.fromkeys(changed.categories)),
        disabled_reason="" if changed.enabled else endpoint.disabled_reason,
    )
