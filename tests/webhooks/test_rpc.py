"""WebhookService over a real socket and a real database: endpoints, secrets, deliveries, and each error."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import grpc
import grpc.aio
import pytest
from assay.v1 import verdict_pb2
from assay.v1 import webhook_service_pb2 as pb
from assay.v1.webhook_service_pb2_grpc import WebhookServiceStub
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2

from service.moderation.author import Weighing
from service.records.sql.store import SqlStore
from service.rpc.webhooks import WebhookServicer
from service.webhooks.delivery import Answer, DeliveryState, Outcome
from service.webhooks.event import verdict_event
from service.webhooks.managing import Endpoints
from service.webhooks.sql.store import SqlWebhooks
from tests.factories import post_of, verdict_of
from tests.fixtures.grpc_front import ScriptedPipeline
from tests.grpc_failures import failure_of
from tests.rpc.servers import server_of

if TYPE_CHECKING:
    from assay.v1.webhook_service_pb2_grpc import WebhookServiceAsyncStub

EVENTS = ["verdict.decided", "verdict.revised"]
Create = Callable[..., Awaitable[pb.CreateEndpointResponse]]
Enqueue = Callable[..., Awaitable[None]]
Update = Callable[..., Awaitable[pb.Endpoint]]


class Sender:
    """Notes what is sent, and answers as it is told."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.answer = Answer(status=204, seconds=0.05)

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.sent.append((url, body, headers))
        return self.answer


@pytest.fixture
def noting_sender() -> Sender:
    return Sender()


@pytest.fixture
async def sql_webhooks(sqlite_url: str) -> AsyncIterator[SqlWebhooks]:
    store = await SqlStore.connect(sqlite_url)
    yield SqlWebhooks.beside(store)
    await store.close()


@pytest.fixture
async def stub(
    scripted: ScriptedPipeline, weighing: Weighing, sql_webhooks: SqlWebhooks, noting_sender: Sender
) -> AsyncIterator["WebhookServiceAsyncStub"]:
    service = WebhookServicer(Endpoints(sql_webhooks, noting_sender))
    server = server_of(scripted, scripted.store, scripted.announcer, weighing, service, reflection=True)
    address = f"127.0.0.1:{await server.start()}"
    async with grpc.aio.insecure_channel(address) as channel:
        yield WebhookServiceStub(channel)
    await server.stop(grace=1.0)


@pytest.fixture
def endpoint_message_of() -> Callable[..., pb.Endpoint]:
    """Makes a good endpoint message; fields by keyword."""

    def make(**fields: Any) -> pb.Endpoint:
        return pb.Endpoint(**{"url": "https://hooks.example/assay", "events": EVENTS, **fields})

    return make


@pytest.fixture
def create(stub: "WebhookServiceAsyncStub", endpoint_message_of: Callable[..., pb.Endpoint]) -> Create:
    """Adds an endpoint and gives the response."""

    async def send(**fields: Any) -> pb.CreateEndpointResponse:
        return await stub.CreateEndpoint(pb.CreateEndpointRequest(endpoint=endpoint_message_of(**fields)))

    return send


@pytest.fixture
def enqueue(sql_webhooks: SqlWebhooks) -> Enqueue:
    """Enqueues events of so many verdicts."""

    async def send(count: int, start: int = 1) -> None:
        verdicts = [verdict_of(post_of(id=str(n)), sequence=n) for n in range(start, start + count)]
        await sql_webhooks.enqueue([verdict_event(verdict) for verdict in verdicts])

    return send


async def test_a_secret_is_shown_once_and_the_endpoint_as_it_stands(
    stub: "WebhookServiceAsyncStub", create: Create
) -> None:
    decisions, categories = [verdict_pb2.DECISION_BLOCK], [verdict_pb2.CATEGORY_HATE, verdict_pb2.CATEGORY_FRAUD]
    made = await create(description="live", decisions=decisions, categories=categories)
    assert made.secret.startswith("whsec_")
    endpoint = made.endpoint
    assert endpoint.name.startswith("webhooks/wh-")
    assert (endpoint.url, list(endpoint.events), endpoint.creator) == (
        "https://hooks.example/assay",
        EVENTS,
        "platform",
    )
    assert (list(endpoint.decisions), sorted(endpoint.categories)) == (decisions, sorted(categories))
    found = await stub.GetEndpoint(pb.GetEndpointRequest(name=endpoint.name))
    assert found.endpoint == endpoint
    assert made.secret not in str(found)


