"""Every use case that people work with; `service.runtime.wiring.use_cases` puts them together for the dashboard.

Standard library and use cases only, so that a view can name what it needs and a test can put its own together.
"""

from dataclasses import dataclass

from service.audit.ports import AuditLog
from service.claims.ports import ClaimStore
from service.people.directory import Directory
from service.people.sign_in import SignIn
from service.policy.governance.governing import Governing
from service.policy.governance.ports import TextReader
from service.policy.policy import Policies
from service.quality.measures import Quality
from service.records.ports import Announcer, RecordReader
from service.review.appealing import Appealing
from service.review.reviewing import Reviewing


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakPolicy:
    """When moderators rest: a break of `rest` seconds after `posts` severe posts; 0: no breaks."""

    posts: int = 40
    rest: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardServices:
    """What the views work with. One field a use case; `store` is for what is only read.

    `reading` has workers read texts, where there are some. `url` is where browsers find the dashboard, if that can't be
    read off their requests.
    """

    directory: Directory
    sign_in: SignIn
    store: RecordReader
    claims: ClaimStore
    announcer: Announcer
    policies: Policies
    governing: Governing
    reviewing: Reviewing
    appealing: Appealing
    quality: Quality
    audit: AuditLog
    reading: TextReader | None = None
    breaks: BreakPolicy = BreakPolicy()
    url: str = ""
