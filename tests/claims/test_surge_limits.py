"""What is a surge and what is not, on plain counts."""

from math import exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.claims.traffic import SurgeLimits, Traffic

ANY = SurgeLimits(posts=1, share=0.0)


@pytest.mark.parametrize(
    ("traffic", "surges"),
    [
        pytest.param(Traffic(305, 3, 0, 0), False, id="a small feed with a few repeats"),
        pytest.param(Traffic(36, 36, 0, 0), False, id="few posts, all of one claim"),
        pytest.param(Traffic(120, 101, 0, 0), True, id="a new claim that most of a new feed repeats"),
        pytest.param(Traffic(2000, 150, 100_000, 0), True, id="a new claim with seven percent of a feed"),
        pytest.param(Traffic(20_000, 900, 100_000, 0), False, id="a new claim below a twentieth of the feed"),
        pytest.param(Traffic(2000, 150, 100_000, 7000), False, id="a claim with its usual share"),
        pytest.param(Traffic(2000, 250, 100_000, 7000), False, id="a claim with not quite twice its usual share"),
        pytest.param(Traffic(2000, 600, 100_000, 7000), True, id="a claim with four times its usual share"),
        pytest.param(Traffic(0, 0, 0, 0), False, id="nothing at all"),
    ],
)
def test_surges_by_the_default_limits(traffic: Traffic, surges: bool) -> None:
    assert SurgeLimits().surges(traffic) is surges


def test_the_first_matches_of_a_new_claim_are_no_surge_by_the_test_alone() -> None:
    assert not any(ANY.surges(Traffic(20, repeats, 0, 0)) for repeats in range(6))
    assert ANY.surges(Traffic(20, 12, 0, 0))


@pytest.mark.parametrize(("posts", "share"), [(100, 0.0), (1, 0.2)])
def test_each_limit_is_reached_exactly(posts: int, share: float) -> None:
    limits = SurgeLimits(posts=posts, share=share)
    assert limits.surges(Traffic(500, 100, 100_000, 0))
    assert not limits.surges(Traffic(500, 99, 100_000, 0))


@given(st.integers(1, 60), st.integers(1, 200), st.integers(0, 2_000), st.data())
def test_a_surge_is_less_likely_than_one_in_a_million(
    repeats: int, posts: int, earlier: int, data: st.DataObject
) -> None:
    traffic = Traffic(posts, repeats, earlier, data.draw(st.integers(0, earlier)))
    if ANY.surges(traffic):
        mean = 2 * posts * (traffic.earlier_repeats + 1) / (earlier + 100)
        below = sum(exp(-mean) * mean**k / factorial(k) for k in range(repeats))
        assert 1 - below < 1e-6 + 1e-12  # rounding


@given(st.integers(0, 500), st.integers(0, 5000), st.integers(0, 500))
def test_more_repeats_never_end_a_surge(repeats: int, earlier: int, usual: int) -> None:
    fewer, more = (Traffic(500, count, earlier, min(usual, earlier)) for count in (repeats, repeats + 1))
    assert SurgeLimits().surges(fewer) <= SurgeLimits().surges(more)