async def test_endpoints_are_listed_changed_and_deleted(
    stub: "WebhookServiceAsyncStub", create: Create, endpoint_message_of: Callable[..., pb.Endpoint]
) -> None:
    names = sorted([(await create()).endpoint.name for _ in range(3)])
    first = await stub.ListEndpoints(pb.ListEndpointsRequest(page_size=2))
    rest = await stub.ListEndpoints(pb.ListEndpointsRequest(page_token=first.next_page_token))
    assert [each.name for each in (*first.endpoints, *rest.endpoints)] == names
    assert rest.next_page_token == ""
    changed = endpoint_message_of(name=names[0], url="https://other.example/", events=["appeal.decided"], disabled=True)
    answer = (await stub.UpdateEndpoint(pb.UpdateEndpointRequest(endpoint=changed))).endpoint
    assert (answer.url, list(answer.events), answer.disabled) == ("https://other.example/", ["appeal.decided"], True)
    await stub.DeleteEndpoint(pb.DeleteEndpointRequest(name=names[0]))
    failure = await failure_of(stub.GetEndpoint(pb.GetEndpointRequest(name=names[0])))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "WEBHOOK_NOT_FOUND")
    resource = failure.detail(error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("assay.dev/Endpoint", names[0])


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": ""}, "endpoint.url"),
        ({"url": "http://hooks.example/"}, "endpoint.url"),
        ({"url": "https://10.0.0.1/"}, "endpoint.url"),
        ({"events": []}, "endpoint.events"),
        ({"events": ["verdict.decided", "verdict.lost"]}, "endpoint.events[1]"),
        ({"events": ["webhook.test"]}, "endpoint.events[0]"),
        ({"decisions": [99]}, "endpoint.decisions[0]"),
        ({"categories": [99]}, "endpoint.categories[0]"),
        ({"description": "x" * 300}, "endpoint.description"),
        ({"name": "webhooks/mine"}, "endpoint.name"),
    ],
)
async def test_what_is_wrong_is_named(create: Create, fields: dict[str, Any], field: str) -> None:
    failure = await failure_of(create(**fields))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)


@pytest.fixture
def update(stub: "WebhookServiceAsyncStub") -> Update:
    """Updates an endpoint by these paths and gives the answer."""

    async def send(endpoint: pb.Endpoint, *paths: str) -> pb.Endpoint:
        return (
            await stub.UpdateEndpoint(pb.UpdateEndpointRequest(endpoint=endpoint, update_mask=FieldMask(paths=paths)))
        ).endpoint

    return send


@pytest.fixture
async def filtered(create: Create) -> pb.Endpoint:
    """A disabled endpoint with description and filters."""
    filters: dict[str, Any] = {"decisions": [verdict_pb2.DECISION_BLOCK], "categories": [verdict_pb2.CATEGORY_HATE]}
    return (await create(description="live", disabled=True, **filters)).endpoint


def without_time(endpoint: pb.Endpoint) -> pb.Endpoint:
    bare = pb.Endpoint()
    bare.CopyFrom(endpoint)
    bare.ClearField("update_time")
    return bare


async def test_without_a_mask_the_populated_fields_change(
    stub: "WebhookServiceAsyncStub", filtered: pb.Endpoint
) -> None:
    said = pb.Endpoint(name=filtered.name, url="https://other.example/", events=["appeal.decided"], creator="me")
    answer = (await stub.UpdateEndpoint(pb.UpdateEndpointRequest(endpoint=said))).endpoint
    filtered.url, filtered.events[:] = said.url, said.events
    assert without_time(answer) == without_time(filtered)


