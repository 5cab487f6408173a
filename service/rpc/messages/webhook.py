"""Webhook endpoints and deliveries to messages and back."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from assay.v1 import webhook_service_pb2 as pb

from service.errors import InvalidInput
from service.rpc.messages.enums import CATEGORIES, DECISIONS, EnumTable
from service.rpc.messages.filter import read_members
from service.rpc.messages.times import read_time, write_time
from service.webhooks.delivery import Answer, Attempt, Delivery, DeliveryState
from service.webhooks.endpoint import Endpoint
from service.webhooks.event import EVENT_TYPES, EventType
from service.webhooks.managing import OVERLAP, EndpointFields
from service.webhooks.ports import DeliveryFilter

DELIVERY_STATES = EnumTable(DeliveryState, pb.DeliveryState.Value, "DELIVERY_STATE")
_ALL = "*"
_NAME = re.compile(r"webhooks/([a-z0-9-]{1,64})")
_DELIVERY = re.compile(r"webhooks/([a-z0-9-]{1,64})/deliveries/([0-9]{1,18})")
_FIELDS: Mapping[str, Callable[[pb.Endpoint], EndpointFields]] = {
    "url": lambda message: EndpointFields(url=message.url),
    "description": lambda message: EndpointFields(description=message.description),
    "events": lambda message: EndpointFields(events=_events(message)),
    "decisions": lambda message: EndpointFields(decisions=read_members(DECISIONS, message.decisions, "decisions")),
    "categories": lambda message: EndpointFields(categories=read_members(CATEGORIES, message.categories, "categories")),
    "disabled": lambda message: EndpointFields(enabled=not message.disabled),
}


def read_webhook_name(name: str, field: str) -> str:
    """The id in `webhooks/{webhook}`. Raises `InvalidInput` naming `field`."""
    found = _NAME.fullmatch(name)
    if found is None:
        problem = f"{name[:80]!r} is not webhooks/{{webhook}}" if name else "is missing"
        raise InvalidInput(field, problem, "send an endpoint's name, such as webhooks/wh-0123456789ab")
    return found[1]


def read_fields(message: pb.Endpoint, paths: Iterable[str] = tuple(_FIELDS)) -> EndpointFields:
    """What is said of an endpoint in these fields; their limits are checked where it is kept.

    Raises `InvalidInput` naming the field.
    """
    said = EndpointFields()
    for path in paths:
        said.update(_FIELDS[path](message))
    return said


def read_mask(request: pb.UpdateEndpointRequest) -> list[str]:
    """The fields to change: those of the mask, or where there is none, those that are populated.

    Fields that only the service writes are skipped. Raises `InvalidInput` naming a path that is no field.
    """
    mask = request.update_mask.paths
    for index, path in enumerate(mask):
        if path != _ALL and path not in pb.Endpoint.DESCRIPTOR.fields_by_name:
            remedy = f"send some of {', '.join(_FIELDS)}, or {_ALL} for all of them"
            raise InvalidInput(f"update_mask.paths[{index}]", f"{path[:80]!r} is no field of an endpoint", remedy)
    if _ALL in mask:
        return list(_FIELDS)
    named = mask or [field.name for field, _ in request.endpoint.ListFields()]
    return [path for path in named if path in _FIELDS]


def _events(message: pb.Endpoint) -> tuple[EventType, ...]:
    return tuple(_event(event, f"events[{index}]") for index, event in enumerate(message.events))


def _event(event: str, field: str) -> EventType:
    if event not in EVENT_TYPES:
        raise InvalidInput(field, f"{event[:80]!r} is no event", f"send one of {', '.join(EVENT_TYPES)}")
    return EventType(event)


def write_endpoint(endpoint: Endpoint, message: pb.Endpoint) -> None:
    """Fill the empty `message`."""
    message.name, message.url, message.description = endpoint.name, endpoint.url, endpoint.description
    message.events.extend(endpoint.events)
    message.decisions.extend(map(DECISIONS.number, endpoint.decisions))
    message.categories.extend(map(CATEGORIES.number, endpoint.categories))
    message.disabled, message.disabled_reason = not endpoint.enabled, endpoint.disabled_reason
    message.creator = endpoint.created_by
    write_time(endpoint.created_at, message.create_time)
    write_time(endpoint.updated_at, message.update_time)


def read_overlap(request: pb.RotateSecretRequest) -> float:
    """Seconds that the old secret stays valid. What is too long or negative is refused where it is used."""
    if not request.HasField("overlap"):
        return OVERLAP
    return request.overlap.seconds + request.overlap.nanos / 1e9


def read_delivery_filter(message: pb.DeliveryFilter) -> DeliveryFilter:
    """The filter. Raises `InvalidInput` naming the field, such as `filter.states[0]`."""
    start = read_time(message.start_time, "filter.start_time") if message.HasField("start_time") else None
    end = read_time(message.end_time, "filter.end_time") if message.HasField("end_time") else None
    if start and end and start >= end:
        raise InvalidInput("filter.end_time", "is not after filter.start_time", "send a later time, or nothing")
    return DeliveryFilter(read_members(DELIVERY_STATES, message.states, "filter.states"), start, end)


def filter_parts(endpoint_id: str, only: DeliveryFilter) -> Iterable[str]:
    """What binds a page token to endpoint and filter."""
    times = (time.isoformat() if time else "" for time in (only.start, only.end))
    return endpoint_id, ",".join(only.states), *times


def read_replay(request: pb.ReplayDeliveriesRequest) -> tuple[str, DeliveryFilter, int | None]:
    """Endpoint id, filter, and the one delivery if it is one. Raises `InvalidInput` naming the field."""
    endpoint_id = read_webhook_name(request.parent, "parent")
    only = read_delivery_filter(request.filter)
    if not request.delivery:
        if only == DeliveryFilter():
            raise InvalidInput("filter", "is empty", "name one delivery, or a start time, an end time or states")
        return endpoint_id, only, None
    found = _DELIVERY.fullmatch(request.delivery)
    if found is None or found[1] != endpoint_id:
        problem = f"{request.delivery[:80]!r} is no delivery of {request.parent}"
        raise InvalidInput("delivery", problem, "send the name of one as ListDeliveries gives it")
    if only != DeliveryFilter():
        raise InvalidInput("filter", "is given beside a delivery", "send either delivery or filter")
    return endpoint_id, only, int(found[2])


def write_delivery(delivery: Delivery, message: pb.Delivery) -> None:
    """Fill the empty `message`."""
    message.name, message.event_id, message.event_type = delivery.name, delivery.event, delivery.type
    message.subject, message.state = delivery.subject, DELIVERY_STATES.number(delivery.state)
    write_time(delivery.created_at, message.create_time)
    if delivery.due_at:
        write_time(delivery.due_at, message.next_attempt_time)
    for attempt in delivery.attempts:
        _write_attempt(attempt, message.attempts.add())


def write_answer(answer: Answer, message: pb.DeliveryAttempt) -> None:
    """Fill the empty `message` with what came of a test just now."""
    began = datetime.now(UTC) - timedelta(seconds=answer.seconds)
    _write_attempt(
        Attempt(number=1, at=began, status=answer.status, seconds=answer.seconds, error=answer.error), message
    )


def _write_attempt(attempt: Attempt, message: pb.DeliveryAttempt) -> None:
    message.number, message.status, message.error = attempt.number, attempt.status, attempt.error
    message.latency.FromTimedelta(timedelta(seconds=attempt.seconds))
    write_time(attempt.at, message.attempt_time)
