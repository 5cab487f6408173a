"""What a servicer asks of one call: its deadline, and the id that it goes by in the logs."""

import time
import uuid
from typing import Any

import grpc.aio
import structlog

from service.domain.validation import check_request_id
from service.errors import InvalidInput

REQUEST_ID_KEY = "x-request-id"
Context = grpc.aio.ServicerContext[Any, Any]


def deadline_of(context: Context, default: float) -> float:
    """When the call must be answered, in Unix seconds; `default` seconds from now when the client set no deadline.

    A tenth of the time, 50 ms at most, is kept back so that our own answer arrives before the client gives up.
    """
    remaining: float | None = context.time_remaining()
    if remaining is None:
        return time.time() + default
    return time.time() + remaining - min(0.05, 0.1 * remaining)


def begin(context: Context) -> str:
    """Take the id from the metadata `x-request-id`, or make one; bind it for the log and echo it in the trailers."""
    request_id = dict(context.invocation_metadata() or ()).get(REQUEST_ID_KEY, "")
    try:
        check_request_id(str(request_id))
    except InvalidInput:
        request_id = ""
    return _bind(context, str(request_id) or uuid.uuid4().hex)


def adopt(context: Context, request_id: str) -> None:
    """Go by the request's own `request_id` field when it has one. Raises `InvalidInput`."""
    if request_id:
        check_request_id(request_id)
        _bind(context, request_id)


def current_id() -> str:
    """The id of the call that this task serves."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _bind(context: Context, request_id: str) -> str:
    structlog.contextvars.bind_contextvars(request_id=request_id)
    context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))
    return request_id
