"""How much of what is posted breaks a rule? A random sample of all posts that people look at, and what it says.

A post is drawn when the hash of its version and of the day's seed falls below the day's rate: anybody who has both can
tell again which posts those were, and no one can tell before. Posts that the policy flagged may be drawn more often
(`Rates.flagged`); each counts for as many as its chance stood for. Posts that are recorded make the whole: with
`ASSAY_RECORD_HITS` other than `all` that is not all that was posted.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from service.domain.canonical import digest
from service.domain.decision import MACHINE_WRITTEN, Category, Decision
from service.domain.verdict import Verdict
from service.quality.intervals import Estimate, Stratum, stratified
from service.quality.opinions import Answer

_SPAN = float(1 << 64)


class Part(StrEnum):
    """The two parts of all posts that are sampled apart: what the policy let pass, and the rest."""

    ALLOWED = "allowed"
    FLAGGED = "flagged"


@dataclass(frozen=True, slots=True)
class Rates:
    """How posts are drawn: `share` of them at most, about `per_day` a day; `flagged` times as many of the flagged."""

    share: float = 0.01
    per_day: int = 200
    flagged: float = 1.0

    def on(self, posts_yesterday: int) -> dict[Part, float]:
        """The chance of a post of each part, on a day after one with so many posts."""
        chance = min(self.share, self.per_day / max(1, posts_yesterday))
        return {Part.ALLOWED: chance, Part.FLAGGED: min(1.0, chance * self.flagged)}


class PartDay(NamedTuple):
    """A part of one day's posts."""

    day: date
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """A post that was drawn: `key` is its row key, `rate` the chance that it had."""

    key: str
    of: PartDay
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledDay:
    """What became of one part of a day: how many posts there were, and were drawn, and what people said of those."""

    of: PartDay
    posts: int
    drawn: int
    rate: float
    answers: tuple[Answer, ...] = ()

    @property
    def decided(self) -> int:
        """How many of those drawn somebody decided."""
        return len(self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prevalence:
    """The share of violating posts, of all and by category, and how far the sample is decided.

    `ai_generated` is the share of machine-written posts, which are no violation.
    """

    violating: Estimate
    categories: Mapping[Category, Estimate]
    ai_generated: Estimate
    posts: int
    drawn: int
    decided: int
    days: Mapping[date, Estimate]


def part_of(verdict: Verdict) -> Part:
    """The part that the post belongs to."""
    return Part.ALLOWED if verdict.decision is Decision.ALLOW else Part.FLAGGED


def is_drawn(key: str, seed: str, rate: float) -> bool:
    """Whether the post version of that row key is in the sample."""
    return int(digest(seed, key)[:16], 16) / _SPAN < rate


def prevalence(days: Collection[SampledDay]) -> Prevalence:
    """Estimate from the decided part of the sample, each day's parts weighing as many posts as there were.

    It takes those decided for a random part of those drawn: decide all of them.
    """
    flagged = {
        category for each in days for answer in each.answers if answer.violating for category in answer.categories
    }
    by_day: defaultdict[date, list[SampledDay]] = defaultdict(list)
    for each in days:
        by_day[each.of.day].append(each)
    return Prevalence(
        violating=_estimate(days, lambda answer: answer.violating),
        categories={
            c: _estimate(days, _breaks(c)) for c in Category if c in flagged and c is not Category.AI_GENERATED
        },
        ai_generated=_estimate(days, lambda answer: not MACHINE_WRITTEN.isdisjoint(answer.categories)),
        posts=sum(each.posts for each in days),
        drawn=sum(each.drawn for each in days),
        decided=sum(each.decided for each in days),
        days={day: _estimate(parts, lambda answer: answer.violating) for day, parts in sorted(by_day.items())},
    )


def _breaks(category: Category) -> Callable[[Answer], bool]:
    return lambda answer: answer.violating and category in answer.categories


def _estimate(days: Collection[SampledDay], holds: Callable[[Answer], bool]) -> Estimate:
    """The share of posts that something holds for, the two parts being strata.

    A part of which nothing is decided yet would drop out of the whole: then all is one stratum, each post weighing one
    over its chance, which is less exact and as true.
    """
    seen = [each for each in days if each.decided]
    apart = {each.of.part for each in days if each.posts} == {each.of.part for each in seen}
    groups: defaultdict[Part | None, list[tuple[float, int, int]]] = defaultdict(list)
    for each in seen:
        stands_for = each.posts if apart else each.drawn / each.rate
        hits = sum(map(holds, each.answers))
        groups[each.of.part if apart else None].append((stands_for, hits, each.decided))
    decided = sum(each.decided for each in seen)
    return replace(stratified([_stratum(group) for group in groups.values()]), observations=decided)


def _stratum(group: Collection[tuple[float, int, int]]) -> Stratum:
    """Days (of how many posts, hits, decided) as one stratum of Kish's effective size: see `intervals.weighted`."""
    size = sum(posts for posts, _, _ in group)
    effective = size * size / sum(posts * posts / decided for posts, _, decided in group)
    value = sum(posts * hits / decided for posts, hits, decided in group) / size
    return Stratum(size, value * effective, effective)
