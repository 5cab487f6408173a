"""What only a database can show: many writers at once, processes that die, servers that do not answer."""

import asyncio
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO

import psycopg
import pytest
from sqlalchemy import create_engine

from service.domain.decision import Decision, Ruling
from service.domain.verdict import Verdict, VerdictFilter
from service.errors import InvalidInput, StoreUnavailable
from service.records.sql.store import SqlStore
from service.storage.migrate import upgrade
from tests.factories import post_of, posts_of, verdict_of
from tests.fixtures.sql import OpenSql
from tests.waiting import until

ALL = VerdictFilter()
ROOT = Path(__file__).parents[2]


@pytest.fixture
def start_accepting() -> Iterator[Callable[[str, int, int], subprocess.Popen[str]]]:
    """Starts processes that run `accepting.py`; they are killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(url: str, first: int, count: int) -> subprocess.Popen[str]:
        script = [sys.executable, str(Path(__file__).with_name("accepting.py")), url, str(first), str(count)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        started.append(subprocess.Popen(script, env=environment, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout
    return process.stdout


def dawdles(url: str) -> bool:
    """Whether such a transaction lasts at this moment."""
    with psycopg.connect(url, autocommit=True) as connection:
        return bool(connection.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'").fetchone())


def delay_blocks(url: str) -> None:
    """Make PostgreSQL's transactions that record a BLOCK last half a second longer."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE TRIGGER dawdle AFTER INSERT ON verdicts FOR EACH ROW "
            "WHEN (NEW.decision = 'BLOCK') EXECUTE FUNCTION dawdle()"
        )


