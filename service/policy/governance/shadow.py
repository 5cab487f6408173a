"""Runs a policy in shadow: it rules on every recorded verdict, only to be compared.

A follower of the recorded verdicts does the work, on what is in the store: a call that waits for a verdict
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
"""The follower's name."""

_EXAMPLES = 20
_HELD = (f".{OVER_BUDGET}", f".{UNCOUNTED}")


class Shadow:
    """Rules on the verdicts. `policy` returns the current shadow policy, None while there is none."""

    def __init__(self, policy: Callable[[], Policy | None], archive: Archive, rulings: ShadowStore) -> None:
        self._policy, self._archive, self._rulings = policy, archive, rulings

    async def handle(self, verdicts: Sequence[Verdict]) -> None:
        """Rule on these verdicts; may be repeated. For a follower to call."""
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
        """How the policy `version` compares with the live one since `start` (None: for as long as it ran)."""
        return ShadowComparison(
            version=version,
            start=start,
            matrix=await self._rulings.shadow_matrix(version, start),
            examples=tuple(await self._rulings.shadow_differing(version, start, limit=_EXAMPLES)),
        )


def _comparable(verdict: Verdict) -> bool:
    """Whether the live policy alone decided: no person did, and no circuit breaker stopped it."""
    by_policy = verdict.source not in {Source.MODERATOR, Source.PROVISIONAL}
    return by_policy and not any(rule.endswith(_HELD) for rule in verdict.ruling.rules)


def _ruling(policy: Policy, post: Post, verdict: Verdict) -> Ruling:
    return policy.decide(post, verdict.judgement) if verdict.judgement else policy.set_aside(post)
