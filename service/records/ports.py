"""The record store, as small Protocols: accepted posts, verdicts on them, and the followers' cursors.

Every adapter passes the same contract test. Methods raise `StoreUnavailable` when the database does not answer.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from service.domain.decision import Standing
from service.domain.judgement import JudgedBy, Judgement
from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict, VerdictFilter


class PostStore(Protocol):
    """Accepted posts, each of which will be decided."""

    async def accept(self, posts: Sequence[Post], *, lease: float = 0.0, request_id: str = "") -> list[bool]:
        """Commit posts durably; per post True when it is new, False when its key was accepted before.

        A repeated key becomes the current version of its name again. `lease` hides the posts from `claim` for that many
        seconds (those already decided need none).
        With a `request_id` seen before, the first answer returns and nothing is written; raises `Conflict` when
        it was used for other posts. Duplicates within one call count as one: the first is new, the others are not.
        """
        ...

    async def claim(self, limit: int, *, lease: float, expired: bool = False) -> list[Post]:
        """Undecided posts, oldest first, now leased for `lease` seconds to the caller alone.

        Those that were never leased or were released; with `expired`, those whose lease ran out instead: their holder
        did not finish.
        """
        ...

    async def release(self, keys: Collection[PostKey]) -> None:
        """End the leases of these posts now, so that the next `claim` finds them."""
        ...

    async def undecided(self, keys: Collection[PostKey]) -> set[PostKey]:
        """Which of these are accepted and not decided."""
        ...

    async def backlog(self) -> tuple[int, float]:
        """The number of undecided posts, and the age of the oldest in seconds (0 when none)."""
        ...


class Archive(Protocol):
    """The accepted posts."""

    async def posts(self, keys: Sequence[PostKey]) -> list[Post | None]:
        """The accepted post of each key."""
        ...


class Recorded(Archive, Protocol):
    """Posts and their current verdicts, by key."""

    async def find(self, keys: Sequence[PostKey]) -> list[Verdict | None]:
        """The current verdict of each key."""
        ...


class VerdictReader(Protocol):
    """Verdicts by name, and in the order of their sequences."""

    async def latest(self, name: str) -> Verdict:
        """The verdict of the name's current version. Raises `NotFound` or `NotDecided`."""
        ...

    async def page(self, only: VerdictFilter, *, before: int | None, limit: int) -> list[Verdict]:
        """Up to `limit` current verdicts with a sequence below `before` (None: the newest), newest first."""
        ...

    async def after(self, cursor: int | None, only: VerdictFilter, limit: int) -> tuple[list[Verdict], int]:
        """Up to `limit` verdicts of any revision recorded after `cursor`, oldest first, and the cursor to go on from.

        The returned cursor skips verdicts that the filter left out. With None, no verdicts and the newest cursor.
        """
        ...


class RecordReader(VerdictReader, Archive, Protocol):
    """Reading the record store."""

    async def ping(self) -> None:
        """Returns when the store answers; raises `StoreUnavailable`."""
        ...


class VerdictStore(VerdictReader, Protocol):
    """Recording judgements and verdicts."""

    async def record(self, posts: Sequence[Post], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Commit verdicts with their judgements, one per post, in order; each key is decided exactly once.

        Returns what is recorded under each key, with its sequence: the new verdict or, when the key was decided
        before, the earlier one. Posts that were never accepted (answered from the cache) are accepted now. Sequences
        become visible in increasing order: a reader that saw sequence s will never find a smaller one appear later.

        The first judgement of a text by one bundle and claims is that of all verdicts on it. Only claims that a later
        one ignores as quarantined are ignored in it from then on: a claim that surged must not count in answers
        from the store. Earlier rulings do not change.
        """
        ...

    async def revise(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Commit a further verdict on each of these decided posts, with the next revision and a sequence of its own.

        It is the current one from then on; earlier ones keep their sequences. Raises `NotDecided`, and
        commits nothing, when one of the posts has no verdict yet.
        """
        ...


class JudgementStore(Protocol):
    """Judgements and decisions on a text, by its content digest."""

    async def judgements(self, digests: Sequence[str], judged_by: JudgedBy) -> list[Judgement | None]:
        """The recorded judgement of each content digest by that bundle and those claims."""
        ...

    async def standing(self, digests: Sequence[str]) -> list[tuple[Standing, ...]]:
        """People's decisions on each content digest."""
        ...


class Cursors(Protocol):
    """The cursor of each follower of the verdicts."""

    async def cursor(self, follower: str) -> int | None:
        """The sequence up to which it has handled verdicts; None when it never has."""
        ...

    async def advance(self, follower: str, cursor: int) -> None:
        """It has handled all up to `cursor`. A smaller one than the stored one changes nothing."""
        ...


class Announcer(Protocol):
    """Notifies watchers that something was recorded. A lost announcement costs a watcher time, never a verdict."""

    async def announce(self) -> None:
        """Something was recorded."""
        ...

    async def wait(self, seconds: float) -> None:
        """Returns at the next announcement, or after `seconds`."""
        ...
