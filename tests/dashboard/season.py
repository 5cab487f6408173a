"""A season of posts, verdicts, cases, appeals and golden items in a record store, through the real adapters.

What is drawn is drawn from a seed, so that every run sees the same; times end now.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from service.dashboard.services import DashboardServices
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Judgement, Signal
from service.domain.post import Post, Surface
from service.domain.verdict import Source, Verdict, VerdictFilter
from service.policy.routing import Routing
from service.quality.golden_scheduler import GoldenScheduler
from service.quality.krippendorff import alpha
from service.quality.measures import Quality
from service.quality.opinions import Answer
from service.quality.prevalence import Rates
from service.quality.sampling import Sampling
from service.quality.sql.store import SqlQuality
from service.quality.telemetry import QualityTelemetry
from service.records.sql.store import SqlStore
from service.review.appeal import AppealState
from service.review.case import CaseFilter, CaseKind, Ruled
from service.review.opening import case_for
from service.review.sql.store import SqlReview
from tests.fakes.clock import Clock

PEOPLE = ("m-0a11ce00", "m-0b0b0000", "m-0c1e0000")
_HARMFUL = {
    Category.FRAUD: 0.05,
    Category.MISINFORMATION: 0.05,
    Category.AI_GENERATED_MISINFORMATION: 0.03,
    Category.HARASSMENT: 0.03,
    Category.HATE: 0.015,
    Category.SELF_HARM: 0.005,
}
_SIGNALS = (Category.AI_GENERATED, *_HARMFUL)
_TEXTS = (
    "Doctors don't want you to know that {n} lemons a day cure it",
    "You won {n} euros, send a deposit to claim them",
    "Here is my garden in week {n}",
    "Delve into {n} ways to elevate your mornings",
    "Match report: {n} to 1 after a slow first half",
)


class Season:
    """Fills a store, day by day. `drifted` moves scores in the last two days."""

    def __init__(self, store: SqlStore, *, seed: int = 7, drifted: float = 1.0) -> None:
        self.clock = Clock(datetime.now(UTC).timestamp())
        store._clock = self.clock
        self._draw = random.Random(seed)
        self._drifted, self._made = drifted, 0
        self.store, self.quality, self.review = store, SqlQuality.beside(store), SqlReview.beside(store)
        self._measures = Quality(self.quality, self.quality, alpha)
        self._telemetry = QualityTelemetry(CollectorRegistry())
        self._sampling = Sampling(
            self.quality,
            store,
            self.review,
            routing=Routing,
            observer=self._telemetry,
            rates=Rates(share=0.2, per_day=10**6),
            clock=self.clock.now,
        )
        self._truth: dict[str, Answer] = {}
        self.end = self.clock.now()

    async def days(self, count: int, posts: int) -> None:
        """So many days up to now, with about that many posts each; busier by day, quieter at weekends."""
        for back in reversed(range(count)):
            day = (self.end - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)
            weekday = 0.7 if day.weekday() > 4 else 1.0
            growth = 0.7 + 0.3 * (count - back) / count
            await self.some(round(posts * weekday * growth * self._draw.uniform(0.9, 1.1)), day, timedelta(days=1))

    async def some(self, count: int, start: datetime, long: timedelta) -> None:
        """So many posts within that time, those that are in the future left out; people decide most of their cases."""
        times = sorted(start + long * self._hour() for _ in range(count))
        await self._recorded([self._post(moment) for moment in times if moment < self.end])

    def _hour(self) -> float:
        while True:
            at = self._draw.random()
            if self._draw.random() < 0.65 - 0.35 * math.cos(2 * math.pi * at):
                return at

    async def _recorded(self, pairs: Sequence[tuple[Post, Verdict]]) -> None:
        if not pairs:
            return
        posts, verdicts = zip(*pairs, strict=True)
        recorded = await self.store.record(posts, verdicts)
        self.clock.time = recorded[-1].decided_at.timestamp() + 60
        await self._sampling.handle(recorded)
        asked = [(p, v) for p, v in zip(posts, recorded, strict=True) if v.decision is Decision.REVIEW]
        cases = [replace(case_for(p, v, Routing()), opened_at=v.decided_at, queue=_queue(v)) for p, v in asked]
        if cases:
            await self.review.open_cases(cases)

    async def decided(self, most: int, *, sure: float = 0.92) -> None:
        """Moderators decide so many cases, wherever they are; they find the truth with that chance."""
        for place in range(most):
            moderator = PEOPLE[place % len(PEOPLE)]
            self.clock.time += 20
            if not await self._one(moderator, sure):
                return

    async def _one(self, moderator: str, sure: float) -> bool:
        leased = await self.review.lease(moderator, CaseFilter(), seconds=600)
        for case in leased[:1]:
            truth = self._truth.get(case.content_digest, Answer(Decision.ALLOW))
            said = truth if self._draw.random() < sure else _other(truth)
            ruled = Ruled(decision=said.decision, categories=tuple(sorted(said.categories)), reason="as-it-is")
            ask = case.kind is CaseKind.REVIEW and self._draw.random() < 0.1
            outcome = await self.review.decide(case.id, moderator, ruled, seconds=12.0, opinion=ask)
            await self.quality.count(outcome.verdicts, Rates(share=0.0))
        return bool(leased)

    async def golden(self, count: int, by: str) -> None:
        """Golden items, shown to all moderators and decided."""
        for place in range(count):
            post, verdict = self._post(self.clock.now())
            item_of = self._truth[post.content_digest]
            await self._measures.add_golden(post, item_of, by=by, note=f"Item {place}", verdict=verdict)
        scheduler = GoldenScheduler(
            self.quality,
            self.review,
            read=_nothing,
            decide=None,  # type: ignore[arg-type]
            routing=Routing,
            observer=self._telemetry,
            every=1,
            clock=self.clock.now,
        )
        for _ in range(count):
            await self.decided(len(PEOPLE))
            await scheduler.schedule()

    async def appealed(self, services: DashboardServices, count: int) -> None:
        """Appeals of what was blocked or labelled: every third is upheld, the last waits."""
        acted = VerdictFilter(decisions=(Decision.BLOCK, Decision.LABEL, Decision.REDUCE))
        blocked = await self.store.page(acted, before=None, limit=count)
        for place, verdict in enumerate(blocked):
            appeal = await services.appealing.open(verdict.post.name, "I meant it otherwise.")
            if place == len(blocked) - 1:
                return
            upheld, reasons = place % 3 == 0, services.policies.current.routing.reasons
            said = Ruled(
                decision=Decision.ALLOW if upheld else verdict.decision,
                categories=() if upheld else verdict.ruling.categories,
                reason=reasons[0 if upheld else 1].name,
                rationale="Read once more.",
            )
            state = AppealState.UPHELD if upheld else AppealState.REJECTED
            await services.appealing.decide(appeal.id, "m-0d0e0000", state, said)

    def _post(self, at: datetime) -> tuple[Post, Verdict]:
        """A post with its verdict; what is true of it is kept, to be found by moderators."""
        self._made += 1
        draw = self._draw
        post = Post(
            platform="example",
            id=str(self._made),
            text=draw.choice(_TEXTS).format(n=self._made),
            surface=draw.choices(list(Surface), (50, 12, 10, 20, 5, 3))[0],
            author=f"u-{draw.randrange(10**6):06d}",
            locale="en",
            region="DE",
        )
        true = [c for c, share in _HARMFUL.items() if draw.random() < share]
        machine = draw.random() < 0.18 or Category.AI_GENERATED_MISINFORMATION in true
        signals = {c: self._signal(c, c in true or (machine and c is Category.AI_GENERATED), at) for c in _SIGNALS}
        ruling = _ruling(signals)
        self._truth[post.content_digest] = _truth(true, machine)
        cached = draw.random() < 0.35 + 0.1 * math.sin(at.timestamp() / 86_400)
        slow = 3.0 if draw.random() < 0.02 else 1.0
        judgement = Judgement(
            content_digest=post.content_digest,
            model_version="starter-2026.4" if at > self.end - timedelta(days=40) else "starter-2026.3",
            signals={each.name: each for each in signals.values()},
            words=9,
        )
        return post, Verdict(
            post=post.key,
            content_digest=post.content_digest,
            surface=post.surface,
            ruling=ruling,
            policy_version="9f2c4e7ab01d" if at > self.end - timedelta(days=12) else "51d7c0aa93be",
            source=Source.CACHE if cached else Source.MODEL,
            decided_at=at,
            judgement=judgement,
            latency={}
            if cached
            else {"queue": draw.lognormvariate(-4, 0.6), "model": slow * draw.lognormvariate(-3, 0.4)},
        )

    def _signal(self, category: Category, true: bool, at: datetime) -> Signal:
        shift = self._drifted if category is Category.FRAUD and at > self.end - timedelta(days=2) else 0.0
        raw = self._draw.gauss(2.2 if true else -3.4, 1.1) + shift
        share = 1 / (1 + math.exp(-raw))
        return Signal(category.value.lower(), share, raw, max(0.0, share - 0.1), min(1.0, share + 0.1))


def _truth(true: Sequence[Category], machine: bool) -> Answer:
    if Category.FRAUD in true:
        return Answer(Decision.BLOCK, frozenset(true))
    found = [*true, *([Category.AI_GENERATED] if machine and not true else [])]
    return Answer(Decision.LABEL if found else Decision.ALLOW, frozenset(found))


def _ruling(signals: dict[Category, Signal]) -> Ruling:
    over = [c for c, signal in signals.items() if signal.probability > 0.6]
    if not over:
        return Ruling(Decision.ALLOW)
    if over == [Category.AI_GENERATED]:
        return Ruling(Decision.LABEL, (Category.AI_GENERATED,), ("label-ai",))
    top = max(over, key=lambda c: signals[c].probability)
    if signals[top].probability < 0.85:
        return Ruling(Decision.REVIEW, tuple(over), ("unsure",))
    decision = {Category.FRAUD: Decision.BLOCK, Category.HARASSMENT: Decision.REDUCE}.get(top, Decision.LABEL)
    return Ruling(decision, tuple(over), ("sure",))


def _other(answer: Answer) -> Answer:
    if answer.decision is Decision.ALLOW:
        return Answer(Decision.LABEL, frozenset({Category.MISINFORMATION}))
    return Answer(Decision.ALLOW)


def _queue(verdict: Verdict) -> str:
    return "money" if Category.FRAUD in verdict.ruling.categories else "general"


async def _nothing(posts: Sequence[Post]) -> list[Judgement | None]:
    return [None for _ in posts]


async def fill(store: SqlStore, services: DashboardServices) -> None:
    """A small season: enough for every number on the pages."""
    season = Season(store)
    await season.some(330, season.end - timedelta(days=10), timedelta(days=2))
    await season.some(400, season.end - timedelta(hours=30), timedelta(hours=32))
    await season.decided(60)
    await season.golden(4, "m-0d0e0000")
    await season.appealed(services, 4)
