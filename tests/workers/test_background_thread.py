"""What goes on beside the judging: kept running in a thread of its own until it is stopped, outages sat out."""

import asyncio
import threading
import time

import pytest
from structlog.testing import capture_logs

from service.errors import RedisUnavailable
from service.supervision import every
from workers.background_thread import BackgroundThread


@pytest.mark.parametrize(
    ("error", "told"), [(RedisUnavailable("away"), []), (ZeroDivisionError(), ["ZeroDivisionError"])]
)
def test_what_fails_is_begun_again_and_only_a_defect_is_told(error: Exception, told: list[str]) -> None:
    begun: list[threading.Thread] = []
    again, ended = threading.Event(), threading.Event()

    async def loop() -> None:
        begun.append(threading.current_thread())
        if len(begun) == 1:
            raise error
        again.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    thread = BackgroundThread("beside", loop)
    with capture_logs() as events:
        thread.start()
        try:
            assert again.wait(10)
        finally:
            started = time.monotonic()
            thread.stop()
    assert ended.is_set()
    assert time.monotonic() - started < 2
    assert begun[0] is begun[1] is not threading.current_thread()
    assert [event["error"] for event in events] == told


def test_one_that_never_started_is_stopped_all_the_same() -> None:
    BackgroundThread("beside", lambda: every(1.0, asyncio.Event().wait, None, "beside")).stop()  # type: ignore[arg-type]
