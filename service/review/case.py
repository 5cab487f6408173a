"""Cases: what a moderator leases and what they decide. Standard library only. `service.review.appeal` has appeals."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from service.domain.decision import Category, Decision
from service.domain.post import PostKey, Surface
from service.domain.verdict import Verdict

APPEALS, SECOND_OPINIONS = "appeals", "second-opinion"
"""Queues of their own: what authors contest, and what two moderators see differently."""


class CaseKind(StrEnum):
    """Why there is a case: the policy asks a person, an author appeals, or quality is measured.

    A golden case looks like any other to its holder; a second opinion hides the first.
    """

    REVIEW = "REVIEW"
    APPEAL = "APPEAL"
    GOLDEN = "GOLDEN"
    PREVALENCE = "PREVALENCE"
    SECOND_OPINION = "SECOND_OPINION"


class CaseState(StrEnum):
    """Whether it is still to be decided. A case is closed without a decision when its post was edited or erased."""

    OPEN = "OPEN"
    DECIDED = "DECIDED"
    CLOSED = "CLOSED"


class Scope(StrEnum):
    """How far a decision holds: for the one post, or for every post that carries the text, now and later."""

    POST = "POST"
    TEXT = "TEXT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing for one person to decide.

    `priority` is harm x reach x doubt. `holder` has it until `lease_until`; `barred` may never hold it (who decided
    first, where another must). `subject` is the appeal's, golden item's or first case's resource name for its kind: of
    one kind, post version and subject there is one case. `skipped` gave it back. `decision` is the id of what was
    decided, in this case or in another that holds for its text.
    """

    id: str
    kind: CaseKind
    state: CaseState = CaseState.OPEN
    queue: str
    post: PostKey
    content_digest: str
    cluster: str
    surface: Surface
    region: str
    language: str
    author: str
    categories: tuple[Category, ...]
    severity: int
    priority: float
    opened_at: datetime
    holder: str = ""
    leased_at: datetime | None = None
    lease_until: datetime | None = None
    barred: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    subject: str = ""
    decision: str = ""
    closed_at: datetime | None = None

    @property
    def name(self) -> str:
        """Resource name, `cases/{id}`."""
        return f"cases/{self.id}"

    @property
    def blind(self) -> bool:
        """Whether its holder must not see what others decided."""
        if self.kind is CaseKind.SECOND_OPINION:
            return self.queue != SECOND_OPINIONS
        return self.kind in {CaseKind.GOLDEN, CaseKind.PREVALENCE}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDecision:
    """What a person decided. `reason` names one of the policy's; `undone_at` is set when it was taken back.

    One that is not `applied` changed no verdict: on a golden item, or an opinion that waits for a second one. `about`
    is what it was decided on: a case, or a cluster. `flagged` is what the policy had found; `seconds` were spent on it,
    `posts` have got a verdict by it.
    """

    id: str
    about: str
    kind: CaseKind = CaseKind.REVIEW
    post: PostKey
    content_digest: str
    flagged: tuple[Category, ...] = ()
    subject: str = ""
    moderator: str
    decision: Decision
    categories: tuple[Category, ...]
    reason: str
    rationale: str = ""
    scope: Scope = Scope.TEXT
    decided_at: datetime
    seconds: float = 0.0
    applied: bool = True
    posts: int = 0
    undone_at: datetime | None = None

    @property
    def case(self) -> str:
        """The id of its case; empty for a bulk decision."""
        return self.about.removeprefix("cases/") if self.about.startswith("cases/") else ""

    @property
    def ground(self) -> str:
        """What verdicts name as the case that they rest on: its case, or the bulk decision itself."""
        return self.about if self.case else f"decisions/{self.id}"

    @property
    def said(self) -> tuple[Decision, frozenset[Category]]:
        """What two people must have in common to be of one opinion."""
        return self.decision, frozenset(self.categories)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """What a moderator decides, before it is a decision: checked by `Reviewing`."""

    decision: Decision
    categories: tuple[Category, ...] = ()
    reason: str = ""
    rationale: str = ""
    scope: Scope = Scope.TEXT


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a decision: its case as it is now (None: it was a bulk one), and the verdicts that it made."""

    case: Case | None
    decision: CaseDecision
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A moderator's note on a post, its author or a case, for colleagues. `about` is the resource name."""

    about: str
    moderator: str
    text: str
    written_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """The state of a queue: open cases, how many of them are held, and since when the oldest waits."""

    queue: str
    open: int
    held: int
    severe: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases; empty values do not narrow. `moderator` holds or decided it; `languages` take their regions too."""

    queues: tuple[str, ...] = ()
    kinds: tuple[CaseKind, ...] = ()
    states: tuple[CaseState, ...] = ()
    categories: tuple[Category, ...] = ()
    surfaces: tuple[Surface, ...] = ()
    regions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    least_severity: int = 1
    moderator: str = ""
    author: str = ""
    post: str = ""
    cluster: str = field(default="")


def author_name(platform_post: str, author: str) -> str:
    """What notes on an author are kept under: the pseudonym, on the platform of the post named `platform_post`."""
    return f"{platform_post.partition('/posts/')[0]}/authors/{author}"
