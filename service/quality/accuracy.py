"""How often is the model right? Precision and recall of what it decided, by what people decided about the same posts.

People look mostly at what the policy sent them, so their cases say little about the rest. Precision is therefore put
together from the decisions that posts got (all that were blocked, labelled, reviewed ...), each weighing as many posts
as it had; a decision of which nobody looked at any is missing from it, and `covered` says how much is there. Recall can
be estimated from the prevalence sample alone, the only posts that were drawn at random from everything.

Both take the last decision of people for the truth. Appeals chose themselves, so they count in neither, only in how
often they overturn.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.domain.decision import Category, Decision
from service.quality.intervals import UNKNOWN, Estimate, Stratum, share, stratified, weighted
from service.quality.opinions import Answer, Opinion, last_words
from service.review.appeal import AppealState
from service.review.case import CaseKind

Volumes = Mapping[tuple[Category, Decision], int]
"""Posts that the model put into a category with that decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryAccuracy:
    """One category: how many of the flagged posts hold it, how many of those that hold it were flagged.

    `covered` is the share of flagged posts whose decision somebody looked at. `recall` is unknown without a prevalence
    case that holds the category.
    """

    category: Category
    precision: Estimate
    covered: float
    recall: Estimate
    flagged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionAccuracy:
    """One decision of the model: how often people decided the same, and how often there was a violation.

    By what reached people: for `REVIEW` nearly all, for others the prevalence sample.
    """

    decision: Decision
    confirmed: Estimate
    violating: Estimate
    posts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overturns:
    """How appeals ended: the share upheld of those decided, and how many wait."""

    rate: Estimate
    upheld: int
    rejected: int
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Of the model, over a range of time. `recall` is of violations of any kind that were not simply allowed."""

    categories: tuple[CategoryAccuracy, ...]
    decisions: tuple[DecisionAccuracy, ...]
    recall: Estimate
    overturned: Overturns
    cases: int
    sampled: int


def accuracy(opinions: Collection[Opinion], volumes: Volumes, appeals: Mapping[AppealState, int]) -> Accuracy:
    """What people's decisions say of the model's."""
    judged = [(each, each.model) for each in last_words(opinions) if each.model]
    drawn = [(each, model) for each, model in judged if each.kind is CaseKind.PREVALENCE]
    concerned = {c for each, model in judged for c in each.answer.categories | model.categories}
    concerned |= {category for category, _ in volumes}
    return Accuracy(
        categories=tuple(_category(c, judged, drawn, volumes) for c in Category if c in concerned),
        decisions=tuple(_decision(decision, judged) for decision in Decision),
        recall=_recall(drawn, lambda answer: answer.violating, lambda model: model.decision is not Decision.ALLOW),
        overturned=overturns(appeals),
        cases=len(judged),
        sampled=len(drawn),
    )


def overturns(appeals: Mapping[AppealState, int]) -> Overturns:
    """The share of appeals that were upheld."""
    upheld, rejected = appeals.get(AppealState.UPHELD, 0), appeals.get(AppealState.REJECTED, 0)
    return Overturns(
        rate=share(upheld, upheld + rejected), upheld=upheld, rejected=rejected, open=appeals.get(AppealState.OPEN, 0)
    )


_Judged = Sequence[tuple[Opinion, Answer]]


def _category(category: Category, judged: _Judged, drawn: _Judged, volumes: Volumes) -> CategoryAccuracy:
    held: defaultdict[Decision, list[bool]] = defaultdict(list)
    for opinion, model in judged:
        if category in model.categories:
            held[model.decision].append(category in opinion.answer.categories)
    posts = {decision: count for (of, decision), count in volumes.items() if of is category}
    flagged = sum(posts.values())
    seen = sum(count for decision, count in posts.items() if held[decision])
    return CategoryAccuracy(
        category=category,
        precision=_put_together(held, posts),
        covered=seen / flagged if flagged else 0.0,
        recall=_recall(drawn, _names(category), _names(category)),
        flagged=flagged,
    )


def _put_together(held: Mapping[Decision, Sequence[bool]], posts: Mapping[Decision, int]) -> Estimate:
    """The share over all decisions, each weighing as many posts as it had; as many as were seen, where none counted."""
    strata = [Stratum(posts.get(decision, 0) or len(hits), sum(hits), len(hits)) for decision, hits in held.items()]
    return stratified(strata)


def _names(category: Category) -> Callable[[Answer], bool]:
    return lambda answer: category in answer.categories


def _recall(drawn: _Judged, holds: Callable[[Answer], bool], found: Callable[[Answer], bool]) -> Estimate:
    return weighted((opinion.weight, found(model)) for opinion, model in drawn if holds(opinion.answer))


def _decision(decision: Decision, judged: _Judged) -> DecisionAccuracy:
    answers = [opinion.answer for opinion, model in judged if model.decision is decision]
    same = _share(answer.decision is decision for answer in answers)
    return DecisionAccuracy(
        decision=decision,
        confirmed=UNKNOWN if decision is Decision.REVIEW else same,  # nobody decides that a person should look
        violating=_share(answer.violating for answer in answers),
        posts=len(answers),
    )


def _share(hits: Iterable[bool]) -> Estimate:
    given = list(hits)
    return share(sum(given), len(given))
