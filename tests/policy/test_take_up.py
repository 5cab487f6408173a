"""A promoted version decides within seconds, without a restart: in a front, and in a worker's thread."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from service.domain.decision import Decision
from service.domain.judgement import Judgement, Signal
from service.domain.post import Post
from service.errors import PolicyInvalid
from service.moderation.judging import Judging
from service.moderation.transport import Batch
from service.policy.document import PolicyDocuments
from service.policy.governance.governing import Governing
from service.policy.governance.live import LivePolicy
from service.runtime.settings import Settings
from service.runtime.wiring import use_cases, worker
from service.runtime.wiring.connections import live_policy, opened_store
from service.runtime.wiring.front import started_front
from tests.policy.conftest import GovernanceParts
from tests.waiting import until
from workers.background_thread import BackgroundThread

MakeDocument = Callable[..., str]


@pytest.fixture(autouse=True)
def fresh_metrics() -> Iterator[None]:
    """Lets each test make fronts of its own in this process: their metrics stand in one registry."""
    _forget_metrics()
    yield
    _forget_metrics()


def _forget_metrics() -> None:
    for collector, names in list(REGISTRY._collector_to_names.items()):
        if any(name.startswith("assay_") for name in names):
            REGISTRY.unregister(collector)


@pytest.fixture
def chosen(tmp_path: Path, redis_url: str, sqlite_url: str, document_of: MakeDocument) -> Settings:
    """Settings with a policy file, an empty Redis and a migrated SQLite."""
    settings = Settings(redis_url=redis_url, database_url=sqlite_url, policy=tmp_path / "policy.yaml")
    (tmp_path / "policy.yaml").write_text(document_of(0.9), encoding="utf-8")
    return settings


@asynccontextmanager
async def governing_alone(settings: Settings) -> AsyncIterator[Governing]:
    """What people do with policies, without a front."""
    async with opened_store(settings) as store:
        yield use_cases.governing(settings, store)


async def live_now(settings: Settings) -> LivePolicy:
    """The live policy as it stands in the store."""
    async with opened_store(settings) as store:
        return await live_policy(settings, store)


async def test_a_front_takes_it_up_and_goes_back(chosen: Settings, document_of: MakeDocument) -> None:
    post = Post(platform="x", id="1", text="t")
    judgement = _judgement(post, 0.85)
    async with started_front(chosen) as front, governing_alone(chosen) as elsewhere:
        file = front.pipeline.policy
        assert (await front.governing.live()).version == file.version
        assert (await front.governing.versions())[0].document == document_of(0.9)
        made = await elsewhere.create(document_of(0.8), author="m-1")
        await elsewhere.promote(made.version, actor="m-2", expected=file.version)
        await until(lambda: front.pipeline.policy.version == made.version, within=5)
        assert front.pipeline.policy.decide(post, judgement).decision is Decision.REVIEW
        await elsewhere.roll_back(actor="m-2")
        await until(lambda: front.pipeline.policy is file, within=5)
        assert file.decide(post, judgement).decision is Decision.ALLOW
        assert (await front.governing.budget()).limit == 1000


async def test_a_new_front_begins_with_what_was_promoted_whatever_the_file_says(
    chosen: Settings, document_of: MakeDocument
) -> None:
    async with governing_alone(chosen) as elsewhere:
        made = await elsewhere.create(document_of(0.8), author="m-1")
        await elsewhere.promote(made.version, actor="m-2")
    async with started_front(chosen) as front:
        assert front.pipeline.policy.version == made.version
    assert (await live_now(chosen)).current.version == made.version


async def test_a_worker_takes_it_up_beside_its_judging(chosen: Settings, document_of: MakeDocument) -> None:
    live = await live_now(chosen)
    file = live.current
    watch = BackgroundThread("policy", lambda: worker.watch_policy(chosen, live))
    with capture_logs() as events:
        watch.start()
        try:
            async with governing_alone(chosen) as elsewhere:
                made = await elsewhere.create(document_of(0.8), author="m-1")
                await elsewhere.promote(made.version, actor="m-2")
                await until(lambda: live.current.version == made.version, within=8)
                await elsewhere.roll_back(actor="m-2")
                await until(lambda: live.current is file, within=8)
        finally:
            await asyncio.to_thread(watch.stop)
    assert [event["policy"] for event in events if event["event"] == "policy loaded"] == [made.version, file.version]


async def test_a_batch_is_decided_by_one_policy_though_another_comes_up_meanwhile(
    chosen: Settings, document_of: MakeDocument, governance: GovernanceParts, reader: PolicyDocuments
) -> None:
    posts = [Post(platform="x", id=str(n), text=f"text {n}") for n in range(40)]
    live = governance.live
    strict = reader.policy(document_of(0.8))

    class Classifier:
        judged_by = _judgement(posts[0], 0.85).judged_by

        def judge(self, texts: Any) -> list[Judgement]:
            live._current = strict
            return [_judgement(post, 0.85) for post in texts]

    async with worker.opened(chosen, Classifier(), live) as opened:
        assert isinstance(opened.judging, Judging)
        await opened.store.accept(posts, lease=60.0)
        reply = await opened.judging.judge(Batch("b", tuple(posts)))
    assert {(verdict.policy_version, verdict.decision) for verdict in reply.verdicts} == {
        (strict.version, Decision.REVIEW)
    }


async def test_a_front_does_not_start_on_a_file_that_is_wrong(chosen: Settings) -> None:
    assert chosen.policy
    chosen.policy.write_text("schema: 2\n", encoding="utf-8")
    with pytest.raises(PolicyInvalid):
        async with started_front(chosen):
            pass


def _judgement(post: Post, hate: float) -> Judgement:
    signals = {"hate": Signal("hate", hate, 0.0, hate, hate)}
    return Judgement(content_digest=post.content_digest, model_version="m1", signals=signals, words=30)
