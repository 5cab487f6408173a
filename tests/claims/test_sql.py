"""What of claims only a database can show: many writers at once, a reader among them, calls that are cut off."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from service.claims.sql import SqlClaims
from service.domain.claim import Change, ClaimFilter, ClaimRecord, Confirmation, Relation
from service.errors import AlreadyExists, StoreUnavailable
from service.storage.database import driver_url
from tests.factories import claims_of
from tests.fakes.store import MemoryStore
from tests.fixtures.sql import OpenSql

_REFUSALS = {
    "sqlite": ("CREATE TRIGGER refuse BEFORE INSERT ON claim_sets BEGIN SELECT RAISE(ABORT, 'refused'); END",),
    "postgresql": (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON claim_sets FOR EACH ROW EXECUTE FUNCTION refuse()",
    ),
}


OpenClaims = Callable[[str], Awaitable[SqlClaims]]


@pytest.fixture
def open_claims(open_sql: OpenSql) -> OpenClaims:
    """Opens claims on connections of their own at a URL, as another process would."""

    async def open_one(url: str) -> SqlClaims:
        return SqlClaims.beside(await open_sql(url))

    return open_one


def execute(url: str, statements: Iterable[str]) -> None:
    engine = create_engine(driver_url(url, sqlite_driver="sqlite"))
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


async def recounted(records: Iterable[ClaimRecord]) -> str:
    """The version of a set of these claims that was never anything else."""
    twin = MemoryStore()
    for record in records:
        await twin.put([record.claim])
        await twin.quarantine(record.claim.id, record.reason)
    return await twin.claims_version()


class TestConcurrency:
    async def test_rivals_put_in_any_order_and_the_version_stays_a_recount(
        self, sql_url: str, open_claims: OpenClaims
    ) -> None:
        stores = [await open_claims(sql_url) for _ in range(4)]
        claims = claims_of(120)
        new: Counter[str] = Counter()

        async def put(store: SqlClaims, title: str) -> None:
            mine = [replace(claim, title=title) for claim in random.sample(claims, 100)]
            did = await store.put(mine)
            new.update(claim.id for claim, change in zip(mine, did, strict=True) if change is Change.NEW)
            for claim in random.sample(mine, 3):
                await store.quarantine(claim.id, random.choice(["", "too wide"]))
                await store.confirm(
                    Confirmation(post=title, claim_id=claim.id, relation=Relation.REPEATS, moderator="m")
                )

        await asyncio.gather(*(put(store, f"title {place % 3}") for place, store in enumerate(stores * 4)))
        found = await stores[0].claim_set()
        assert new == Counter(record.claim.id for record in found.records)
        assert found.version == await stores[1].claims_version() == await recounted(found.records)

    async def test_of_rivals_that_create_one_claim_one_does(self, sql_url: str, open_claims: OpenClaims) -> None:
        stores = [await open_claims(sql_url) for _ in range(4)]
        for claim in claims_of(5):
            rivals = [replace(claim, title=f"rival {number}") for number in range(4)]
            creating = (store.create(rival) for store, rival in zip(stores, rivals, strict=True))
            results = await asyncio.gather(*creating, return_exceptions=True)
            [created] = [result for result in results if isinstance(result, ClaimRecord)]
            assert sum(isinstance(result, AlreadyExists) for result in results) == 3
            assert await stores[0].find_claim(claim.id) == created
        found = await stores[0].claim_set()
        assert found.version == await recounted(found.records)

    async def test_a_claim_set_is_of_one_moment(self, sql_url: str, open_claims: OpenClaims) -> None:
        writer, reader = await open_claims(sql_url), await open_claims(sql_url)
        claims = claims_of(1500)
        await writer.put(claims)

        async def write() -> None:
            for turn in range(10):
                await writer.put([replace(claims[place], title=f"turn {turn}") for place in (0, 1499)])
                await writer.put([replace(claims[0], id=f"d{turn}")])
                await writer.quarantine(claims[700].id, f"turn {turn}" if turn % 2 else "")

        writing = asyncio.create_task(write())
        versions: list[str] = []
        while not writing.done() or not versions:
            found = await reader.claim_set()
            versions.append(found.version)
            assert found.records[0].claim.title == found.records[1499].claim.title
            assert found.version == await recounted(found.records)
        await writing
        assert len(set(versions)) > 1
        assert len((await reader.claim_set()).records) == 1510


class TestAllOrNone:
    async def test_a_call_that_fails_at_its_end_stored_nothing(self, sql_url: str, open_claims: OpenClaims) -> None:
        store = await open_claims(sql_url)
        claims = claims_of(10)
        execute(sql_url, _REFUSALS[sql_url.partition(":")[0]])
        with pytest.raises((DBAPIError, StoreUnavailable)):
            await store.put(claims)
        assert await store.claims(ClaimFilter(), after="", limit=100) == []
        assert await store.claims_version() == ""
        execute(sql_url, ["DROP TRIGGER refuse" + (" ON claim_sets" if sql_url.startswith("postgres") else "")])
        assert await store.put(claims) == [Change.NEW] * 10

    async def test_a_cancelled_call_leaves_all_or_nothing(self, sql_url: str, open_claims: OpenClaims) -> None:
        store = await open_claims(sql_url)
        for turn, delay in enumerate((0.0, 0.001, 0.005, 0.01, 0.02, 0.04)):
            call = asyncio.create_task(store.put(claims_of(200, turn * 1000)))
            await asyncio.sleep(delay)
            call.cancel()
            with suppress(asyncio.CancelledError):
                await call
        async with asyncio.timeout(10):
            assert await store.put(claims_of(1, 9000)) == [Change.NEW]
            found = await store.claim_set()
        assert len(found.records) % 200 == 1
        assert found.version == await recounted(found.records)
