"""One call of a shim over HTTP: body in, JSON out, all in the API's own words. Neither texts nor keys are logged."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from service import http_bodies
from service.errors import AssayError, InvalidInput
from service.failures import log_incident
from service.feeds.documents import load
from service.shims.refusals import Refused, refusal

MAX_BODY = 4 << 20
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_log = structlog.get_logger(__name__)

Json = dict[str, Any]
Work = Callable[[object], Awaitable[Json]]


class Dialect(Protocol):
    """How an API words its refusals: a pure module."""

    def error(self, refused: Refused) -> Json:
        """The body of a refusal."""
        ...


async def call(
    request: Request, dialect: Dialect, admit: Callable[[Request], None], work: Work, *, patience: float
) -> Response:
    """Let `work` answer the JSON body of a request that `admit` lets in; what either raises becomes a refusal.

    The body may take `patience` seconds to come.
    """
    started = time.perf_counter()
    try:
        admit(request)
        response = answer(await work(await _body(request, patience)))
    except Refused as refused:
        response = refuse(dialect, refused)
    except AssayError as error:
        response = refuse(dialect, refusal(error))
    except ClientDisconnect:
        response = refuse(dialect, Refused(400, "The body was cut off."))
    except Exception as error:  # noqa: BLE001 - its message may hold a text, so the server must not log it
        response = refuse(dialect, _incident(error))
    milliseconds = round(1_000 * (time.perf_counter() - started), 1)
    await _log.ainfo("shim", path=request.url.path, status=response.status_code, milliseconds=milliseconds)
    return response


def answer(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response; all but ASCII is escaped, so that any string of the caller's can be echoed."""
    content = json.dumps(body, allow_nan=False, separators=(",", ":"))
    return Response(content, status, {**_HEADERS, **(headers or {})}, "application/json")


def refuse(dialect: Dialect, refused: Refused) -> Response:
    """A refusal as a response. A header tells OpenAI's clients whether to try again."""
    headers = {"x-should-retry": "false" if refused.retry_after is None else "true"}
    if refused.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(refused.retry_after)))
    return answer(dialect.error(refused), refused.status, headers)


async def _body(request: Request, patience: float) -> object:
    """The JSON of the body. Raises `Refused` as soon as it is known to be over the limit, late or no JSON."""
    try:
        async with asyncio.timeout(patience):
            return load(await http_bodies.read(request, MAX_BODY), MAX_BODY)
    except http_bodies.TooLarge:
        raise Refused(413, f"The body is over {MAX_BODY >> 20} MiB; send less at once, and text only.") from None
    except TimeoutError:
        raise Refused(408, f"The body did not come within {patience:g} s.") from None
    except InvalidInput as cause:
        raise Refused(400, f"The body {cause.problem}; {cause.remedy}.") from None


def _incident(error: Exception) -> Refused:
    """A refusal that quotes an incident of the log, which holds types and places, never what the exception says."""
    incident = log_incident(_log, error)
    return Refused(500, f"Internal error; quote incident {incident} to whoever runs this service.", code="internal")
