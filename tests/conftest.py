"""Fixtures for all tests: a real Redis, the adapters of each port that has a memory twin, sample posts and verdicts."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from service.claims.ports import ClaimTraffic
from service.claims.redis_traffic import RedisClaimTraffic
from service.claims.traffic import SurgeLimits
from service.domain.claim import Match, Rating, Relation
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Evidence, JudgedBy, Judgement, Remainder, Signal, Span, TokenSurprise
from service.domain.log_odds import Weights
from service.domain.post import Post
from service.domain.verdict import Skip, Source, Verdict
from service.moderation.author import Weighing
from service.moderation.celery_queue import CeleryQueue
from service.moderation.local_cache import LocalCache
from service.moderation.ports import Attempts, Clusters, Queue, VerdictCache, WorkerRegistry
from service.moderation.redis.attempts import RedisAttempts
from service.moderation.redis.cache import RedisCache
from service.moderation.redis.clusters import RedisClusters
from service.moderation.redis.registry import RedisRegistry
from service.records.ports import Announcer
from service.records.redis_announcer import RedisAnnouncer
from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.migrate import upgrade
from service.storage.redis_connection import RedisConnection
from tests.fakes.clusters import MemoryClusters
from tests.fakes.queue_and_cache import (
    MemoryAnnouncer,
    MemoryAttempts,
    MemoryCache,
    MemoryClaimTraffic,
    MemoryQueue,
    MemoryRegistry,
)

ADAPTERS = ("memory", "redis")
_MEMORY, _ROOM = Path("/dev/shm"), 4 << 30
_TOGETHER = ("classifiers", "docs", "e2e")


def pytest_configure() -> None:
    """The environment of all tests and of the processes that they start.

    The width of tables is left to the tests: a terminal's, once set, is what a console is made with. Networks compute
    on one thread, since test processes and what they start would otherwise wait for each other's. Temporary files are
    kept in memory where there is room, since hundreds of databases are made.
    """
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if _has_room(_MEMORY):
        tempfile.tempdir = os.environ.setdefault("TMPDIR", str(_MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Test processes share out files; a folder whose fixtures take long to make stays with one of them."""
    for item in items:
        file = item.path.relative_to(Path(__file__).parent)
        together = file.parts[0] if file.parts[0] in _TOGETHER else str(file)
        item.add_marker(pytest.mark.xdist_group(together))


def _has_room(place: Path) -> bool:
    """Whether the files of a run fit there, and programs among them may run."""
    if not os.access(place, os.W_OK):
        return False
    found = os.statvfs(place)
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    return min(available, found.f_bavail * found.f_frsize) >= _ROOM and not found.f_flag & os.ST_NOEXEC


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("store") / "migrated.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated: Path) -> str:
    """A record store's SQLite file with all tables and no rows."""
    return f"sqlite:///{shutil.copy(migrated, tmp_path / 'store.db')}"


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """A Redis for the whole run; use `redis_url`, which empties it."""
    with tempfile.TemporaryDirectory(prefix="assay-") as directory, EmbeddedRedis(Path(directory)) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """A Redis that is empty."""
    with Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
