"""Typed reading of the fields of a JSON object; each function raises `InvalidInput` that names the field."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast
from urllib.parse import quote

from service.errors import InvalidInput

Object = Mapping[str, object]
_SAFE = "._~:@+=-"
_PLAIN_ID = re.compile(r"[A-Za-z0-9._~:@%+=-]+")


def as_object(value: object, field: str = "") -> Object:
    """`value` itself when it is a JSON object."""
    if not isinstance(value, dict):
        raise InvalidInput(field, f"is {_kind(value)}, not a JSON object", "send an object with the item's fields")
    return cast("Object", value)


def text(item: Object, key: str) -> str:
    """The string at `key`; empty when it is missing or null."""
    value = item.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(key, f"is {_kind(value)}, not a string", "send a JSON string")
    return value


def child(item: Object, key: str) -> Object:
    """The object at `key`; empty when it is missing or null."""
    value = item.get(key)
    return {} if value is None else as_object(value, key)


def identifier(item: Object, key: str) -> str:
    """The id at `key` in the form of a post's name: all other characters are percent-encoded.

    Distinct URLs stay distinct. Whole numbers are taken as they are written.
    """
    value = item.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise InvalidInput(key, "is missing" if value is None else "is not an id", "send a string or a whole number")
    return value if _PLAIN_ID.fullmatch(value) else quote(value, safe=_SAFE, errors="surrogatepass")


def time(item: Object, key: str) -> datetime | None:
    """The time at `key` in UTC: ISO 8601 with an offset, or Unix seconds; None when it is missing or null."""
    value = item.get(key)
    if value is None:
        return None
    try:
        found = _moment(value)
    except (ValueError, OverflowError, OSError):
        found = None
    if found is None:
        raise InvalidInput(
            key, "is not a time with an offset", "send one such as 2026-05-01T12:00:00Z, Unix seconds, or nothing"
        )
    return found


def _moment(value: object) -> datetime | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, str):
        return None
    moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else None


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")
