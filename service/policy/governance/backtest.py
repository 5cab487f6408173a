"""Backtests a change of policy: two policies decide again on the recorded verdicts, and the flips are counted.

Both decide on the recorded judgements, so that only the policies differ: not the model, an older policy,
or an open circuit breaker. Posts that people decided stay as decided;
posts that no model judged are counted, and not decided. Pure; `service.policy.governance.governing` reads the records.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.domain.decision import Category, Decision, Ruling
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.policy.policy import Policy

_EXAMPLES = 5  # of each pair of decisions

Pair = tuple[Decision, Decision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A post that is decided otherwise. `upheld`: an appeal on it was."""

    post: str
    sequence: int
    before: Ruling
    after: Ruling
    upheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryChange:
    """Posts with one category: how many had it before and after, and how many gain or lose it."""

    before: int = 0
    after: int = 0
    gained: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """The result. `flips` counts posts by decision before and after, most first.

    `posts` were decided by both; `unjudged` had no judgement, `by_people` were decided by people. `recategorised` keep
    their decision under other categories. `upheld` of the flips had appeals upheld. `automatic` counts actions that no
    person saw, before and after. Without `complete` there were more records than were read: it covers the newest.
    """

    base: str
    candidate: str
    start: datetime
    posts: int
    unjudged: int
    by_people: int
    flips: Mapping[Pair, int]
    recategorised: int
    categories: Mapping[Category, CategoryChange]
    upheld: int
    automatic: tuple[int, int]
    examples: tuple[Flip, ...]
    complete: bool = True

    @property
    def flipped(self) -> int:
        """How many posts are decided otherwise."""
        return sum(self.flips.values())

    @property
    def summary(self) -> str:
        """One sentence: how many posts flip, from what to what, and how many of these had an appeal upheld."""
        since = f"since {self.start:%d %B %Y}" if self.complete else "(the newest)"
        if not self.flips:
            return f"This change flips none of {self.posts:,} posts {since}."
        pairs = ", ".join(f"{count:,} {before} to {after}" for (before, after), count in self.flips.items())
        appeals = f"{self.upheld:,} had appeals upheld" if self.upheld else "none had an appeal upheld"
        return f"This change flips {self.flipped:,} of {self.posts:,} posts {since}: {pairs}; {appeals}."


@dataclass(slots=True)
class Tally:
    """Counts as records come in, portion by portion, newest first."""

    base: Policy
    candidate: Policy
    posts: int = 0
    unjudged: int = 0
    by_people: int = 0
    recategorised: int = 0
    upheld: int = 0
    flips: Counter[Pair] = field(default_factory=Counter)
    examples: list[Flip] = field(default_factory=list)
    automatic: list[int] = field(default_factory=lambda: [0, 0])
    categories: dict[str, Counter[Category]] = field(
        default_factory=lambda: {name: Counter() for name in ("before", "after", "gained", "lost")}
    )

    def decide(self, posts: Sequence[Post | None], verdicts: Sequence[Verdict]) -> list[Flip]:
        """Have both policies decide on these; the flips among them, not counted yet: see `count`."""
        flips = []
        for post, verdict in zip(posts, verdicts, strict=True):
            if verdict.source is Source.MODERATOR:
                self.by_people += 1
            elif post is None or verdict.judgement is None:
                self.unjudged += 1
            else:
                before = self.base.decide(post, verdict.judgement)
                after = self.candidate.decide(post, verdict.judgement)
                self._compare(before, after)
                if before.decision is not after.decision:
                    flips.append(Flip(post=post.name, sequence=verdict.sequence, before=before, after=after))
        return flips

    def count(self, flips: Sequence[Flip], upheld: Collection[str]) -> None:
        """Count flips; those on the posts in `upheld` had an appeal upheld."""
        for flip in flips:
            pair = flip.before.decision, flip.after.decision
            self.flips[pair] += 1
            self.upheld += flip.post in upheld
            if self.flips[pair] <= _EXAMPLES:
                self.examples.append(
                    Flip(
                        post=flip.post,
                        sequence=flip.sequence,
                        before=flip.before,
                        after=flip.after,
                        upheld=flip.post in upheld,
                    )
                )

    def result(self, start: datetime, *, complete: bool) -> Backtest:
        """The counts since `start`."""
        named = [c for c in Category if any(counts[c] for counts in self.categories.values())]
        return Backtest(
            base=self.base.version,
            candidate=self.candidate.version,
            start=start,
            posts=self.posts,
            unjudged=self.unjudged,
            by_people=self.by_people,
            flips=dict(self.flips.most_common()),
            recategorised=self.recategorised,
            categories={
                c: CategoryChange(**{name: counts[c] for name, counts in self.categories.items()}) for c in named
            },
            upheld=self.upheld,
            automatic=(self.automatic[0], self.automatic[1]),
            examples=tuple(sorted(self.examples, key=lambda flip: _rank(self.flips, flip))),
            complete=complete,
        )

    def _compare(self, before: Ruling, after: Ruling) -> None:
        self.posts += 1
        self.automatic[0] += self.base.automatic(before)
        self.automatic[1] += self.candidate.automatic(after)
        old, new = set(before.categories), set(after.categories)
        for name, categories in (("before", old), ("after", new), ("gained", new - old), ("lost", old - new)):
            self.categories[name].update(categories)
        self.recategorised += before.decision is after.decision and old != new


def _rank(flips: Counter[Pair], flip: Flip) -> tuple[int, str, str, int]:
    """Examples, the most frequent flips first, and the newest of each first."""
    before, after = flip.before.decision, flip.after.decision
    return -flips[before, after], before, after, -flip.sequence
