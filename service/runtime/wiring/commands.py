"""Parts for commands that need no front: each opens the record store alone and gives it back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.dashboard.services import DashboardServices
from service.people.directory import Directory
from service.policy.governance.governing import Governing
from service.records.sql.store import SqlStore
from service.review.sql.store import SqlReview
from service.runtime.settings import Settings
from service.runtime.wiring import policy as policy_parts
from service.runtime.wiring.connections import certificate
from service.runtime.wiring.dashboard import directory
from service.runtime.wiring.front import started_front


@asynccontextmanager
async def governing_alone(settings: Settings) -> AsyncIterator[Governing]:
    """What people do with policies, for commands that need no Redis. Raises as `SqlStore.connect` and `policy` do."""
    store = await SqlStore.connect(settings.database_url)
    try:
        yield policy_parts.governing(settings, store, certificate(settings))
    finally:
        await store.close()


@asynccontextmanager
async def review_store(settings: Settings) -> AsyncIterator[tuple[SqlReview, SqlStore]]:
    """Review, and the record store beside it, for commands that need no Redis. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    try:
        yield SqlReview.beside(store), store
    finally:
        await store.close()


@asynccontextmanager
async def people(settings: Settings) -> AsyncIterator[Directory]:
    """The people alone, for commands that need no Redis. Raises as `SqlStore.connect` does."""
    store = await SqlStore.connect(settings.database_url)
    try:
        yield directory(store)
    finally:
        await store.close()


@asynccontextmanager
async def dashboard_alone(settings: Settings) -> AsyncIterator[DashboardServices]:
    """The services of a dashboard without a gRPC server in its process: that of a front of its own."""
    async with started_front(settings) as at:
        yield at.services
