"""What a servicer asks of one call: its deadline, and the ids that it goes by in the logs."""

import time
import uuid
from typing import Any

import grpc.aio
import structlog

from service.domain.validation import check_correlation_id, check_request_id
from service.errors import InvalidInput

CORRELATION_KEY = "x-correlation-id"
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
    """Take the id of the metadata `x-correlation-id`, or make one; bind it for the log, echo it in the trailers."""
    correlation_id = str(dict(context.invocation_metadata() or ()).get(CORRELATION_KEY, ""))
    try:
        check_correlation_id(correlation_id)
    except InvalidInput:
        correlation_id = ""
    return _bind(context, correlation_id or uuid.uuid4().hex)


def adopt(context: Context, correlation_id: str) -> None:
    """Go by the request's own `correlation_id` field when it has one. Raises `InvalidInput`."""
    if correlation_id:
        check_correlation_id(correlation_id)
        _bind(context, correlation_id)


def log_request_id(request_id: str) -> None:
    """Have the log events of this call name its idempotency key, if it has one. Raises `InvalidInput`."""
    if request_id:
        check_request_id(request_id)
        structlog.contextvars.bind_contextvars(request_id=request_id)


def current_id() -> str:
    """The id in the logs of the call that this task serves."""
    return str(structlog.contextvars.get_contextvars().get("correlation_id", ""))


def _bind(context: Context, correlation_id: str) -> str:
    structlog.contextvars.bind_contextvars(correlation_id=correlation_id)
    context.set_trailing_metadata(((CORRELATION_KEY, correlation_id),))
    return correlation_id
