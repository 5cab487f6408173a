"""What `assay up` and the demo start around a front: an embedded Redis unless one is named, the tables, one worker."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import structlog
from rich.console import Console

from service.errors import Unavailable
from service.moderation.pipeline import Pipeline
from service.runtime.child import start_child
from service.runtime.embedded_redis import EmbeddedRedis
from service.runtime.http_doors import Dashboard
from service.runtime.serving import Serving, running, stop_signal
from service.runtime.settings import Settings
from service.storage.migrate import upgrade

_START, _STOP = 120.0, 30.0
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 30.0


def worker_command() -> list[str]:
    """The Celery worker. Pool, queues and the rest are set in `workers.app`."""
    return [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "--loglevel", "warning"]


def worker_environment(settings: Settings) -> dict[str, str]:
    """The environment of this process, with Redis and database of the resolved settings."""
    return {**os.environ, "ASSAY_REDIS_URL": settings.redis_url, "ASSAY_DATABASE_URL": settings.database_url}


@contextmanager
def redis_and_tables(settings: Settings) -> Iterator[Settings]:
    """Redis (embedded unless named) and a migrated database, named in the yielded settings."""
    named = settings.resolved()
    settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    upgrade(named.database_url)
    if settings.redis_url:
        yield named
        return
    with EmbeddedRedis(settings.directory / "redis") as redis:
        yield named.model_copy(update={"redis_url": redis.url})


class Worker:
    """A worker process that is restarted when it dies, with growing pauses."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._settings, self._log = settings, log
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False

    async def run(self) -> None:
        """Keep one worker running; cancel after `stop`."""
        pause = _FIRST_PAUSE
        while not self._stopping:
            started = time.monotonic()
            self._process = self._start()
            code = await asyncio.to_thread(self._process.wait)
            if self._stopping:
                return
            pause = _FIRST_PAUSE if time.monotonic() - started > _LAST_PAUSE else min(2 * pause, _LAST_PAUSE)
            structlog.get_logger("assay").warning("worker ended", code=code, log=str(self._log), again_in=pause)
            await asyncio.sleep(pause)

    async def stop(self) -> None:
        """Ask the worker to finish its batch and end; batches not begun return to the queue."""
        self._stopping = True
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, _STOP)
        except subprocess.TimeoutExpired:
            process.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return start_child(worker_command(), log=log, env=worker_environment(self._settings))


@asynccontextmanager
async def one_worker(settings: Settings, log: Path) -> AsyncIterator[Worker]:
    """A worker for as long as the context is open."""
    worker = Worker(settings, log)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_ready(pipeline: Pipeline, seconds: float) -> None:
    """Return when the pipeline is ready. After this many seconds, raises the error for what it lacks."""
    until = time.monotonic() + seconds
    while True:
        try:
            return await pipeline.ready()
        except Unavailable:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(0.1)


@asynccontextmanager
async def everything(settings: Settings, *, dashboard: bool = False) -> AsyncIterator[Serving]:
    """Redis, tables, one worker and a front, ready for posts; ended in an order that loses nothing.

    With the dashboard, if requested.
    """
    with redis_and_tables(settings) as named:
        log = settings.directory / "worker.log"
        async with one_worker(named, log), running(named, dashboard=dashboard) as serving:
            try:
                await until_ready(serving.pipeline, _START)
            except Unavailable as error:
                raise Unavailable(f"{error}; the worker's log is {log}") from error
            yield serving


async def up(settings: Settings, out: Console, fill: Callable[[int], Awaitable[None]] | None = None) -> None:
    """`assay up`: everything, until SIGINT or SIGTERM. `fill` gets the gRPC port once everything is ready."""
    stopping = stop_signal()
    async with AsyncExitStack() as stack:
        with out.status("Starting Redis, the record store, one worker and the gRPC server ..."):
            serving = await stack.enter_async_context(everything(settings, dashboard=True))
        out.print(f"Assay is ready: gRPC on [bold]{_host(settings.address)}:{serving.port}[/bold]", highlight=False)
        if serving.dashboard:
            tell_of(serving.dashboard, out)
        if serving.shims:
            out.print(f"Perspective and OpenAI shims on {serving.shims}", highlight=False)
        out.print(f"Data and logs are in {settings.directory}. Ctrl-C drains and stops.", highlight=False)
        out.print('In another terminal: [bold]assay check "some text"[/bold], [bold]assay watch[/bold]')
        if fill:
            await fill(serving.port)
        await stopping.wait()
        out.print("Draining: calls in flight are answered, accepted posts stay ...")
    out.print("Stopped. Accepted posts that are not decided yet will be on the next start.")


def tell_of(dashboard: Dashboard, out: Console) -> None:
    """Print the dashboard's URL and, the first time, how to sign in."""
    out.print(f"The dashboard is on [bold]{dashboard.url}[/bold]", highlight=False)
    if dashboard.password:
        out.print(f"Sign in as [bold]admin[/bold] with the one-time password [bold]{dashboard.password}[/bold]")


def _host(address: str) -> str:
    return address.rpartition(":")[0]
