"""Reads members of a JSON object as Google's APIs do: names in camelCase or snake_case, null is as if left out."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from service.shims.refusals import Refused

T = TypeVar("T")
_UPPER = re.compile("[A-Z]")
INVALID_REQUEST = "INVALID_REQUEST"


class Fields:
    """A JSON object at `path` of a request. Members that nobody asks for are ignored."""

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise Refused(400, f"{_at(path)} is not a JSON object", code=INVALID_REQUEST)
        self._members: dict[str, Any] = value
        self._path = path

    def text(self, name: str) -> str:
        """A string; empty when left out."""
        return self._read(name, "a string", lambda value: value if isinstance(value, str) else None) or ""

    def flag(self, name: str) -> bool:
        """A boolean; false when left out."""
        return self._read(name, "true or false", lambda value: value if isinstance(value, bool) else None) or False

    def number(self, name: str) -> float | None:
        """A finite number."""
        return self._read(name, "a number", _number)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; none when left out."""
        return self._read(name, "a list of strings", _texts) or ()

    def below(self, name: str) -> "Fields":
        """An object, empty when left out."""
        value = self._get(name)
        return Fields({} if value is None else value, self._below(name))

    def items(self, name: str) -> Mapping[str, "Fields"]:
        """The objects of a map by their names."""
        below = self.below(name)
        return {key: Fields({} if value is None else value, below._below(key)) for key, value in below._members.items()}

    def has(self, name: str) -> bool:
        """Whether it is there and not null."""
        return self._get(name) is not None

    def _read(self, name: str, wanted: str, read: Callable[[Any], T | None]) -> T | None:
        value = self._get(name)
        found = None if value is None else read(value)
        if value is not None and found is None:
            raise Refused(400, f"Invalid value at '{self._below(name)}': not {wanted}", code=INVALID_REQUEST)
        return found

    def _get(self, name: str) -> Any:
        snake = _UPPER.sub(lambda found: "_" + found[0].lower(), name)
        return self._members.get(name, self._members.get(snake))

    def _below(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def _at(path: str) -> str:
    return f"'{path}'" if path else "The body"


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    whole = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return tuple(value) if whole else None
