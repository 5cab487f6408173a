"""What the pipeline needs of the outside world, as small Protocols. Adapters stand in `service.adapters`.

Every adapter of one port passes the same contract test (`tests/contract`). Methods raise `StoreUnavailable` or
`RedisUnavailable` when their server does not answer, and nothing else that is not a programming error.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.claim import Change, Claim, ClaimFilter, ClaimRecord, ClaimSet, Confirmation
from service.domain import JudgedBy, Judgement, Post, PostKey, Standing, Verdict, VerdictFilter
from service.transport import Batch, Lane, Reply, WorkerInfo


class Classifier(Protocol):
    """Text in, judgements out."""

    @property
    def judged_by(self) -> JudgedBy:
        """The bundle, and the claims that it holds now."""
        ...

    def judge(self, posts: Sequence[Post]) -> list[Judgement]:
        """One judgement per post, in order, all by the same bundle and claims. Blocks the thread for a model pass."""
        ...


class PostStore(Protocol):
    """Posts that were accepted: the promise to decide them."""

    async def accept(self, posts: Sequence[Post], *, lease: float = 0.0, request_id: str = "") -> list[bool]:
        """Commit posts durably; per post True when it is new, False when its key was accepted before.

        A repeated key becomes the current version of its name again. `lease` keeps the posts from `claim` for that many
        seconds (those already decided need none).
        With a `request_id` seen before, the first answer returns and nothing is written; raises `Conflict` when
        it was used for other posts. Duplicates within one call count as one: the first is new, the others are not.
        """
        ...

    async def claim(self, limit: int, *, lease: float, expired: bool = False) -> list[Post]:
        """Undecided posts, oldest first, now leased for `lease` seconds to the caller alone.

        Those that were never leased or were released; with `expired`, those whose lease ran out instead: somebody had
        them and did not finish.
        """
        ...

    async def release(self, keys: Collection[PostKey]) -> None:
        """End the leases of these posts now, so that the next `claim` finds them."""
        ...

    async def undecided(self, keys: Collection[PostKey]) -> set[PostKey]:
        """Which of these are accepted and not decided."""
        ...

    async def backlog(self) -> tuple[int, float]:
        """How many posts are undecided, and the age of the oldest in seconds (0 when none)."""
        ...


class VerdictStore(Protocol):
    """Judgements and verdicts that were recorded."""

    async def record(self, posts: Sequence[Post], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Commit verdicts with their judgements, one per post, in order; each key is decided exactly once.

        Returns what stands recorded under each key, with its sequence: the given verdict or, when the key was decided
        before, the earlier one. Posts that were never accepted (answered from the cache) are accepted by it. Sequences
        become visible in increasing order: a reader that saw sequence s will never find a smaller one appear later.

        The first judgement of a text by one bundle and claims stands for all verdicts on it. Only what a later one
        passes over as quarantined is passed over in it from then on: a claim that surged must not weigh in what is
        answered out of the store. Rulings given before stay as they were.
        """
        ...

    async def revise(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Commit a further verdict on each of these decided posts, with the next revision and a sequence of its own.

        It is the current one from then on; those before stay in the order of sequences. Raises `NotDecided`, and
        commits nothing, when one of the posts has no verdict yet.
        """
        ...

    async def stand(self, content_digest: str, standing: Standing) -> None:
        """Let what a person decided on a text hold: every judgement of it carries it from now on."""
        ...

    async def withdraw(self, content_digest: str, case: str) -> None:
        """End what was decided on a text in that case; what was decided before it holds again."""
        ...

    async def find(self, keys: Sequence[PostKey]) -> list[Verdict | None]:
        """The current verdict of each key."""
        ...

    async def latest(self, name: str) -> Verdict:
        """The verdict of the name's current version. Raises `NotFound` or `NotDecided`."""
        ...

    async def page(self, only: VerdictFilter, *, before: int | None, limit: int) -> list[Verdict]:
        """Up to `limit` current verdicts with a sequence below `before` (None: the newest), newest first."""
        ...

    async def after(self, cursor: int | None, only: VerdictFilter, limit: int) -> tuple[list[Verdict], int]:
        """Up to `limit` verdicts of any revision recorded after `cursor`, oldest first, and the cursor to go on from.

        The returned cursor passes over verdicts that the filter left out. With None, no verdicts and the newest cursor.
        """
        ...


class Archive(Protocol):
    """What was recorded, by content or by key."""

    async def judgements(self, digests: Sequence[str], judged_by: JudgedBy) -> list[Judgement | None]:
        """The recorded judgement of each content digest by that bundle and those claims."""
        ...

    async def standing(self, digests: Sequence[str]) -> list[tuple[Standing, ...]]:
        """What people decided on each content digest."""
        ...

    async def posts(self, keys: Sequence[PostKey]) -> list[Post | None]:
        """The accepted post of each key."""
        ...

    async def ping(self) -> None:
        """Returns when the store answers; raises `StoreUnavailable`."""
        ...


class ClaimStore(Protocol):
    """Fact-checked claims. Each change of a claim or of its state changes the set's version, and nothing else does."""

    async def put(self, claims: Sequence[Claim]) -> list[Change]:
        """Store claims by id, all or none; what that did to each. Of several with one id the last counts.

        An updated claim keeps its state and its counts.
        """
        ...

    async def create(self, claim: Claim) -> ClaimRecord:
        """Store a claim that is new. Raises `AlreadyExists`, and stores nothing, when there is one of its id."""
        ...

    async def find_claim(self, claim_id: str) -> ClaimRecord:
        """The claim of that id. Raises `NotFound`."""
        ...

    async def claims(self, only: ClaimFilter, *, after: str, limit: int) -> list[ClaimRecord]:
        """Up to `limit` claims in the order of their ids, from the one that follows the id `after`."""
        ...

    async def claims_version(self) -> str:
        """The claim set's version: alike for like sets, whatever their history; empty when there are no claims."""
        ...

    async def claim_set(self) -> ClaimSet:
        """All claims and their version, as of one moment."""
        ...

    async def quarantine(self, claim_id: str, reason: str, *, override: bool = True) -> ClaimRecord:
        """Take a claim out of enforcement for `reason`, or put it back when that is empty. Raises `NotFound`.

        A claim that is quarantined already stays as it is unless `override`: what is found by counting must not write
        over a person's reason.
        """
        ...

    async def confirm(self, confirmation: Confirmation) -> ClaimRecord:
        """Keep a person's word on a match; a later word of the same person replaces it. Raises `NotFound`."""
        ...


class Cursors(Protocol):
    """How far each follower of the verdicts has come."""

    async def cursor(self, follower: str) -> int | None:
        """The sequence up to which it has handled verdicts; None when it never has."""
        ...

    async def advance(self, follower: str, cursor: int) -> None:
        """It has handled all up to `cursor`. A smaller one than stands there changes nothing."""
        ...


class RecordStore(PostStore, VerdictStore, Archive, ClaimStore, Cursors, Protocol):
    """The whole record store, as bootstrap hands it over."""

    async def close(self) -> None:
        """Give connections back."""
        ...


@dataclass(frozen=True, slots=True)
class CacheHit:
    """What is cached for one post: the verdict of this very version and policy, the judgement of its text."""

    verdict: Verdict | None = None
    judgement: Judgement | None = None


class VerdictCache(Protocol):
    """Judgements under content digest + versions of bundle and claims; verdicts under post name + policy version."""

    async def find(self, posts: Sequence[Post], *, judged_by: JudgedBy, policy_version: str) -> list[CacheHit]:
        """What is cached for each post, in one round trip. A cached verdict of another fingerprint is no hit."""
        ...

    async def put(self, verdicts: Sequence[Verdict]) -> None:
        """Cache the verdicts and their judgements."""
        ...

    async def keep(self, judgements: Sequence[Judgement]) -> None:
        """Cache judgements alone: of texts that were read and of which nobody decided."""
        ...

    async def ping(self) -> None:
        """Returns when the cache answers; raises `RedisUnavailable`."""
        ...


class Queue(Protocol):
    """The way to the workers and back."""

    async def send(self, lane: Lane, batch: Batch) -> None:
        """Enqueue one batch."""
        ...

    async def reply(self, to: str, reply: Reply) -> None:
        """Answer the front `to`."""
        ...

    def replies(self, front: str) -> AsyncIterator[Reply]:
        """Answers addressed to `front`, for ever; waits out outages of the queue."""
        ...

    async def depths(self) -> Mapping[Lane, int]:
        """Messages waiting in each lane."""
        ...


class WorkerRegistry(Protocol):
    """Which workers are there."""

    async def beat(self, worker: WorkerInfo) -> None:
        """Say that this worker is alive for the next ten seconds."""
        ...

    async def alive(self) -> list[WorkerInfo]:
        """Workers that beat within ten seconds, the most recently started first."""
        ...


class Attempts(Protocol):
    """How often a post was begun and not finished, so that one that kills its worker is found."""

    async def counts(self, keys: Sequence[PostKey]) -> list[int]:
        """Attempts begun and not finished, per post."""
        ...

    async def begin(self, keys: Sequence[PostKey]) -> None:
        """Count one attempt for each."""
        ...

    async def finish(self, keys: Sequence[PostKey]) -> None:
        """Forget them."""
        ...


class Clusters(Protocol):
    """Groups of posts that carry the same, as far back as the window that the adapter was made for."""

    async def assign(self, judgements: Sequence[Judgement]) -> list[str]:
        """The cluster of each judgement's text, in order: one that it is `imprint.near` to, or a new one.

        A new cluster is named by the content digest of its first text; texts without bands are alone in theirs.
        """
        ...


class ClaimTraffic(Protocol):
    """How often posts repeat each claim."""

    async def surging(self, repeated: Mapping[str, int], posts: int) -> list[str]:
        """Count `posts` judged, of which so many repeated each claim id; which of these claims began to surge.

        `service.claim_traffic` says what a surge is. Each is told of once, to one caller.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """How a UTC day's budget of automatic actions stands.

    `spent` posts were acted on. Beyond `limit` (None: nothing bounds them) the circuit breaker opens, at `opened_at`.
    Of the limit, `granted` came on top of the policy's budget when a person closed the breaker.
    """

    spent: int
    granted: int = 0
    opened_at: datetime | None = None
    limit: int | None = None


class ActionBudget(Protocol):
    """Posts that were acted on automatically, counted by UTC days."""

    async def spend(self, posts: Sequence[PostKey], limit: int) -> tuple[list[bool], bool]:
        """For each post whether it may be acted on, and whether the breaker opened now.

        A post version counts once a day. The breaker opens at the first that the limit has no room for; while it is
        open only posts that count already may be acted on.
        """
        ...

    async def state(self) -> BudgetState:
        """How today stands, without a limit."""
        ...

    async def close(self) -> bool:
        """Close the breaker and grant the limit once more, from what is spent on; whether it was open."""
        ...


class Announcer(Protocol):
    """Tells watchers that something was recorded. A lost announcement costs a watcher time, never a verdict."""

    async def announce(self) -> None:
        """Something was recorded."""
        ...

    async def wait(self, seconds: float) -> None:
        """Returns at the next announcement, or after so many `seconds`."""
        ...


class Observer(Protocol):
    """Where logs and metrics go. Never given a text to keep: implementations log ids, scores and latencies only."""

    def decided(self, verdict: Verdict) -> None:
        """A verdict was given: one event a post."""
        ...

    def stage(self, name: str, seconds: float) -> None:
        """A stage took so long: cache, store, queue, model, record or total."""
        ...

    def looked_up(self, *, hits: int = 0, misses: int = 0, errors: int = 0) -> None:
        """Cache lookups by result, counted in posts."""
        ...

    def quarantined(self, claim_id: str) -> None:
        """A claim surged and was taken out of enforcement."""
        ...

    def breaker_opened(self, limit: int) -> None:
        """The day's budget of automatic actions is spent: they ask for REVIEW from now on."""
        ...

    def trouble(self, where: str, error: Exception) -> None:
        """Something failed and the work went on without it."""
        ...


class LoadObserver(Observer, Protocol):
    """What else a front and its dispatcher tell."""

    def backlog(self, posts: int, age: float) -> None:
        """Undecided posts in the store, and the age of the oldest in seconds."""
        ...

    def queued(self, depths: Mapping[Lane, int]) -> None:
        """Messages waiting in each lane."""
        ...

    def fleet(self, workers: Sequence[WorkerInfo]) -> None:
        """The workers that answer."""
        ...
