"""Webhooks in SQL, on SQLite and on PostgreSQL: enqueued once, leased by one front, settled once, replayed, erased."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.adapters.sql_audit_tables import AUDIT
from service.adapters.sql_store import SqlStore
from service.adapters.sql_webhooks import SqlWebhooks
from service.domain import Category, Decision, Post, Verdict
from service.errors import WebhookNotFound
from service.webhooks.delivery import Answer, DeliveryState, Leased, Outcome
from service.webhooks.endpoint import Endpoint
from service.webhooks.event import EVENT_TYPES, Event, EventType, verdict_event
from service.webhooks.ports import DeliveryFilter

MakeEndpoint = Callable[..., Endpoint]
MakeEvents = Callable[..., list[Event]]

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
ALL = DeliveryFilter()
OK, BAD = Answer(status=204, seconds=0.25), Answer(status=500, seconds=0.5, error="HTTP 500")
DONE, DEAD = Outcome(state=DeliveryState.DELIVERED), Outcome(state=DeliveryState.DEAD)
LATER = Outcome(state=DeliveryState.PENDING, wait=30.0)
PENDING = DeliveryFilter((DeliveryState.PENDING,))


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    time: float = BEGIN.timestamp()

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
async def webhooks(open_webhooks: Callable[[], Awaitable[SqlWebhooks]]) -> SqlWebhooks:
    return await open_webhooks()


@pytest.fixture
async def other(open_webhooks: Callable[[], Awaitable[SqlWebhooks]]) -> SqlWebhooks:
    """Another front on the same database."""
    return await open_webhooks()


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


@pytest.fixture
def events_of(post_of: Callable[..., Post], verdict_of: Callable[..., Verdict]) -> Callable[..., list[Event]]:
    """Events of `count` verdicts, numbered from `start`."""

    def make(count: int, start: int = 1) -> list[Event]:
        numbers = range(start, start + count)
        return [verdict_event(verdict_of(post_of(id=str(number)), sequence=number)) for number in numbers]

    return make


async def lease(store: SqlWebhooks, limit: int = 10, **options: Any) -> list[Leased]:
    return await store.lease(limit, **{"each": 10, "busy": {}, "seconds": 60.0, **options})


async def audited(store: SqlWebhooks) -> list[tuple[str, str, str]]:
    async with store.read() as connection:
        rows = await connection.execute(select(AUDIT).order_by(AUDIT.c.number))
        return [(row.actor, row.action, row.subject) for row in rows]


class TestEndpoints:
    async def test_what_is_kept_comes_back(self, webhooks: SqlWebhooks, endpoint_of: MakeEndpoint) -> None:
        made = endpoint_of(
            description="live",
            events=(EventType.VERDICT_DECIDED,),
            decisions=(Decision.BLOCK,),
            categories=(Category.HATE,),
        )
        assert await webhooks.add_endpoint(made, "whsec_YQ==") == made
        await webhooks.add_endpoint(endpoint_of("wh-2"), "whsec_Yg==")
        assert await webhooks.find_endpoint("wh-1") == made
        assert [each.id for each in await webhooks.endpoints()] == ["wh-1", "wh-2"]
        assert [each.id for each in await webhooks.endpoints(after="wh-1")] == ["wh-2"]
        assert await webhooks.secrets_of("wh-1") == ("whsec_YQ==",)

    async def test_changes_are_kept_and_audited(
        self, webhooks: SqlWebhooks, clock: Clock, endpoint_of: MakeEndpoint
    ) -> None:
        made = await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        clock.time += 60
        changed = await webhooks.change_endpoint(replace(made, url="https://new.example/"), actor="m-0000000b")
        assert (changed.url, changed.created_at) == ("https://new.example/", BEGIN)
        assert changed.updated_at == BEGIN + timedelta(seconds=60)
        await webhooks.rotate_secret("wh-1", "whsec_Yg==", overlap=10.0, actor="m-0000000b")
        await webhooks.note("wh-1", actor="m-0000000b", action="webhook.test")
        await webhooks.remove_endpoint("wh-1", actor="m-0000000c")
        actions = ["create", "update", "rotate", "test", "delete"]
        actors = ["m-0000000a", *["m-0000000b"] * 3, "m-0000000c"]
        assert await audited(webhooks) == [
            (actor, f"webhook.{action}", "webhooks/wh-1") for actor, action in zip(actors, actions, strict=True)
        ]

    async def test_what_is_not_there_is_named(self, webhooks: SqlWebhooks, endpoint_of: MakeEndpoint) -> None:
        calls: list[Awaitable[object]] = [
            webhooks.find_endpoint("wh-9"),
            webhooks.change_endpoint(endpoint_of("wh-9"), actor="a"),
            webhooks.remove_endpoint("wh-9", actor="a"),
            webhooks.rotate_secret("wh-9", "whsec_YQ==", overlap=1.0, actor="a"),
            webhooks.secrets_of("wh-9"),
            webhooks.note("wh-9", actor="a", action="webhook.test"),
            webhooks.deliveries("wh-9", ALL, before=None, limit=1),
            webhooks.replay("wh-9", ALL, delivery=None, actor="a"),
        ]
        for call in calls:
            with pytest.raises(WebhookNotFound, match="webhooks/wh-9"):
                await call
        assert await audited(webhooks) == []

    async def test_two_secrets_hold_while_they_rotate(
        self, webhooks: SqlWebhooks, clock: Clock, endpoint_of: MakeEndpoint
    ) -> None:
        await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        ends = await webhooks.rotate_secret("wh-1", "whsec_Yg==", overlap=100.0, actor="a")
        assert ends == BEGIN + timedelta(seconds=100)
        assert await webhooks.secrets_of("wh-1") == ("whsec_Yg==", "whsec_YQ==")
        await webhooks.rotate_secret("wh-1", "whsec_Yw==", overlap=100.0, actor="a")
        assert await webhooks.secrets_of("wh-1") == ("whsec_Yw==", "whsec_Yg==")
        clock.time += 100
        assert await webhooks.secrets_of("wh-1") == ("whsec_Yw==",)
        await webhooks.rotate_secret("wh-1", "whsec_ZA==", overlap=0.0, actor="a")
        assert await webhooks.secrets_of("wh-1") == ("whsec_ZA==",)


class TestEnqueue:
    async def test_an_event_is_enqueued_once_for_each_endpoint_that_wants_it(
        self, webhooks: SqlWebhooks, endpoint_of: MakeEndpoint, events_of: MakeEvents
    ) -> None:
        events = events_of(3)
        assert await webhooks.enqueue(events) == 0
        await webhooks.add_endpoint(endpoint_of("wh-1"), "whsec_YQ==")
        await webhooks.add_endpoint(endpoint_of("wh-2", decisions=(Decision.BLOCK,)), "whsec_YQ==")
        await webhooks.add_endpoint(endpoint_of("wh-3", categories=(Category.MISINFORMATION,)), "whsec_YQ==")
        await webhooks.add_endpoint(endpoint_of("wh-4", enabled=False), "whsec_YQ==")
        await webhooks.add_endpoint(endpoint_of("wh-5", events=(EventType.APPEAL_DECIDED,)), "whsec_YQ==")
        assert await webhooks.enqueue([events[0], events[0], events[1]]) == 4
        assert await webhooks.enqueue(events) == 2
        counts = [len(await webhooks.deliveries(f"wh-{number}", ALL, before=None, limit=10)) for number in range(1, 6)]
        assert counts == [3, 0, 3, 0, 0]

    async def test_fronts_that_enqueue_together_enqueue_once(
        self,
        webhooks: SqlWebhooks,
        other: SqlWebhooks,
        endpoint_of: MakeEndpoint,
        events_of: MakeEvents,
    ) -> None:
        for number in range(3):
            await webhooks.add_endpoint(endpoint_of(f"wh-{number}"), "whsec_YQ==")
        events = events_of(40)
        made = await asyncio.gather(
            webhooks.enqueue(events), other.enqueue(events[::-1]), webhooks.enqueue(events[:20]), other.enqueue(events)
        )
        assert sum(made) == 120

    async def test_an_endpoint_removed_meanwhile_costs_nothing(
        self,
        webhooks: SqlWebhooks,
        other: SqlWebhooks,
        endpoint_of: MakeEndpoint,
        events_of: MakeEvents,
    ) -> None:
        for number in range(8):
            await webhooks.add_endpoint(endpoint_of(f"wh-{number}"), "whsec_YQ==")
        removals = [other.remove_endpoint(f"wh-{number}", actor="a") for number in range(8)]
        enqueued = [webhooks.enqueue(events_of(20, 1 + 20 * number)) for number in range(8)]
        await asyncio.gather(*removals, *enqueued)
        assert await webhooks.endpoints() == []
        assert await lease(webhooks) == []
        assert await webhooks.waiting() == {DeliveryState.PENDING: 0, DeliveryState.DEAD: 0}


class TestLeases:
    async def test_one_front_has_it_with_all_that_it_takes(
        self,
        webhooks: SqlWebhooks,
        other: SqlWebhooks,
        endpoint_of: MakeEndpoint,
        events_of: MakeEvents,
    ) -> None:
        made = await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        await webhooks.rotate_secret("wh-1", "whsec_Yg==", overlap=100.0, actor="a")
        [event] = events_of(1)
        await webhooks.enqueue([event])
        [leased] = await lease(webhooks)
        assert (leased.url, leased.event, leased.body) == (made.url, event.id, event.body.encode())
        assert (leased.secrets, leased.tries, leased.number) == (("whsec_Yg==", "whsec_YQ=="), 1, 1)
        assert "whsec" not in repr(leased)
        assert await lease(other) == []

    async def test_many_fronts_lose_none_and_share_none(
        self,
        webhooks: SqlWebhooks,
        other: SqlWebhooks,
        endpoint_of: MakeEndpoint,
        events_of: MakeEvents,
    ) -> None:
        for number in range(4):
            await webhooks.add_endpoint(endpoint_of(f"wh-{number}"), "whsec_YQ==")
        await webhooks.enqueue(events_of(25))
        leased: list[int] = []
        for _ in range(20):  # one that finds rows locked passes over them, and comes again
            rounds = await asyncio.gather(*(lease(store, 7) for store in (webhooks, other) * 4))
            leased += [each.id for found in rounds for each in found]
        assert len(leased) == len(set(leased)) == 100

    async def test_a_lease_that_ran_out_is_anothers(
        self,
        webhooks: SqlWebhooks,
        other: SqlWebhooks,
        clock: Clock,
        endpoint_of: MakeEndpoint,
        events_of: MakeEvents,
    ) -> None:
        await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        await webhooks.enqueue(events_of(1))
        [first] = await lease(webhooks)
        clock.time += 61
        [second] = await lease(other)
        assert (second.id, second.tries, second.number) == (first.id, 2, 2)
        assert not await webhooks.settle(first, OK, DONE)
        await webhooks.release([first])
        assert await other.settle(second, OK, DONE)
        assert not await other.settle(second, BAD, DEAD)
        [delivery] = await webhooks.deliveries("wh-1", ALL, before=None, limit=10)
        assert delivery.state is DeliveryState.DELIVERED
        assert [(each.number, each.status) for each in delivery.attempts] == [(2, 204)]

    async def test_what_is_released_is_due_again_untried(
        self, webhooks: SqlWebhooks, endpoint_of: MakeEndpoint, events_of: MakeEvents
    ) -> None:
        await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        await webhooks.enqueue(events_of(2))
        leased = await lease(webhooks)
        await webhooks.release(leased)
        assert [each.tries for each in await lease(webhooks)] == [1, 1]

    async def test_no_endpoint_takes_the_room_of_others(
        self, webhooks: SqlWebhooks, endpoint_of: MakeEndpoint, events_of: MakeEvents
    ) -> None:
        for number in (1, 2):
            await webhooks.add_endpoint(endpoint_of(f"wh-{number}"), "whsec_YQ==")
        await webhooks.enqueue(events_of(10))
        found = await lease(webhooks, 10, each=3, busy={"wh-1": 2})
        assert sorted(each.endpoint for each in found) == ["wh-1", "wh-2", "wh-2", "wh-2"]
        assert await lease(webhooks, 10, each=3, busy={"wh-1": 3, "wh-2": 3}) == []
        assert len(await lease(webhooks, 1)) == 1

    async def test_a_disabled_endpoint_waits(
        self, webhooks: SqlWebhooks, endpoint_of: MakeEndpoint, events_of: MakeEvents
    ) -> None:
        made = await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        await webhooks.enqueue(events_of(1))
        await webhooks.change_endpoint(replace(made, enabled=False), actor="a")
        assert await lease(webhooks) == []
        await webhooks.change_endpoint(made, actor="a")
        assert len(await lease(webhooks)) == 1


class TestSettling:
    async def test_attempts_are_kept_and_the_next_is_due_in_time(
        self,
        webhooks: SqlWebhooks,
        clock: Clock,
        endpoint_of: MakeEndpoint,
        events_of: MakeEvents,
    ) -> None:
        await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        await webhooks.enqueue(events_of(1))
        [leased] = await lease(webhooks)
        assert await webhooks.settle(leased, BAD, LATER)
        [delivery] = await webhooks.deliveries("wh-1", PENDING, before=None, limit=10)
        assert delivery.due_at == BEGIN + timedelta(seconds=30)
        clock.time += 29
        assert await lease(webhooks) == []
        clock.time += 1
        [leased] = await lease(webhooks)
        assert await webhooks.settle(leased, OK, DONE)
        [delivery] = await webhooks.deliveries("wh-1", ALL, before=None, limit=10)
        assert (delivery.state, delivery.due_at) == (DeliveryState.DELIVERED, None)
        assert [(each.number, each.status, each.error) for each in delivery.attempts] == [
            (1, 500, "HTTP 500"),
            (2, 204, ""),
        ]
        assert delivery.attempts[1].at == BEGIN + timedelta(seconds=29.75)

    async def test_one_that_is_gone_is_turned_off_once(
        self, webhooks: SqlWebhooks, endpoint_of: MakeEndpoint, events_of: MakeEvents
    ) -> None:
        await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        await webhooks.enqueue(events_of(3))
        gone = Outcome(state=DeliveryState.DEAD, disable="the receiver answered 410 Gone")
        first, second, third = await lease(webhooks)
        answer = Answer(status=410, seconds=0.1, error="HTTP 410")
        assert all(await asyncio.gather(webhooks.settle(first, answer, gone), webhooks.settle(second, answer, gone)))
        found = await webhooks.find_endpoint("wh-1")
        assert (found.enabled, found.disabled_reason) == (False, "the receiver answered 410 Gone")
        assert [each for each in await audited(webhooks) if each[1] == "webhook.disable"] == [
            ("system", "webhook.disable", "webhooks/wh-1")
        ]
        assert await webhooks.enqueue(events_of(1, 9)) == 0
        assert await webhooks.waiting() == {DeliveryState.PENDING: 1, DeliveryState.DEAD: 2}
        await webhooks.remove_endpoint("wh-1", actor="a")
        assert not await webhooks.settle(third, answer, gone)


class TestReplay:
    async def test_one_delivery(self, webhooks: SqlWebhooks, endpoint_of: MakeEndpoint, events_of: MakeEvents) -> None:
        await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        await webhooks.add_endpoint(endpoint_of("wh-2"), "whsec_YQ==")
        await webhooks.enqueue(events_of(2))
        leased = await lease(webhooks)
        [mine, *_] = [each for each in leased if each.endpoint == "wh-1"]
        assert await webhooks.replay("wh-1", ALL, delivery=mine.id, actor="a") == 0  # it is under way
        for each in leased:
            await webhooks.settle(each, BAD, DEAD)
        assert await webhooks.replay("wh-1", ALL, delivery=mine.id, actor="m-1") == 1
        [again] = await lease(webhooks)
        assert (again.id, again.tries, again.number) == (mine.id, 1, 2)
        with pytest.raises(WebhookNotFound, match=f"webhooks/wh-2/deliveries/{mine.id}"):
            await webhooks.replay("wh-2", ALL, delivery=mine.id, actor="m-1")
        assert ("m-1", "webhook.replay", "webhooks/wh-1") in await audited(webhooks)

    async def test_a_range_of_time_and_states(
        self,
        webhooks: SqlWebhooks,
        clock: Clock,
        endpoint_of: MakeEndpoint,
        events_of: MakeEvents,
    ) -> None:
        await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        for hour in range(4):
            clock.time = (BEGIN + timedelta(hours=hour)).timestamp()
            await webhooks.enqueue(events_of(2, 1 + 2 * hour))
            one, two = await lease(webhooks)
            await webhooks.settle(one, OK, DONE)
            await webhooks.settle(two, BAD, DEAD)
        middle = DeliveryFilter(start=BEGIN + timedelta(hours=1), end=BEGIN + timedelta(hours=3))
        dead = replace(middle, states=(DeliveryState.DEAD,))
        assert await webhooks.replay("wh-1", dead, delivery=None, actor="a") == 2
        assert len(await lease(webhooks)) == 2
        assert await webhooks.replay("wh-1", middle, delivery=None, actor="a") == 2  # not those that are held
        assert await webhooks.replay("wh-1", ALL, delivery=None, actor="a") == 6


class TestKeeping:
    async def test_pages_newest_first(
        self, webhooks: SqlWebhooks, endpoint_of: MakeEndpoint, events_of: MakeEvents
    ) -> None:
        await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        for number in range(1, 6):
            await webhooks.enqueue(events_of(1, number))
        first = await webhooks.deliveries("wh-1", ALL, before=None, limit=2)
        second = await webhooks.deliveries("wh-1", ALL, before=first[-1].id, limit=10)
        posts = [each.subject.rpartition("/")[2] for each in first + second]
        assert posts == ["5", "4", "3", "2", "1"]
        assert {each.type for each in first} == {EventType.VERDICT_DECIDED}

    async def test_what_is_long_over_is_purged_and_the_rest_kept(
        self,
        webhooks: SqlWebhooks,
        clock: Clock,
        endpoint_of: MakeEndpoint,
        events_of: MakeEvents,
    ) -> None:
        await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        await webhooks.enqueue(events_of(4))
        one, two, *_ = await lease(webhooks)
        await webhooks.settle(one, OK, DONE)
        clock.time += 100
        await webhooks.settle(two, BAD, DEAD)
        assert await webhooks.purge(BEGIN + timedelta(seconds=50)) == 1
        assert await webhooks.purge(BEGIN + timedelta(seconds=50)) == 0
        assert await webhooks.purge(BEGIN + timedelta(seconds=500)) == 1
        assert len(await webhooks.deliveries("wh-1", ALL, before=None, limit=10)) == 2

    async def test_what_is_forgotten_is_gone_with_its_deliveries(
        self, webhooks: SqlWebhooks, endpoint_of: MakeEndpoint, events_of: MakeEvents
    ) -> None:
        await webhooks.add_endpoint(endpoint_of(), "whsec_YQ==")
        events = events_of(3)
        await webhooks.enqueue(events)
        of = {each.event: each for each in await lease(webhooks)}
        leased = [of[event.id] for event in events]
        await webhooks.settle(leased[0], OK, DONE)
        assert await webhooks.forget([events[0].subject, events[1].subject, "platforms/x/posts/none"]) == 2
        assert not await webhooks.settle(leased[1], OK, DONE)
        assert await webhooks.settle(leased[2], OK, DONE)
        [kept] = await webhooks.deliveries("wh-1", ALL, before=None, limit=10)
        assert kept.subject == events[2].subject
