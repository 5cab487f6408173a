"""Sampling, scheduling golden items and watching for drift over a SQLite store: what a front does by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.domain.verdict import Source, Verdict, verdict_on
from service.errors import InvalidInput, StoreUnavailable
from service.policy.routing import Routing
from service.quality.drift import Drift, drift
from service.quality.drift_watch import DriftWatch
from service.quality.golden_scheduler import GoldenScheduler
from service.quality.krippendorff import alpha
from service.quality.measures import Quality
from service.quality.opinions import Answer
from service.quality.overview import QueueAge, Range
from service.quality.prevalence import Rates
from service.quality.sampling import PRIORITY, Sampling
from service.quality.sql.store import SqlQuality
from service.records.sql.store import SqlStore
from service.review.case import CaseFilter, CaseKind, Ruled
from service.review.opening import case_for
from service.review.sql.store import SqlReview
from tests.factories import post_of, verdict_of

ANY = CaseFilter()
EVERYTHING = Rates(share=1.0, per_day=10**9)


class Told:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.drifts: list[Drift] = []
        self.golden: list[tuple[str, str]] = []
        self.cases = 0
        self.waits: list[tuple[list[QueueAge], tuple[int, float]]] = []
        self.failures: list[str] = []

    def drifted(self, drift: Drift) -> None:
        self.drifts.append(drift)

    def waiting(self, queues: Sequence[QueueAge], appeals: tuple[int, float]) -> None:
        self.waits.append((list(queues), appeals))

    def golden_shown(self, moderator: str, item: str) -> None:
        self.golden.append((moderator, item))

    def sampled(self, posts: int) -> None:
        self.cases += posts

    def report_failure(self, where: str, error: Exception) -> None:
        self.failures.append(where)


@dataclass
class Stores:
    """A store with what stands beside it, and posts to work on."""

    store: SqlStore
    quality: SqlQuality
    review: SqlReview
    posts: list[Post]
    told: Told = field(default_factory=Told)

    def fresh(self, post: Post, decision: Decision = Decision.REVIEW) -> Verdict:
        """A verdict of now."""
        ruling = Ruling(decision, (Category.FRAUD,))
        return replace(verdict_of(post, sequence=0), ruling=ruling, decided_at=datetime.now(UTC))

    async def recorded(self, posts: list[Post], decision: Decision = Decision.REVIEW) -> list[Verdict]:
        return await self.store.record(posts, [self.fresh(post, decision) for post in posts])

    def sampling(self) -> Sampling:
        return Sampling(self.quality, self.store, self.review, routing=Routing, observer=self.told, rates=EVERYTHING)

    async def work(self, posts: list[Post], **fields: Any) -> None:
        """Decide a case about each post."""
        pairs = zip(posts, await self.recorded(posts), strict=True)
        await self.review.open_cases([replace(case_for(*pair, Routing()), **fields) for pair in pairs])
        for _ in posts:
            [case] = await self.review.lease("m-1", ANY, seconds=60)
            await self.review.decide(case.id, "m-1", Ruled(decision=Decision.ALLOW), seconds=1.0, opinion=False)


@pytest.fixture
def stores(sqlite_store: SqlStore, quality: SqlQuality, review_store: SqlReview) -> Stores:
    posts = [post_of(f"Text {number}", id=f"17{number:04}", author=f"a-{number:06x}") for number in range(30)]
    return Stores(sqlite_store, quality, review_store, posts)


class TestSampling:
    async def test_what_is_drawn_becomes_a_case_like_any_other(self, stores: Stores) -> None:
        verdicts = await stores.recorded(stores.posts[:5], Decision.ALLOW)
        await stores.sampling().handle(verdicts)
        await stores.sampling().handle(verdicts)
        assert stores.told.cases == 5
        found = await stores.review.cases(CaseFilter(kinds=(CaseKind.PREVALENCE,)), after="", limit=50)
        assert {case.post for case in found} == {post.key for post in stores.posts[:5]}
        assert {case.priority for case in found} == {PRIORITY}

    async def test_cases_that_a_crash_left_unopened_are_opened_later(self, stores: Stores) -> None:
        verdicts = await stores.recorded(stores.posts[:3])
        await stores.quality.count(verdicts, EVERYTHING)
        assert len(await stores.quality.unopened(10)) == 3
        await stores.sampling().handle(verdicts)
        assert (stores.told.cases, await stores.quality.unopened(10)) == (3, [])


class TestGoldenScheduler:
    @pytest.fixture
    def scheduler(self, stores: Stores) -> GoldenScheduler:
        async def read(posts: Sequence[Post]) -> list[Judgement | None]:
            return [stores.fresh(post).judgement for post in posts]

        def decide(post: Post, judgement: Judgement) -> Verdict:
            ruling = Ruling(Decision.REVIEW, (Category.FRAUD,))
            return verdict_on(post, ruling, policy_version="p1", source=Source.MODEL, judgement=judgement)

        return GoldenScheduler(
            stores.quality, stores.review, read=read, decide=decide, routing=Routing, observer=stores.told, every=4
        )

    async def test_a_moderator_at_work_gets_one_next_and_cannot_tell(
        self, scheduler: GoldenScheduler, stores: Stores
    ) -> None:
        measures = Quality(stores.quality, stores.quality, alpha)
        fraud = Answer(Decision.BLOCK, frozenset({Category.FRAUD}))
        item = await measures.add_golden(stores.posts[20], fraud, by="m-9")
        assert await scheduler.schedule() == 0  # nobody is at work
        await stores.work(stores.posts[:8])
        assert await scheduler.schedule() == 1
        assert await scheduler.schedule() == 0  # they have one now
        assert stores.told.golden == [("m-1", item.id)]
        assert await stores.review.lease("m-2", ANY, seconds=60) == []  # it is for them alone
        [case] = await stores.review.lease("m-1", ANY, seconds=60)
        [post] = await stores.store.posts([case.post])
        assert post is not None
        assert post.text == item.post.text
        assert post.name != item.post.name
        assert await stores.quality.disguised_verdict(case.post) is not None
        said = Ruled(decision=Decision.BLOCK, categories=(Category.FRAUD,))
        await stores.review.decide(case.id, "m-1", said, seconds=1.0, opinion=False)
        [score] = await measures.golden_scores()
        assert (score.moderator, score.shown, score.right) == ("m-1", 1, 1)
        await stores.work(stores.posts[8:16])
        assert await scheduler.schedule() == 0  # there is no further item

    async def test_it_waited_as_long_as_the_case_before_it(self, scheduler: GoldenScheduler, stores: Stores) -> None:
        await Quality(stores.quality, stores.quality, alpha).add_golden(
            stores.posts[20], Answer(Decision.ALLOW), by="m-9"
        )
        before = datetime.now(UTC) - timedelta(hours=5)
        await stores.work(stores.posts[:8], opened_at=before)
        assert await scheduler.schedule() == 1
        [case] = await stores.review.lease("m-1", ANY, seconds=60)
        verdict = await stores.quality.disguised_verdict(case.post)
        assert verdict is not None
        assert before - timedelta(minutes=1) < case.opened_at == verdict.decided_at < before
        [post] = await stores.store.posts([case.post])
        assert post is not None
        assert post.created_at is None or post.created_at <= case.opened_at

    @pytest.mark.parametrize("queue", ["appeals", "second-opinion"])
    async def test_where_a_golden_case_would_stand_out_it_goes_to_its_own_queue(
        self, scheduler: GoldenScheduler, stores: Stores, queue: str
    ) -> None:
        await Quality(stores.quality, stores.quality, alpha).add_golden(
            stores.posts[20], Answer(Decision.ALLOW), by="m-9"
        )
        await stores.work(stores.posts[:8], queue=queue)
        assert await scheduler.schedule() == 1
        [case] = await stores.review.lease("m-1", ANY, seconds=60)
        assert case.queue == "general"

    async def test_turned_off_nothing_is_mixed(self, stores: Stores) -> None:
        unasked: Any = None
        off = GoldenScheduler(
            stores.quality, stores.review, read=unasked, decide=unasked, routing=Routing, observer=stores.told, every=0
        )  # fmt: skip
        assert await off.schedule() == 0


class TestMeasures:
    async def test_every_question_has_an_answer_from_the_start(self, quality: SqlQuality) -> None:
        measures = Quality(quality, quality, alpha)
        for span in Range:
            assert (await measures.overview(span)).posts == 0
        assert await measures.drift() == []
        assert (await measures.prevalence()).violating.value is None
        assert (await measures.accuracy()).cases == 0
        assert (await measures.agreements()).decisions.alpha is None
        assert await measures.golden_scores() == []
        assert await measures.golden_items() == []

    async def test_the_overview_counts_what_was_recorded(self, stores: Stores) -> None:
        await stores.sampling().handle(await stores.recorded(stores.posts, Decision.BLOCK))
        measures = Quality(stores.quality, stores.quality, alpha)
        for span in Range:
            found = await measures.overview(span)
            assert (found.posts, found.decisions[Decision.BLOCK]) == (30, 30)
            assert sum(bucket.posts for bucket in found.buckets) == 30
            assert [(each.version, each.posts) for each in found.models] == [("m1", 30)]
            assert [(queue.queue, queue.open) for queue in found.queues] == [("general", 30)]
            assert found.prevalence.drawn == 30
            assert {each.signal for each in found.drift} == {"ai_generated", "misinformation"}

    @pytest.mark.parametrize(
        ("text", "answer", "field"),
        [
            (" ", Answer(Decision.ALLOW), "text"),
            ("x", Answer(Decision.REVIEW), "decision"),
            ("x", Answer(Decision.BLOCK), "categories"),
        ],
    )
    async def test_an_item_that_nobody_could_get_right_is_refused(
        self, stores: Stores, text: str, answer: Answer, field: str
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            await Quality(stores.quality, stores.quality, alpha).add_golden(
                replace(stores.posts[0], text=text), answer, by="m-9"
            )
        assert refused.value.field == field


class TestDriftWatch:
    async def test_what_alerts_rest_on_is_told(self, stores: Stores) -> None:
        await stores.sampling().handle(await stores.recorded(stores.posts))
        await DriftWatch(Quality(stores.quality, stores.quality, alpha), stores.quality, stores.told).look()
        assert {each.signal for each in stores.told.drifts} == {"ai_generated", "misinformation"}
        [(queues, appeals)] = stores.told.waits
        assert [(each.queue, each.open) for each in queues] == [("general", 30)]
        assert appeals == (0, 0.0)

    async def test_an_outage_is_no_end(self, stores: Stores) -> None:
        class Away(Quality):
            async def drift(self) -> list[Drift]:
                raise StoreUnavailable("away")

        with pytest.raises(StoreUnavailable):
            await DriftWatch(Away(stores.quality, stores.quality, alpha), stores.quality, stores.told).look()
        watch = asyncio.create_task(
            DriftWatch(Away(stores.quality, stores.quality, alpha), stores.quality, stores.told, first=0.0).run()
        )
        async with asyncio.timeout(5):
            while not stores.told.failures:  # noqa: ASYNC110 - the watch tells nobody else
                await asyncio.sleep(0.01)
        assert stores.told.failures == ["quality watch"]
        assert not watch.done()
        watch.cancel()

    async def test_telemetry_tells_of_what_is_no_chance(self) -> None:
        from prometheus_client import CollectorRegistry

        from service.quality.telemetry import QualityTelemetry

        registry = CollectorRegistry()
        telemetry = QualityTelemetry(registry)
        shifted = drift("fraud", "m1", [100] * 17 + [0] * 17, [0] * 17 + [100] * 17)
        telemetry.drifted(shifted)
        telemetry.drifted(drift("hate", "m1", [100] * 34, [100] * 34))
        telemetry.drifted(drift("ads", "m1", [1] * 34, [1] * 34))
        telemetry.waiting([QueueAge("fraud", 3, 1, 90.0)], (2, 40.0))
        telemetry.sampled(3)
        telemetry.golden_shown("m-1", "g1")
        telemetry.report_failure("x", StoreUnavailable("away"))
        assert registry.get_sample_value("assay_score_drift", {"signal": "fraud"}) == shifted.index
        assert registry.get_sample_value("assay_score_drift", {"signal": "hate"}) == 0
        assert registry.get_sample_value("assay_score_drift", {"signal": "ads"}) == 0
        assert registry.get_sample_value("assay_prevalence_cases_total") == 3
        assert registry.get_sample_value("assay_case_age_seconds", {"queue": "fraud"}) == 90
        assert registry.get_sample_value("assay_appeal_age_seconds") == 40
