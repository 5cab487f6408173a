"""Limits request bodies: a larger one is refused before it is read to the end."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive


class TooLarge(HTTPException):
    """The body is over the limit: status 413."""

    def __init__(self) -> None:
        super().__init__(413)


def bounded(request: Request, receive: Receive, limit: int) -> Receive:
    """`receive` that raises `TooLarge` once a body is over `limit` bytes; raises at once if the declared length is."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told[:20]) > limit:
        raise TooLarge
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise TooLarge
        return message

    return receiving


async def read(request: Request, limit: int) -> bytes:
    """The body. Raises `TooLarge` as soon as it is known to be, and `ClientDisconnect` where it is cut off."""
    return await Request(request.scope, bounded(request, request.receive, limit)).body()
