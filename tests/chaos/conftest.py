"""Fixtures of the chaos tests."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from service.records.sql.store import SqlStore
from tests.chaos.deployment import Deployment


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    directory = Path(tempfile.mkdtemp(prefix="assay-"))
    running = Deployment(directory)
    yield running
    running.stop()
    shutil.rmtree(directory)


@pytest.fixture
async def deployed_store(deployment: Deployment) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.connect(deployment.database_url)
    yield opened
    await opened.close()
