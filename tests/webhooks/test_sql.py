"""Webhooks in SQL, on SQLite and on PostgreSQL: enqueued once, leased by one front, settled once, replayed, erased."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.domain.decision import Category, Decision
from service.errors import WebhookNotFound
from service.records.sql.store import SqlStore
from service.storage.tables.audit import AUDIT
from service.webhooks.delivery import Answer, DeliveryState, Leased, Outcome
from service.webhooks.endpoint import Endpoint
from service.webhooks.event import EVENT_TYPES, Event, EventType
from service.webhooks.ports import DeliveryFilter
from service.webhooks.sql.events import forget
from service.webhooks.sql.store import SqlWebhooks
from tests.factories import events_of
from tests.fakes.clock import Clock

MakeEndpoint = Callable[..., Endpoint]
MakeEvents = Callable[..., list[Event]]

BEGIN = Clock().now()
ALL = DeliveryFilter()
OK, BAD = Answer(status=204, seconds=0.25), Answer(status=500, seconds=0.5, error="HTTP 500")
DONE, DEAD = Outcome(state=DeliveryState.DELIVERED), Outcome(state=DeliveryState.DEAD)
LATER = Outcome(state=DeliveryState.PENDING, wait=30.0)
PENDING = DeliveryFilter((DeliveryState.PENDING,))


@pytest.fixture
async def open_webhooks(sql_url: str, clock: Clock) -> AsyncIterator[Callable[[], Awaitable[SqlWebhooks]]]:
    """Opens the database's webhooks over connections of their own, as each front does."""
    opened: list[SqlStore] = []

    async def open_one() -> SqlWebhooks:
        opened.append(await SqlStore.connect(sql_url, answer_within=30.0, clock=clock))
        return SqlWebhooks.beside(opened[-1])

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
def endpoint_of() -> Callable[..., Endpoint]:
    """Makes an endpoint of that id."""

    def make(id: str = "wh-1", **fields: Any) -> Endpoint:  # noqa: A002
        given: dict[str, Any] = {
            "url": f"https://platform.example/{id}",
            "events": EVENT_TYPES,
            "created_at": BEGIN,
            "created_by": "m-0000000a",
            "updated_at": BEGIN,
        }
        return Endpoint(id=id, **given | fields)

    return make


@dataclass
class Hooks:
    """Two fronts on one database, by one clock, and what they keep."""

    webhooks: SqlWebhooks
    other: SqlWebhooks
    clock: Clock
    endpoint_of: Callable[..., Endpoint]

    async def add(self, id: str = "wh-1", **fields: Any) -> Endpoint:  # noqa: A002
        """Keep an endpoint of that id."""
        return await self.webhooks.add_endpoint(self.endpoint_of(id, **fields), "whsec_YQ==")


@pytest.fixture
async def hooks(open_webhooks: Callable[[], Awaitable[SqlWebhooks]], clock: Clock, endpoint_of: MakeEndpoint) -> Hooks:
    return Hooks(await open_webhooks(), await open_webhooks(), clock, endpoint_of)


async def lease(store: SqlWebhooks, limit: int = 10, **options: Any) -> list[Leased]:
    return await store.lease(limit, **{"each": 10, "busy": {}, "seconds": 60.0, **options})


async def audited(store: SqlWebhooks) -> list[tuple[str, str, str]]:
    async with store.read() as connection:
        rows = await connection.execute(select(AUDIT).order_by(AUDIT.c.number))
        return [(row.actor, row.action, row.subject) for row in rows]


