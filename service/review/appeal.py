"""Appeals: what an author contests, by whom and how it is decided. Standard library only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from service.domain.decision import Category, Decision
from service.domain.post import PostKey
from service.review.case import Scope

OPEN_FOR = timedelta(days=183)
"""How long a decision can be contested: six months (Digital Services Act, article 20)."""


class AppealState(StrEnum):
    """Whether an appeal is decided, and how: an upheld one overturns the decision it contests."""

    OPEN = "OPEN"
    UPHELD = "UPHELD"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """What an author contests: the verdict that stood, why they think it wrong, what came of it and why.

    `sequence` is that of the verdict, `contested` what it decided. `first_decider` is who decided it (empty: the policy
    did); another moderator decides the appeal, in the case of the id `case`.
    """

    id: str
    post: PostKey
    content_digest: str
    sequence: int
    contested: Decision
    contested_categories: tuple[Category, ...] = ()
    contested_at: datetime
    statement: str
    state: AppealState = AppealState.OPEN
    opened_at: datetime
    first_decider: str = ""
    case: str = ""
    decider: str = ""
    decision: Decision | None = None
    categories: tuple[Category, ...] = ()
    reason: str = ""
    rationale: str = ""
    scope: Scope = Scope.POST
    decided_at: datetime | None = None

    @property
    def name(self) -> str:
        """Resource name, `appeals/{id}`."""
        return f"appeals/{self.id}"