async def test_an_empty_mask_is_none(update: Update, filtered: pb.Endpoint) -> None:
    answer = await update(pb.Endpoint(name=filtered.name, description="other"))
    filtered.description = "other"
    assert without_time(answer) == without_time(filtered)


async def test_a_mask_changes_what_it_names_also_to_nothing(update: Update, filtered: pb.Endpoint) -> None:
    said = pb.Endpoint(
        name=filtered.name, url="no address", decisions=[cast("Any", 99)]
    )  # neither is named, so neither is read
    answer = await update(said, "description", "categories", "disabled")
    filtered.description, filtered.disabled = "", False
    filtered.ClearField("categories")
    assert without_time(answer) == without_time(filtered)


async def test_a_star_replaces_everything(
    update: Update, filtered: pb.Endpoint, endpoint_message_of: Callable[..., pb.Endpoint]
) -> None:
    answer = await update(endpoint_message_of(name=filtered.name, url="https://other.example/"), "*")
    filtered.url, filtered.description, filtered.disabled = "https://other.example/", "", False
    for filters in ("decisions", "categories"):
        filtered.ClearField(filters)
    assert without_time(answer) == without_time(filtered)


async def test_a_mask_passes_over_what_only_the_service_writes(update: Update, filtered: pb.Endpoint) -> None:
    said = pb.Endpoint(name=filtered.name, url="https://other.example/", creator="me", disabled_reason="none")
    assert without_time(await update(said, "name", "creator", "disabled_reason")) == without_time(filtered)


@pytest.mark.parametrize(
    ("paths", "field"),
    [
        (["secret"], "update_mask.paths[0]"),
        (["url", "endpoint.url"], "update_mask.paths[1]"),
        (["*", "urls"], "update_mask.paths[1]"),
    ],
)
async def test_a_mask_names_fields(update: Update, filtered: pb.Endpoint, paths: list[str], field: str) -> None:
    failure = await failure_of(update(pb.Endpoint(name=filtered.name, url="https://other.example/"), *paths))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    assert "send some of url, description, events, decisions, categories, disabled, or * for all" in failure.description


@pytest.mark.parametrize(("paths", "field"), [(["events"], "endpoint.events"), (["*"], "endpoint.url")])
async def test_what_a_mask_empties_must_be_allowed_to_be(
    update: Update, filtered: pb.Endpoint, paths: list[str], field: str
) -> None:
    assert (await failure_of(update(pb.Endpoint(name=filtered.name), *paths))).field == field


async def test_a_secret_is_rotated_with_overlap(
    stub: "WebhookServiceAsyncStub", create: Create, sql_webhooks: SqlWebhooks
) -> None:
    made = await create()
    name = made.endpoint.name
    rotated = await stub.RotateSecret(pb.RotateSecretRequest(name=name))
    assert rotated.secret not in {"", made.secret}
    left = rotated.previous_expire_time.ToDatetime() - made.endpoint.create_time.ToDatetime()
    assert 86_400 <= left.total_seconds() < 86_500
    assert await sql_webhooks.secrets_of(name.removeprefix("webhooks/")) == (rotated.secret, made.secret)
    at_once = pb.RotateSecretRequest(name=name)
    at_once.overlap.FromSeconds(0)
    last = await stub.RotateSecret(at_once)
    assert await sql_webhooks.secrets_of(name.removeprefix("webhooks/")) == (last.secret,)
    at_once.overlap.FromSeconds(8 * 86_400)
    assert (await failure_of(stub.RotateSecret(at_once))).field == "overlap"


