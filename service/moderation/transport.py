"""What fronts and workers exchange: posts in lanes, replies, and the workers' registrations. Standard library only."""

from dataclasses import dataclass
from enum import StrEnum

from service.domain.judgement import JudgedBy
from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict


class Lane(StrEnum):
    """The queue that a batch travels on: live calls, accepted batches, re-runs. Workers empty them in this order."""

    LIVE = "live"
    BULK = "bulk"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Batch:
    """Posts that travel to a worker in one message.

    `reply_to` names the front that waits (empty when none does); `deadline` is the Unix time in seconds after which
    no one waits any more (None: never). Without `recorded` the posts are only read: neither accepted
    nor recorded.
    """

    id: str
    posts: tuple[Post, ...]
    reply_to: str = ""
    deadline: float | None = None
    sent_at: float = 0.0
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """A worker's reply to one live batch: its verdicts, and the names of posts that it dropped as expired."""

    batch_id: str
    verdicts: tuple[Verdict, ...]
    dropped: tuple[PostKey, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker with a recent beat and its model loaded. `started_at` is Unix time in seconds."""

    id: str
    model_version: str
    started_at: float
    claims_version: str = ""

    @property
    def judged_by(self) -> JudgedBy:
        """The bundle and claims that it judges by."""
        return JudgedBy(self.model_version, self.claims_version)
