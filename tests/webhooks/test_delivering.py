"""Deliveries end to end, on a real database and over real HTTP: signed, retried, given up, replayed, taken over."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.responses import Response
from structlog.testing import capture_logs

from service.domain.claim import Claim
from service.domain.decision import Decision, Ruling
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.errors import InvalidInput, StoreUnavailable
from service.policy.routing import Routing
from service.records.followers import Follower
from service.records.sql.store import SqlStore
from service.review.appealing import Appealing
from service.review.case import Ruled
from service.review.sql.store import SqlReview
from service.webhooks.delivering import Delivering
from service.webhooks.delivery import BACK_OFF, Answer, DeliveryState, Leased, Outcome
from service.webhooks.endpoint import Endpoint
from service.webhooks.enqueueing import FOLLOWER, Webhooks
from service.webhooks.event import EVENT_TYPES, Event, EventType
from service.webhooks.http_sender import HttpSender
from service.webhooks.managing import EndpointFields, Endpoints
from service.webhooks.ports import DeliveryFilter
from service.webhooks.signing import verify
from service.webhooks.sql.store import SqlWebhooks
from service.webhooks.telemetry import WebhookTelemetry
from tests.fakes.queue_and_cache import MemoryAnnouncer
from tests.webhooks.conftest import Clock, Noted, Received, Receiver

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
ALL, DEAD = DeliveryFilter(), DeliveryFilter((DeliveryState.DEAD,))


def longest(low: float, high: float) -> float:
    return high


@pytest.fixture
def delivering(webhooks: SqlWebhooks, sender: HttpSender, noted: Noted, clock: Clock) -> Delivering:
    return Delivering(webhooks, sender, noted, uniform=longest, clock=clock)


@asynccontextmanager
async def running(*fronts: Delivering) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(front.run()) for front in fronts]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def once(delivering: Delivering) -> None:
    while await delivering.fill():
        await delivering.settled()


@dataclass
class Bench:
    """All that a delivery takes. Its clock, by which store and deliveries go, stands still until it is moved."""

    sqlite_url: str
    store: SqlStore
    webhooks: SqlWebhooks
    endpoints: Endpoints
    delivering: Delivering
    sender: HttpSender
    receiver: Receiver
    noted: Noted
    clock: Clock
    events_of: Callable[..., list[Event]]

    async def add(self, **fields: Any) -> tuple[Endpoint, str]:
        """Add an endpoint at the receiver."""
        said = EndpointFields(**{"url": self.receiver.url, "events": EVENT_TYPES, **fields})
        return await self.endpoints.add(said, actor="m-1")


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(**{each.name: request.getfixturevalue(each.name) for each in fields(Bench)})


def genuine(received: Received, secret: str, clock: Clock) -> bool:
    return verify(secret, received.headers, received.body, now=clock.time)


class TestDelivering:
    async def test_what_arrives_is_the_event_signed(self, bench: Bench) -> None:
        endpoint, secret = await bench.add()
        [event] = bench.events_of(1)
        await bench.webhooks.enqueue([event])
        await once(bench.delivering)
        [received] = bench.receiver.received
        assert genuine(received, secret, bench.clock)
        assert received.headers["webhook-id"] == event.id == json.loads(received.body)["id"]
        [delivery] = await bench.webhooks.deliveries(endpoint.id, ALL, before=None, limit=10)
        assert (delivery.state, [each.status for each in delivery.attempts]) == (DeliveryState.DELIVERED, [204])

    async def test_it_is_retried_by_the_schedule_and_signed_again(self, bench: Bench) -> None:
        _, secret = await bench.add()
        await bench.webhooks.enqueue(bench.events_of(1))
        busy = Response(status_code=429, headers={"retry-after": "100"})
        bench.receiver.answers.extend([Response(status_code=500), busy])
        for wait, count in ((0.0, 1), (4.9, 1), (0.2, 2), (99.8, 2), (0.3, 3), (9_999.0, 3)):
            bench.clock.time += wait
            await once(bench.delivering)
            assert len(bench.receiver.received) == count
        times = [int(each.headers["webhook-timestamp"]) for each in bench.receiver.received]
        assert all(
            genuine(each, secret, Clock(time)) for each, time in zip(bench.receiver.received, times, strict=True)
        )
        assert times == sorted(set(times))
        assert len({each.headers["webhook-id"] for each in bench.receiver.received}) == 1
        assert [result.wait for *_, result in bench.noted.attempts] == [5.0, 100.0, 0.0]

    async def test_after_the_last_attempt_it_is_dead_and_can_be_replayed(self, bench: Bench) -> None:
        endpoint, _ = await bench.add()
        await bench.webhooks.enqueue(bench.events_of(2))
        attempts = 1 + len(BACK_OFF)
        bench.receiver.answers.extend(Response(status_code=500) for _ in range(2 * attempts))
        for _ in range(attempts + 3):
            await once(bench.delivering)
            bench.clock.time += max(BACK_OFF)
        assert len(bench.receiver.received) == 2 * attempts
        one, two = await bench.endpoints.deliveries(endpoint.id, DEAD)
        assert [each.number for each in one.attempts] == list(range(1, attempts + 1))
        assert await bench.endpoints.replay(endpoint.id, ALL, delivery=two.id, actor="m-1") == 1
        await once(bench.delivering)
        assert await bench.endpoints.deliveries(endpoint.id, DEAD) == [one]
        since = DeliveryFilter((DeliveryState.DEAD,), start=one.created_at, end=one.created_at + timedelta(seconds=1))
        assert await bench.endpoints.replay(endpoint.id, since, actor="m-1") == 1
        await once(bench.delivering)
        assert len(bench.receiver.received) == 2 * attempts + 2
        assert await bench.endpoints.deliveries(endpoint.id, DEAD) == []

    async def test_410_turns_the_endpoint_off(self, bench: Bench) -> None:
        endpoint, _ = await bench.add()
        await bench.webhooks.enqueue(bench.events_of(1))
        bench.receiver.answers.append(Response(status_code=410))
        await once(bench.delivering)
        found = await bench.endpoints.find(endpoint.id)
        assert (found.enabled, found.disabled_reason) == (False, "the receiver answered 410 Gone")
        assert await bench.webhooks.enqueue(bench.events_of(1, 2)) == 0
        again = await bench.endpoints.change(endpoint.id, EndpointFields(enabled=True), actor="m-1")
        assert (again.enabled, again.disabled_reason) == (True, "")

    async def test_while_secrets_rotate_both_verify(self, bench: Bench) -> None:
        endpoint, old = await bench.add()
        new, ends = await bench.endpoints.rotate(endpoint.id, overlap=3_600.0, actor="m-1")
        assert ends.timestamp() == bench.clock.time + 3_600
        await bench.webhooks.enqueue(bench.events_of(1))
        await once(bench.delivering)
        bench.clock.time += 3_600
        await bench.webhooks.enqueue(bench.events_of(1, 2))
        await once(bench.delivering)
        first, second = bench.receiver.received
        then = Clock(bench.clock.time - 3_600)
        assert [genuine(first, secret, then) for secret in (old, new)] == [True, True]
        assert [genuine(second, secret, bench.clock) for secret in (old, new)] == [False, True]
        with pytest.raises(InvalidInput, match="overlap"):
            await bench.endpoints.rotate(endpoint.id, overlap=8 * 86_400.0, actor="m-1")

    async def test_a_test_is_sent_at_once_and_kept_nowhere(self, bench: Bench) -> None:
        endpoint, secret = await bench.add(enabled=False)
        answer = await bench.endpoints.test(endpoint.id, actor="m-1")
        assert answer.taken
        [received] = bench.receiver.received
        assert genuine(received, secret, bench.clock)
        assert json.loads(received.body)["type"] == "webhook.test"
        bench.receiver.answers.append(Response(status_code=403))
        assert (await bench.endpoints.test(endpoint.id, actor="m-1")).error == "HTTP 403"
        assert await bench.endpoints.deliveries(endpoint.id, ALL) == []


class TestFronts:
    async def test_fronts_share_the_work_and_send_nothing_twice(self, bench: Bench) -> None:
        await bench.add()
        await bench.add()
        stores = [await SqlStore.connect(bench.sqlite_url, clock=bench.clock) for _ in range(3)]
        senders, seen = [HttpSender(allow_private=True) for _ in stores], [Noted() for _ in stores]
        fronts = [
            Delivering(SqlWebhooks.beside(store), sender, noted, lanes=8)
            for store, sender, noted in zip(stores, senders, seen, strict=True)
        ]
        async with running(*fronts):
            for start in range(1, 61, 20):
                await bench.webhooks.enqueue(bench.events_of(20, start))
            await bench.receiver.until(120, within=60)
            await asyncio.sleep(0.3)
        assert set(Counter(each.headers["webhook-id"] for each in bench.receiver.received).values()) == {2}
        assert [each.failures for each in seen] == [[]] * 3
        for each in (*senders, *stores):
            await each.close()

    async def test_a_slow_endpoint_holds_up_no_other(self, bench: Bench) -> None:
        silent = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        await bench.add(url=f"http://127.0.0.1:{port}/")
        await bench.add()
        await bench.webhooks.enqueue(bench.events_of(30))
        patient = HttpSender(allow_private=True, timeout=60.0)
        async with running(Delivering(bench.webhooks, patient, bench.noted, lanes=8, each=4)):
            await bench.receiver.until(30, within=40.0)  # long before the silent one's first timeout
        await patient.close()
        silent.close()

    async def test_one_that_is_stopped_gives_back_what_is_under_way(self, bench: Bench) -> None:
        endpoint, _ = await bench.add()
        await bench.webhooks.enqueue(bench.events_of(1))
        bench.receiver.hold = asyncio.Event()
        async with running(bench.delivering):
            await bench.receiver.until(1)
        [delivery] = await bench.webhooks.deliveries(endpoint.id, ALL, before=None, limit=10)
        assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, ())
        bench.receiver.hold.set()
        bench.receiver.hold = None
        await once(bench.delivering)
        [delivery] = await bench.webhooks.deliveries(endpoint.id, ALL, before=None, limit=10)
        assert [each.number for each in delivery.attempts] == [1]

    async def test_what_a_killed_front_held_is_delivered_by_another(self, bench: Bench, eventually: Eventually) -> None:
        await bench.add()
        store = await SqlStore.connect(bench.sqlite_url)
        webhooks = SqlWebhooks.beside(store)  # by the real clock
        await webhooks.enqueue(bench.events_of(3))
        bench.receiver.hold = asyncio.Event()
        script = Path(__file__).with_name("deliver.py")
        front = await asyncio.create_subprocess_exec(
            sys.executable, script, bench.sqlite_url, "2.0", cwd=Path(__file__).parents[2]
        )
        await bench.receiver.until(3, within=60)
        front.kill()
        await front.wait()
        killed = time.monotonic()
        bench.receiver.hold.set()
        bench.receiver.hold = None
        async with running(Delivering(webhooks, bench.sender, bench.noted, lease=2.0)):
            received = await bench.receiver.until(6)
            await eventually(lambda: len(bench.noted.attempts) == 3)
        assert time.monotonic() - killed < 30
        assert set(Counter(each.headers["webhook-id"] for each in received).values()) == {2}
        assert {leased.number for leased, *_ in bench.noted.attempts} == {2}
        await store.close()

    async def test_an_outage_of_the_store_is_waited_out(self, bench: Bench) -> None:
        class Away(SqlWebhooks):
            refusals = 1

            async def lease(self, *arguments: Any, **named: Any) -> Any:
                if self.refusals:
                    self.refusals -= 1
                    raise StoreUnavailable("the record store does not answer")
                return await super().lease(*arguments, **named)

        await bench.add()
        await bench.webhooks.enqueue(bench.events_of(1))
        async with running(Delivering(Away.beside(bench.webhooks), bench.sender, bench.noted)):
            await bench.receiver.until(1)
        assert len(bench.noted.failures) == 1


class TestFollowing:
    async def test_verdicts_and_their_revisions_become_deliveries_once(
        self, bench: Bench, post_of: Callable[..., Post], verdict_of: Callable[..., Verdict]
    ) -> None:
        poked: list[bool] = []
        handle = Webhooks(bench.webhooks, lambda: poked.append(True)).handle
        follower = Follower(FOLLOWER, bench.store, MemoryAnnouncer(), handle, bench.noted, "now")  # type: ignore[arg-type]
        old, new = post_of("old"), post_of("new", id="2")
        await bench.store.record([old], [verdict_of(old)])
        assert not await follower.step()
        await bench.add(decisions=(Decision.LABEL,))
        [verdict] = await bench.store.record([new], [verdict_of(new)])
        await follower.step()
        ruling = Ruling(Decision.ALLOW, reason="satire", case="cases/ab12")
        [revised] = await bench.store.revise([replace(verdict, ruling=ruling, source=Source.MODERATOR)])
        await follower.step()
        await handle([verdict, revised])  # at least once: a follower that died comes again
        await once(bench.delivering)
        types = sorted(json.loads(each.body)["type"] for each in bench.receiver.received)
        assert types == [EventType.VERDICT_DECIDED, EventType.VERDICT_REVISED]
        assert len(poked) == 2

    async def test_what_comes_of_an_appeal_is_told(
        self, bench: Bench, post_of: Callable[..., Post], verdict_of: Callable[..., Verdict]
    ) -> None:
        review, post = SqlReview.beside(bench.store), post_of()
        now = datetime.fromtimestamp(bench.clock.time, UTC)
        await bench.store.record([post], [replace(verdict_of(post), decided_at=now)])
        appealing = Appealing(review, bench.store, routing=Routing, observer=bench.noted, now=lambda: now)
        appeal = await appealing.open(post.name, "It was a joke about a xylophone.")
        await bench.add(events=(EventType.APPEAL_DECIDED,))
        ruled = Ruled(decision=Decision.ALLOW, categories=(), reason="satire", rationale="The xylophone is funny.")
        await review.decide_appeal(appeal.id, "m-2", ruled, seconds=3.0)
        await once(bench.delivering)
        [received] = bench.receiver.received
        told = json.loads(received.body)
        assert (told["type"], told["data"]["name"]) == ("appeal.decided", appeal.name)
        assert (told["data"]["state"], told["data"]["decision"]) == ("UPHELD", "ALLOW")
        assert b"xylophone" not in received.body

    async def test_claims_that_are_quarantined_are_told(self, bench: Bench) -> None:
        await bench.add(events=(EventType.CLAIM_QUARANTINED, EventType.CLAIM_RELEASED))
        await bench.store.put([Claim(id="moon", claim="The moon is made of cheese.")])
        await bench.store.quarantine("moon", "surge")
        await bench.store.quarantine("moon", "surge")
        await once(bench.delivering)
        await bench.store.quarantine("moon", "")
        await once(bench.delivering)
        told = [json.loads(each.body) for each in bench.receiver.received]
        assert [each["type"] for each in told] == ["claim.quarantined", "claim.released"]
        assert told[0]["data"]["name"] == "claims/moon"


def test_telemetry_names_no_url() -> None:
    registry = CollectorRegistry()
    telemetry = WebhookTelemetry(registry)
    leased = Leased(
        id=1,
        lease="l",
        endpoint="wh-1",
        url="https://x.example/key",
        secrets=("whsec_s",),
        event="evt_1",
        body=b"",
        tries=1,
        number=1,
    )
    with capture_logs() as logged:
        telemetry.attempted(leased, Answer(status=204, seconds=0.2), Outcome(state=DeliveryState.DELIVERED))
        telemetry.attempted(leased, Answer(status=500, seconds=0.2), Outcome(state=DeliveryState.DEAD, disable="gone"))
        telemetry.report_failure("webhooks", StoreUnavailable("away"))
    telemetry.waiting({DeliveryState.PENDING: 3, DeliveryState.DEAD: 1})
    assert "key" not in json.dumps(logged)
    assert "whsec" not in json.dumps(logged)
    assert registry.get_sample_value("assay_webhook_attempts_total", {"state": "DEAD"}) == 1
    assert registry.get_sample_value("assay_webhook_deliveries", {"state": "PENDING"}) == 3
