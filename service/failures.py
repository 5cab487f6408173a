"""Reports failures: those that were worked around, and unexpected ones. Never a post's text.

Messages of our own errors are safe to log. Those of others may quote a post: of these, only types and places are
logged.
"""

import traceback
import uuid
from typing import Any, Protocol

import structlog
from prometheus_client import Counter

from service.errors import AssayError, Unavailable


class FailureReporter(Protocol):
    """Is notified of failures."""

    def report_failure(self, where: str, error: Exception) -> None:
        """Something failed and the work went on without it."""
        ...


class FailureLog:
    """`FailureReporter` by one log event each; counted by type in `counter`, where there is one."""

    def __init__(self, counter: Counter | None = None) -> None:
        self._failures, self._failure_log = counter, structlog.get_logger("assay")

    def report_failure(self, where: str, error: Exception) -> None:
        """See `FailureReporter.report_failure`."""
        if self._failures:
            self._failures.labels(type(error).__name__).inc()
        told = {"message": str(error)} if isinstance(error, AssayError) else {"frames": _frames(error)}
        self._failure_log.warning("failure", where=where, error=type(error).__name__, **told)


class UnforeseenLog(FailureLog):
    """The same without outages: callers that need the unavailable part report those."""

    def report_failure(self, where: str, error: Exception) -> None:
        """See `FailureReporter.report_failure`."""
        if not isinstance(error, Unavailable):
            super().report_failure(where, error)


def log_incident(log: Any, error: BaseException) -> str:
    """Log an unexpected error to a structlog logger; returns the number under which it is logged."""
    number = uuid.uuid4().hex[:12]
    log.error("unexpected error", incident=number, **described(error))
    return number


def described(error: BaseException) -> dict[str, list[str]]:
    """An unexpected error without its message: the chain of exception types, and the frames, innermost last."""
    return {"error": _chain(error), "where": _frames(error)}


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _chain(error: BaseException | None) -> list[str]:
    names: list[str] = []
    while error is not None:
        names.append(f"{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or error.__context__
    return names
