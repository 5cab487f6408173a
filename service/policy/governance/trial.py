"""A policy tried on pasted posts: its decisions and those of the live one. Pure."""

from dataclasses import dataclass, replace

from service.domain.decision import Ruling
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.policy.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One post: what the classifiers say of it (None: it stopped the model), and both policies' rulings."""

    post: Post
    judgement: Judgement | None
    live: Ruling
    candidate: Ruling

    @property
    def differs(self) -> bool:
        """Whether the decisions differ."""
        return self.live.decision is not self.candidate.decision


def tried(post: Post, judgement: Judgement | None, *, live: Policy, candidate: Policy) -> Trial:
    """The outcome for `post` under both."""
    said = judgement and replace(judgement, standing=())  # the policies decide, not earlier decisions of people
    before, after = (policy.decide(post, said) if said else policy.set_aside(post) for policy in (live, candidate))
    return Trial(post=post, judgement=judgement, live=before, candidate=after)
