"""The sample: who is drawn, how many, and that the estimate finds the truth."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.decision import Category, Decision, Ruling
from service.quality.intervals import UNKNOWN, share
from service.quality.opinions import Answer
from service.quality.prevalence import Part, PartDay, Rates, SampledDay, is_drawn, part_of, prevalence
from tests.factories import post_of, verdict_of

DAY = date(2026, 3, 2)
GOOD = Answer(Decision.ALLOW)
BAD = Answer(Decision.BLOCK, frozenset({Category.FRAUD}))
MACHINE = Answer(Decision.LABEL, frozenset({Category.AI_GENERATED}))


def day(part: Part, posts: int, drawn: int, rate: float, decided: int, *answers: Answer, on: date = DAY) -> SampledDay:
    said = answers + (GOOD,) * (decided - len(answers))
    return SampledDay(of=PartDay(on, part), posts=posts, drawn=drawn, rate=rate, answers=said)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whoever_is_drawn_at_a_rate_is_drawn_at_any_higher_one(key: str, seed: str) -> None:
    drawn = [is_drawn(key, seed, rate / 20) for rate in range(21)]
    assert drawn == sorted(drawn)
    assert drawn[0] is False
    assert drawn[-1] is True


def test_the_share_drawn_is_the_rate_and_other_days_draw_others() -> None:
    keys = [str(number) for number in range(20_000)]
    first, second = ({key for key in keys if is_drawn(key, seed, 0.05)} for seed in ("a", "b"))
    assert 0.045 < len(first) / len(keys) < 0.055
    assert 0.03 < len(first & second) / len(first) < 0.07  # by chance alone


@pytest.mark.parametrize(
    ("rates", "posts", "expected"),
    [
        (Rates(), 0, (0.01, 0.01)),
        (Rates(), 20_000, (0.01, 0.01)),
        (Rates(), 1_000_000, (0.0002, 0.0002)),
        (Rates(flagged=10), 1_000_000, (0.0002, 0.002)),
        (Rates(share=0.5, flagged=10), 10, (0.5, 1.0)),
        (Rates(share=0.0), 10, (0.0, 0.0)),
    ],
)
def test_rates_follow_the_day_before(rates: Rates, posts: int, expected: tuple[float, float]) -> None:
    found = rates.on(posts)
    assert (found[Part.ALLOWED], found[Part.FLAGGED]) == pytest.approx(expected)


def test_parts() -> None:
    verdict = verdict_of(post_of())
    assert part_of(verdict) is Part.FLAGGED
    assert part_of(replace(verdict, ruling=Ruling(Decision.ALLOW))) is Part.ALLOWED


def test_one_stratum_is_a_plain_share() -> None:
    found = prevalence([day(Part.ALLOWED, 10_000, 100, 0.01, 100, BAD, BAD, MACHINE)])
    plain = share(2, 100)
    assert found.violating.value == pytest.approx(0.02)
    assert (found.violating.low, found.violating.high) == pytest.approx((plain.low, plain.high))
    assert found.categories.keys() == {Category.FRAUD}
    assert found.ai_generated.value == pytest.approx(0.01)
    assert (found.posts, found.drawn, found.decided) == (10_000, 100, 100)


def test_many_days_of_a_rare_thing_are_one_sample() -> None:
    """Ninety days of 200 without a hit must not be ninety times as vague as one sample of 18,000."""
    days = [day(Part.ALLOWED, 100_000, 200, 0.002, 200, on=DAY + timedelta(days=n)) for n in range(90)]
    found = prevalence(days).violating
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(share(0, 18_000).high, rel=0.01)
    assert found.observations == 18_000


def test_flagged_posts_that_are_drawn_more_often_weigh_less() -> None:
    days = [day(Part.ALLOWED, 9_000, 90, 0.01, 90), day(Part.FLAGGED, 1_000, 100, 0.1, 100, *[BAD] * 50)]
    assert prevalence(days).violating.value == pytest.approx(0.05)


def test_a_part_that_nobody_decided_yet_does_not_drop_out_of_the_whole() -> None:
    days = [day(Part.ALLOWED, 9_000, 90, 0.01, 90), day(Part.FLAGGED, 30, 0, 0.01, 0)]
    found = prevalence(days).violating
    assert found.value == 0
    assert found.observations == 90
    assert prevalence([day(Part.ALLOWED, 50, 0, 0.01, 0)]).violating == replace(UNKNOWN, observations=0)


def test_nothing_known_of_nothing() -> None:
    assert prevalence([]).violating == UNKNOWN
    assert prevalence([]).days == {}


@pytest.mark.parametrize("flagged", [1.0, 8.0])
def test_the_interval_covers_the_truth(flagged: float) -> None:
    """A feed of 20,000 posts a day, 3 % of them violating, mostly flagged; one sample a day for five days."""
    dice = random.Random(4)
    covered = 0
    for _ in range(120):
        truth = hits = 0
        days = []
        for number in range(5):
            for part, posts, chance in ((Part.ALLOWED, 19_000, 0.01), (Part.FLAGGED, 1_000, 0.4)):
                rate = Rates(flagged=flagged).on(20_000)[part]
                bad = round(posts * chance)
                truth, hits = truth + bad, hits + posts
                drawn = sum(dice.random() < rate for _ in range(posts))
                found = sum(dice.random() < bad / posts for _ in range(drawn))
                days.append(day(part, posts, drawn, rate, drawn, *[BAD] * found, on=DAY + timedelta(days=number)))
        estimate = prevalence(days).violating
        covered += estimate.low <= truth / hits <= estimate.high
    assert covered / 120 >= 0.9
