"""Quality as pages and commands ask for it: one method a question."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict
from service.errors import InvalidInput
from service.quality import drift as drifting
from service.quality.accuracy import Accuracy, accuracy
from service.quality.agreement import Agreements, Alpha, agreements
from service.quality.drift import USUAL, Drift, Windows
from service.quality.golden import GoldenItem, GoldenScore, scores
from service.quality.opinions import Answer
from service.quality.overview import Overview, Range, overview
from service.quality.ports import GoldenStore, MeasureStore
from service.quality.prevalence import Prevalence, prevalence
from service.quality.stale_cache import StaleCache

SEASON = timedelta(days=90)


class Quality:
    """What is known of how good decisions are. `alpha` is Krippendorff's; `kept` lets slow answers be a little old."""

    def __init__(
        self,
        store: MeasureStore,
        golden: GoldenStore,
        alpha: Alpha,
        *,
        windows: Windows = USUAL,
        cache: StaleCache | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._golden, self._alpha = store, golden, alpha
        self._windows, self._clock = windows, clock
        self._cache = cache or StaleCache()

    async def disguised_verdict(self, post: PostKey) -> Verdict | None:
        """What is shown as the verdict of a golden item under another name; None for all other posts."""
        return await self._golden.disguised_verdict(post)

    async def overview(self, span: Range) -> Overview:
        """The Overview page's numbers. Prevalence is of the days that the range touches, at least the last seven."""
        now = self._clock()
        start = span.scale.starts(now)[0]
        parts = await asyncio.gather(
            self._store.rows(span.scale.grain, start),
            self.prevalence(max(now - start, timedelta(days=6))),
            self._store.queue_ages(),
            self.drift(),
        )
        return overview(span, now, *parts)

    async def drift(self) -> list[Drift]:
        """How the scores of the model at work moved, the furthest first."""
        today = self._clock().date()
        return await self._cache.ask(("drift", today), lambda: self._drift(today))

    async def _drift(self, today: date) -> list[Drift]:
        histograms = await self._store.histograms(self._windows.first(today))
        return drifting.drifts(histograms, self._windows, today)

    async def prevalence(self, back: timedelta = SEASON) -> Prevalence:
        """How much of what was posted breaks a rule, from the sample of that time."""
        since = (self._clock() - back).date()
        return await self._cache.ask(("prevalence", since), lambda: self._prevalence(since))

    async def _prevalence(self, since: date) -> Prevalence:
        return prevalence(await self._store.sampled_days(since))

    async def accuracy(self, back: timedelta = SEASON) -> Accuracy:
        """How often the model was right."""
        return await self._cache.ask(("accuracy", back), lambda: self._accuracy(self._clock() - back))

    async def _accuracy(self, since: datetime) -> Accuracy:
        opinions = await self._store.opinions(since)
        volumes, appeals = await self._store.volumes(since), await self._store.appeal_counts(since)
        return await asyncio.to_thread(accuracy, opinions, volumes, appeals)

    async def agreements(self, back: timedelta = SEASON) -> Agreements:
        """How far moderators agree. It takes a second or so of a core, off the event loop."""
        return await self._cache.ask(("agreements", back), lambda: self._agreements(self._clock() - back))

    async def _agreements(self, since: datetime) -> Agreements:
        return await asyncio.to_thread(agreements, await self._store.opinions(since), self._alpha)

    async def golden_scores(self, back: timedelta = SEASON) -> list[GoldenScore]:
        """How each moderator did on golden items."""
        since = self._clock() - back
        return scores(await self._golden.shown(since), await self._golden.golden_results(since))

    async def golden_items(self, *, retired: bool = False) -> list[GoldenItem]:
        """The golden items, newest first."""
        return await self._golden.golden_items(retired=retired)

    async def add_golden(
        self,
        post: Post,
        answer: Answer,
        *,
        by: str,
        source: str = "",
        note: str = "",
        verdict: Verdict | None = None,
    ) -> GoldenItem:
        """Make a golden item of a post: of a decided case named `source`, or of a text that somebody pasted.

        `verdict` is what the service first said of the post; without one a worker reads the text before it is shown.
        Raises `InvalidInput`, `Conflict`.
        """
        check_answer(answer)
        if not post.text.strip():
            raise InvalidInput("text", "is empty", "paste the text that moderators are to decide on")
        item = GoldenItem(
            id=secrets.token_hex(8),
            post=post,
            answer=answer,
            source=source,
            note=note,
            added_by=by,
            added_at=self._clock(),
            verdict=verdict,
        )
        await self._golden.add_golden(item)
        return item

    async def retire_golden(self, item_id: str, *, by: str) -> GoldenItem:
        """Show an item no more. Raises `NotFound`."""
        return await self._golden.retire_golden(item_id, by)


def check_answer(answer: Answer) -> None:
    """Raise `InvalidInput` for an answer that nobody could give."""
    if answer.decision.value == "REVIEW":
        raise InvalidInput("decision", "is REVIEW, which no person decides", "say what is right: ALLOW, LABEL, ...")
    if answer.decision.value != "ALLOW" and not answer.categories:
        raise InvalidInput("categories", f"are missing for {answer.decision}", "name why the post is acted on")
