"""What fits into one message: requests of a client split in portions, pages of a server cut off."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from google.protobuf.message import Message

from service.errors import InvalidInput
from service.rpc.answers import MAX_MESSAGE

_ROOM = MAX_MESSAGE * 3 // 4
_Item = TypeVar("_Item")
_Part = TypeVar("_Part", bound=Message)


def check_count(field: str, count: int, most: int) -> None:
    """Raise `InvalidInput` naming `field` unless it holds 1 to `most`."""
    if not count:
        raise InvalidInput(field, "is empty", f"send 1 to {most:,} {field}")
    if count > most:
        raise InvalidInput(field, f"holds {count:,} {field}, over {most:,}", "send them in several calls")


def portions(messages: Iterable[_Part], most: int) -> Iterator[list[_Part]]:
    """Lists of up to `most` messages and three quarters of what one message may hold, at least one each."""
    portion: list[_Part] = []
    room = _ROOM
    for message in messages:
        size = message.ByteSize()
        if portion and (len(portion) == most or size > room):
            yield portion
            portion, room = [], _ROOM
        portion.append(message)
        room -= size
    if portion:
        yield portion


def written(items: Iterable[_Item], write: Callable[[_Item], Message]) -> int:
    """Write items into a response, one message each, up to the same size, at least one; how many."""
    room, count = _ROOM, 0
    for item in items:
        if room < 0:
            break
        room -= write(item).ByteSize()
        count += 1
    return count
