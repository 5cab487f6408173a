"""What the shims need of `service.moderation.pipeline.Pipeline`, and how they ask it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from service.domain.judgement import Judgement
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.errors import DeadlineExceeded
from service.policy.policy import Policy


class Judge(Protocol):
    """Posts in, judgements or verdicts out. Deadlines are Unix seconds."""

    @property
    def policy(self) -> Policy:
        """What posts are decided by now."""
        ...

    async def moderate(self, post: Post, *, deadline: float | None = None) -> Verdict:
        """The verdict of one post, which is recorded. Raises `AssayError`."""
        ...

    async def read(self, posts: Sequence[Post], *, deadline: float | None = None) -> list[Judgement | None]:
        """What the classifiers say of each text, None where it was set aside; nothing is recorded."""
        ...

    async def ready(self) -> None:
        """Returns when all that a verdict needs answers; raises `Unavailable` naming what is missing."""
        ...


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks a judge, for so many seconds at most."""

    judge: Judge
    deadline: float

    async def read(self, posts: Sequence[Post]) -> list[Judgement | None]:
        """What is said of each text, all of them at once; nothing is kept. None: set aside. Raises `AssayError`."""
        try:
            return await self.judge.read(posts, deadline=time.time() + self.deadline) if posts else []
        except DeadlineExceeded:
            await self.judge.ready()  # where no worker is there at all, that is what to say
            raise

    async def moderate(self, post: Post) -> Judgement | None:
        """The judgement under the verdict of a post, which is recorded. None: set aside. Raises `AssayError`."""
        try:
            verdict = await self.judge.moderate(post, deadline=time.time() + self.deadline)
        except DeadlineExceeded:
            await self.judge.ready()
            raise
        if verdict.source is Source.PROVISIONAL:
            raise DeadlineExceeded("no worker answered in time; the comment is kept and will be judged")
        return verdict.judgement