class TestConcurrency:
    async def test_no_post_is_claimed_twice(self, sql_url: str, open_sql: OpenSql) -> None:
        stores = [await open_sql(sql_url) for _ in range(4)]
        posts = posts_of(600)
        await stores[0].accept(posts)
        claimed: Counter[str] = Counter()

        async def claim_all(store: SqlStore) -> None:
            misses = 0
            while misses < 3:  # rows that others hold at this moment are skipped: a miss is not the end
                found = await store.claim(random.randint(1, 20), lease=600)
                claimed.update(post.id for post in found)
                misses = 0 if found else misses + 1

        await asyncio.gather(*(claim_all(store) for store in stores for _ in range(4)))
        assert claimed == Counter(post.id for post in posts)

    async def test_a_reader_sees_every_verdict_once_and_in_order(self, sql_url: str, open_sql: OpenSql) -> None:
        stores = [await open_sql(sql_url) for _ in range(4)]
        posts = posts_of(200)
        waiting = iter(posts)
        seen: list[int] = []
        done = asyncio.Event()

        async def write(store: SqlStore) -> None:
            while batch := list(islice(waiting, random.randint(1, 5))):
                await store.record(batch, [verdict_of(post) for post in batch])

        async def follow() -> None:
            cursor, last_round = 0, False
            while not last_round:
                last_round = done.is_set()
                found, cursor = await stores[0].after(cursor, ALL, 1000)
                seen.extend(verdict.sequence for verdict in found)
                last_round = last_round and not found

        reader = asyncio.create_task(follow())
        await asyncio.gather(*(write(store) for store in stores[1:] for _ in range(4)))
        done.set()
        await reader
        everything, _ = await stores[0].after(0, ALL, 1000)
        assert len(everything) == len(posts)
        assert seen == [verdict.sequence for verdict in everything]

    async def test_a_late_commit_is_not_overtaken(self, postgres_url: str, open_sql: OpenSql) -> None:
        delay_blocks(postgres_url)
        store = await open_sql(postgres_url)
        slow, quick = posts_of(2)
        block = replace(verdict_of(slow), ruling=Ruling(Decision.BLOCK))
        first = asyncio.create_task(store.record([slow], [block]))
        await until(lambda: dawdles(postgres_url))
        second = asyncio.create_task(store.record([quick], [verdict_of(quick)]))
        seen: list[str] = []
        cursor = 0
        recorded = False
        while not recorded:
            recorded = first.done() and second.done()
            found, cursor = await store.after(cursor, ALL, 10)
            seen += [verdict.post.name for verdict in found]
        assert seen == [slow.name, quick.name]

    async def test_rivals_agree_on_one_verdict(self, sql_url: str, open_sql: OpenSql) -> None:
        stores = [await open_sql(sql_url) for _ in range(4)]
        posts = posts_of(40)
        await stores[0].accept(posts[:20])

        async def record(store: SqlStore, decision: Decision) -> dict[str, Verdict]:
            mine = random.sample(posts, len(posts))
            ruling = Ruling(decision)
            verdicts = await store.record(mine, [replace(verdict_of(post), ruling=ruling) for post in mine])
            return {verdict.post.name: verdict for verdict in verdicts}

        answers = await asyncio.gather(*(record(s, d) for s in stores for d in (Decision.ALLOW, Decision.BLOCK)))
        assert all(answer == answers[0] for answer in answers)
        assert len({verdict.sequence for verdict in answers[0].values()}) == len(posts)
        assert await stores[0].backlog() == (0, 0.0)

    async def test_rivals_accept_in_any_order_without_deadlock(self, sql_url: str, open_sql: OpenSql) -> None:
        stores = [await open_sql(sql_url) for _ in range(4)]
        posts = posts_of(100)
        edits = [replace(post, text=f"{post.text}, edited") for post in posts]
        new: Counter[str] = Counter()

        async def accept(store: SqlStore, request_id: str) -> None:
            mine = random.sample(posts + edits, 150)
            answer = await store.accept(mine, lease=600, request_id=request_id)
            new.update(post.fingerprint for post, first in zip(mine, answer, strict=True) if first)
            done = mine[:50]
            await store.record(done, [verdict_of(post) for post in done])
            await store.release([post.key for post in mine])
            await store.claim(50, lease=600)

        await asyncio.gather(*(accept(store, f"{place}") for place, store in enumerate(stores * 5)))
        assert set(new.values()) == {1}
        assert len(new) == len(set(new)) <= 200

    async def test_one_request_sent_many_times_is_accepted_once(self, sql_url: str, open_sql: OpenSql) -> None:
        stores = [await open_sql(sql_url) for _ in range(4)]
        posts = posts_of(10)
        calls = (store.accept(posts, request_id="same") for store in stores * 3)
        assert await asyncio.gather(*calls) == [[True] * 10] * 12
        assert (await stores[0].backlog())[0] == 10

    async def test_processes_write_side_by_side(
        self, sql_url: str, open_sql: OpenSql, start_accepting: Callable[[str, int, int], subprocess.Popen[str]]
    ) -> None:
        processes = [start_accepting(sql_url, first, 20) for first in (0, 100, 200)]
        for process in processes:
            assert await asyncio.to_thread(process.wait, 60) == 0
        store = await open_sql(sql_url)
        assert (await store.backlog())[0] == 3 * 20 * 100


class TestLosingNothing:
    async def test_what_was_accepted_survives_a_kill_and_nothing_is_half_there(
        self, sql_url: str, open_sql: OpenSql, start_accepting: Callable[[str, int, int], subprocess.Popen[str]]
    ) -> None:
        process = start_accepting(sql_url, 0, 100_000)
        confirmed = [await asyncio.to_thread(output(process).readline) for _ in range(10)]
        process.send_signal(signal.SIGKILL)
        confirmed += await asyncio.to_thread(output(process).readlines)
        store = await open_sql(sql_url)
        found = Counter(post.id.split("-")[0] for post in await store.claim(1_000_000, lease=60))
        assert set(found.values()) == {100}
        calls = {line.strip() for line in confirmed if line.endswith("\n")}
        assert calls <= found.keys()
        assert len(found) <= len(calls) + 1

    async def test_sqlite_writes_each_commit_through_to_the_disk(self, sqlite_url: str, open_sql: OpenSql) -> None:
        store = await open_sql(sqlite_url)
        async with store.write() as tx:
            assert (await tx.exec_driver_sql("PRAGMA journal_mode")).scalar_one() == "wal"
            assert (await tx.exec_driver_sql("PRAGMA synchronous")).scalar_one() == 2  # FULL

    async def test_a_cancelled_call_leaves_the_store_usable(self, sql_url: str, open_sql: OpenSql) -> None:
        store = await open_sql(sql_url)
        posts = posts_of(500)
        for delay in (0.0, 0.001, 0.005, 0.01, 0.02, 0.04):
            call = asyncio.create_task(store.accept(posts))
            await asyncio.sleep(delay)
            call.cancel()
            with suppress(asyncio.CancelledError):
                await call
        async with asyncio.timeout(10):
            await store.accept(posts)
            assert (await store.backlog())[0] == len(posts)

    async def test_a_restarted_server_costs_no_call(self, postgres_url: str, open_sql: OpenSql) -> None:
        store = await open_sql(postgres_url)
        await store.accept([post_of()])
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert (await store.backlog())[0] == 1


