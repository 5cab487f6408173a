"""When a delivery is tried again, and when it is over."""

import random
from datetime import UTC, datetime

import pytest

from service.webhooks.delivery import BACK_OFF, Answer, DeliveryState, Outcome, outcome, retry_after

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def longest(low: float, high: float) -> float:
    return high


def test_the_schedule_doubles_its_patience_and_ends_within_three_days() -> None:
    assert list(BACK_OFF) == sorted(BACK_OFF)
    assert 2 * 86_400 < sum(BACK_OFF) < 3 * 86_400


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_2xx_is_taken(status: int) -> None:
    assert outcome(Answer(status=status, seconds=0.1), 1, longest) == Outcome(state=DeliveryState.DELIVERED)


@pytest.mark.parametrize("status", [0, 302, 400, 404, 429, 500, 503])
def test_others_are_tried_again_until_the_last(status: int) -> None:
    answer = Answer(status=status, seconds=0.1)
    waits = [outcome(answer, tries, longest).wait for tries in range(1, 1 + len(BACK_OFF))]
    assert tuple(waits) == BACK_OFF
    assert outcome(answer, 1 + len(BACK_OFF), longest) == Outcome(state=DeliveryState.DEAD)


def test_jitter_is_full() -> None:
    answer = Answer(status=500, seconds=0.1)
    draw = random.Random(1)
    waits = [outcome(answer, 4, draw.uniform).wait for _ in range(500)]
    assert min(waits) < 0.05 * BACK_OFF[3] < 0.95 * BACK_OFF[3] < max(waits) <= BACK_OFF[3]


def test_gone_is_gone() -> None:
    result = outcome(Answer(status=410, seconds=0.1), 1, longest)
    assert (result.state, result.disable) == (DeliveryState.DEAD, "the receiver answered 410 Gone")


def test_who_asks_for_a_longer_wait_gets_it_a_day_at_most() -> None:
    def wait(asked: float) -> float:
        return outcome(Answer(status=503, seconds=0.1, retry_after=asked), 1, longest).wait

    assert [wait(1.0), wait(600.0), wait(9e9)] == [5.0, 600.0, 86_400.0]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("²", 0.0),
        ("9" * 400, 999_999_999.0),
        ("Mon, 01 Jun 2026 12:01:00 GMT", 60.0),
        ("Mon, 01 Jun 2026 11:00:00 GMT", 0.0),
        ("Mon, 01 Jun 2026 12:01:00 -0000", 60.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds
