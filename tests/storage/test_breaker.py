"""When calls to Redis are refused, and which errors count."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from service.errors import RedisUnavailable
from service.storage.redis_connection import Breaker
from tests.fakes.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(failures=2, pause=1.0, clock=clock)


def call(breaker: Breaker, error: BaseException | None = None) -> bool:
    """Whether the call was let through."""
    reached = False
    try:
        with breaker:
            reached = True
            if error is not None:
                raise error
    except RedisUnavailable:
        pass
    return reached


def test_it_refuses_after_that_many_failures(breaker: Breaker) -> None:
    assert [call(breaker, RedisConnectionError()) for _ in range(4)] == [True, True, False, False]


def test_a_success_between_starts_the_count_again(breaker: Breaker) -> None:
    errors = [OSError(), None, OSError(), None, OSError()]
    assert [call(breaker, error) for error in errors] == [True] * 5
    assert call(breaker)


def test_one_call_tries_when_the_pause_is_over(breaker: Breaker, clock: Clock) -> None:
    for _ in range(2):
        call(breaker, RedisConnectionError())
    clock.time += 1.0
    with breaker:
        assert not call(breaker)
    assert call(breaker)


def test_a_trial_that_fails_starts_the_pause_again(breaker: Breaker, clock: Clock) -> None:
    for _ in range(2):
        call(breaker, RedisConnectionError())
    clock.time += 1.0
    assert call(breaker, RedisConnectionError())
    clock.time += 0.9
    assert not call(breaker)


def test_an_error_that_redis_answers_is_named_and_refuses_nothing(breaker: Breaker) -> None:
    for _ in range(5):
        with pytest.raises(RedisUnavailable, match="OOM"), breaker:
            raise ResponseError("OOM command not allowed")
    assert call(breaker)


@pytest.mark.parametrize("error", [KeyError("ours"), asyncio.CancelledError()])
def test_other_errors_pass_through_and_do_not_count(breaker: Breaker, error: BaseException) -> None:
    for _ in range(3):
        with pytest.raises(type(error)), breaker:
            raise error
    assert call(breaker)
