"""Precision and recall: what counts, how it weighs, and what is not claimed."""

from collections.abc import Callable

import pytest

from service.domain.decision import Category, Decision
from service.quality.accuracy import Accuracy, CategoryAccuracy, accuracy
from service.quality.intervals import UNKNOWN, share
from service.quality.opinions import Answer, Opinion
from service.review.appeal import AppealState
from service.review.case import CaseKind


def by_category(found: Accuracy, category: Category) -> CategoryAccuracy:
    return next(each for each in found.categories if each.category is category)


def test_precision_weighs_each_decision_by_its_posts(
    answer_of: Callable[..., Answer], opinion_of: Callable[..., Opinion]
) -> None:
    """Of 900 blocked posts all seen were right; of 100 reviewed half were."""
    fraud, allow = answer_of("BLOCK", "FRAUD"), answer_of("ALLOW")
    opinions = [opinion_of(fraud, model=fraud, kind=CaseKind.PREVALENCE, weight=100.0) for _ in range(20)]
    asked = answer_of("REVIEW", "FRAUD")
    opinions += [opinion_of(fraud if number % 2 else allow, model=asked) for number in range(40)]
    volumes = {(Category.FRAUD, Decision.BLOCK): 900, (Category.FRAUD, Decision.REVIEW): 100}
    found = by_category(accuracy(opinions, volumes, {}), Category.FRAUD)
    assert found.precision.value == pytest.approx(0.95)
    assert found.precision.low < 0.95 < found.precision.high
    assert (found.covered, found.flagged) == (1.0, 1000)


def test_a_decision_that_nobody_looked_at_is_named_as_missing(
    answer_of: Callable[..., Answer], opinion_of: Callable[..., Opinion]
) -> None:
    fraud = answer_of("REVIEW", "FRAUD")
    opinions = [opinion_of(answer_of("BLOCK", "FRAUD"), model=fraud) for _ in range(10)]
    volumes = {(Category.FRAUD, Decision.BLOCK): 300, (Category.FRAUD, Decision.REVIEW): 100}
    found = by_category(accuracy(opinions, volumes, {}), Category.FRAUD)
    assert found.covered == 0.25
    assert found.precision.value == 1.0


def test_recall_comes_from_the_prevalence_sample_alone(
    answer_of: Callable[..., Answer], opinion_of: Callable[..., Opinion]
) -> None:
    hate, allow = answer_of("BLOCK", "HATE"), answer_of("ALLOW")
    reviewed = [opinion_of(hate, model=answer_of("REVIEW", "HATE")) for _ in range(50)]
    assert by_category(accuracy(reviewed, {}, {}), Category.HATE).recall == UNKNOWN
    caught = [opinion_of(hate, model=hate, kind=CaseKind.PREVALENCE, weight=10.0) for _ in range(6)]
    missed = [opinion_of(hate, model=allow, kind=CaseKind.PREVALENCE, weight=10.0) for _ in range(4)]
    found = accuracy(reviewed + caught + missed, {}, {})
    plain = share(6, 10)
    recall = by_category(found, Category.HATE).recall
    assert (recall.value, recall.low, recall.high) == pytest.approx((plain.value, plain.low, plain.high))
    assert found.recall.value == pytest.approx(0.6)
    assert (found.cases, found.sampled) == (60, 10)


def test_weights_make_up_for_how_often_posts_were_drawn(
    answer_of: Callable[..., Answer], opinion_of: Callable[..., Opinion]
) -> None:
    """Flagged posts were drawn ten times as often, so one missed post stands for ten caught ones."""
    hate, allow = answer_of("BLOCK", "HATE"), answer_of("ALLOW")
    caught = [opinion_of(hate, model=hate, kind=CaseKind.PREVALENCE, weight=10.0) for _ in range(10)]
    missed = [opinion_of(hate, model=allow, kind=CaseKind.PREVALENCE, weight=100.0) for _ in range(1)]
    assert accuracy(caught + missed, {}, {}).recall.value == pytest.approx(0.5)


def test_the_last_word_counts_and_golden_items_and_bare_appeals_do_not(
    answer_of: Callable[..., Answer], opinion_of: Callable[..., Opinion]
) -> None:
    fraud, allow = answer_of("BLOCK", "FRAUD"), answer_of("ALLOW")
    opinions = [
        opinion_of(fraud, post="a", model=answer_of("REVIEW", "FRAUD")),
        opinion_of(allow, post="a", kind=CaseKind.APPEAL, model=answer_of("REVIEW", "FRAUD"), moderator="m-2"),
        opinion_of(fraud, post="b", kind=CaseKind.GOLDEN, model=fraud),
        opinion_of(allow, post="c", kind=CaseKind.APPEAL, model=fraud),
        opinion_of(fraud, post="d", model=None),  # a person's earlier word decided, not the model
    ]
    found = accuracy(opinions, {}, {AppealState.UPHELD: 3, AppealState.REJECTED: 7, AppealState.OPEN: 2})
    assert found.cases == 1
    assert by_category(found, Category.FRAUD).precision.value == 0
    assert found.overturned.rate.value == pytest.approx(0.3)
    assert (found.overturned.upheld, found.overturned.rejected, found.overturned.open) == (3, 7, 2)


def test_a_post_that_was_reviewed_and_drawn_counts_as_drawn(
    answer_of: Callable[..., Answer], opinion_of: Callable[..., Opinion]
) -> None:
    hate = answer_of("BLOCK", "HATE")
    opinions = [
        opinion_of(hate, post="a", model=answer_of("REVIEW", "HATE")),
        opinion_of(hate, post="a", model=answer_of("REVIEW", "HATE"), kind=CaseKind.PREVALENCE, weight=5.0),
    ]
    found = accuracy(opinions, {}, {})
    assert (found.cases, found.sampled) == (1, 1)
    assert found.recall.value == 1.0


def test_nobody_confirms_that_a_person_should_look(
    answer_of: Callable[..., Answer], opinion_of: Callable[..., Opinion]
) -> None:
    opinions = [opinion_of(answer_of("BLOCK", "HATE"), model=answer_of("REVIEW", "HATE"))]
    decisions = {each.decision: each for each in accuracy(opinions, {}, {}).decisions}
    assert decisions[Decision.REVIEW].confirmed == UNKNOWN
    assert decisions[Decision.REVIEW].violating.value == 1.0
    assert decisions[Decision.BLOCK].posts == 0


def test_machine_written_alone_is_no_violation(answer_of: Callable[..., Answer]) -> None:
    assert not answer_of("LABEL", "AI_GENERATED").violating
    assert answer_of("LABEL", "AI_GENERATED", "FRAUD").violating
    assert answer_of("LABEL", "AI_GENERATED_MISINFORMATION").violating
    assert answer_of("REDUCE").violating
    assert not answer_of("ALLOW", "FRAUD").violating
