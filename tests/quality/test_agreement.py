"""Agreement: the library's alpha against published examples and a computation by hand, and its interval."""

import random
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.quality.agreement import agreeing, agreements, interval
from service.quality.krippendorff import alpha
from service.quality.opinions import Answer, Opinion
from service.review.case import CaseKind

# Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C: four coders, twelve units, five values.
PUBLISHED = [
    (1, 1, None, 1),
    (2, 2, 3, 2),
    (3, 3, 3, 3),
    (3, 3, 3, 3),
    (2, 2, 2, 2),
    (1, 2, 3, 4),
    (4, 4, 4, 4),
    (1, 1, 2, 1),
    (2, 2, 2, 2),
    (None, 5, 5, 5),
    (None, None, 1, 1),
    (None, 3, None, None),
]


def counted(units: Sequence[Sequence[int | None]], values: Sequence[int]) -> list[list[int]]:
    return [[unit.count(value) for value in values] for unit in units]


def by_hand(rows: list[list[int]]) -> float:
    """1 - observed over expected disagreement, pair by pair."""
    rows = [row for row in rows if sum(row) > 1]
    given_values = [[value for value, count in enumerate(row) for _ in range(count)] for row in rows]
    everything = [value for unit in given_values for value in unit]
    observed = sum(sum(a != b for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in given_values) / len(
        everything
    )
    expected = sum(a != b for a, b in permutations(everything, 2)) / (len(everything) * (len(everything) - 1))
    return 1 - observed / expected


def test_the_published_example() -> None:
    assert alpha(counted(PUBLISHED, (1, 2, 3, 4, 5))) == pytest.approx(0.743, abs=5e-4)


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=12))
def test_alpha_is_what_pairs_by_hand_give(rows: list[Any]) -> None:
    used = {place for row in rows if sum(row) > 1 for place, count in enumerate(row) if count}
    if len(used) < 2:
        assert alpha(rows) is None
    else:
        assert alpha(rows) == pytest.approx(by_hand(rows), abs=1e-9)


def test_the_interval_holds_alpha_and_is_the_same_each_time() -> None:
    dice = random.Random(3)
    rows = []
    for _ in range(150):
        right = dice.randrange(3)
        said = [right if dice.random() < 0.85 else dice.randrange(3) for _ in range(2)]
        rows.append([said.count(value) for value in range(3)])
    found = alpha(rows)
    low, high = interval(rows, alpha, 300)
    assert found is not None
    assert low is not None
    assert high is not None
    assert low < found < high
    assert 0.1 < high - low < 0.35
    assert interval(rows, alpha, 300) == (low, high)


def test_texts_that_two_people_decided_count_once_each(
    answer_of: Callable[..., Answer], opinion_of: Callable[..., Opinion]
) -> None:
    allow, block = answer_of("ALLOW"), answer_of("BLOCK", "FRAUD")
    opinions = [
        opinion_of(allow, content_digest="a", moderator="m-1"),
        opinion_of(block, content_digest="a", moderator="m-1"),  # changed their mind
        opinion_of(block, content_digest="a", moderator="m-2", kind=CaseKind.SECOND_OPINION),
        opinion_of(allow, content_digest="b", moderator="m-1"),
        opinion_of(allow, content_digest="b", moderator="m-3", kind=CaseKind.GOLDEN),
        opinion_of(allow, content_digest="c", moderator="m-1"),  # by one person
        opinion_of(block, content_digest="", moderator="m-2"),  # erased
        opinion_of(allow, content_digest="", moderator="m-3"),
    ]
    found = agreements(opinions, alpha, resamples=50)
    assert (found.decisions.texts, found.decisions.people) == (2, 3)
    assert found.decisions.alpha == found.violations.alpha == 1.0
    assert found.decisions.agreeing_pairs == 1.0
    assert found.decisions.word == "reliable"


def test_two_axes_are_told_apart(answer_of: Callable[..., Answer], opinion_of: Callable[..., Opinion]) -> None:
    """They differ on whether a machine wrote it, never on whether there is a violation."""
    label, allow, block = answer_of("LABEL", "AI_GENERATED"), answer_of("ALLOW"), answer_of("BLOCK", "HATE")
    pairs = [(label, allow), (label, allow), (block, block), (allow, allow)]
    opinions = [
        opinion_of(said, content_digest=str(number), moderator=who)
        for number, pair in enumerate(pairs)
        for who, said in zip(("m-1", "m-2"), pair, strict=True)
    ]
    found = agreements(opinions, alpha, resamples=20)
    assert found.violations.alpha == 1.0
    assert found.decisions.alpha is not None
    assert found.decisions.alpha < 0.5
    assert found.decisions.agreeing_pairs == 0.5


def test_without_pairs_nothing_is_said() -> None:
    found = agreements([], alpha)
    assert found.decisions.alpha is None
    assert found.decisions.low is None
    assert found.decisions.word == "too little data"
    assert agreeing([]) is None
