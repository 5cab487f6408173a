"""Runs a policy in shadow: it rules on every verdict that is recorded, and nobody hears of it but those who compare.

The work is done by a follower of the recorded verdicts, on what stands in the store: a call that waits for a verdict
never waits for a shadow.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from service.domain.decision import Ruling
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.policy.budget import OVER_BUDGET, UNCOUNTED
from service.policy.governance.ports import ShadowStore
from service.policy.governance.shadow_ruling import ShadowComparison, ShadowRuling
from service.policy.policy import Policy
from service.records.ports import Archive

FOLLOWER = "shadow"
"""The name that the follower goes by."""

_EXAMPLES = 20
_HELD = (f".{OVER_BUDGET}", f".{UNCOUNTED}")


class Shadow:
    """Rules beside the verdicts. `policy` gives the shadow policy of the moment, None while there is none."""

    def __init__(self, policy: Callable[[], Policy | None], archive: Archive, rulings: ShadowStore) -> None:
        self._policy, self._archive, self._rulings = policy, archive, rulings

    async def handle(self, verdicts: Sequence[Verdict]) -> None:
        """Rule on these verdicts; on the same ones again is no harm. For a follower to call."""
        policy = self._policy()
        comparable = [verdict for verdict in verdicts if _comparable(verdict)]
        if policy is None or not comparable:
            return
        posts = await self._archive.posts([verdict.post for verdict in comparable])
        await self._rulings.keep_shadow(
            [
                ShadowRuling(version=policy.version, verdict=verdict, ruling=_ruling(policy, post, verdict))
                for post, verdict in zip(posts, comparable, strict=True)
                if post is not None
            ]
        )

    async def compare(self, version: str, start: datetime | None = None) -> ShadowComparison:
        """How the policy `version` did beside the live one since `start` (None: for as long as it ran)."""
        return ShadowComparison(
            version=version,
            start=start,
            matrix=await self._rulings.shadow_matrix(version, start),
            examples=tuple(await self._rulings.shadow_differing(version, start, limit=_EXAMPLES)),
        )


def _comparable(verdict: Verdict) -> bool:
    """Whether the live policy alone decided: no person did, and no circuit breaker kept it from acting."""
    by_policy = verdict.source not in {Source.MODERATOR, Source.PROVISIONAL}
    return by_policy and not any(rule.endswith(_HELD) for rule in verdict.ruling.rules)


def _ruling(policy: Policy, post: Post, verdict: Verdict) -> Ruling:
    return policy.decide(post, verdict.judgement) if verdict.judgement else policy.set_aside(post)
