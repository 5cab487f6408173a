"""The day in an ISO 8601 date or time."""

import re
from datetime import date, datetime

from service.errors import InvalidInput

_UNPADDED = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")


def day(value: str, field: str) -> date | None:
    """The day that `value` names in its own time zone; None when it is empty. Raises `InvalidInput` about `field`."""
    text = value.strip()
    if not text:
        return None
    try:
        if found := _UNPADDED.fullmatch(text):
            return date(*map(int, found.groups()))
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise InvalidInput(field, f"{text[:40]!r} is not an ISO date", "write it like 2026-05-01 or omit it") from None
