"""The shims' port: found free, or taken."""

import socket
from contextlib import suppress

import httpx
import pytest

from service.runtime.http_doors import SHIMS, shims_if_free
from service.runtime.http_listening import listening
from service.shims.app import shim_app
from service.shims.keys import Keys
from tests.shims.conftest import FakeJudge


async def test_a_taken_port_is_named(judge: FakeJudge, url: str) -> None:
    with pytest.raises(OSError, match=r"the shims cannot listen at 127\.0\.0\.1:\d+"):
        async with listening(shim_app(judge, Keys()), url.removeprefix("http://"), what="the shims"):
            pytest.fail("two listen at one port")


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "no host at all:0"])
async def test_an_address_that_is_none_is_named(judge: FakeJudge, address: str) -> None:
    with pytest.raises(OSError, match=address):
        async with listening(shim_app(judge, Keys()), address):
            pytest.fail("nobody can listen there")


async def test_the_port_is_given_back(judge: FakeJudge) -> None:
    async with listening(shim_app(judge, Keys()), "127.0.0.1:0") as url:
        pass
    async with listening(shim_app(judge, Keys()), url.removeprefix("http://")) as again, httpx.AsyncClient() as http:
        assert (await http.get(f"{again}/$discovery/rest")).status_code == 200


def test_the_default_port_is_left_to_whoever_has_it() -> None:
    host, _, port = SHIMS.rpartition(":")
    with socket.socket() as taken:
        with suppress(OSError):  # somebody else has it: as well
            taken.bind((host, int(port)))
            taken.listen()
        assert shims_if_free() == ""
