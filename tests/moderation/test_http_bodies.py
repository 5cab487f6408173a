"""No body over a limit: told or untold, whole or in pieces."""

from collections.abc import Iterable

import pytest
from starlette.requests import ClientDisconnect, Request

from service.http_bodies import TooLarge, read


def request(pieces: Iterable[bytes], told: str = "", *, cut_off: bool = False) -> tuple[Request, list[bytes]]:
    """A request whose body comes in pieces, and those that are still to come."""
    coming = list(pieces)

    async def receive() -> dict[str, object]:
        if not coming and cut_off:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": coming.pop(0), "more_body": bool(coming) or cut_off}

    headers = [(b"content-length", told.encode())] if told else []
    return Request({"type": "http", "method": "POST", "headers": headers}, receive), coming


@pytest.mark.parametrize("told", ["", "6", "none", "-7"])
async def test_a_body_of_just_the_limit_is_read(told: str) -> None:
    asked, _ = request([b"abc", b"def"], told)
    assert await read(asked, 6) == b"abcdef"


async def test_one_that_says_it_is_over_it_is_not_begun() -> None:
    asked, coming = request([b"abcdefg"], "7")
    with pytest.raises(TooLarge):
        await read(asked, 6)
    assert coming


async def test_a_length_too_long_to_be_a_number_is_over_it() -> None:
    asked, _ = request([b"a"], "9" * 10_000)
    with pytest.raises(TooLarge):
        await read(asked, 6)


async def test_one_that_does_not_say_so_is_refused_as_soon_as_it_is() -> None:
    asked, coming = request([b"abcd", b"efg", b"hij"], "4")
    with pytest.raises(TooLarge) as refused:
        await read(asked, 6)
    assert refused.value.status_code == 413
    assert coming == [b"hij"]


async def test_one_that_is_cut_off_is_none() -> None:
    asked, _ = request([b"abc"], cut_off=True)
    with pytest.raises(ClientDisconnect):
        await read(asked, 6)
