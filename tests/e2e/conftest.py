"""Fixtures of the end-to-end tests: a real `assay up`, with the shipped model, in a process of its own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from service.rpc.client import Client
from tests.processes import Up


@pytest.fixture(scope="session")
def up() -> Iterator[Up]:
    """A running `assay up`."""
    with Up() as running:
        yield running


@pytest.fixture
async def client(up: Up) -> AsyncIterator[Client]:
    """A client of it."""
    async with Client(up.address) as connected:
        yield connected
