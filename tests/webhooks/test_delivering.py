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
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from starlette.responses import Response
from structlog.testing import capture_logs

from service.claims.sql import SqlClaims
from service.domain.claim import Claim
from service.domain.decision import Decision, Ruling
from service.domain.verdict import Source
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
from service.webhooks.event import EVENT_TYPES, EventType
from service.webhooks.http_sender import HttpSender
from service.webhooks.managing import EndpointFields, Endpoints
from service.webhooks.ports import DeliveryFilter
from service.webhooks.signing import verify
from service.webhooks.sql.store import SqlWebhooks
from service.webhooks.telemetry import WebhookTelemetry
from tests.factories import events_of, post_of, verdict_of
from tests.fakes.clock import Clock
from tests.fakes.queue_and_cache import MemoryAnnouncer
from tests.waiting import until
from tests.webhooks.conftest import Noted, Received, Receiver

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
class Sending:
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

    async def add(self, **fields: Any) -> tuple[Endpoint, str]:
        """Add an endpoint at the receiver."""
        said = cast("EndpointFields", {"url": self.receiver.url, "events": EVENT_TYPES, **fields})
        return await self.endpoints.add(said, actor="m-1")


@pytest.fixture
def sending(request: pytest.FixtureRequest) -> Sending:
    return Sending(**{each.name: request.getfixturevalue(each.name) for each in fields(Sending)})


def genuine(received: Received, secret: str, clock: Clock) -> bool:
    return verify(secret, received.headers, received.body, now=clock.time)


class TestDelivering:
    async def test_what_arrives_is_the_event_signed(self, sending: Sending) -> None:
        endpoint, secret = await sending.add()
        [event] = events_of(1)
        await sending.webhooks.enqueue([event])
        await once(sending.delivering)
        [received] = sending.receiver.received
        assert genuine(received, secret, sending.clock)
        assert received.headers["webhook-id"] == event.id == json.loads(received.body)["id"]
        [delivery] = await sending.webhooks.deliveries(endpoint.id, ALL, before=None, limit=10)
        assert (delivery.state, [each.status for each in delivery.attempts]) == (DeliveryState.DELIVERED, [204])

    async def test_it_is_retried_by_the_schedule_and_signed_again(self, sending: Sending) -> None:
        _, secret = await sending.add()
        await sending.webhooks.enqueue(events_of(1))
        busy = Response(status_code=429, headers={"retry-after": "100"})
        sending.receiver.answers.extend([Response(status_code=500), busy])
        for wait, count in ((0.0, 1), (4.9, 1), (0.2, 2), (99.8, 2), (0.3, 3), (9_999.0, 3)):
            sending.clock.time += wait
            await once(sending.delivering)
            assert len(sending.receiver.received) == count
        times = [int(each.headers["webhook-timestamp"]) for each in sending.receiver.received]
        assert all(
            genuine(each, secret, Clock(time)) for each, time in zip(sending.receiver.received, times, strict=True)
        )
        assert times == sorted(set(times))
        assert len({each.headers["webhook-id"] for each in sending.receiver.received}) == 1
        assert [result.wait for *_, result in sending.noted.attempts] == [5.0, 100.0, 0.0]

    async def test_after_the_last_attempt_it_is_dead_and_can_be_replayed(self, sending: Sending) -> None:
        endpoint, _ = await sending.add()
        await sending.webhooks.enqueue(events_of(2))
        attempts = 1 + len(BACK_OFF)
        sending.receiver.answers.extend(Response(status_code=500) for _ in range(2 * attempts))
        for _ in range(attempts + 3):
            await once(sending.delivering)
            sending.clock.time += max(BACK_OFF)
        assert len(sending.receiver.received) == 2 * attempts
        one, two = await sending.endpoints.deliveries(endpoint.id, DEAD)
        assert [each.number for each in one.attempts] == list(range(1, attempts + 1))
        assert await sending.endpoints.replay(endpoint.id, ALL, delivery=two.id, actor="m-1") == 1
        await once(sending.delivering)
        assert await sending.endpoints.deliveries(endpoint.id, DEAD) == [one]
        since = DeliveryFilter((DeliveryState.DEAD,), start=one.created_at, end=one.created_at + timedelta(seconds=1))
        assert await sending.endpoints.replay(endpoint.id, since, actor="m-1") == 1
        await once(sending.delivering)
        assert len(sending.receiver.received) == 2 * attempts + 2
        assert await sending.endpoints.deliveries(endpoint.id, DEAD) == []

    async def test_410_turns_the_endpoint_off(self, sending: Sending) -> None:
        endpoint, _ = await sending.add()
        await sending.webhooks.enqueue(events_of(1))
        sending.receiver.answers.append(Response(status_code=410))
        await once(sending.delivering)
        found = await sending.endpoints.find(endpoint.id)
        assert (found.enabled, found.disabled_reason) == (False, "the receiver answered 410 Gone")
        assert await sending.webhooks.enqueue(events_of(1, 2)) == 0
        again = await sending.endpoints.change(endpoint.id, EndpointFields(enabled=True), actor="m-1")
        assert (again.enabled, again.disabled_reason) == (True, "")

    async def test_while_secrets_rotate_both_verify(self, sending: Sending) -> None:
        endpoint, old = await sending.add()
        new, ends = await sending.endpoints.rotate(endpoint.id, overlap=3_600.0, actor="m-1")
        assert ends.timestamp() == sending.clock.time + 3_600
        await sending.webhooks.enqueue(events_of(1))
        await once(sending.delivering)
        sending.clock.time += 3_600
        await sending.webhooks.enqueue(events_of(1, 2))
        await once(sending.delivering)
        first, second = sending.receiver.received
        then = Clock(sending.clock.time - 3_600)
        assert [genuine(first, secret, then) for secret in (old, new)] == [True, True]
        assert [genuine(second, secret, sending.clock) for secret in (old, new)] == [False, True]
        with pytest.raises(InvalidInput, match="overlap"):
            await sending.endpoints.rotate(endpoint.id, overlap=8 * 86_400.0, actor="m-1")

    async def test_a_test_is_sent_at_once_and_kept_nowhere(self, sending: Sending) -> None:
        endpoint, secret = await sending.add(enabled=False)
        answer = await sending.endpoints.test(endpoint.id, actor="m-1")
        assert answer.taken
        [received] = sending.receiver.received
        assert genuine(received, secret, sending.clock)
        assert json.loads(received.body)["type"] == "webhook.test"
        sending.receiver.answers.append(Response(status_code=403))
        assert (await sending.endpoints.test(endpoint.id, actor="m-1")).error == "HTTP 403"
        assert await sending.endpoints.deliveries(endpoint.id, ALL) == []