class TestUnavailable:
    async def test_a_database_that_was_never_migrated(self, empty_sql_url: str) -> None:
        with pytest.raises(StoreUnavailable, match="run `assay migrate`"):
            await SqlStore.connect(empty_sql_url)

    async def test_nothing_listens(self, tmp_path: Path) -> None:
        for url in (f"sqlite:///{tmp_path}/no/such/folder.db", f"postgresql:///x?host={tmp_path}"):
            with pytest.raises(StoreUnavailable, match="does not answer"):
                await SqlStore.connect(url)
            with pytest.raises(StoreUnavailable, match="does not answer"):
                upgrade(url)

    async def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "file.db").write_bytes(b"This is no database. " * 100)
        with pytest.raises(StoreUnavailable):
            await SqlStore.connect(f"sqlite:///{tmp_path}/file.db")

    async def test_a_server_that_never_answers(self) -> None:
        async def listen(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(60)

        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await SqlStore.connect(f"postgresql://user@127.0.0.1:{port}/database", answer_within=1)
        assert time.monotonic() - started < 5
        server.close()

    async def test_a_server_that_stops_answering(self, postgres_url: str, open_sql: OpenSql) -> None:
        store = await open_sql(postgres_url, answer_within=1)
        await store.accept([post_of()])
        with psycopg.connect(postgres_url) as other:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            pids = [pid for (pid,) in other.execute(query)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        try:
            with pytest.raises(StoreUnavailable):
                await store.accept([post_of("another")])
            assert time.monotonic() - started < 10
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        assert (await store.backlog())[0] in {1, 2}

    async def test_a_writer_that_holds_the_lock_too_long(self, sqlite_url: str, open_sql: OpenSql) -> None:
        store = await open_sql(sqlite_url, answer_within=0.3)
        engine = create_engine(sqlite_url)
        with engine.connect() as other:
            other.exec_driver_sql("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable):
                await store.accept([post_of()])
            assert await store.backlog() == (0, 0.0)
        engine.dispose()
        assert await store.accept([post_of()]) == [True]

    async def test_a_full_disk_is_an_outage_that_ends_with_it(self, sqlite_url: str, open_sql: OpenSql) -> None:
        store = await open_sql(sqlite_url)
        assert await store.accept([post_of("before")]) == [True]
        size = os.stat(f"{sqlite_url.removeprefix('sqlite:///')}-wal").st_size  # noqa: PTH116 - local, once
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))  # no file grows beyond that
        try:
            with pytest.raises(StoreUnavailable, match="does not answer"):
                await store.accept([post_of("during", id="2")])
            assert (await store.backlog())[0] == 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert await store.accept([post_of("during", id="2")]) == [True]

    @pytest.mark.parametrize("url", ["", "no url", "mysql://host/x", "sqlite://", "sqlite:///:memory:"])
    async def test_urls_that_are_none_of_ours(self, url: str) -> None:
        with pytest.raises(InvalidInput, match="database_url"):
            await SqlStore.connect(url)
