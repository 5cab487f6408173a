"""Record stores for tests: in memory, on a SQLite file, and on a real PostgreSQL server started here."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from service.domain.claim import Claim, Match, Rating, Relation
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.records.sql.store import SqlStore
from service.storage.migrate import upgrade
from tests.fakes.store import MemoryStore, RecordStore
from tests.review.reviewed import Reviewed, review_on

_TEMPLATE = "migrated"


@dataclass(frozen=True)
class PostgresServer:
    """A server of our own on a Unix socket in `folder`."""

    folder: Path
    pid: int

    def url(self, database: str) -> str:
        return f"postgresql://assay@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Debian's PostgreSQL in a temporary directory, with a migrated template database."""
    initdb, postgres = _postgres_binary("initdb"), _postgres_binary("postgres")
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))  # short: a socket's path may hold 107 bytes
    account = _unprivileged(folder)
    create: list[str | Path] = [
        initdb,
        "-D",
        folder / "data",
        "-U",
        "assay",
        "-A",
        "trust",
        "-N",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    subprocess.run(create, check=True, capture_output=True, cwd=folder, **account)
    options = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=100"]
    with (folder / "log").open("wb") as log:
        start: list[str | Path] = [postgres, "-D", folder / "data", "-k", folder, *options]
        process = subprocess.Popen(start, stdout=log, stderr=log, cwd=folder, **account)
    server = PostgresServer(folder, process.pid)
    try:
        _wait_until_up(server, process)
        server.execute(f"CREATE DATABASE {_TEMPLATE}")
        upgrade(server.url(_TEMPLATE))
        yield server
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGINT)  # fast shutdown
        process.wait(20)
        shutil.rmtree(folder)


def _postgres_binary(name: str) -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    found = shutil.which(name)
    if found or installed:
        return Path(found) if found else installed[-1]
    reason = f"PostgreSQL's {name} is not installed (Debian: apt-get install postgresql)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Arguments with which `subprocess` runs PostgreSQL, which refuses root, as another account that owns `folder`."""
    if os.geteuid() != 0:
        return {}
    accounts = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = accounts.get("postgres") or accounts["nobody"]
    os.chown(folder, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _wait_until_up(server: PostgresServer, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(psycopg.OperationalError):
            return server.execute("SELECT 1")
        time.sleep(0.05)
    pytest.fail(f"PostgreSQL did not start: {(server.folder / 'log').read_text()}")


@pytest.fixture(scope="session")
def fresh_names() -> Iterator[str]:
    """Names that were not used in this session."""
    return (f"test_{number}" for number in count())


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer, fresh_names: Iterator[str]) -> Iterator[str]:
    """A database without tables."""
    name = next(fresh_names)
    postgres_server.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, fresh_names: Iterator[str]) -> Iterator[str]:
    """A migrated database."""
    name = next(fresh_names)
    postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A file that is not there yet."""
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def sql_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def empty_sql_url(request: pytest.FixtureRequest) -> str:
    """A database without tables of each kind."""
    return str(request.getfixturevalue(f"empty_{request.param}_url"))


on_sqlite = pytest.mark.parametrize("sql_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("sql_url", ["postgres"], indirect=True)


class OpenStore(Protocol):
    """Opens another store of the same kind; keywords go to its constructor."""

    async def __call__(self, **options: Any) -> RecordStore: ...


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def open_store(request: pytest.FixtureRequest) -> AsyncIterator[OpenStore]:
    """Opens record stores of each kind: in memory each one empty, in SQL all on one database."""
    opened: list[RecordStore] = []
    url = "" if request.param == "memory" else request.getfixturevalue(f"{request.param}_url")

    async def make(**options: Any) -> RecordStore:
        opened.append(await SqlStore.connect(url, **options) if url else MemoryStore(**options))
        return opened[-1]

    yield make
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store: OpenStore) -> RecordStore:
    """An empty record store of each kind."""
    return await open_store()


@pytest.fixture
def posts_of(post_of: Callable[..., Post]) -> Callable[..., list[Post]]:
    """Makes `count` posts that differ in id and text, numbered from `start`."""

    def make(count: int, start: int = 0) -> list[Post]:
        return [post_of(f"Post number {number}", id=str(number)) for number in range(start, start + count)]

    return make


@pytest.fixture
async def open_sql() -> AsyncIterator[Callable[..., Awaitable[SqlStore]]]:
    """Opens a store of its own connections at a URL, as another process would."""
    opened: list[SqlStore] = []

    async def open_one(url: str, *, answer_within: float = 30.0) -> SqlStore:
        opened.append(await SqlStore.connect(url, answer_within=answer_within))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
def claim_of() -> Callable[..., Claim]:
    """Makes a claim of that id; further fields by keyword."""

    def make(id: str = "bleach", claim: str = "Drinking bleach cures malaria.", **fields: Any) -> Claim:  # noqa: A002
        return Claim(id=id, claim=claim, **fields)

    return make


@pytest.fixture
def claims_of(claim_of: Callable[..., Claim]) -> Callable[..., list[Claim]]:
    """Makes `count` claims that differ in id and words, in the order of their ids, numbered from `start`."""

    def make(count: int, start: int = 0) -> list[Claim]:
        return [claim_of(f"c{number:06}", f"Claim number {number}") for number in range(start, start + count)]

    return make


@pytest.fixture
def match_of(claim_of: Callable[..., Claim]) -> Callable[..., Match]:
    """Makes a match with a claim of that id, in that relation."""

    def make(claim_id: str, relation: Relation = Relation.REPEATS) -> Match:
        claim = claim_of(claim_id)
        return Match(
            claim_id=claim.id,
            claim=claim.claim,
            verdict="False",
            rating=Rating.FALSE,
            publisher="Check",
            url="https://check.example/1",
            score=0.875,
            relation=relation,
            p_relation=0.75,
            weight=1.5,
        )

    return make


@pytest.fixture
async def reviewed(
    open_sql: Callable[..., Awaitable[SqlStore]], sql_url: str, verdict_of: Callable[..., Verdict]
) -> Reviewed:
    """A record store with review beside it, on each database, and a clock of their own."""
    return await review_on(open_sql, sql_url, verdict_of)