class TestEndpoints:
    async def test_what_is_kept_comes_back(self, hooks: Hooks) -> None:
        made = hooks.endpoint_of(
            description="live",
            events=(EventType.VERDICT_DECIDED,),
            decisions=(Decision.BLOCK,),
            categories=(Category.HATE,),
        )
        assert await hooks.webhooks.add_endpoint(made, "whsec_YQ==") == made
        await hooks.webhooks.add_endpoint(hooks.endpoint_of("wh-2"), "whsec_Yg==")
        assert await hooks.webhooks.find_endpoint("wh-1") == made
        assert [each.id for each in await hooks.webhooks.endpoints()] == ["wh-1", "wh-2"]
        assert [each.id for each in await hooks.webhooks.endpoints(after="wh-1")] == ["wh-2"]
        assert await hooks.webhooks.secrets_of("wh-1") == ("whsec_YQ==",)

    async def test_changes_are_kept_and_audited(self, hooks: Hooks) -> None:
        made = await hooks.add()
        hooks.clock.time += 60
        changed = await hooks.webhooks.change_endpoint(replace(made, url="https://new.example/"), actor="m-0000000b")
        assert (changed.url, changed.created_at) == ("https://new.example/", BEGIN)
        assert changed.updated_at == BEGIN + timedelta(seconds=60)
        await hooks.webhooks.rotate_secret("wh-1", "whsec_Yg==", overlap=10.0, actor="m-0000000b")
        await hooks.webhooks.note("wh-1", actor="m-0000000b", action="webhook.test")
        await hooks.webhooks.remove_endpoint("wh-1", actor="m-0000000c")
        actions = ["create", "update", "rotate", "test", "delete"]
        actors = ["m-0000000a", *["m-0000000b"] * 3, "m-0000000c"]
        assert await audited(hooks.webhooks) == [
            (actor, f"webhook.{action}", "webhooks/wh-1") for actor, action in zip(actors, actions, strict=True)
        ]

    async def test_what_is_not_there_is_named(self, hooks: Hooks) -> None:
        calls: list[Awaitable[object]] = [
            hooks.webhooks.find_endpoint("wh-9"),
            hooks.webhooks.change_endpoint(hooks.endpoint_of("wh-9"), actor="a"),
            hooks.webhooks.remove_endpoint("wh-9", actor="a"),
            hooks.webhooks.rotate_secret("wh-9", "whsec_YQ==", overlap=1.0, actor="a"),
            hooks.webhooks.secrets_of("wh-9"),
            hooks.webhooks.note("wh-9", actor="a", action="webhook.test"),
            hooks.webhooks.deliveries("wh-9", ALL, before=None, limit=1),
            hooks.webhooks.replay("wh-9", ALL, delivery=None, actor="a"),
        ]
        for call in calls:
            with pytest.raises(WebhookNotFound, match="webhooks/wh-9"):
                await call
        assert await audited(hooks.webhooks) == []

    async def test_two_secrets_hold_while_they_rotate(self, hooks: Hooks) -> None:
        await hooks.add()
        ends = await hooks.webhooks.rotate_secret("wh-1", "whsec_Yg==", overlap=100.0, actor="a")
        assert ends == BEGIN + timedelta(seconds=100)
        assert await hooks.webhooks.secrets_of("wh-1") == ("whsec_Yg==", "whsec_YQ==")
        await hooks.webhooks.rotate_secret("wh-1", "whsec_Yw==", overlap=100.0, actor="a")
        assert await hooks.webhooks.secrets_of("wh-1") == ("whsec_Yw==", "whsec_Yg==")
        hooks.clock.time += 100
        assert await hooks.webhooks.secrets_of("wh-1") == ("whsec_Yw==",)
        await hooks.webhooks.rotate_secret("wh-1", "whsec_ZA==", overlap=0.0, actor="a")
        assert await hooks.webhooks.secrets_of("wh-1") == ("whsec_ZA==",)


class TestEnqueue:
    async def test_an_event_is_enqueued_once_for_each_endpoint_that_wants_it(self, hooks: Hooks) -> None:
        events = events_of(3)
        assert await hooks.webhooks.enqueue(events) == 0
        await hooks.add("wh-1")
        await hooks.add("wh-2", decisions=(Decision.BLOCK,))
        await hooks.webhooks.add_endpoint(
            hooks.endpoint_of("wh-3", categories=(Category.MISINFORMATION,)), "whsec_YQ=="
        )
        await hooks.add("wh-4", enabled=False)
        await hooks.add("wh-5", events=(EventType.APPEAL_DECIDED,))
        assert await hooks.webhooks.enqueue([events[0], events[0], events[1]]) == 4
        assert await hooks.webhooks.enqueue(events) == 2
        counts = [
            len(await hooks.webhooks.deliveries(f"wh-{number}", ALL, before=None, limit=10)) for number in range(1, 6)
        ]
        assert counts == [3, 0, 3, 0, 0]

    async def test_fronts_that_enqueue_together_enqueue_once(self, hooks: Hooks) -> None:
        for number in range(3):
            await hooks.add(f"wh-{number}")
        events = events_of(40)
        one, two = hooks.webhooks, hooks.other
        made = await asyncio.gather(
            one.enqueue(events), two.enqueue(events[::-1]), one.enqueue(events[:20]), two.enqueue(events)
        )
        assert sum(made) == 120

    async def test_an_endpoint_removed_meanwhile_costs_nothing(self, hooks: Hooks) -> None:
        for number in range(8):
            await hooks.add(f"wh-{number}")
        removals = [hooks.other.remove_endpoint(f"wh-{number}", actor="a") for number in range(8)]
        enqueued = [hooks.webhooks.enqueue(events_of(20, 1 + 20 * number)) for number in range(8)]
        await asyncio.gather(*removals, *enqueued)
        assert await hooks.webhooks.endpoints() == []
        assert await lease(hooks.webhooks) == []
        assert await hooks.webhooks.waiting() == {DeliveryState.PENDING: 0, DeliveryState.DEAD: 0}


