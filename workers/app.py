"""The Celery app of the workers and its configuration: `celery -A workers.app worker`.

The settings are read when a worker first needs the configuration, not when this file is imported.
"""

from typing import Any

from celery import Celery
from kombu import Queue

from service.errors import InvalidInput
from service.moderation.celery_queue import WIRE, broker_url
from service.moderation.transport import Lane
from service.runtime.settings import Settings


def configuration(settings: Settings) -> dict[str, Any]:
    """Celery's configuration, with the reason for each setting. Raises `InvalidInput` without a Redis."""
    if not settings.redis_url:
        raise InvalidInput("ASSAY_REDIS_URL", "is not set", "set it to the Redis that the service uses")
    return {
        "broker_url": broker_url(settings.redis_url),
        "broker_transport_options": _transport(settings),
        "broker_connection_retry_on_startup": True,  # Redis may come up after the worker
        "broker_connection_max_retries": None,  # and may be away for long: never give up
        "imports": ("workers.tasks",),
        # One process, one task at a time, in the main thread: the model is loaded once and never forked.
        "worker_pool": "workers.celery_pool:SoloPool",
        "worker_concurrency": 1,
        "worker_consumer": "workers.celery_pool:QuietConsumer",  # no chatter among workers
        # No limit, and none is needed: this pool asks for the next message when a batch is over. A limit of 1 stops the
        # worker for good when Redis goes away during a batch: kombu counts what it could not acknowledge as held.
        "worker_prefetch_multiplier": 0,
        "task_acks_late": True,  # acknowledged when recorded, so that a killed worker's batch is redelivered
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure": True,  # a batch that raised is left to the dispatcher, not repeated at once
        "task_ignore_result": True,  # the answer goes to the front's own list, the record to the store
        "task_queues": [Queue(lane.value, routing_key=lane.value) for lane in Lane],
        "task_default_queue": Lane.BULK.value,
        "task_create_missing_queues": False,  # a misspelt queue is an error
        "accept_content": ["json"],  # never pickle
        "task_serializer": "json",
        # On SIGTERM the batch under way is finished. A soft shutdown would hold the main thread, which the batch needs.
        "worker_soft_shutdown_timeout": 0.0,
        "worker_enable_soft_shutdown_on_idle": False,
        "worker_send_task_events": False,  # metrics come from the worker itself
        "worker_enable_remote_control": False,  # a busy solo worker does not answer it; beats show who is alive
        "worker_hijack_root_logger": False,  # structlog owns the log
        "worker_redirect_stdouts": False,
    }


def _transport(settings: Settings) -> dict[str, Any]:
    return {
        **WIRE,
        "queue_order_strategy": "priority",  # BRPOP names the lanes in order: live, bulk, replay
        "visibility_timeout": settings.visibility_timeout,  # about four times the p99 of a batch
        # kombu would look for messages of dead workers every 100 s (each tenth time of every 10 s), and a worker that
        # dies meanwhile would keep the others from it for 300 s.
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 10,
        "socket_keepalive": True,  # a half-open connection is noticed
        "socket_connect_timeout": 2,
        "health_check_interval": 10,
    }


app = Celery("assay")
app.add_defaults(lambda: configuration(Settings()))
