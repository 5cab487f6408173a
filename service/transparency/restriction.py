"""A decision that restricted a post, with all that a statement of reasons needs of it."""

from dataclasses import dataclass
from datetime import datetime

from service.domain.decision import Category, Decision
from service.domain.post import Post
from service.transparency.decided import DecidedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """`sequence` names the verdict; `before` is the post's decision until then (None: it is its first).

    `signals` are the probabilities of those signals that speak of the categories. `reason` is the policy's reason for
    which a person decided, `rules` those that matched where the policy did.
    """

    sequence: int
    post: Post
    accepted_at: datetime
    decided_at: datetime
    decision: Decision
    categories: tuple[Category, ...]
    decided_by: DecidedBy
    before: Decision | None = None
    rules: tuple[str, ...] = ()
    reason: str = ""
    policy_version: str = ""
    model_version: str = ""
