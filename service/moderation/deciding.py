"""From judgements to verdicts: the live policy's rulings, within the day's budget of automatic actions.

The front decides on cached judgements, a worker on new ones, quality on those of golden items.
All posts of one call are decided by one policy.
"""

from collections.abc import Mapping, Sequence

from service.domain.decision import Ruling
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.domain.verdict import Skip, Source, Verdict, verdict_on
from service.policy.budget import Budget
from service.policy.policy import Policies, Policy

MAX_ATTEMPTS = 3
SET_ASIDE = Skip("model", f"SET_ASIDE_AFTER_{MAX_ATTEMPTS}_ATTEMPTS")
NO_WORKER_IN_TIME = Skip("model", "NO_WORKER_IN_TIME")

Judged = tuple[Judgement, Source]
"""A judgement, and where it came from."""


class Deciding:
    """Decides posts by the live policy."""

    def __init__(self, policies: Policies, budget: Budget) -> None:
        self._policies, self._budget = policies, budget

    @property
    def policy(self) -> Policy:
        """The live policy."""
        return self._policies.current

    async def decide(
        self, posts: Sequence[Post], judged: Sequence[Judged], latency: Mapping[str, float] | None = None
    ) -> list[Verdict]:
        """The verdicts, in order; automatic actions are counted, and left to a person beyond the budget."""
        policy = self.policy
        rulings = await self._budget.within(policy, posts, _rulings(policy, posts, judged))
        return _verdicts(policy, posts, judged, rulings, latency)

    def uncounted(
        self, posts: Sequence[Post], judged: Sequence[Judged], latency: Mapping[str, float] | None = None
    ) -> list[Verdict]:
        """The verdicts on posts that are only read: no one acts on them, so they don't count towards the budget."""
        policy = self.policy
        return _verdicts(policy, posts, judged, _rulings(policy, posts, judged), latency)

    def provisional(self, post: Post) -> Verdict | None:
        """The verdict on a post that no worker judged in time, where the policy has one."""
        policy = self.policy
        ruling, version = policy.provisional(post), policy.version
        if ruling is None:
            return None
        skipped = (NO_WORKER_IN_TIME,)
        return verdict_on(post, ruling, policy_version=version, source=Source.PROVISIONAL, skipped=skipped)

    def set_aside(self, post: Post) -> Verdict:
        """The verdict on a post that stopped the model at every attempt."""
        policy = self.policy
        ruling, version = policy.set_aside(post), policy.version
        return verdict_on(post, ruling, policy_version=version, source=Source.SET_ASIDE, skipped=(SET_ASIDE,))


def _rulings(policy: Policy, posts: Sequence[Post], judged: Sequence[Judged]) -> list[Ruling]:
    return [policy.decide(post, judgement) for post, (judgement, _) in zip(posts, judged, strict=True)]


def _verdicts(
    policy: Policy,
    posts: Sequence[Post],
    judged: Sequence[Judged],
    rulings: Sequence[Ruling],
    latency: Mapping[str, float] | None,
) -> list[Verdict]:
    return [
        verdict_on(post, ruling, policy_version=policy.version, source=source, judgement=judgement, latency=latency)
        for post, (judgement, source), ruling in zip(posts, judged, rulings, strict=True)
    ]
