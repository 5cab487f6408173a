"""The worker's half: each post decided once, poison set aside alone, outages survived."""

import asyncio
import time
from dataclasses import replace

import pytest

from service.domain.claim import Claim, ClaimState
from service.domain.decision import Category, Decision
from service.domain.judgement import Judgement
from service.domain.post import Post, Surface
from service.domain.verdict import Source, Verdict
from service.errors import StoreUnavailable
from service.moderation.deciding import MAX_ATTEMPTS, SET_ASIDE
from service.moderation.transport import Batch
from tests.factories import model_verdict, numbered
from tests.fixtures.pipeline import PipelineParts
from tests.waiting import until


def judgement_of(verdict: Verdict | None) -> Judgement:
    assert verdict
    assert verdict.judgement
    return verdict.judgement


async def verdicts(parts: PipelineParts, *posts: Post) -> list[Verdict | None]:
    found: list[Verdict | None] = await parts.store.inner.find([one.key for one in posts])
    return found


async def judged_after_kills(parts: PipelineParts, batch: Batch, killed: BaseException) -> int:
    """Deliver the batch until it is judged; how often the process was killed by it."""
    for kills in range(20):
        try:
            await parts.judging().judge(batch)
        except type(killed):
            continue
        return kills
    pytest.fail("the batch kills its worker for ever")


async def test_a_batch_is_judged_in_one_pass_recorded_cached_announced_and_answered(parts: PipelineParts) -> None:
    posts = [numbered(number) for number in range(5)]
    batch = replace(await parts.accepted(*posts), reply_to="front-1", deadline=time.time() + 5)
    reply = await parts.judging().judge(batch)
    assert [verdict.post for verdict in reply.verdicts] == [one.key for one in posts]
    assert {verdict.source for verdict in reply.verdicts} == {Source.MODEL}
    assert len(parts.classifier.passes) == 1
    assert await verdicts(parts, *posts) == list(reply.verdicts)
    assert parts.announcer.calls == ["announce"]
    assert await anext(parts.queue.replies("front-1")) == reply
    hits = await parts.cache.find(posts, judged_by=parts.classifier.judged_by, policy_version=parts.policy.version)
    assert [hit.verdict for hit in hits] == list(reply.verdicts)
    assert set(reply.verdicts[0].latency) == {"queue", "model"}


async def test_the_policy_decides_each_post_by_its_surface(parts: PipelineParts) -> None:
    batch = await parts.accepted(numbered(1, "a hoax"), numbered(2, "a hoax", surface=Surface.AD))
    reply = await parts.judging().judge(batch)
    assert [verdict.decision for verdict in reply.verdicts] == [Decision.ALLOW, Decision.REVIEW]
    assert reply.verdicts[1].ruling.categories == (Category.MISINFORMATION,)
    assert parts.classifier.passes == [["a hoax"]]


async def test_a_text_whose_judgement_is_cached_costs_no_pass(parts: PipelineParts) -> None:
    await parts.judging().judge(await parts.accepted(numbered(1, "the same words")))
    reply = await parts.judging().judge(await parts.accepted(numbered(2, "the same words"), numbered(3, "other words")))
    assert [verdict.source for verdict in reply.verdicts] == [Source.CACHE, Source.MODEL]
    assert parts.classifier.passes[1:] == [["other words"]]


async def test_a_batch_that_comes_twice_is_decided_once(parts: PipelineParts) -> None:
    batch = await parts.accepted(numbered(1), numbered(2))
    first = await parts.judging().judge(batch)
    again = await parts.judging().judge(batch)
    assert again.verdicts == first.verdicts
    assert len(parts.classifier.passes) == 1
    assert len(parts.told.verdicts) == 2


async def test_two_workers_with_the_same_batch_record_and_tell_of_each_post_once(parts: PipelineParts) -> None:
    batch = await parts.accepted(numbered(1), numbered(2))
    parts.store.gates["record"] = asyncio.Event()
    both = [asyncio.create_task(parts.judging().judge(batch)) for _ in range(2)]
    await until(lambda: parts.store.calls.count("record") == 2)
    parts.store.gates["record"].set()
    first, second = await asyncio.gather(*both)
    assert first.verdicts == second.verdicts
    assert sorted(verdict.post.name for verdict in parts.told.verdicts) == [numbered(1).name, numbered(2).name]


async def test_decided_posts_that_the_cache_forgot_are_cached_again(parts: PipelineParts) -> None:
    batch = await parts.accepted(numbered(1))
    await parts.store.record([numbered(1)], [model_verdict(numbered(1), policy_version=parts.policy.version)])
    await parts.judging().judge(batch)
    [hit] = await parts.cache.find(
        [numbered(1)], judged_by=parts.classifier.judged_by, policy_version=parts.policy.version
    )
    assert hit.verdict


async def test_posts_of_an_expired_batch_are_dropped_and_named(parts: PipelineParts) -> None:
    batch = replace(await parts.accepted(numbered(1)), reply_to="front-1", deadline=time.time() - 0.1)
    reply = await parts.judging().judge(batch)
    assert (reply.verdicts, reply.dropped) == ((), (numbered(1).key,))
    assert await anext(parts.queue.replies("front-1")) == reply
    assert parts.classifier.passes == []
    assert await parts.store.undecided([numbered(1).key]) == {numbered(1).key}