async def redis_connection(redis_url: str) -> AsyncIterator[RedisConnection]:
    """A connection to an empty Redis."""
    connection = RedisConnection(redis_url)
    yield connection
    await connection.close()


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """An empty directory whose path is short enough for a unix socket."""
    directory = Path(tempfile.mkdtemp(prefix="assay-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def own_redis(short_directory: Path) -> Iterator[EmbeddedRedis]:
    """A Redis of this test's own, to be stopped and started."""
    with EmbeddedRedis(short_directory) as server:
        yield server


@pytest.fixture
async def lost_connection(own_redis: EmbeddedRedis) -> AsyncIterator[RedisConnection]:
    """A connection to `own_redis`."""
    connection = RedisConnection(own_redis.url)
    yield connection
    await connection.close()


@pytest.fixture(params=(*ADAPTERS, "local before redis"))
def cache_of(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> Callable[[float], VerdictCache]:
    """Makes each `VerdictCache`, given the seconds that its entries live."""
    if request.param == "memory":
        return lambda ttl: MemoryCache(ttl=ttl)
    if request.param == "redis":
        return lambda ttl: RedisCache(redis_connection, ttl=ttl)
    return lambda ttl: LocalCache(RedisCache(redis_connection, ttl=ttl), size=1000, ttl=ttl)


@pytest.fixture
def cache(cache_of: Callable[[float], VerdictCache]) -> VerdictCache:
    """Each `VerdictCache`."""
    return cache_of(60.0)


@pytest.fixture(params=ADAPTERS)
async def queue(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> AsyncIterator[Queue]:
    """Each `Queue`."""
    if request.param == "memory":
        yield MemoryQueue()
        return
    celery = CeleryQueue(redis_connection)
    yield celery
    await celery.close()


@pytest.fixture(params=ADAPTERS)
def registry_of(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> Callable[[float], WorkerRegistry]:
    """Makes each `WorkerRegistry`, given the seconds that a beat counts."""
    if request.param == "memory":
        return lambda lifetime: MemoryRegistry(lifetime=lifetime)
    return lambda lifetime: RedisRegistry(redis_connection, lifetime=lifetime)


@pytest.fixture(params=ADAPTERS)
def attempts(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> Attempts:
    """Each `Attempts`."""
    if request.param == "memory":
        return MemoryAttempts()
    return RedisAttempts(redis_connection)


@pytest.fixture(params=ADAPTERS)
def clusters_of(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> Callable[[float], Clusters]:
    """Makes each `Clusters`, given the seconds that a cluster waits for its next text."""
    if request.param == "memory":
        return lambda window: MemoryClusters(window=window)
    return lambda window: RedisClusters(redis_connection, window=window)


@pytest.fixture
def clusters(clusters_of: Callable[[float], Clusters]) -> Clusters:
    """Each `Clusters`."""
    return clusters_of(60.0)


@pytest.fixture(params=ADAPTERS)
def traffic_of(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> Callable[..., ClaimTraffic]:
    """Makes each `ClaimTraffic`, given the seconds of its windows and what a surge has at least."""

    def make(window: float, limits: SurgeLimits) -> ClaimTraffic:
        if request.param == "memory":
            return MemoryClaimTraffic(window=window, limits=limits)
        return RedisClaimTraffic(redis_connection, window=window, limits=limits)

    return make


@pytest.fixture(params=ADAPTERS)
async def announcer(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> AsyncIterator[Announcer]:
    """Each `Announcer`."""
    if request.param == "memory":
        yield MemoryAnnouncer()
        return
    redis = RedisAnnouncer(redis_connection)
    yield redis
    await redis.close()


@pytest.fixture
def start_worker() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts real Celery workers that run `tests/integration/echo_worker.py` on a URL; they are killed at the end."""
    root = Path(__file__).parents[1]
    with tempfile.TemporaryFile() as log:
        workers: list[subprocess.Popen[bytes]] = []

        def start(url: str, *, visibility_timeout: float = 60.0) -> subprocess.Popen[bytes]:
            workers.append(
                subprocess.Popen(
                    [sys.executable, "-m", "celery", "-A", "echo_worker", "worker", "--loglevel", "warning"],
                    env={
                        **os.environ,
                        "ASSAY_REDIS_URL": url,
                        "ASSAY_VISIBILITY_TIMEOUT": str(visibility_timeout),
                        "PYTHONPATH": os.pathsep.join((str(root), str(root / "tests" / "integration"))),
                    },
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
            return workers[-1]

        yield start
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            worker.wait()


@pytest.fixture
def weighing() -> Weighing:
    """How the posts of an author are weighed that model m1 judged; short ones count for half."""
    fits = [
        Weights(
            buckets=(10, 20, 40, 80),
            slopes=(0.5, 0.8, 1.0, 1.0, 1.0),
            offsets=(0.0,) * 5,
            correlation=0.2,
            slope=slope,
            bias=0.0,
        )
        for slope in (1.0, 0.8, 1.2)
    ]
    return Weighing("m1", fits[0], tuple(fits[1:]))


@pytest.fixture
def post_of() -> Callable[..., Post]:
    """Makes a post with text `text` and id `id`; further fields by keyword."""

    def make(text: str = "Drinking bleach cures malaria 🧪", id: str = "1", **fields: object) -> Post:  # noqa: A002
        return Post(platform="instagram", id=id, text=text, **fields)  # type: ignore[arg-type]

    return make


@pytest.fixture
def verdict_of() -> Callable[..., Verdict]:
    """Makes a full verdict about a post."""

    def make(
        post: Post,
        *,
        model_version: str = "m1",
        claims_version: str = "c1",
        policy_version: str = "p1",
        sequence: int = 7,
    ) -> Verdict:
        return Verdict(
            post=post.key,
            content_digest=post.content_digest,
            surface=post.surface,
            ruling=Ruling(Decision.LABEL, (Category.MISINFORMATION, Category.AI_GENERATED), ("label-misinformation",)),
            policy_version=policy_version,
            source=Source.MODEL,
            decided_at=datetime(2026, 3, 1, 12, 30, 15, 123456, UTC),
            judgement=_judgement(post, JudgedBy(model_version, claims_version)),
            skipped=(Skip("claims", "not loaded"),),
            latency={"model": 0.0123},
            sequence=sequence,
        )

    return make


def _judgement(post: Post, judged_by: JudgedBy) -> Judgement:
    signals = (Signal("ai_generated", 0.75, 1.1, 0.6, 0.9), Signal("misinformation", 0.875, 1.95, 0.8, 0.95))
    return Judgement(
        content_digest=post.content_digest,
        model_version=judged_by.model,
        claims_version=judged_by.claims,
        signals={signal.name: signal for signal in signals},
        evidence=Evidence(
            (Span(0, 8, "misinformation", 1.5),),
            (TokenSurprise(0, 8, 11.25),),
            {"homoglyph": 2},
            (Remainder("misinformation", 0.25, 0.5),),
            (
                Match(
                    claim_id="bleach",
                    claim="Bleach cures malaria.",
                    verdict="Pants on fire",
                    rating=Rating.FALSE,
                    publisher="Example Check",
                    url="https://check.example/bleach",
                    score=0.9375,
                    relation=Relation.REPEATS,
                    p_relation=0.875,
                    weight=1.25,
                ),
            ),
        ),
        words=5,
        abstained=("ABSTAINED_SHORT",),
        cluster=post.content_digest,
    )
