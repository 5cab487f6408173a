"""A policy tried on posts that somebody pasted: what it decides of them beside what the live one does. Pure."""

from dataclasses import dataclass, replace

from service.domain.decision import Ruling
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.policy.policy import Policy


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
    said = judgement and replace(judgement, standing=())  # the policies are asked, not who decided on the text before
    before, after = (policy.decide(post, said) if said else policy.set_aside(post) for policy in (live, candidate))
    return Trial(post=post, judgement=judgement, live=before, candidate=after)
