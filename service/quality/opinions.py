"""What people decided, as measurements need it, beside what the model had said. Standard library only.

A decision violates when something was to be done about the post for more than being machine-written, which by itself is
no violation.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.domain.decision import Category, Decision
from service.review.case import CaseKind

_NO_VIOLATION = frozenset({Category.AI_GENERATED})


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision and the categories that it names."""

    decision: Decision
    categories: frozenset[Category] = frozenset()

    @property
    def violating(self) -> bool:
        """Whether the post breaks a rule: it was acted on, and not merely for being machine-written."""
        named = not self.categories or bool(self.categories - _NO_VIOLATION)
        return self.decision not in {Decision.ALLOW, Decision.REVIEW} and named

    def agrees(self, other: "Answer") -> bool:
        """The same decision and, unless both allow, the same categories."""
        if self.decision is not other.decision:
            return False
        return self.decision is Decision.ALLOW or self.categories == other.categories


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One decision in force, on a case of that kind; `post` is the post version's row key.

    `model` is what the service had decided by itself, None where it had not. `weight` is one over the chance with which
    a prevalence case was drawn, 0 for cases of other kinds.
    """

    kind: CaseKind
    post: str
    content_digest: str
    moderator: str
    answer: Answer
    decided_at: datetime
    model: Answer | None = None
    weight: float = 0.0


def by_text(opinions: Iterable[Opinion]) -> Mapping[str, list[Opinion]]:
    """The last opinion of each moderator on each text, for texts that two or more decided and that were not erased."""
    texts: defaultdict[str, dict[str, Opinion]] = defaultdict(dict)
    for opinion in sorted((each for each in opinions if each.content_digest), key=lambda each: each.decided_at):
        texts[opinion.content_digest][opinion.moderator] = opinion
    return {digest: list(held.values()) for digest, held in texts.items() if len(held) > 1}


def last_words(opinions: Collection[Opinion]) -> list[Opinion]:
    """One opinion per post: how it came to be looked at first, with the answer that was given last.

    A post that a second person or an appeal decided again counts with their answer. Golden items are no posts, and a
    post known from an appeal alone is left out: its author chose it.
    """
    posts: defaultdict[str, list[Opinion]] = defaultdict(list)
    for opinion in sorted(opinions, key=lambda each: each.decided_at):
        if opinion.kind is not CaseKind.GOLDEN:
            posts[opinion.post].append(opinion)
    return [_last(held) for held in posts.values() if any(each.kind in _DRAWN for each in held)]


_DRAWN = frozenset({CaseKind.REVIEW, CaseKind.PREVALENCE})


def _last(held: list[Opinion]) -> Opinion:
    drawn = next((each for each in held if each.kind is CaseKind.PREVALENCE), None)
    first = drawn or next(each for each in held if each.kind in _DRAWN)
    return Opinion(
        kind=first.kind,
        post=first.post,
        content_digest=first.content_digest,
        moderator=held[-1].moderator,
        answer=held[-1].answer,
        decided_at=held[-1].decided_at,
        model=first.model,
        weight=first.weight,
    )
