"""Why a call to a shim is refused, before it is put in the words of either API."""

from collections.abc import Mapping, Sequence

from service.errors import AssayError, DeadlineExceeded, InvalidInput, Overloaded, Unavailable

RETRY_AFTER = 5.0
"""Seconds after which to come back when a part does not answer."""


class Refused(Exception):
    """A call that fails with an HTTP status; `message` is for people.

    `param` names the input at fault, `code` is a word for programs, both in the API's own vocabulary. `details` are
    further members of the error. `retry_after` holds seconds; None: the same call would fail again.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        details: Sequence[Mapping[str, object]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.details, self.retry_after = details, retry_after


def refusal(error: AssayError) -> Refused:
    """How one of our errors is answered."""
    match error:
        case InvalidInput():
            return Refused(400, str(error), param=error.field)
        case Overloaded():
            return Refused(429, str(error), code="rate_limit_exceeded", retry_after=error.retry_after)
        case DeadlineExceeded():
            return Refused(504, str(error), code="deadline_exceeded", retry_after=RETRY_AFTER)
        case Unavailable():
            return Refused(503, str(error), code="unavailable", retry_after=RETRY_AFTER)
    return Refused(500, str(error), code="internal")


def not_judged(param: str | None = None) -> Refused:
    """The refusal of a text that stopped the model and was set aside."""
    problem = "The model could not judge this text; a person should read it."
    return Refused(500, problem, param=param, code="not_judged")
