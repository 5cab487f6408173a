"""The front's half: from a call to its verdict, through cache, flights, deadlines and overload."""

import asyncio
import time
from dataclasses import replace

import pytest

from service.domain.claim import Claim, ClaimState
from service.domain.decision import Decision
from service.domain.evidence import related
from service.domain.post import Surface
from service.domain.verdict import Source, Verdict
from service.errors import (
    DeadlineExceeded,
    Overloaded,
    StoreUnavailable,
)
from service.moderation.deciding import NO_WORKER_IN_TIME
from service.moderation.pipeline import Pipeline
from service.moderation.transport import Lane
from service.policy.policy import Policy
from tests.factories import numbered
from tests.fixtures.pipeline import PipelineParts
from tests.waiting import until


def soon(seconds: float) -> float:
    return time.time() + seconds


# One post ---------------------------------------------------------------------------------------------------------


async def test_a_new_post_is_judged_and_recorded_before_it_is_answered(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    verdict = await pipeline.moderate(numbered(1, "let us delve into it"))
    assert (verdict.decision, verdict.source) == (Decision.LABEL, Source.MODEL)
    assert await parts.recorded(numbered(1, "let us delve into it")) == [verdict]
    assert verdict.sequence == 1


async def test_a_post_asked_again_is_answered_from_the_cache(pipeline: Pipeline, parts: PipelineParts) -> None:
    first = await pipeline.moderate(numbered(1))
    again = await pipeline.moderate(numbered(1))
    assert (again.source, again.sequence) == (Source.CACHE, first.sequence)
    assert len(parts.classifier.passes) == 1
    assert parts.told.lookups == {"hits": 1, "misses": 1}


async def test_evidence_can_be_related_to_the_text_as_sent(pipeline: Pipeline) -> None:
    text = "  cafe\u0301   \n delve"
    for number in (1, 2):  # judged, then from the cache
        verdict = related(await pipeline.moderate(numbered(number, text)), text)
        assert verdict.judgement
        [span] = verdict.judgement.evidence.spans
        assert text.encode()[span.start : span.end] == b"delve"


async def test_an_edited_post_is_judged_again_under_the_same_name(pipeline: Pipeline, parts: PipelineParts) -> None:
    assert (await pipeline.moderate(numbered(1, "harmless"))).decision is Decision.ALLOW
    assert (await pipeline.moderate(numbered(1, "a hoax", surface=Surface.AD))).decision is Decision.REVIEW
    assert (await parts.store.latest(numbered(1).name)).decision is Decision.REVIEW


async def test_a_new_policy_costs_no_pass(parts: PipelineParts, keyword_policy: Policy) -> None:
    async with parts.front() as pipeline:
        assert (await pipeline.moderate(numbered(1, "they delve"))).decision is Decision.LABEL
    async with parts.front(policy=replace(keyword_policy, version="policy-2", rules=())) as pipeline:
        verdict = await pipeline.moderate(numbered(1, "they delve"))
    assert (verdict.decision, verdict.policy_version) == (Decision.ALLOW, "policy-2")
    assert len(parts.classifier.passes) == 1


async def test_a_worker_with_another_policy_does_not_decide_for_this_front(
    parts: PipelineParts, keyword_policy: Policy
) -> None:
    async with parts.front(policy=replace(keyword_policy, version="policy-2", rules=())) as pipeline:
        verdict = await pipeline.moderate(numbered(1, "they delve"))
    assert (verdict.decision, verdict.policy_version) == (Decision.ALLOW, "policy-2")
    assert parts.store.calls.count("record") == 1


# Twins ------------------------------------------------------------------------------------------------------------


async def test_a_thousand_concurrent_twins_cause_one_pass(pipeline: Pipeline, parts: PipelineParts) -> None:
    twins = [numbered(number, "the very same words") for number in range(1000)]
    verdicts = await asyncio.gather(*map(pipeline.moderate, twins))
    assert [verdict.post for verdict in verdicts] == [twin.key for twin in twins]
    assert parts.classifier.passes == [["the very same words"]]
    assert len(parts.told.verdicts) == 1000
    assert len(await parts.decided(*twins)) == 1000


async def test_twins_on_two_surfaces_are_decided_apart_without_a_second_pass(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    twins = [numbered(1, "a hoax"), numbered(2, "a hoax", surface=Surface.AD)]
    together = await pipeline.moderate_many(twins)
    later = await pipeline.moderate(numbered(3, "a hoax", surface=Surface.AD))
    assert [verdict.decision for verdict in together if isinstance(verdict, Verdict)] == ["ALLOW", "REVIEW"]
    assert later.decision is Decision.REVIEW
    assert len(parts.classifier.passes) == 1


async def test_the_same_post_twice_in_one_call_is_decided_once(pipeline: Pipeline, parts: PipelineParts) -> None:
    first, second = await pipeline.moderate_many([numbered(1), numbered(1)])
    assert first == second
    assert len(parts.told.verdicts) == 1


async def test_a_follower_outlives_the_cancelled_call_that_led(parts: PipelineParts) -> None:
    async with parts.front(worker=False) as pipeline:
        leader = asyncio.create_task(pipeline.moderate(numbered(1, "same")))
        await until(lambda: "send" in parts.queue.calls)
        follower = asyncio.create_task(pipeline.moderate(numbered(2, "same")))
        await asyncio.sleep(0.005)
        leader.cancel()
        worker = asyncio.create_task(parts.work())
        assert (await follower).post == numbered(2, "same").key
        assert leader.cancelled()
        assert len(parts.classifier.passes) == 1
        worker.cancel()


async def test_a_follower_with_more_time_than_its_leader_still_gets_an_answer(parts: PipelineParts) -> None:
    async with parts.front(worker=False) as pipeline:
        leader = asyncio.create_task(pipeline.moderate(numbered(1, "same"), deadline=soon(0.05)))
        await until(lambda: "send" in parts.queue.calls)
        follower = asyncio.create_task(pipeline.moderate(numbered(2, "same"), deadline=soon(3)))
        with pytest.raises(DeadlineExceeded):
            await leader
        worker = asyncio.create_task(parts.work())
        assert (await follower).post == numbered(2, "same").key
        assert len(parts.classifier.passes) == 1
        worker.cancel()


async def test_a_failed_flight_fails_its_followers_and_does_not_stay_in_the_way(parts: PipelineParts) -> None:
    async with parts.front() as pipeline:
        parts.store.failing = {"accept"}
        results = await pipeline.moderate_many([numbered(number, "same") for number in range(3)])
        assert [type(result) for result in results] == [StoreUnavailable] * 3
        parts.store.failing = set()
        assert (await pipeline.moderate(numbered(1, "same"))).source is Source.MODEL


# Deadlines --------------------------------------------------------------------------------------------------------


async def test_without_a_worker_the_call_fails_at_its_deadline(parts: PipelineParts) -> None:
    async with parts.front(worker=False) as pipeline:
        started = time.time()
        with pytest.raises(DeadlineExceeded):
            await pipeline.moderate(numbered(1), deadline=soon(0.05))
        assert 0.04 < time.time() - started < 0.5
    assert parts.told.verdicts == []


async def test_a_call_without_a_deadline_gets_the_default_one(parts: PipelineParts) -> None:
    async with parts.front(worker=False, default_deadline=0.03) as pipeline:
        with pytest.raises(DeadlineExceeded):
            await asyncio.wait_for(pipeline.moderate(numbered(1)), 1.0)


@pytest.mark.parametrize("past", [0.0, -1.0, 1000.0])
async def test_a_deadline_in_the_past_fails_at_once_and_accepts_nothing(
    pipeline: Pipeline, parts: PipelineParts, past: float
) -> None:
    with pytest.raises(DeadlineExceeded):
        await pipeline.moderate(numbered(1), deadline=past)
    assert await parts.store.inner.backlog() == (0, 0.0)
    assert (await pipeline.moderate(numbered(1))).source is Source.MODEL


async def test_a_cached_answer_comes_even_after_the_deadline(pipeline: Pipeline) -> None:
    await pipeline.moderate(numbered(1))
    assert (await pipeline.moderate(numbered(1), deadline=soon(-1))).source is Source.CACHE


async def test_where_the_policy_allows_a_late_post_gets_a_provisional_verdict_and_is_judged_afterwards(
    parts: PipelineParts,
) -> None:
    story = numbered(1, "they delve", surface=Surface.STORY)
    async with parts.front(worker=False) as pipeline:
        verdict = await pipeline.moderate(story, deadline=soon(0.03))
        assert (verdict.decision, verdict.source) == (Decision.REVIEW, Source.PROVISIONAL)
        assert verdict.skipped == (NO_WORKER_IN_TIME,)
        assert verdict.judgement is None
        assert parts.told.verdicts == [verdict]
        assert await parts.recorded(story) == []
        worker = asyncio.create_task(parts.work())
        [afterwards] = await parts.decided(story)
        worker.cancel()
    assert (afterwards.decision, afterwards.source) == (Decision.LABEL, Source.MODEL)


async def test_a_provisional_verdict_is_given_only_on_a_post_that_stands_in_the_store(parts: PipelineParts) -> None:
    async with parts.front(worker=False, max_waiting=10) as pipeline:
        fillers = [asyncio.create_task(pipeline.moderate(numbered(n, f"{n} " + "x" * 4000))) for n in range(3)]
        await asyncio.sleep(0.02)
        stories = [numbered(number, surface=Surface.STORY) for number in (8, 9)]
        assert [type(result) for result in await pipeline.moderate_many(stories, deadline=soon(0.02))] == [Verdict] * 2
        assert await parts.store.undecided([story.key for story in stories]) == {story.key for story in stories}
        parts.store.away = True
        [refused] = await pipeline.moderate_many([numbered(10, surface=Surface.STORY)], deadline=soon(0.02))
        assert isinstance(refused, StoreUnavailable)
        parts.store.away = False
    assert len(parts.told.verdicts) == 2
    await asyncio.gather(*fillers, return_exceptions=True)


async def test_an_expired_live_post_is_released_and_decided_in_the_background(parts: PipelineParts) -> None:
    async with parts.front(worker=False) as pipeline:
        with pytest.raises(DeadlineExceeded):
            await pipeline.moderate(numbered(1), deadline=soon(0.03))
        assert (await parts.queue.depths())[Lane.LIVE] == 1
        worker = asyncio.create_task(parts.work())
        [verdict] = await parts.decided(numbered(1))
        assert verdict.source is Source.MODEL
        assert "release" in parts.store.calls
        worker.cancel()


async def test_batches_of_a_dead_worker_leave_their_slots_and_what_it_left_is_answered_later(
    parts: PipelineParts,
) -> None:
    async with parts.front(worker=False) as pipeline:
        lost = [asyncio.create_task(pipeline.moderate(numbered(n, f"lost {n}"), deadline=soon(0.06))) for n in range(2)]
        await until(lambda: "send" in parts.queue.calls)
        batch = await parts.queue.take()  # taken by a worker that dies
        assert {type(result) for result in await asyncio.gather(*lost, return_exceptions=True)} == {DeadlineExceeded}
        worker = asyncio.create_task(parts.work())
        assert (await pipeline.moderate(numbered(5))).source is Source.MODEL
        await parts.queue.inner.send(Lane.LIVE, replace(batch, deadline=soon(5)))  # and delivered again
        assert (await parts.decided(*batch.posts))[0].source is Source.MODEL
        worker.cancel()


async def test_a_message_that_was_lost_is_sent_again_while_its_caller_still_waits(parts: PipelineParts) -> None:
    async with parts.front(worker=False, lease=0.05) as pipeline:
        call = asyncio.create_task(pipeline.moderate(numbered(1), deadline=soon(3)))
        await until(lambda: "send" in parts.queue.calls)
        await parts.queue.take()  # lost between pop and acknowledgement
        worker = asyncio.create_task(parts.work())
        assert (await call).source is Source.MODEL
        worker.cancel()


# Overload and order -----------------------------------------------------------------------------------------------


async def test_overload_refuses_what_is_too_much_and_says_when_to_come_back(parts: PipelineParts) -> None:
    async with parts.front(worker=False, max_waiting=5, batch_tokens=16) as pipeline:
        posts = [numbered(number) for number in range(40)]
        results = await pipeline.moderate_many(posts, deadline=soon(0.1))
    refused = [result for result in results if isinstance(result, Overloaded)]
    assert len(refused) == 35
    assert all(0.05 <= error.retry_after < 5 for error in refused)
    assert all(isinstance(result, DeadlineExceeded) for result in results[:5])


async def test_results_of_a_batch_call_come_in_order_each_with_its_own_outcome(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    await pipeline.moderate(numbered(1))
    parts.store.failing = {"accept"}
    results = await pipeline.moderate_many([numbered(2), numbered(1), numbered(3)])
    assert [type(result) for result in results] == [StoreUnavailable, Verdict, StoreUnavailable]
    assert await pipeline.moderate_many([]) == []


async def test_a_thousand_posts_in_one_call_are_each_judged_once(pipeline: Pipeline, parts: PipelineParts) -> None:
    posts = [numbered(number) for number in range(1000)]
    results = await pipeline.moderate_many(posts)
    assert [result.post for result in results if isinstance(result, Verdict)] == [one.key for one in posts]
    assert sorted(text for texts in parts.classifier.passes for text in texts) == sorted(one.text for one in posts)
    assert len(parts.classifier.passes) < 100


# Claims -----------------------------------------------------------------------------------------------------------


async def test_copies_answered_from_the_cache_count_towards_a_surge(parts: PipelineParts, cheese_claim: Claim) -> None:
    await parts.store.inner.put([cheese_claim])
    async with parts.front() as pipeline:
        await pipeline.moderate(numbered(1, "cheese"))
        await pipeline.moderate_many([numbered(number, "cheese") for number in range(2, 42)])
        await until(lambda: parts.told.quarantines)
    assert len(parts.classifier.passes) == 1
    assert (await parts.store.find_claim("moon")).state is ClaimState.QUARANTINED


async def test_what_was_answered_just_before_a_front_ends_is_counted(parts: PipelineParts) -> None:
    async with parts.front() as pipeline:
        await pipeline.moderate(numbered(1, "cheese"))
        await pipeline.moderate_many([numbered(number, "cheese") for number in range(2, 6)])
    assert await parts.traffic.inner.surging({"moon": 20 - 5}, 0) == ["moon"]


async def test_a_post_asked_again_is_counted_once(parts: PipelineParts) -> None:
    async with parts.front() as pipeline:
        for _ in range(10):
            await pipeline.moderate(numbered(1, "cheese"))
    assert await parts.traffic.inner.surging({"moon": 18}, 30) == []
    assert await parts.traffic.inner.surging({"moon": 1}, 1) == ["moon"]