class TestLeases:
    async def test_one_front_has_it_with_all_that_it_takes(self, hooks: Hooks) -> None:
        made = await hooks.add()
        await hooks.webhooks.rotate_secret("wh-1", "whsec_Yg==", overlap=100.0, actor="a")
        [event] = events_of(1)
        await hooks.webhooks.enqueue([event])
        [leased] = await lease(hooks.webhooks)
        assert (leased.url, leased.event, leased.body) == (made.url, event.id, event.body.encode())
        assert (leased.secrets, leased.tries, leased.number) == (("whsec_Yg==", "whsec_YQ=="), 1, 1)
        assert "whsec" not in repr(leased)
        assert await lease(hooks.other) == []

    async def test_many_fronts_lose_none_and_share_none(self, hooks: Hooks) -> None:
        for number in range(4):
            await hooks.add(f"wh-{number}")
        await hooks.webhooks.enqueue(events_of(25))
        leased: list[int] = []
        for _ in range(20):  # one that finds rows locked passes over them, and comes again
            rounds = await asyncio.gather(*(lease(store, 7) for store in (hooks.webhooks, hooks.other) * 4))
            leased += [each.id for found in rounds for each in found]
        assert len(leased) == len(set(leased)) == 100

    async def test_a_lease_that_ran_out_is_anothers(self, hooks: Hooks) -> None:
        await hooks.add()
        await hooks.webhooks.enqueue(events_of(1))
        [first] = await lease(hooks.webhooks)
        hooks.clock.time += 61
        [second] = await lease(hooks.other)
        assert (second.id, second.tries, second.number) == (first.id, 2, 2)
        assert not await hooks.webhooks.settle(first, OK, DONE)
        await hooks.webhooks.release([first])
        assert await hooks.other.settle(second, OK, DONE)
        assert not await hooks.other.settle(second, BAD, DEAD)
        [delivery] = await hooks.webhooks.deliveries("wh-1", ALL, before=None, limit=10)
        assert delivery.state is DeliveryState.DELIVERED
        assert [(each.number, each.status) for each in delivery.attempts] == [(2, 204)]

    async def test_what_is_released_is_due_again_untried(self, hooks: Hooks) -> None:
        await hooks.add()
        await hooks.webhooks.enqueue(events_of(2))
        leased = await lease(hooks.webhooks)
        await hooks.webhooks.release(leased)
        assert [each.tries for each in await lease(hooks.webhooks)] == [1, 1]

    async def test_no_endpoint_takes_the_room_of_others(self, hooks: Hooks) -> None:
        for number in (1, 2):
            await hooks.add(f"wh-{number}")
        await hooks.webhooks.enqueue(events_of(10))
        found = await lease(hooks.webhooks, 10, each=3, busy={"wh-1": 2})
        assert sorted(each.endpoint for each in found) == ["wh-1", "wh-2", "wh-2", "wh-2"]
        assert await lease(hooks.webhooks, 10, each=3, busy={"wh-1": 3, "wh-2": 3}) == []
        assert len(await lease(hooks.webhooks, 1)) == 1

    async def test_a_disabled_endpoint_waits(self, hooks: Hooks) -> None:
        made = await hooks.add()
        await hooks.webhooks.enqueue(events_of(1))
        await hooks.webhooks.change_endpoint(replace(made, enabled=False), actor="a")
        assert await lease(hooks.webhooks) == []
        await hooks.webhooks.change_endpoint(made, actor="a")
        assert len(await lease(hooks.webhooks)) == 1


class TestSettling:
    async def test_attempts_are_kept_and_the_next_is_due_in_time(self, hooks: Hooks) -> None:
        await hooks.add()
        await hooks.webhooks.enqueue(events_of(1))
        [leased] = await lease(hooks.webhooks)
        assert await hooks.webhooks.settle(leased, BAD, LATER)
        [delivery] = await hooks.webhooks.deliveries("wh-1", PENDING, before=None, limit=10)
        assert delivery.due_at == BEGIN + timedelta(seconds=30)
        hooks.clock.time += 29
        assert await lease(hooks.webhooks) == []
        hooks.clock.time += 1
        [leased] = await lease(hooks.webhooks)
        assert await hooks.webhooks.settle(leased, OK, DONE)
        [delivery] = await hooks.webhooks.deliveries("wh-1", ALL, before=None, limit=10)
        assert (delivery.state, delivery.due_at) == (DeliveryState.DELIVERED, None)
        assert [(each.number, each.status, each.error) for each in delivery.attempts] == [
            (1, 500, "HTTP 500"),
            (2, 204, ""),
        ]
        assert delivery.attempts[1].at == BEGIN + timedelta(seconds=29.75)

    async def test_one_that_is_gone_is_turned_off_once(self, hooks: Hooks) -> None:
        await hooks.add()
        await hooks.webhooks.enqueue(events_of(3))
        gone = Outcome(state=DeliveryState.DEAD, disable="the receiver answered 410 Gone")
        first, second, third = await lease(hooks.webhooks)
        answer = Answer(status=410, seconds=0.1, error="HTTP 410")
        assert all(
            await asyncio.gather(
                hooks.webhooks.settle(first, answer, gone), hooks.webhooks.settle(second, answer, gone)
            )
        )
        found = await hooks.webhooks.find_endpoint("wh-1")
        assert (found.enabled, found.disabled_reason) == (False, "the receiver answered 410 Gone")
        assert [each for each in await audited(hooks.webhooks) if each[1] == "webhook.disable"] == [
            ("system", "webhook.disable", "webhooks/wh-1")
        ]
        assert await hooks.webhooks.enqueue(events_of(1, 9)) == 0
        assert await hooks.webhooks.waiting() == {DeliveryState.PENDING: 1, DeliveryState.DEAD: 2}
        await hooks.webhooks.remove_endpoint("wh-1", actor="a")
        assert not await hooks.webhooks.settle(third, answer, gone)


