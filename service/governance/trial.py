"""A policy tried on posts that somebody pasted: what it decides of them beside what the live one does. Pure."""

from dataclasses import dataclass

from service.domain import Judgement, Post, Ruling
from service.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One post: what the classifiers say of it (None: it stopped the model), and what both policies make of that."""

    post: Post
    judgement: Judgement | None
    live: Ruling
    candidate: Ruling

    @property
    def differs(self) -> bool:
        """Whether the decision is another."""
        return self.live.decision is not self.candidate.decision


def tried(post: Post, judgement: Judgement | None, *, live: Policy, candidate: Policy) -> Trial:
    """What becomes of `post` under both."""
    before, after = (
        policy.decide(post, judgement) if judgement else policy.set_aside(post) for policy in (live, candidate)
    )
    return Trial(post=post, judgement=judgement, live=before, candidate=after)
