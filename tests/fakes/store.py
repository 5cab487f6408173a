"""The record store in memory for tests: the twin of `service.records.sql.store`."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from service.domain.decision import Standing
from service.domain.fusing import passing_over, quarantined
from service.domain.judgement import JudgedBy, Judgement
from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict, VerdictFilter
from service.errors import Conflict, NotDecided, NotFound
from service.records.sql.store import SqlStore
from service.records.standings import holding, with_standing
from tests.fakes.claims import MemoryClaims

_DAY = 86_400.0


@dataclass(slots=True)
class _Promise:
    """A post that is accepted and not decided; times in Unix seconds, `lease_until` 0 when it is not leased."""

    post: Post
    accepted_at: float
    lease_until: float

    def claimable(self, now: float, *, expired: bool) -> bool:
        return 0.0 < self.lease_until <= now if expired else self.lease_until == 0.0


@dataclass(frozen=True, slots=True)
class _Request:
    keys: tuple[PostKey, ...]
    answer: tuple[bool, ...]
    made_at: float


class MemoryStore(MemoryClaims):
    """Every port of `service.records.ports`, and claims, in this process. `clock` gives Unix time in seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock=clock)
        self._clock = clock
        self._undecided: dict[PostKey, _Promise] = {}
        self._posts: dict[PostKey, Post] = {}
        self._decided: dict[PostKey, Verdict] = {}
        self._current: dict[str, PostKey] = {}
        self._recorded: list[Verdict] = []  # the verdict of sequence s at s - 1, without its judgement
        self._judgements: dict[tuple[str, JudgedBy], Judgement] = {}
        self._requests: dict[str, _Request] = {}
        self._standing: dict[str, list[Standing]] = {}  # by content digest, oldest first
        self._cursors: dict[str, int] = {}

    async def accept(self, posts: Sequence[Post], *, lease: float = 0.0, request_id: str = "") -> list[bool]:
        """See `ports.PostStore.accept`."""
        now = self._clock()
        keys = tuple(post.key for post in posts)
        earlier = self._requests.get(request_id)
        if earlier and earlier.made_at > now - _DAY:
            if earlier.keys != keys:
                raise Conflict(f"request_id {request_id!r} was used for other posts; send a fresh one")
            return list(earlier.answer)
        answer = [self._accept(post, now, now + lease if lease > 0 else 0.0) for post in posts]
        if request_id:
            self._requests[request_id] = _Request(keys, tuple(answer), now)
        return answer

    def _accept(self, post: Post, now: float, lease_until: float) -> bool:
        self._current[post.name] = post.key
        if promise := self._undecided.get(post.key):
            promise.lease_until = max(promise.lease_until, lease_until)
        if post.key in self._posts:
            return False
        self._posts[post.key] = post
        self._undecided[post.key] = _Promise(post, now, lease_until)
        return True

    async def claim(self, limit: int, *, lease: float, expired: bool = False) -> list[Post]:
        """See `ports.PostStore.claim`."""
        now = self._clock()
        due = (promise for promise in self._undecided.values() if promise.claimable(now, expired=expired))
        claimed = list(islice(due, limit))
        for promise in claimed:
            promise.lease_until = now + lease
        return [promise.post for promise in claimed]

    async def release(self, keys: Collection[PostKey]) -> None:
        """See `ports.PostStore.release`."""
        for key in self._undecided.keys() & keys:
            self._undecided[key].lease_until = 0.0

    async def undecided(self, keys: Collection[PostKey]) -> set[PostKey]:
        """See `ports.PostStore.undecided`."""
        return self._undecided.keys() & keys

    async def backlog(self) -> tuple[int, float]:
        """See `ports.PostStore.backlog`."""
        oldest = next(iter(self._undecided.values()), None)
        return len(self._undecided), max(0.0, self._clock() - oldest.accepted_at) if oldest else 0.0

    async def record(self, posts: Sequence[Post], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """See `ports.VerdictStore.record`."""
        return [self._record(post, verdict) for post, verdict in zip(posts, verdicts, strict=True)]

    def _record(self, post: Post, verdict: Verdict) -> Verdict:
        if standing := self._decided.get(post.key):
            return self._judged(standing)
        if self._undecided.pop(post.key, None) is None:
            self._posts[post.key] = post
            self._current[post.name] = post.key
        if verdict.judgement:
            judged = verdict.content_digest, verdict.judged_by
            stands = self._judgements.get(judged, verdict.judgement)
            self._judgements[judged] = passing_over(stands, quarantined(verdict.judgement))
        return with_standing(self._put_down(verdict), self._held())

    def _put_down(self, verdict: Verdict) -> Verdict:
        recorded = replace(verdict, sequence=len(self._recorded) + 1)
        self._recorded.append(recorded)
        self._decided[verdict.post] = recorded
        return recorded

    async def revise(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """See `ports.VerdictStore.revise`."""
        if missing := [verdict.post.name for verdict in verdicts if verdict.post not in self._decided]:
            raise NotDecided(f"{missing[0]} is not decided yet, so there is nothing to revise; ask again shortly")
        return [self._put_down(replace(v, revision=self._decided[v.post].revision + 1)) for v in verdicts]

    def stand(self, content_digest: str, standing: Standing) -> None:
        """See `tests.fakes.standing.stand`."""
        self._standing.setdefault(content_digest, []).append(standing)

    def withdraw(self, content_digest: str, case: str) -> None:
        """See `tests.fakes.standing.withdraw`."""
        left = [standing for standing in self._standing.get(content_digest, ()) if standing.case != case]
        self._standing[content_digest] = left

    async def standing(self, digests: Sequence[str]) -> list[tuple[Standing, ...]]:
        """See `ports.JudgementStore.standing`."""
        return [self._held().get(digest, ()) for digest in digests]

    def _held(self) -> dict[str, tuple[Standing, ...]]:
        return {digest: holding(standings) for digest, standings in self._standing.items()}

    async def cursor(self, follower: str) -> int | None:
        """See `ports.Cursors.cursor`."""
        return self._cursors.get(follower)

    async def advance(self, follower: str, cursor: int) -> None:
        """See `ports.Cursors.advance`."""
        self._cursors[follower] = max(cursor, self._cursors.get(follower, 0))

    def _judged(self, verdict: Verdict) -> Verdict:
        judged = replace(verdict, judgement=self._judgements.get((verdict.content_digest, verdict.judged_by)))
        return with_standing(judged, self._held())

    async def find(self, keys: Sequence[PostKey]) -> list[Verdict | None]:
        """See `ports.Recorded.find`."""
        found = map(self._decided.get, keys)
        return [verdict and self._judged(verdict) for verdict in found]

    async def latest(self, name: str) -> Verdict:
        """See `ports.VerdictReader.latest`."""
        if name not in self._current:
            raise NotFound(f"{name} was never accepted")
        if verdict := self._decided.get(self._current[name]):
            return self._judged(verdict)
        raise NotDecided(f"{name} is accepted and not decided yet; ask again shortly")

    async def page(self, only: VerdictFilter, *, before: int | None, limit: int) -> list[Verdict]:
        """See `ports.VerdictReader.page`."""
        older = self._recorded if before is None else self._recorded[: max(0, before - 1)]
        current = (verdict for verdict in reversed(older) if self._decided[verdict.post] is verdict)
        matching = (verdict for verdict in current if _matches(verdict, self._posts[verdict.post], only))
        return [self._judged(verdict) for verdict in islice(matching, limit)]

    async def after(self, cursor: int | None, only: VerdictFilter, limit: int) -> tuple[list[Verdict], int]:
        """See `ports.VerdictReader.after`."""
        newest = len(self._recorded)
        if cursor is None or cursor >= newest:
            return [], newest if cursor is None else cursor
        later = islice(self._recorded, cursor, None)
        matching = (verdict for verdict in later if _matches(verdict, self._posts[verdict.post], only))
        found = [self._judged(verdict) for verdict in islice(matching, limit)]
        return found, newest if len(found) < limit else found[-1].sequence

    async def judgements(self, digests: Sequence[str], judged_by: JudgedBy) -> list[Judgement | None]:
        """See `ports.JudgementStore.judgements`."""
        found = [self._judgements.get((digest, judged_by)) for digest in digests]
        held = self._held()
        return [each and replace(each, standing=held.get(each.content_digest, ())) for each in found]

    async def posts(self, keys: Sequence[PostKey]) -> list[Post | None]:
        """See `ports.Archive.posts`."""
        return [self._posts.get(key) for key in keys]

    async def ping(self) -> None:
        """See `ports.RecordReader.ping`."""

    async def close(self) -> None:
        """Give nothing back."""


def _matches(verdict: Verdict, post: Post, only: VerdictFilter) -> bool:
    return (
        (not only.decisions or verdict.decision in only.decisions)
        and (not only.categories or not set(only.categories).isdisjoint(verdict.ruling.categories))
        and (not only.surfaces or verdict.surface in only.surfaces)
        and (only.start is None or verdict.decided_at >= only.start)
        and (only.end is None or verdict.decided_at < only.end)
        and (not only.cluster or only.cluster == verdict.cluster)
        and (not only.claim_id or only.claim_id in verdict.claim_ids)
        and (not only.author or only.author == post.author)
        and (not only.text or only.text.lower() in post.text.lower())
    )


RecordStore = SqlStore | MemoryStore
"""What tests of every adapter take."""
