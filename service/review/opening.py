"""Cases open by themselves: a follower of the verdicts opens one for whatever the policy asks a person about.

It also closes the cases of versions that were edited since, and gives a verdict that went out while a person decided on
its text the ruling in force.
"""

import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime

from service.domain.decision import Decision, Ruling
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.errors import AssayError
from service.failures import FailureReporter
from service.policy.routing import Routing
from service.records.ports import Recorded
from service.review.case import Case, CaseKind
from service.review.ports import Announced, Cached, OpeningStore
from service.supervision import every

_PORTION, _REMEMBERED = 500, 1_000
_SWEEP = 30.0


def case_for(
    post: Post,
    verdict: Verdict,
    routing: Routing,
    *,
    kind: CaseKind = CaseKind.REVIEW,
    queue: str = "",
    subject: str = "",
    barred: Collection[str] = (),
) -> Case:
    """An open case about `post` and its `verdict`; in the queue that the routing says unless one is named.

    The verdict says which version it is about: an erasure may since have cut what `post` answers from it.
    """
    categories = verdict.ruling.categories
    return Case(
        id=secrets.token_hex(8),
        kind=kind,
        queue=queue or routing.queue_of(post, categories),
        post=verdict.post,
        content_digest=verdict.content_digest,
        cluster=verdict.cluster,
        surface=post.surface,
        region=post.region,
        language=post.locale.replace("_", "-").lower(),
        author=post.author,
        categories=categories,
        severity=routing.severity(categories),
        priority=routing.priority(post, verdict),
        opened_at=datetime.now(UTC),
        barred=frozenset(barred) - {""},
        subject=subject,
    )


class CaseOpening:
    """The follower's handle: `Follower("cases", ..., CaseOpening(...).handle, ...)`, from the first verdict on."""

    def __init__(
        self,
        cases: OpeningStore,
        records: Recorded,
        *,
        cache: Cached,
        announcer: Announced,
        routing: Callable[[], Routing],
        observer: FailureReporter,
    ) -> None:
        self._cases, self._records, self._routing, self._observer = cases, records, routing, observer
        self._refreshing = Refreshing(cache, announcer, observer)
        self._in_line: dict[str, Ruling] = {}  # by text, the ruling that all its posts were last seen to have

    async def handle(self, verdicts: Sequence[Verdict]) -> None:
        """Open what is due for these recorded verdicts, close what is outdated. May get a verdict again."""
        names = {verdict.post.name for verdict in verdicts}
        await self._cases.close_outdated(names)
        by_text = any(verdict.ruling.case and not verdict.revision for verdict in verdicts)
        await self._refreshing.tell(await self._cases.enforce(names, suspect=by_text))
        await self._open([verdict for verdict in verdicts if _asks(verdict)])
        await self._bring_in_line([verdict for verdict in verdicts if verdict.revision])
        revised = list({verdict.post for verdict in verdicts if verdict.revision})
        if revised:
            await self._refreshing.cache(filter(None, await self._records.find(revised)))

    async def sweep(self) -> None:
        """Open the cases of post versions that are current again: an edit that was taken back records no verdict."""
        if posts := await self._cases.abandoned():
            await self._refreshing.tell(await self._cases.enforce([post.name for post in posts]))
            await self._open([verdict for verdict in await self._records.find(posts) if verdict and _asks(verdict)])

    async def sweep_on(self) -> None:
        """Sweep now and then, for ever; cancel to stop."""
        await every(_SWEEP, self.sweep, self._observer, "cases")

    async def _bring_in_line(self, revised: Sequence[Verdict]) -> None:
        """Give every post with the text of these revised verdicts the decision that now holds for it.

        A decision revises the newest posts of its text at once, and may cross with a post that is being recorded.
        """
        rulings = {verdict.content_digest: verdict.ruling for verdict in revised}
        due = {text for text, ruling in rulings.items() if self._in_line.get(text) != ruling}
        names = await self._cases.out_of_line(due) if due else []
        for start in range(0, len(names), _PORTION):
            portion = names[start : start + _PORTION]
            await self._refreshing.tell(await self._cases.enforce(portion, suspect=True))
        for text in due:
            self._in_line.pop(text, None)
            self._in_line[text] = rulings[text]
        while len(self._in_line) > _REMEMBERED:
            del self._in_line[next(iter(self._in_line))]

    async def _open(self, verdicts: Sequence[Verdict]) -> None:
        if not verdicts:
            return
        routing = self._routing()
        posts = await self._records.posts([verdict.post for verdict in verdicts])
        pairs = zip(posts, verdicts, strict=True)
        await self._cases.open_cases([case_for(post, verdict, routing) for post, verdict in pairs if post])


class Refreshing:
    """Publishes verdicts that people made: into the cache, and to watchers."""

    def __init__(self, cache: Cached | None, announcer: Announced | None, observer: FailureReporter) -> None:
        self._cache, self._announcer, self._observer = cache, announcer, observer

    async def tell(self, verdicts: Sequence[Verdict]) -> None:
        """Cache these new verdicts and wake watchers. They are recorded: what fails here is caught up by followers."""
        if not verdicts:
            return
        await self.cache(verdicts)
        if self._announcer:
            await self._quietly("announce", self._announcer.announce())

    async def cache(self, verdicts: Iterable[Verdict]) -> None:
        """Cache these current verdicts."""
        if self._cache and (found := list(verdicts)):
            await self._quietly("cache", self._cache.put(found))

    async def _quietly(self, where: str, effort: Awaitable[None]) -> None:
        try:
            await effort
        except AssayError as error:
            self._observer.report_failure(where, error)


def _asks(verdict: Verdict) -> bool:
    """Whether the policy asks a person; also once more, when what a person decided was taken back."""
    return verdict.decision is Decision.REVIEW and verdict.source is not Source.MODERATOR
