"""The workers' configuration: what it is made of, and when it is read."""

import os
import subprocess
import sys

import pytest

from service.errors import InvalidInput
from service.moderation.transport import Lane
from service.runtime.settings import Settings
from workers.app import configuration


def test_without_a_redis_it_says_what_to_set() -> None:
    with pytest.raises(InvalidInput, match="ASSAY_REDIS_URL: is not set"):
        configuration(Settings(redis_url=""))


def test_lanes_are_consumed_in_their_order() -> None:
    config = configuration(Settings(redis_url="redis://localhost", visibility_timeout=42))
    assert [queue.name for queue in config["task_queues"]] == [lane.value for lane in Lane]
    assert config["broker_transport_options"]["queue_order_strategy"] == "priority"
    assert config["broker_transport_options"]["visibility_timeout"] == 42


@pytest.mark.parametrize(("url", "outcome"), [("redis://elsewhere/1", "redis://elsewhere/1"), ("", "InvalidInput")])
def test_settings_are_read_when_they_are_needed_and_not_at_import(url: str, outcome: str) -> None:
    code = "from workers.app import app; print('imported'); print(app.conf.broker_url)"
    environment = {**os.environ, "ASSAY_REDIS_URL": url, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("imported")
    assert outcome in ran.stdout + ran.stderr
