"""WebhookService: keeps endpoints for the platform, shows what was delivered, sends it again."""

from collections.abc import Iterator
from contextlib import contextmanager

from assay.v1 import webhook_service_pb2 as pb
from assay.v1.webhook_service_pb2_grpc import WebhookServiceServicer, add_WebhookServiceServicer_to_server

from service.errors import InvalidInput, WebhookNotFound
from service.rpc.calls import Context
from service.rpc.message_limits import written
from service.rpc.messages.times import write_time
from service.rpc.messages.webhook import (
    filter_parts,
    read_delivery_filter,
    read_fields,
    read_mask,
    read_overlap,
    read_replay,
    read_webhook_name,
    write_answer,
    write_delivery,
    write_endpoint,
)
from service.rpc.paging import page_size, read_place, write_place
from service.rpc.service import Service
from service.rpc.status import NoSuchResource
from service.webhooks.delivery import Delivery
from service.webhooks.endpoint import Endpoint
from service.webhooks.managing import Endpoints

_ACTOR = "platform"  # who calls the API


class NoSuchWebhook(NoSuchResource, WebhookNotFound):
    """`NoSuchResource` of an endpoint or a delivery."""


class WebhookServicer(Service, WebhookServiceServicer):
    """Serves the use cases of endpoints."""

    name = "assay.v1.WebhookService"
    add_to = add_WebhookServiceServicer_to_server

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    async def CreateEndpoint(  # noqa: N802
        self, request: pb.CreateEndpointRequest, context: Context
    ) -> pb.CreateEndpointResponse:
        """Keep it, show its secret."""
        if request.endpoint.name:
            raise InvalidInput("endpoint.name", "is given", "leave it out; the service names endpoints")
        with _below("endpoint"):
            endpoint, secret = await self._endpoints.add(read_fields(request.endpoint), actor=_ACTOR)
        response = pb.CreateEndpointResponse(secret=secret)
        write_endpoint(endpoint, response.endpoint)
        return response

    async def GetEndpoint(self, request: pb.GetEndpointRequest, context: Context) -> pb.GetEndpointResponse:  # noqa: N802
        """One endpoint."""
        response = pb.GetEndpointResponse()
        with _named(request.name):
            write_endpoint(await self._endpoints.find(read_webhook_name(request.name, "name")), response.endpoint)
        return response

    async def ListEndpoints(  # noqa: N802
        self, request: pb.ListEndpointsRequest, context: Context
    ) -> pb.ListEndpointsResponse:
        """A page, by name."""
        size = page_size(request.page_size)
        found = await self._endpoints.page(after=read_place(request.page_token, "webhooks"), limit=size + 1)
        response = pb.ListEndpointsResponse()
        count = written(found[:size], lambda endpoint: _add_endpoint(endpoint, response))
        if count < len(found):
            response.next_page_token = write_place(found[count - 1].id, "webhooks")
        return response

    async def UpdateEndpoint(  # noqa: N802
        self, request: pb.UpdateEndpointRequest, context: Context
    ) -> pb.UpdateEndpointResponse:
        """Replace what the mask names."""
        endpoint_id, paths = read_webhook_name(request.endpoint.name, "endpoint.name"), read_mask(request)
        with _named(request.endpoint.name), _below("endpoint"):
            changed = await self._endpoints.change(endpoint_id, read_fields(request.endpoint, paths), actor=_ACTOR)
        response = pb.UpdateEndpointResponse()
        write_endpoint(changed, response.endpoint)
        return response

    async def DeleteEndpoint(  # noqa: N802
        self, request: pb.DeleteEndpointRequest, context: Context
    ) -> pb.DeleteEndpointResponse:
        """Forget it."""
        with _named(request.name):
            await self._endpoints.remove(read_webhook_name(request.name, "name"), actor=_ACTOR)
        return pb.DeleteEndpointResponse()

    async def RotateSecret(self, request: pb.RotateSecretRequest, context: Context) -> pb.RotateSecretResponse:  # noqa: N802
        """A new secret beside the old one."""
        endpoint_id, overlap = read_webhook_name(request.name, "name"), read_overlap(request)
        with _named(request.name):
            secret, ends = await self._endpoints.rotate(endpoint_id, overlap=overlap, actor=_ACTOR)
        response = pb.RotateSecretResponse(secret=secret)
        write_time(ends, response.previous_expire_time)
        return response

    async def ListDeliveries(  # noqa: N802
        self, request: pb.ListDeliveriesRequest, context: Context
    ) -> pb.ListDeliveriesResponse:
        """A page, newest first; shorter than asked where it would be larger than a message may be."""
        endpoint_id, only = read_webhook_name(request.parent, "parent"), read_delivery_filter(request.filter)
        size, parts = page_size(request.page_size), tuple(filter_parts(endpoint_id, only))
        place = read_place(request.page_token, *parts)
        with _named(request.parent):
            found = await self._endpoints.deliveries(
                endpoint_id, only, before=int(place) if place else None, limit=size + 1
            )
        response = pb.ListDeliveriesResponse()
        count = written(found[:size], lambda delivery: _add_delivery(delivery, response))
        if count < len(found):
            response.next_page_token = write_place(str(found[count - 1].id), *parts)
        return response

    async def ReplayDeliveries(  # noqa: N802
        self, request: pb.ReplayDeliveriesRequest, context: Context
    ) -> pb.ReplayDeliveriesResponse:
        """Make them due now."""
        endpoint_id, only, delivery = read_replay(request)
        with _named(request.delivery or request.parent):
            count = await self._endpoints.replay(endpoint_id, only, delivery=delivery, actor=_ACTOR)
        return pb.ReplayDeliveriesResponse(replayed_count=count)

    async def TestEndpoint(self, request: pb.TestEndpointRequest, context: Context) -> pb.TestEndpointResponse:  # noqa: N802
        """Send a test, say what came of it."""
        response = pb.TestEndpointResponse()
        with _named(request.name):
            answer = await self._endpoints.test(read_webhook_name(request.name, "name"), actor=_ACTOR)
        write_answer(answer, response.attempt)
        return response


def _add_endpoint(endpoint: Endpoint, response: pb.ListEndpointsResponse) -> pb.Endpoint:
    message = response.endpoints.add()
    write_endpoint(endpoint, message)
    return message


def _add_delivery(delivery: Delivery, response: pb.ListDeliveriesResponse) -> pb.Delivery:
    message = response.deliveries.add()
    write_delivery(delivery, message)
    return message


@contextmanager
def _below(field: str) -> Iterator[None]:
    """Puts `InvalidInput` of what a message holds below the message's field."""
    try:
        yield
    except InvalidInput as error:
        raise error.at(field) from None


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Gives `WebhookNotFound` the name that was asked for."""
    try:
        yield
    except WebhookNotFound as error:
        raise NoSuchWebhook(name, str(error), pb.Delivery if "/deliveries/" in name else pb.Endpoint) from error