async def test_a_post_that_was_never_accepted_is_left_out(parts: PipelineParts) -> None:
    reply = await parts.judging().judge(Batch("batch-1", (numbered(1),), sent_at=time.time()))
    assert reply.verdicts == ()
    assert await verdicts(parts, numbered(1)) == [None]


async def test_a_post_that_fails_the_model_is_set_aside_and_its_mates_are_judged(parts: PipelineParts) -> None:
    parts.classifier.failures["poison"] = ValueError("index out of range")
    mates = [numbered(number) for number in range(4)]
    reply = await parts.judging().judge(await parts.accepted(*mates[:2], numbered(9, "poison"), *mates[2:]))
    stands = {verdict.post: verdict for verdict in reply.verdicts}
    assert {stands[mate.key].source for mate in mates} == {Source.MODEL}
    aside = stands[numbered(9, "poison").key]
    assert (aside.source, aside.decision, aside.skipped) == (Source.SET_ASIDE, Decision.REVIEW, (SET_ASIDE,))
    assert aside.judgement is None
    assert sum("poison" in texts for texts in parts.classifier.passes[1:]) == MAX_ATTEMPTS


@pytest.mark.parametrize("place", [0, 2, 4])
async def test_a_post_that_kills_its_worker_is_set_aside_after_three_attempts_and_no_mate_is(
    parts: PipelineParts, killed: BaseException, place: int
) -> None:
    parts.classifier.failures["poison"] = killed
    posts = [numbered(number) for number in range(4)]
    posts.insert(place, numbered(9, "poison"))
    kills = await judged_after_kills(parts, await parts.accepted(*posts), killed)
    assert kills == MAX_ATTEMPTS
    sources = {verdict.post: verdict.source for verdict in await verdicts(parts, *posts) if verdict}
    aside = sources.pop(numbered(9, "poison").key)
    assert aside is Source.SET_ASIDE
    assert set(sources.values()) == {Source.MODEL}
    assert len(sources) == 4


async def test_several_posts_that_kill_their_worker_take_no_mate_with_them(
    parts: PipelineParts, killed: BaseException
) -> None:
    parts.classifier.failures["poison"] = killed
    poisons = [numbered(number, f"poison {number}") for number in (1, 3, 5)]
    mates = [numbered(number) for number in (0, 2, 4, 6)]
    batch = await parts.accepted(*sorted([*poisons, *mates], key=lambda one: one.id))
    await judged_after_kills(parts, batch, killed)
    assert {verdict.source for verdict in await verdicts(parts, *mates) if verdict} == {Source.MODEL}
    assert {verdict.source for verdict in await verdicts(parts, *poisons) if verdict} == {Source.SET_ASIDE}


async def test_new_mates_of_a_suspect_are_judged_together_before_it(
    parts: PipelineParts, killed: BaseException
) -> None:
    parts.classifier.failures["poison"] = killed
    poison = numbered(9, "poison")
    with pytest.raises(type(killed)):
        await parts.judging().judge(await parts.accepted(poison))
    with pytest.raises(type(killed)):
        await parts.judging().judge(await parts.accepted(poison, numbered(1), numbered(2)))
    assert parts.classifier.passes[1:] == [[numbered(1).text, numbered(2).text], ["poison"]]
    assert None not in await verdicts(parts, numbered(1), numbered(2))


async def test_an_outage_of_the_store_is_no_posts_fault(parts: PipelineParts) -> None:
    batch = await parts.accepted(numbered(1), numbered(2))
    parts.store.failing = {"record"}
    for _ in range(MAX_ATTEMPTS + 2):
        with pytest.raises(StoreUnavailable):
            await parts.judging().judge(batch)
    parts.store.failing = set()
    reply = await parts.judging().judge(batch)
    assert [verdict.source for verdict in reply.verdicts] == [Source.MODEL] * 2


async def test_while_the_store_is_away_nothing_is_begun_or_answered(parts: PipelineParts) -> None:
    batch = replace(await parts.accepted(numbered(1)), reply_to="front-1")
    parts.store.away = True
    with pytest.raises(StoreUnavailable):
        await parts.judging().judge(batch)
    assert parts.classifier.passes == []
    assert parts.queue.calls == []


async def test_while_redis_is_away_posts_are_judged_and_recorded_all_the_same(parts: PipelineParts) -> None:
    batch = replace(await parts.accepted(numbered(1)), reply_to="front-1", deadline=time.time() + 5)
    parts.redis_away()
    await parts.judging().judge(batch)
    assert None not in await verdicts(parts, numbered(1))
    assert {where for where, _ in parts.told.failures} == {
        "attempts",
        "cache",
        "announce",
        "reply",
        "clusters",
        "claim_traffic",
    }


