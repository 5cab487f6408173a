"""Errors as pages that say what happened and what to do; as plain words where our script asked.

What nobody foresaw gets an incident number, under which the log holds where it happened: no values, so no post's text.
"""

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from service import errors
from service.dashboard.request import PageRequest
from service.errors import AssayError
from service.failures import log_incident

_log = structlog.get_logger("assay.dashboard")

_STATUS: dict[type[AssayError], int] = {
    errors.InvalidInput: 400,
    errors.Conflict: 409,
    errors.AlreadyExists: 409,
    errors.NotFound: 404,
    errors.NotDecided: 409,
    errors.NotHeld: 409,
    errors.Outdated: 409,
    errors.NotAllowed: 403,
    errors.SignInRefused: 401,
    errors.Overloaded: 429,
    errors.DeadlineExceeded: 504,
    errors.Unavailable: 503,
    errors.AssayError: 500,
}
_TITLES = {
    400: ("This input needs a change", "Go back, change what is named above, and send it again."),
    401: ("You are not signed in", "Sign in and try again."),
    403: ("This is not for you to do", "If you think it should be, ask an administrator for the role."),
    404: ("There is nothing here", "It may have been erased, or the address has a slip in it."),
    405: ("This address can't do that", "Go back to the page that you came from."),
    409: ("Something changed meanwhile", "Load the page again to see the current state."),
    413: ("This is too large", "Send less at once."),
    429: ("Too much at once", "Wait a little and try again."),
    500: ("Something broke on our side", "Try again; if it stays, quote the incident to whoever runs Assay."),
    503: ("A part of Assay does not answer", "Try again in a moment. Nothing that was recorded is lost."),
    504: ("No answer came in time", "Try again in a moment."),
}


def status_of(error: AssayError) -> int:
    """The HTTP status of one of our errors."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def error_page(request: PageRequest, error: Exception) -> Response:
    """The answer to an error."""
    if isinstance(error, AssayError):
        status, words = status_of(error), str(error)
    elif isinstance(error, HTTPException):
        status, words = error.status_code, ""
    else:
        status, words = 500, f"Incident {log_incident(_log, error)}."
    retry = {"Retry-After": str(max(1, round(error.retry_after)))} if isinstance(error, errors.Overloaded) else {}
    response = _answer(request, status, words)
    response.headers.update(retry)
    return response


def _answer(request: PageRequest, status: int, words: str) -> Response:
    title, remedy = _TITLES.get(status, _TITLES[500])
    if request.by_script:
        return PlainTextResponse(words or f"{title}. {remedy}", status)
    return request.render("error.html", status, status=status, title=title, words=words, remedy=remedy)