class TestFronts:
    async def test_fronts_share_the_work_and_send_nothing_twice(self, sending: Sending) -> None:
        await sending.add()
        await sending.add()
        stores = [await SqlStore.connect(sending.sqlite_url, clock=sending.clock) for _ in range(3)]
        senders, seen = [HttpSender(allow_private=True) for _ in stores], [Noted() for _ in stores]
        fronts = [
            Delivering(SqlWebhooks.beside(store), sender, noted, lanes=8)
            for store, sender, noted in zip(stores, senders, seen, strict=True)
        ]
        async with running(*fronts):
            for start in range(1, 61, 20):
                await sending.webhooks.enqueue(events_of(20, start))
            await sending.receiver.until(120, within=60)
            await asyncio.sleep(0.3)
        assert set(Counter(each.headers["webhook-id"] for each in sending.receiver.received).values()) == {2}
        assert [each.failures for each in seen] == [[]] * 3
        for sender, store in zip(senders, stores, strict=True):
            await sender.close()
            await store.close()

    async def test_a_slow_endpoint_holds_up_no_other(self, sending: Sending) -> None:
        silent = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        await sending.add(url=f"http://127.0.0.1:{port}/")
        await sending.add()
        await sending.webhooks.enqueue(events_of(30))
        patient = HttpSender(allow_private=True, timeout=60.0)
        async with running(Delivering(sending.webhooks, patient, sending.noted, lanes=8, each=4)):
            await sending.receiver.until(30, within=40.0)  # long before the silent one's first timeout
        await patient.close()
        silent.close()

    async def test_one_that_is_stopped_gives_back_what_is_under_way(self, sending: Sending) -> None:
        endpoint, _ = await sending.add()
        await sending.webhooks.enqueue(events_of(1))
        sending.receiver.hold = asyncio.Event()
        async with running(sending.delivering):
            await sending.receiver.until(1)
        [delivery] = await sending.webhooks.deliveries(endpoint.id, ALL, before=None, limit=10)
        assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, ())
        sending.receiver.hold.set()
        sending.receiver.hold = None
        await once(sending.delivering)
        [delivery] = await sending.webhooks.deliveries(endpoint.id, ALL, before=None, limit=10)
        assert [each.number for each in delivery.attempts] == [1]

    async def test_what_a_killed_front_held_is_delivered_by_another(self, sending: Sending) -> None:
        await sending.add()
        store = await SqlStore.connect(sending.sqlite_url)
        webhooks = SqlWebhooks.beside(store)  # by the real clock
        await webhooks.enqueue(events_of(3))
        sending.receiver.hold = asyncio.Event()
        script = Path(__file__).with_name("deliver.py")
        front = await asyncio.create_subprocess_exec(
            sys.executable, script, sending.sqlite_url, "2.0", cwd=Path(__file__).parents[2]
        )
        await sending.receiver.until(3, within=60)
        front.kill()
        await front.wait()
        killed = time.monotonic()
        sending.receiver.hold.set()
        sending.receiver.hold = None
        async with running(Delivering(webhooks, sending.sender, sending.noted, lease=2.0)):
            received = await sending.receiver.until(6)
            await until(lambda: len(sending.noted.attempts) == 3)
        assert time.monotonic() - killed < 30
        assert set(Counter(each.headers["webhook-id"] for each in received).values()) == {2}
        assert {leased.number for leased, *_ in sending.noted.attempts} == {2}
        await store.close()

    async def test_an_outage_of_the_store_is_waited_out(self, sending: Sending) -> None:
        class Away(SqlWebhooks):
            refusals = 1

            async def lease(self, *arguments: Any, **named: Any) -> Any:
                if self.refusals:
                    self.refusals -= 1
                    raise StoreUnavailable("the record store does not answer")
                return await super().lease(*arguments, **named)

        await sending.add()
        await sending.webhooks.enqueue(events_of(1))
        async with running(Delivering(Away.beside(sending.webhooks), sending.sender, sending.noted)):
            await sending.receiver.until(1)
        assert len(sending.noted.failures) == 1