async def test_poison_is_set_aside_even_while_redis_is_away(parts: PipelineParts) -> None:
    parts.classifier.failures["poison"] = ValueError("index out of range")
    parts.redis_away()
    reply = await parts.judging().judge(await parts.accepted(numbered(9, "poison"), numbered(1)))
    assert {verdict.post.name: verdict.source for verdict in reply.verdicts} == {
        numbered(9).name: Source.SET_ASIDE,
        numbered(1).name: Source.MODEL,
    }


async def test_a_judged_post_leaves_no_attempt_behind(parts: PipelineParts) -> None:
    parts.classifier.failures["poison"] = ValueError("index out of range")
    posts = [numbered(1), numbered(9, "poison")]
    await parts.judging().judge(await parts.accepted(*posts))
    assert await parts.attempts.counts([one.key for one in posts]) == [0, 0]


# Claims and clusters ----------------------------------------------------------------------------------------------


async def test_a_matched_claim_moves_misinformation_and_the_rebuttal_is_left_alone(parts: PipelineParts) -> None:
    batch = await parts.accepted(
        numbered(1, "the moon is cheese"), numbered(2, "it is cheese says who?"), numbered(3, "stone")
    )
    repeats, rebuts, other = (await parts.judging().judge(batch)).verdicts
    probabilities = [judgement_of(one).signals["misinformation"].probability for one in (repeats, rebuts, other)]
    assert probabilities[0] > 0.8
    assert probabilities[1:] == [pytest.approx(0.03, abs=0.001)] * 2
    [match] = judgement_of(repeats).evidence.matches
    assert (match.claim_id, match.weight > 0) == ("moon", True)


async def test_texts_that_carry_the_same_share_a_cluster(parts: PipelineParts) -> None:
    first, other = numbered(1, "buy this very cheap watch today"), numbered(2, "something else was said there")
    await parts.judging().judge(await parts.accepted(first))
    near = [numbered(3, "buy this very cheap watch NOW"), numbered(4, "buy this very cheap one")]
    reply = await parts.judging().judge(await parts.accepted(other, *near))
    clusters = [judgement_of(verdict).cluster for verdict in reply.verdicts]
    assert clusters == [other.content_digest, first.content_digest, first.content_digest]
    [hit] = await parts.cache.find(near[:1], judged_by=parts.classifier.judged_by, policy_version=parts.policy.version)
    assert hit.judgement.cluster == first.content_digest


async def test_a_judgement_from_the_cache_keeps_its_cluster(parts: PipelineParts) -> None:
    await parts.judging().judge(await parts.accepted(numbered(1, "buy this very cheap watch today")))
    twin = numbered(2, "buy this very cheap watch today")
    [verdict] = (await parts.judging().judge(await parts.accepted(twin))).verdicts
    assert (verdict.source, judgement_of(verdict).cluster) == (Source.CACHE, twin.content_digest)
    assert parts.clusters.calls == ["assign"]


async def test_without_redis_each_text_is_a_cluster_of_its_own(parts: PipelineParts) -> None:
    posts = [numbered(1, "buy this very cheap watch today"), numbered(2, "buy this very cheap watch now")]
    parts.clusters.away = True
    reply = await parts.judging().judge(await parts.accepted(*posts))
    assert [judgement_of(verdict).cluster for verdict in reply.verdicts] == [one.content_digest for one in posts]


async def test_a_claim_that_surges_is_quarantined_and_weighs_nothing_from_that_batch_on(
    parts: PipelineParts, cheese_claim: Claim
) -> None:
    await parts.store.inner.put([cheese_claim])
    judging = parts.judging()
    few = [numbered(number, f"cheese number {number}") for number in range(15)]
    before = (await judging.judge(await parts.accepted(*few))).verdicts
    many = [numbered(number, f"cheese number {number}") for number in range(15, 40)]
    after = (await judging.judge(await parts.accepted(*many))).verdicts
    assert {judgement_of(one).signals["misinformation"].probability > 0.8 for one in before} == {True}
    assert {judgement_of(one).signals["misinformation"].probability for one in after} == {0.03}
    assert {judgement_of(one).evidence.matches[0].quarantined for one in after} == {True}
    assert (await parts.store.find_claim("moon")).state is ClaimState.QUARANTINED
    assert parts.told.quarantines == ["moon"]


async def test_texts_that_are_only_read_have_no_claim_quarantined(parts: PipelineParts, cheese_claim: Claim) -> None:
    await parts.store.inner.put([cheese_claim])
    judging = parts.judging()
    posts = tuple(numbered(number, f"cheese number {number}") for number in range(40))
    read = Batch("batch-1", posts, sent_at=time.time(), recorded=False)
    told = (await judging.judge(read)).verdicts
    assert {judgement_of(one).signals["misinformation"].probability > 0.8 for one in told} == {True}
    assert parts.traffic.calls == []
    few = [numbered(number, f"cheese number {number}") for number in range(100, 119)]
    await judging.judge(await parts.accepted(*few))
    assert (await parts.store.find_claim("moon")).state is ClaimState.ACTIVE
    await judging.judge(await parts.accepted(numbered(119, "cheese once more")))
    assert (await parts.store.find_claim("moon")).state is ClaimState.QUARANTINED
