"""What the log is told of an unexpected exception: where it arose, never what it says, which may hold a post's text."""

import traceback
import uuid
from typing import Any


def describe(error: BaseException) -> tuple[str, dict[str, Any]]:
    """A new incident id and the event's fields: the chain of exception types and the frames, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return uuid.uuid4().hex[:12], {"error": _chain(error), "where": where}


def _chain(error: BaseException | None) -> list[str]:
    names: list[str] = []
    while error is not None:
        names.append(f"{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or error.__context__
    return names
