"""Whether an address is free, and what is said of one that is not."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from service.runtime import http_doors
from service.runtime.http_listening import is_free, listening


@pytest.fixture
def taken() -> Iterator[str]:
    """An address where somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def nothing(scope: object, receive: object, send: object) -> None:
    """An app that nobody asks."""


def test_what_is_free(taken: str) -> None:
    assert is_free("127.0.0.1:0")
    assert not is_free(taken)
    assert not is_free("127.0.0.1:99999")


async def test_a_taken_address_is_told_with_what_to_do(taken: str) -> None:
    with pytest.raises(OSError, match=rf"the mill cannot listen at {taken}: .*; stop the other one") as caught:
        async with listening(nothing, taken, what="the mill", remedy="stop the other one"):
            pytest.fail("two listen at one port")
    assert caught.value.errno


def test_the_dashboards_default_port_is_left_to_whoever_has_it(taken: str) -> None:
    host, _, port = http_doors.DASHBOARD.rpartition(":")
    with socket.socket() as listener:
        with suppress(OSError):  # somebody else has it: as well
            listener.bind((host, int(port)))
            listener.listen()
        assert http_doors.dashboard_if_free(http_doors.DASHBOARD) == "off"
    assert http_doors.dashboard_if_free(taken) == taken  # asked for by name: that fails in its own words
