"""Cases open by themselves: a follower of the verdicts opens one for whatever the policy asks a person about.

It also closes the cases of versions that were edited since, and gives a verdict that went out while a person decided on
its text the ruling that stands.
"""

import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime

from service.domain import Decision, Post, Source, Verdict
from service.errors import AssayError
from service.ports import RecordStore
from service.review.case import Case, CaseKind
from service.review.ports import Announced, Cached, ReviewStore, Troubled
from service.routing import Routing


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
    """An open case about `post` and its `verdict`; in the queue that the routing says unless one is named."""
    categories = verdict.ruling.categories
    return Case(
        id=secrets.token_hex(8),
        kind=kind,
        queue=queue or routing.queue_of(post, categories),
        post=post.key,
        content_digest=post.content_digest,
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
        cases: ReviewStore,
        records: RecordStore,
        *,
        cache: Cached,
        announcer: Announced,
        routing: Callable[[], Routing],
        observer: Troubled,
    ) -> None:
        self._cases, self._records, self._routing = cases, records, routing
        self._refreshing = Refreshing(cache, announcer, observer)

    async def handle(self, verdicts: Sequence[Verdict]) -> None:
        """Open what is due for these recorded verdicts, close what is outdated. May be told of a verdict again."""
        names = {verdict.post.name for verdict in verdicts}
        await self._cases.close_outdated(names)
        by_text = any(verdict.ruling.case and not verdict.revision for verdict in verdicts)
        await self._refreshing.tell(await self._cases.enforce(names, suspect=by_text))
        await self._open([verdict for verdict in verdicts if _asks(verdict)])
        revised = list({verdict.post for verdict in verdicts if verdict.revision})
        if revised:
            await self._refreshing.cache(filter(None, await self._records.find(revised)))

    async def _open(self, verdicts: Sequence[Verdict]) -> None:
        if not verdicts:
            return
        routing = self._routing()
        posts = await self._records.posts([verdict.post for verdict in verdicts])
        pairs = zip(posts, verdicts, strict=True)
        await self._cases.open_cases([case_for(post, verdict, routing) for post, verdict in pairs if post])


class Refreshing:
    """Puts verdicts that people made where they are read: into the cache, and to whoever watches."""

    def __init__(self, cache: Cached | None, announcer: Announced | None, observer: Troubled) -> None:
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
            self._observer.trouble(where, error)


def _asks(verdict: Verdict) -> bool:
    """Whether the policy asks a person; also once more, when what a person decided was taken back."""
    return verdict.decision is Decision.REVIEW and verdict.source is not Source.MODERATOR
