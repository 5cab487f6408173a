"""A Celery app with the workers' own configuration and a task that only takes time: what `test_celery_queue` starts.

The text of a batch's first post is how many seconds the batch takes. What was begun and done is told in two lists.
"""

import time
from typing import Any

from celery import Celery
from redis import Redis

from service.runtime.settings import Settings
from workers.app import configuration

_settings = Settings()
app = Celery("echo")
app.conf.update(configuration(_settings) | {"imports": ()})
_redis = Redis.from_url(_settings.redis_url)


@app.task(name="assay.judge")
def judge(body: dict[str, Any]) -> None:
    """Takes the time that the batch asks for, in small steps, as a model pass does."""
    _redis.rpush("begun", body["id"])
    until = time.monotonic() + float(body["posts"][0]["text"])
    while time.monotonic() < until:
        time.sleep(0.01)
    _redis.rpush("done", body["id"])
