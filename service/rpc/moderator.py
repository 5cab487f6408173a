"""What the servicers need of `service.moderation.pipeline.Pipeline`."""

from collections.abc import Sequence
from typing import Protocol

from service.domain.judgement import Judgement
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.errors import AssayError


class Moderator(Protocol):
    """Posts in, verdicts or judgements out. Deadlines are Unix seconds."""

    async def moderate(self, post: Post, *, deadline: float | None = None) -> Verdict:
        """The verdict of one post. Raises `AssayError`."""
        ...

    async def moderate_many(
        self, posts: Sequence[Post], *, deadline: float | None = None
    ) -> list[Verdict | AssayError]:
        """A verdict or an error for each post, in order."""
        ...

    async def read(self, posts: Sequence[Post], *, deadline: float | None = None) -> list[Judgement | None]:
        """What the model says of each text, None where it was set aside; nothing is recorded. Raises `AssayError`."""
        ...

    async def submit(self, posts: Sequence[Post], *, request_id: str = "") -> list[bool]:
        """Accept posts durably; True where new. Raises `Conflict`, `StoreUnavailable`."""
        ...

    async def ready(self) -> None:
        """Returns when all that a verdict needs answers; raises `Unavailable` naming what is missing."""
        ...
