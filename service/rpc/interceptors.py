"""What surrounds every call of ours: its id, errors turned into statuses, a log event (debug level when OK), metrics.

Health checks and reflection pass untouched, so that probes do not fill the log.
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias, TypeVar

import grpc
import grpc.aio
import structlog

from service.rpc.call_metrics import CallMetrics
from service.rpc.calls import CORRELATION_KEY, Context, begin, current_id
from service.rpc.status import CODES, status_of, trailers

_OURS = "/assay."
_TROUBLE = {"INTERNAL", "UNAVAILABLE"}
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Answer = TypeVar("_Answer")

_log = structlog.get_logger("assay.rpc")


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps each method once and keeps the wrapped handler."""

    def __init__(self, metrics: CallMetrics) -> None:
        self._metrics = metrics
        self._wrapped: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler of the called method, wrapped when Assay serves it; None where there is no such method."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None or not method.startswith(_OURS):
                return handler
            self._wrapped[method] = self._wrap(method.rpartition("/")[2], handler)
        return self._wrapped[method]

    def _wrap(self, method: str, handler: Any) -> _Handler:
        behaviour = handler.unary_unary or handler.unary_stream or handler.stream_stream

        async def answer_once(request: Any, context: Context) -> Any:
            return await self._observe(method, behaviour(request, context), context)

        async def answer_often(request: Any, context: Context) -> None:
            await self._observe(method, _send(behaviour(request, context), context), context)

        coders = handler.request_deserializer, handler.response_serializer
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(answer_once, *coders)
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(answer_often, *coders)
        return grpc.stream_stream_rpc_method_handler(answer_often, *coders)

    async def _observe(self, method: str, work: Awaitable[_Answer], context: Context) -> _Answer:
        started = time.perf_counter()
        correlation_id = begin(context)
        self._metrics.began(method)
        code = "CANCELLED"
        try:
            answer = await work
        except Exception as error:
            if context.done():  # the client left: nobody to tell
                raise
            status = status_of(error)
            code = CODES[status.code].name
            metadata = (*trailers(status), (CORRELATION_KEY, current_id() or correlation_id))
            await context.abort(CODES[status.code], status.message, metadata)
        else:
            code = "OK"
            return answer
        finally:
            self._report(method, code, time.perf_counter() - started, context)

    def _report(self, method: str, code: str, seconds: float, context: Context) -> None:
        self._metrics.ended(method, code, seconds)
        # The pipeline logs each post: a second event would cost more than an answer from the cache.
        tell = _log.debug if code == "OK" else _log.warning if code in _TROUBLE else _log.info
        tell(
            "call",
            method=method,
            code=code,
            latency_ms=round(seconds * 1e3, 3),
            correlation_id=current_id(),
            peer=context.peer(),
        )


async def _send(answers: AsyncGenerator[Any, None], context: Context) -> None:
    """Write what a streaming servicer yields; closed at once when the client leaves, so that its work is cancelled."""
    async with aclosing(answers) as open_answers:
        async for answer in open_answers:
            await context.write(answer)
