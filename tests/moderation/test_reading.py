"""Posts that are only read: judged the ordinary way, and nothing is decided or recorded of them."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from service.domain.post import Post, PostKey
from service.domain.verdict import Source
from service.errors import DeadlineExceeded, Overloaded, RedisUnavailable
from service.moderation.batching import MicroBatcher
from service.moderation.deciding import MAX_ATTEMPTS, SET_ASIDE
from service.moderation.pipeline import Pipeline
from service.moderation.transport import Batch
from tests.factories import numbered
from tests.fixtures.pipeline import PipelineParts
from tests.waiting import until


def keys(posts: list[Post]) -> list[PostKey]:
    return [post.key for post in posts]


async def test_reading_gives_judgements_and_leaves_no_record(pipeline: Pipeline, parts: PipelineParts) -> None:
    posts = [numbered(number, f"they delve {number}") for number in range(5)]
    judgements = await pipeline.read(posts)
    assert [judgement and judgement.content_digest for judgement in judgements] == [one.content_digest for one in posts]
    assert {judgement and judgement.signals["ai_generated"].probability for judgement in judgements} == {0.97}
    assert await parts.store.inner.posts(keys(posts)) == [None] * 5
    assert await parts.recorded(*posts) == []
    assert parts.told.verdicts == []
    assert not {"accept", "record", "release"} & set(parts.store.calls)
    assert parts.announcer.calls == []


async def test_reading_again_and_moderating_afterwards_costs_no_pass(pipeline: Pipeline, parts: PipelineParts) -> None:
    await pipeline.read([numbered(1), numbered(2)])
    passes = len(parts.classifier.passes)
    await pipeline.read([numbered(2), numbered(1)])
    verdict = await pipeline.moderate(numbered(1))
    assert verdict.source is Source.CACHE
    assert await parts.decided(numbered(1))  # the post itself was handed in: it is recorded
    assert len(parts.classifier.passes) == passes


async def test_what_was_moderated_before_is_read_from_the_cache(pipeline: Pipeline, parts: PipelineParts) -> None:
    verdict = await pipeline.moderate(numbered(1))
    assert await pipeline.read([numbered(1), numbered(2, numbered(1).text)]) == [verdict.judgement] * 2
    assert len(parts.classifier.passes) == 1


async def test_the_same_text_twice_is_read_once(pipeline: Pipeline, parts: PipelineParts) -> None:
    first, second = await pipeline.read([numbered(1, "the same"), numbered(2, "the same")])
    assert first == second
    assert parts.classifier.passes == [["the same"]]


async def test_a_post_that_must_be_kept_does_not_rely_on_one_that_is_only_read(parts: PipelineParts) -> None:
    async with parts.front(worker=False) as pipeline:
        reading = asyncio.create_task(pipeline.read([numbered(1, "same")]))
        await until(lambda: "send" in parts.queue.calls)
        moderated = asyncio.create_task(pipeline.moderate(numbered(1, "same")))
        await until(lambda: "accept" in parts.store.calls)
        worker = asyncio.create_task(parts.work())
        assert (await moderated).post == numbered(1, "same").key
        assert await reading == [(await moderated).judgement]
        assert len(parts.classifier.passes) == 1
        assert await parts.recorded(numbered(1, "same"))
        worker.cancel()


async def test_what_is_recorded_and_what_is_read_travel_apart() -> None:
    shipped: list[Batch] = []

    async def ship(batch: Batch) -> None:
        shipped.append(batch)

    options: dict[str, Any] = {"budget": 64, "window": 0.01, "max_waiting": 9, "patience": 60.0, "room": lambda: 9}
    micro_batcher = MicroBatcher(ship, front="front-1", **options)
    for number in range(6):
        micro_batcher.put(numbered(number), time.time() + 5, recorded=number < 3)
    task = asyncio.create_task(micro_batcher.run())
    await until(lambda: sum(len(batch.posts) for batch in shipped) == 6)
    assert [(len(batch.posts), batch.recorded) for batch in shipped] == [(3, True), (3, False)]
    task.cancel()


async def test_no_answer_in_time_fails_the_reading(parts: PipelineParts) -> None:
    async with parts.front(worker=False) as pipeline:
        with pytest.raises(DeadlineExceeded):
            await pipeline.read([numbered(1), numbered(2)], deadline=time.time() + 0.05)
    assert "accept" not in parts.store.calls


async def test_too_much_load_fails_the_reading(parts: PipelineParts) -> None:
    async with parts.front(worker=False, max_waiting=2) as pipeline:
        with pytest.raises(Overloaded):
            await pipeline.read([numbered(number) for number in range(20)], deadline=time.time() + 0.2)


async def test_redis_away_fails_the_reading_of_what_the_store_does_not_know(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    await pipeline.moderate(numbered(1))
    parts.redis_away()
    [known] = await pipeline.read([numbered(1)])
    assert known
    with pytest.raises(RedisUnavailable):
        await pipeline.read([numbered(1), numbered(2)])
    assert parts.store.calls.count("release") == 0


async def test_a_text_that_stops_the_model_is_set_aside_without_a_record(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    parts.classifier.failures["poison"] = RuntimeError("no")
    good, bad = await pipeline.read([numbered(1), numbered(2, "poison")])
    assert good
    assert bad is None
    assert await parts.recorded(numbered(1), numbered(2, "poison")) == []
    attempts = len(parts.classifier.passes)
    assert await pipeline.read([numbered(2, "poison")]) == [None]
    assert len(parts.classifier.passes) == attempts  # it is known by now


async def test_the_worker_answers_and_keeps_judgements_only(parts: PipelineParts) -> None:
    posts = (numbered(1), numbered(2))
    batch = Batch("batch-1", posts, "front-1", time.time() + 5, time.time(), recorded=False)
    reply = await parts.judging().judge(batch)
    assert [verdict.sequence for verdict in reply.verdicts] == [0, 0]
    assert parts.store.calls == ["standing"]
    hits = await parts.cache.find(posts, judged_by=parts.classifier.judged_by, policy_version=parts.policy.version)
    assert [hit.verdict for hit in hits] == [None, None]
    assert [hit.judgement for hit in hits] == [verdict.judgement for verdict in reply.verdicts]


async def test_the_worker_drops_what_nobody_waits_for_any_more(parts: PipelineParts) -> None:
    late = Batch("batch-1", (numbered(1),), "front-1", time.time() - 1, time.time(), recorded=False)
    assert (await parts.judging().judge(late)).dropped == (numbered(1).key,)
    assert parts.store.calls == []


async def test_a_text_that_kills_the_worker_is_set_aside_after_three_kills(
    parts: PipelineParts, killed: BaseException
) -> None:
    parts.classifier.failures["poison"] = killed
    batch = Batch("batch-1", (numbered(1, "poison"),), sent_at=time.time(), recorded=False)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(type(killed)):
            await parts.judging().judge(batch)
    [verdict] = (await parts.judging().judge(replace(batch, id="batch-2"))).verdicts
    assert verdict.skipped == (SET_ASIDE,)
    assert parts.store.calls == []
