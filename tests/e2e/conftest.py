"""Fixtures of the end-to-end tests: a real `assay up`, with the shipped model, in a process of its own."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from classifiers.bundle import STARTER, load_bundle, write_claims
from service.rpc.client.client import Client
from tests.processes import Up


@pytest.fixture(scope="session")
def up() -> Iterator[Up]:
    """A running `assay up`, with shims that record."""
    with Up(ASSAY_SHIM_ADDRESS="127.0.0.1:0", ASSAY_SHIM_KEYS="k1,k2", ASSAY_SHIM_RECORD="true") as running:
        yield running


@pytest.fixture
async def up_client(up: Up) -> AsyncIterator[Client]:
    """A client of it."""
    async with Client(up.address) as connected:
        yield connected


@pytest.fixture(scope="session")
def sure_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter with a certificate that every relation is above: matches weigh, whatever was certified."""
    home = shutil.copytree(STARTER, tmp_path_factory.mktemp("bundle") / "sure")
    claims = load_bundle(home).parts.claims
    assert claims
    claims.relation.thresholds.zero_()
    write_claims(home, claims)
    return home


@pytest.fixture
def matching_up(sure_bundle: Path) -> Iterator[Up]:
    """An `assay up` of one test's own with that bundle: what it knows of claims stays out of the other tests."""
    with Up(ASSAY_MODEL=str(sure_bundle)) as running:
        yield running


@pytest.fixture
async def matching_client(matching_up: Up) -> AsyncIterator[Client]:
    """A client of it."""
    async with Client(matching_up.address) as connected:
        yield connected