async def test_deliveries_are_listed_with_their_attempts_and_replayed(
    stub: "WebhookServiceAsyncStub", create: Create, enqueue: Enqueue, sql_webhooks: SqlWebhooks
) -> None:
    name = (await create()).endpoint.name
    await enqueue(5)
    leased = await sql_webhooks.lease(3, each=10, busy={}, seconds=60.0)
    for each, state in zip(leased, (DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.DEAD), strict=True):
        answer = Answer(status=204 if state is DeliveryState.DELIVERED else 500, seconds=0.25, error="HTTP 500")
        await sql_webhooks.settle(each, answer, Outcome(state=state))
    first = await stub.ListDeliveries(pb.ListDeliveriesRequest(parent=name, page_size=2))
    rest = await stub.ListDeliveries(pb.ListDeliveriesRequest(parent=name, page_token=first.next_page_token))
    assert len({each.name for each in (*first.deliveries, *rest.deliveries)}) == 5
    other = pb.ListDeliveriesRequest(parent=name, page_token=first.next_page_token)
    other.filter.states.append(pb.DELIVERY_STATE_DEAD)
    assert (await failure_of(stub.ListDeliveries(other))).field == "page_token"
    other.page_token = ""
    dead = (await stub.ListDeliveries(other)).deliveries
    assert [(each.state, each.attempts[0].status) for each in dead] == [(pb.DELIVERY_STATE_DEAD, 500)] * 2
    assert dead[0].attempts[0].latency.ToMilliseconds() == 250
    assert (dead[0].event_type, dead[0].HasField("next_attempt_time")) == ("verdict.decided", False)
    one = await stub.ReplayDeliveries(pb.ReplayDeliveriesRequest(parent=name, delivery=dead[0].name))
    rest_of_them = await stub.ReplayDeliveries(pb.ReplayDeliveriesRequest(parent=name, filter=other.filter))
    assert (one.replayed_count, rest_of_them.replayed_count) == (1, 1)
    assert (await stub.ListDeliveries(other)).deliveries == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "filter"),
        ({"parent": "hooks/x"}, "parent"),
        ({"delivery": "webhooks/wh-other/deliveries/1"}, "delivery"),
        ({"delivery": "1"}, "delivery"),
        ({"filter": {"states": [9]}}, "filter.states[0]"),
        ({"filter": {"start_time": {"seconds": 5}, "end_time": {"seconds": 5}}}, "filter.end_time"),
    ],
)
async def test_a_replay_says_what(
    stub: "WebhookServiceAsyncStub", create: Create, fields: dict[str, Any], field: str
) -> None:
    name = (await create()).endpoint.name
    failure = await failure_of(stub.ReplayDeliveries(pb.ReplayDeliveriesRequest(**{"parent": name, **fields})))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)


async def test_a_delivery_that_is_not_there_is_named(stub: "WebhookServiceAsyncStub", create: Create) -> None:
    name = (await create()).endpoint.name
    asked = pb.ReplayDeliveriesRequest(parent=name, delivery=f"{name}/deliveries/9")
    failure = await failure_of(stub.ReplayDeliveries(asked))
    resource = failure.detail(error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("assay.dev/Delivery", f"{name}/deliveries/9")
    asked.filter.states.append(pb.DELIVERY_STATE_DEAD)
    assert (await failure_of(stub.ReplayDeliveries(asked))).field == "filter"


async def test_a_test_says_what_came_of_it(
    stub: "WebhookServiceAsyncStub", create: Create, noting_sender: Sender
) -> None:
    name = (await create()).endpoint.name
    attempt = (await stub.TestEndpoint(pb.TestEndpointRequest(name=name))).attempt
    assert (attempt.status, attempt.error, attempt.latency.ToMilliseconds()) == (204, "", 50)
    assert noting_sender.sent[0][0] == "https://hooks.example/assay"
    noting_sender.answer = Answer(status=0, seconds=0.1, error="no connection", refused=True)
    assert (await stub.TestEndpoint(pb.TestEndpointRequest(name=name))).attempt.error == "no connection"
    assert (await failure_of(stub.TestEndpoint(pb.TestEndpointRequest(name="wh-1")))).field == "name"
    missing = pb.TestEndpointRequest(name="webhooks/wh-000000000000")
    assert (await failure_of(stub.TestEndpoint(missing))).code is grpc.StatusCode.NOT_FOUND
