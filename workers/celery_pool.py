"""What Celery has no setting for: a solo pool that can be stopped at once, and a consumer without worker chatter."""

from typing import Any, NoReturn

from celery.concurrency.solo import TaskPool
from celery.exceptions import WorkerTerminate
from celery.worker.consumer import Consumer


class SoloPool(TaskPool):
    """Celery's solo pool, which returns the running batch to the queue on a cold shutdown (SIGQUIT, a second Ctrl-C).

    Celery's own raises `NotImplementedError` into the running task there, and acknowledges the batch as failed.
    """

    def terminate_job(self, pid: int, signal: int | None = None) -> NoReturn:
        """Leave the running task; its message, not yet acknowledged, returns to the queue as the connection closes."""
        raise WorkerTerminate(0)


class QuietConsumer(Consumer):
    """Celery's consumer without gossip, mingle and event heartbeats, which are command line options only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        quiet = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        kwargs["worker_options"] = {**kwargs.get("worker_options", {}), **quiet}
        super().__init__(*args, **kwargs)
