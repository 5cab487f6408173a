"""The one task: judge a batch. Everything it needs is built once, after the worker process has started."""

import asyncio
import os
import socket
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from celery import signals
from celery.exceptions import Reject
from prometheus_client import start_http_server

from service.errors import Unavailable
from service.moderation.celery_queue import TASK
from service.moderation.judging import Judging
from service.moderation.transport import WorkerInfo
from service.moderation.wire import decode_batch
from service.runtime import logs
from service.runtime.settings import Settings
from service.runtime.wiring import worker
from workers.app import app
from workers.background_thread import BackgroundThread
from workers.classifier import BundleClassifier

_PAUSE = 1.0


@dataclass
class _WorkerRuntime:
    """The parts of a running worker: its loop, its half of the pipeline, and its background work."""

    runner: asyncio.Runner
    judging: Judging
    stack: AsyncExitStack
    threads: tuple[BackgroundThread, ...]


_runtime: _WorkerRuntime | None = None


@signals.worker_init.connect
def open_runtime(**_: Any) -> None:
    """Load the model and connect before the first message is taken; a worker that cannot ends at once."""
    global _runtime  # noqa: PLW0603 - Celery gives a process-wide hook and no place to keep what it makes
    settings = Settings()
    logs.configure(settings.log_level)
    try:
        _runtime = _opened(settings)
    except Exception as error:
        raise SystemExit(f"error: {error}") from error  # Celery would log any other exception and go on
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port)


def _opened(settings: Settings) -> _WorkerRuntime:
    classifier = BundleClassifier.load(
        settings.model,
        settings.heads,
        device=settings.device,
        threads=settings.threads,
        encoder=settings.claim_encoder,
    )
    runner, stack = asyncio.Runner(), AsyncExitStack()
    opened = runner.run(stack.enter_async_context(worker.opened(settings, classifier)))
    if held := classifier.held:
        runner.run(held.refresh(opened.claims))
    name, started = f"{socket.gethostname()}:{os.getpid()}", time.time()

    def info() -> WorkerInfo:
        judged_by = classifier.judged_by
        return WorkerInfo(name, judged_by.model, started, judged_by.claims)

    loops = worker.beside(settings, opened.live, info, held.take_up if held else None)
    threads = tuple(BackgroundThread(thread, loop) for thread, loop in loops.items())
    return _WorkerRuntime(runner, opened.judging, stack, threads)


@signals.worker_ready.connect
def start_heartbeat(**_: Any) -> None:
    """Register this worker, now that it takes messages."""
    if _runtime:
        for work in _runtime.threads:
            work.start()


@signals.worker_shutdown.connect
def close_runtime(**_: Any) -> None:
    """Close connections."""
    if _runtime:
        for work in _runtime.threads:
            work.stop()
        _runtime.runner.run(_runtime.stack.aclose())
        _runtime.runner.close()


@app.task(name=TASK, ignore_result=True)
def judge(body: dict[str, Any]) -> None:
    """Judge one batch. While the record store is away the message goes back to its queue."""
    if _runtime is None:
        raise RuntimeError("the worker was not started by `assay worker`: no model is loaded")
    try:
        _runtime.runner.run(_runtime.judging.judge(decode_batch(body)))
    except Unavailable as error:
        time.sleep(_PAUSE)
        raise Reject(error, requeue=True) from error
