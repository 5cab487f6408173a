"""Loops: a step again and again, and what a failure, a poke, a defect and a cancellation do to it."""

import asyncio
import time

import pytest

from service.errors import StoreUnavailable
from service.supervision import Poke, every, kept_running

AWAY = StoreUnavailable("away")


class Steps:
    """Steps that take no time; those whose numbers are in `failing` raise. An observer, too."""

    def __init__(self, *failing: int, error: Exception = AWAY) -> None:
        self.failing, self.error = failing, error
        self.at: list[float] = []
        self.failures: list[tuple[str, Exception]] = []

    async def step(self) -> None:
        """Take one."""
        self.at.append(time.monotonic())
        if len(self.at) in self.failing:
            raise self.error

    def report_failure(self, where: str, error: Exception) -> None:
        """See `FailureReporter`."""
        self.failures.append((where, error))

    async def taken(self, count: int) -> None:
        """Returns once so many were taken."""
        async with asyncio.timeout(5):
            while len(self.at) < count:  # noqa: ASYNC110 - they tell nobody
                await asyncio.sleep(0.001)


@pytest.fixture
def steps() -> Steps:
    return Steps()


async def cancelled(task: asyncio.Task[None]) -> bool:
    task.cancel()
    await asyncio.wait([task], timeout=5)
    return task.cancelled()


async def test_steps_follow_each_other_at_the_interval_until_it_is_cancelled(steps: Steps) -> None:
    task = asyncio.create_task(every(0.05, steps.step, steps, "name"))
    await steps.taken(3)
    assert steps.at[2] - steps.at[0] >= 0.1
    assert await cancelled(task)
    assert steps.failures == []


async def test_a_failure_is_reported_and_the_next_step_comes_after_the_interval() -> None:
    steps = Steps(1, 2)
    task = asyncio.create_task(every(0.05, steps.step, steps, "name"))
    await steps.taken(4)
    assert steps.failures == [("name", AWAY)] * 2
    assert steps.at[2] - steps.at[0] >= 0.1
    assert await cancelled(task)


async def test_where_a_pause_is_named_a_failure_is_followed_by_it_alone() -> None:
    steps = Steps(1)
    task = asyncio.create_task(every(60.0, steps.step, steps, "name", pause=0.05))
    await steps.taken(2)
    assert steps.at[1] - steps.at[0] >= 0.05
    await asyncio.sleep(0.1)
    assert len(steps.at) == 2
    assert await cancelled(task)


async def test_a_cancelled_step_is_no_failure(steps: Steps) -> None:
    task = asyncio.create_task(every(60.0, asyncio.Event().wait, steps, "name"))
    await asyncio.sleep(0.01)
    assert await cancelled(task)
    assert steps.failures == []


async def test_a_defect_ends_it() -> None:
    steps = Steps(2, error=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(every(0.0, steps.step, steps, "name"), 5)
    assert steps.failures == []


async def test_it_ends_before_the_step_when_it_is_not_to_go_on(steps: Steps) -> None:
    await asyncio.wait_for(every(0.0, steps.step, steps, "name", going_on=lambda: len(steps.at) < 3), 5)
    assert len(steps.at) == 3


async def test_a_poke_ends_the_wait_and_one_that_comes_meanwhile_is_not_lost(steps: Steps) -> None:
    poke = Poke(60.0)
    task = asyncio.create_task(every(poke.wait, steps.step, steps, "name"))
    await steps.taken(1)
    poke()
    await steps.taken(2)
    poke()
    poke()
    await steps.taken(3)
    await asyncio.sleep(0.05)
    assert len(steps.at) == 3
    assert await cancelled(task)


async def test_without_a_poke_it_waits_a_tick(steps: Steps) -> None:
    task = asyncio.create_task(every(Poke(0.05).wait, steps.step, steps, "name"))
    await steps.taken(2)
    assert steps.at[1] - steps.at[0] >= 0.05
    assert await cancelled(task)


async def test_what_a_defect_ends_is_reported_and_begun_again() -> None:
    defect = ZeroDivisionError()
    steps = Steps(1, error=defect)
    async with kept_running({"loop": lambda: every(0.0, steps.step, steps, "name")}, steps):
        await steps.taken(3)
    assert steps.failures == [("loop", defect)]


async def test_what_swallows_a_cancellation_is_cancelled_again(steps: Steps) -> None:
    async def deaf() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    async with asyncio.timeout(10), kept_running({"loop": deaf, "over": steps.step}, steps) as tasks:
        await asyncio.wait([tasks["over"]])
        assert not tasks["loop"].done()
    assert tasks["loop"].cancelled()