class TestFollowing:
    async def test_verdicts_and_their_revisions_become_deliveries_once(self, sending: Sending) -> None:
        poked: list[bool] = []
        handle = Webhooks(sending.webhooks, lambda: poked.append(True)).handle
        follower = Follower(FOLLOWER, sending.store, MemoryAnnouncer(), handle, sending.noted, "now")
        old, new = post_of("old"), post_of("new", id="2")
        await sending.store.record([old], [verdict_of(old)])
        assert not await follower.step()
        await sending.add(decisions=(Decision.LABEL,))
        [verdict] = await sending.store.record([new], [verdict_of(new)])
        await follower.step()
        ruling = Ruling(Decision.ALLOW, reason="satire", case="cases/ab12")
        [revised] = await sending.store.revise([replace(verdict, ruling=ruling, source=Source.MODERATOR)])
        await follower.step()
        await handle([verdict, revised])  # at least once: a follower that died comes again
        await once(sending.delivering)
        types = sorted(json.loads(each.body)["type"] for each in sending.receiver.received)
        assert types == [EventType.VERDICT_DECIDED, EventType.VERDICT_REVISED]
        assert len(poked) == 2

    async def test_what_comes_of_an_appeal_is_told(self, sending: Sending) -> None:
        review, post = SqlReview.beside(sending.store), post_of()
        now = datetime.fromtimestamp(sending.clock.time, UTC)
        await sending.store.record([post], [replace(verdict_of(post), decided_at=now)])
        appealing = Appealing(review, sending.store, routing=Routing, observer=sending.noted, now=lambda: now)
        appeal = await appealing.open(post.name, "It was a joke about a xylophone.")
        await sending.add(events=(EventType.APPEAL_DECIDED,))
        ruled = Ruled(decision=Decision.ALLOW, categories=(), reason="satire", rationale="The xylophone is funny.")
        await review.decide_appeal(appeal.id, "m-2", ruled, seconds=3.0)
        await once(sending.delivering)
        [received] = sending.receiver.received
        told = json.loads(received.body)
        assert (told["type"], told["data"]["name"]) == ("appeal.decided", appeal.name)
        assert (told["data"]["state"], told["data"]["decision"]) == ("UPHELD", "ALLOW")
        assert b"xylophone" not in received.body

    async def test_claims_that_are_quarantined_are_told(self, sending: Sending) -> None:
        await sending.add(events=(EventType.CLAIM_QUARANTINED, EventType.CLAIM_RELEASED))
        claims = SqlClaims.beside(sending.store)
        await claims.put([Claim(id="moon", claim="The moon is made of cheese.")])
        await claims.quarantine("moon", "surge")
        await claims.quarantine("moon", "surge")
        await once(sending.delivering)
        await claims.quarantine("moon", "")
        await once(sending.delivering)
        told = [json.loads(each.body) for each in sending.receiver.received]
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