class TestReplay:
    async def test_one_delivery(self, hooks: Hooks) -> None:
        await hooks.add()
        await hooks.add("wh-2")
        await hooks.webhooks.enqueue(events_of(2))
        leased = await lease(hooks.webhooks)
        [mine, *_] = [each for each in leased if each.endpoint == "wh-1"]
        assert await hooks.webhooks.replay("wh-1", ALL, delivery=mine.id, actor="a") == 0  # it is under way
        for each in leased:
            await hooks.webhooks.settle(each, BAD, DEAD)
        assert await hooks.webhooks.replay("wh-1", ALL, delivery=mine.id, actor="m-1") == 1
        [again] = await lease(hooks.webhooks)
        assert (again.id, again.tries, again.number) == (mine.id, 1, 2)
        with pytest.raises(WebhookNotFound, match=f"webhooks/wh-2/deliveries/{mine.id}"):
            await hooks.webhooks.replay("wh-2", ALL, delivery=mine.id, actor="m-1")
        assert ("m-1", "webhook.replay", "webhooks/wh-1") in await audited(hooks.webhooks)

    async def test_a_range_of_time_and_states(self, hooks: Hooks) -> None:
        await hooks.add()
        for hour in range(4):
            hooks.clock.time = (BEGIN + timedelta(hours=hour)).timestamp()
            await hooks.webhooks.enqueue(events_of(2, 1 + 2 * hour))
            one, two = await lease(hooks.webhooks)
            await hooks.webhooks.settle(one, OK, DONE)
            await hooks.webhooks.settle(two, BAD, DEAD)
        middle = DeliveryFilter(start=BEGIN + timedelta(hours=1), end=BEGIN + timedelta(hours=3))
        dead = replace(middle, states=(DeliveryState.DEAD,))
        assert await hooks.webhooks.replay("wh-1", dead, delivery=None, actor="a") == 2
        assert len(await lease(hooks.webhooks)) == 2
        assert await hooks.webhooks.replay("wh-1", middle, delivery=None, actor="a") == 2  # not those that are held
        assert await hooks.webhooks.replay("wh-1", ALL, delivery=None, actor="a") == 6


class TestKeeping:
    async def test_pages_newest_first(self, hooks: Hooks) -> None:
        await hooks.add()
        for number in range(1, 6):
            await hooks.webhooks.enqueue(events_of(1, number))
        first = await hooks.webhooks.deliveries("wh-1", ALL, before=None, limit=2)
        second = await hooks.webhooks.deliveries("wh-1", ALL, before=first[-1].id, limit=10)
        posts = [each.subject.rpartition("/")[2] for each in first + second]
        assert posts == ["5", "4", "3", "2", "1"]
        assert {each.type for each in first} == {EventType.VERDICT_DECIDED}

    async def test_what_is_forgotten_is_gone_with_its_deliveries(self, hooks: Hooks) -> None:
        await hooks.add()
        events = events_of(3)
        await hooks.webhooks.enqueue(events)
        of = {each.event: each for each in await lease(hooks.webhooks)}
        leased = [of[event.id] for event in events]
        await hooks.webhooks.settle(leased[0], OK, DONE)
        async with hooks.webhooks.write() as tx:
            assert await forget(tx, [events[0].subject, events[1].subject, "platforms/x/posts/none"]) == 2
        assert not await hooks.webhooks.settle(leased[1], OK, DONE)
        assert await hooks.webhooks.settle(leased[2], OK, DONE)
        [kept] = await hooks.webhooks.deliveries("wh-1", ALL, before=None, limit=10)
        assert kept.subject == events[2].subject
