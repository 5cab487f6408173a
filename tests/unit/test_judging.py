"""The worker's half: each post decided once, poison set aside alone, outages survived."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.domain.claim import Claim, ClaimState
from service.domain.decision import Category, Decision
from service.domain.post import Post, Surface
from service.domain.verdict import Source, Verdict
from service.errors import StoreUnavailable
from service.moderation.deciding import MAX_ATTEMPTS, SET_ASIDE
from service.moderation.transport import Batch

PostOf = Callable[..., Post]
VerdictOn = Callable[..., Verdict]


async def verdicts(house: Any, *posts: Post) -> list[Verdict | None]:
    found: list[Verdict | None] = await house.store.inner.find([one.key for one in posts])
    return found


async def judged_after_kills(house: Any, batch: Batch, killed: BaseException) -> int:
    """Deliver the batch until it is judged; how often the process was killed by it."""
    for kills in range(20):
        try:
            await house.judging().judge(batch)
        except type(killed):
            continue
        return kills
    pytest.fail("the batch kills its worker for ever")


async def test_a_batch_is_judged_in_one_pass_recorded_cached_announced_and_answered(house: Any, post: PostOf):
    posts = [post(number) for number in range(5)]
    batch = replace(await house.accepted(*posts), reply_to="front-1", deadline=time.time() + 5)
    reply = await house.judging().judge(batch)
    assert [verdict.post for verdict in reply.verdicts] == [one.key for one in posts]
    assert {verdict.source for verdict in reply.verdicts} == {Source.MODEL}
    assert len(house.classifier.passes) == 1
    assert await verdicts(house, *posts) == list(reply.verdicts)
    assert house.announcer.calls == ["announce"]
    assert await anext(house.queue.replies("front-1")) == reply
    hits = await house.cache.find(posts, judged_by=house.classifier.judged_by, policy_version=house.policy.version)
    assert [hit.verdict for hit in hits] == list(reply.verdicts)
    assert set(reply.verdicts[0].latency) == {"queue", "model"}


async def test_the_policy_decides_each_post_by_its_surface(house: Any, post: PostOf):
    batch = await house.accepted(post(1, "a hoax"), post(2, "a hoax", surface=Surface.AD))
    reply = await house.judging().judge(batch)
    assert [verdict.decision for verdict in reply.verdicts] == [Decision.ALLOW, Decision.REVIEW]
    assert reply.verdicts[1].ruling.categories == (Category.MISINFORMATION,)
    assert house.classifier.passes == [["a hoax"]]


async def test_a_text_whose_judgement_is_cached_costs_no_pass(house: Any, post: PostOf):
    await house.judging().judge(await house.accepted(post(1, "the same words")))
    reply = await house.judging().judge(await house.accepted(post(2, "the same words"), post(3, "other words")))
    assert [verdict.source for verdict in reply.verdicts] == [Source.CACHE, Source.MODEL]
    assert house.classifier.passes[1:] == [["other words"]]


async def test_a_batch_that_comes_twice_is_decided_once(house: Any, post: PostOf):
    batch = await house.accepted(post(1), post(2))
    first = await house.judging().judge(batch)
    again = await house.judging().judge(batch)
    assert again.verdicts == first.verdicts
    assert len(house.classifier.passes) == 1
    assert len(house.observer.verdicts) == 2


async def test_two_workers_with_the_same_batch_record_and_tell_of_each_post_once(house: Any, post: PostOf, until: Any):
    batch = await house.accepted(post(1), post(2))
    house.store.gates["record"] = asyncio.Event()
    both = [asyncio.create_task(house.judging().judge(batch)) for _ in range(2)]
    await until(lambda: house.store.calls.count("record") == 2)
    house.store.gates["record"].set()
    first, second = await asyncio.gather(*both)
    assert first.verdicts == second.verdicts
    assert sorted(verdict.post.name for verdict in house.observer.verdicts) == [post(1).name, post(2).name]


async def test_decided_posts_that_the_cache_forgot_are_cached_again(house: Any, post: PostOf, verdict_on: VerdictOn):
    batch = await house.accepted(post(1))
    await house.store.record([post(1)], [verdict_on(post(1), policy_version=house.policy.version)])
    await house.judging().judge(batch)
    [hit] = await house.cache.find([post(1)], judged_by=house.classifier.judged_by, policy_version=house.policy.version)
    assert hit.verdict


async def test_posts_of_an_expired_batch_are_dropped_and_named(house: Any, post: PostOf):
    batch = replace(await house.accepted(post(1)), reply_to="front-1", deadline=time.time() - 0.1)
    reply = await house.judging().judge(batch)
    assert (reply.verdicts, reply.dropped) == ((), (post(1).key,))
    assert await anext(house.queue.replies("front-1")) == reply
    assert house.classifier.passes == []
    assert await house.store.undecided([post(1).key]) == {post(1).key}


async def test_a_post_that_was_never_accepted_is_left_out(house: Any, post: PostOf):
    reply = await house.judging().judge(Batch("batch-1", (post(1),), sent_at=time.time()))
    assert reply.verdicts == ()
    assert await verdicts(house, post(1)) == [None]


async def test_a_post_that_fails_the_model_is_set_aside_and_its_mates_are_judged(house: Any, post: PostOf):
    house.classifier.failures["poison"] = ValueError("index out of range")
    mates = [post(number) for number in range(4)]
    reply = await house.judging().judge(await house.accepted(*mates[:2], post(9, "poison"), *mates[2:]))
    stands = {verdict.post: verdict for verdict in reply.verdicts}
    assert {stands[mate.key].source for mate in mates} == {Source.MODEL}
    aside = stands[post(9, "poison").key]
    assert (aside.source, aside.decision, aside.skipped) == (Source.SET_ASIDE, Decision.REVIEW, (SET_ASIDE,))
    assert aside.judgement is None
    assert sum("poison" in texts for texts in house.classifier.passes[1:]) == MAX_ATTEMPTS


@pytest.mark.parametrize("place", [0, 2, 4])
async def test_a_post_that_kills_its_worker_is_set_aside_after_three_attempts_and_no_mate_is(
    house: Any, post: PostOf, killed: BaseException, place: int
):
    house.classifier.failures["poison"] = killed
    posts = [post(number) for number in range(4)]
    posts.insert(place, post(9, "poison"))
    kills = await judged_after_kills(house, await house.accepted(*posts), killed)
    assert kills == MAX_ATTEMPTS
    sources = {verdict.post: verdict.source for verdict in await verdicts(house, *posts) if verdict}
    aside = sources.pop(post(9, "poison").key)
    assert aside is Source.SET_ASIDE
    assert set(sources.values()) == {Source.MODEL}
    assert len(sources) == 4


async def test_several_posts_that_kill_their_worker_take_no_mate_with_them(
    house: Any, post: PostOf, killed: BaseException
):
    house.classifier.failures["poison"] = killed
    poisons = [post(number, f"poison {number}") for number in (1, 3, 5)]
    mates = [post(number) for number in (0, 2, 4, 6)]
    batch = await house.accepted(*sorted([*poisons, *mates], key=lambda one: one.id))
    await judged_after_kills(house, batch, killed)
    assert {verdict.source for verdict in await verdicts(house, *mates) if verdict} == {Source.MODEL}
    assert {verdict.source for verdict in await verdicts(house, *poisons) if verdict} == {Source.SET_ASIDE}


async def test_new_mates_of_a_suspect_are_judged_together_before_it(house: Any, post: PostOf, killed: BaseException):
    house.classifier.failures["poison"] = killed
    poison = post(9, "poison")
    with pytest.raises(type(killed)):
        await house.judging().judge(await house.accepted(poison))
    with pytest.raises(type(killed)):
        await house.judging().judge(await house.accepted(poison, post(1), post(2)))
    assert house.classifier.passes[1:] == [[post(1).text, post(2).text], ["poison"]]
    assert None not in await verdicts(house, post(1), post(2))


async def test_an_outage_of_the_store_is_no_posts_fault(house: Any, post: PostOf):
    batch = await house.accepted(post(1), post(2))
    house.store.failing = {"record"}
    for _ in range(MAX_ATTEMPTS + 2):
        with pytest.raises(StoreUnavailable):
            await house.judging().judge(batch)
    house.store.failing = set()
    reply = await house.judging().judge(batch)
    assert [verdict.source for verdict in reply.verdicts] == [Source.MODEL] * 2


async def test_while_the_store_is_away_nothing_is_begun_or_answered(house: Any, post: PostOf):
    batch = replace(await house.accepted(post(1)), reply_to="front-1")
    house.store.away = True
    with pytest.raises(StoreUnavailable):
        await house.judging().judge(batch)
    assert house.classifier.passes == []
    assert house.queue.calls == []


async def test_while_redis_is_away_posts_are_judged_and_recorded_all_the_same(house: Any, post: PostOf):
    batch = replace(await house.accepted(post(1)), reply_to="front-1", deadline=time.time() + 5)
    house.redis_away()
    await house.judging().judge(batch)
    assert None not in await verdicts(house, post(1))
    assert {where for where, _ in house.observer.failures} == {
        "attempts",
        "cache",
        "announce",
        "reply",
        "clusters",
        "claim_traffic",
    }


async def test_poison_is_set_aside_even_while_redis_is_away(house: Any, post: PostOf):
    house.classifier.failures["poison"] = ValueError("index out of range")
    house.redis_away()
    reply = await house.judging().judge(await house.accepted(post(9, "poison"), post(1)))
    assert {verdict.post.name: verdict.source for verdict in reply.verdicts} == {
        post(9).name: Source.SET_ASIDE,
        post(1).name: Source.MODEL,
    }


async def test_a_judged_post_leaves_no_attempt_behind(house: Any, post: PostOf):
    house.classifier.failures["poison"] = ValueError("index out of range")
    posts = [post(1), post(9, "poison")]
    await house.judging().judge(await house.accepted(*posts))
    assert await house.attempts.counts([one.key for one in posts]) == [0, 0]


# Claims and clusters ----------------------------------------------------------------------------------------------


async def test_a_matched_claim_moves_misinformation_and_the_rebuttal_is_left_alone(house: Any, post: PostOf):
    batch = await house.accepted(post(1, "the moon is cheese"), post(2, "it is cheese says who?"), post(3, "stone"))
    repeats, rebuts, other = (await house.judging().judge(batch)).verdicts
    probabilities = [one.judgement.signals["misinformation"].probability for one in (repeats, rebuts, other)]
    assert probabilities[0] > 0.8
    assert probabilities[1:] == [pytest.approx(0.03, abs=0.001)] * 2
    [match] = repeats.judgement.evidence.matches
    assert (match.claim_id, match.weight > 0) == ("moon", True)


async def test_texts_that_carry_the_same_share_a_cluster(house: Any, post: PostOf):
    first, other = post(1, "buy this very cheap watch today"), post(2, "something else was said there")
    await house.judging().judge(await house.accepted(first))
    near = [post(3, "buy this very cheap watch NOW"), post(4, "buy this very cheap one")]
    reply = await house.judging().judge(await house.accepted(other, *near))
    clusters = [verdict.judgement.cluster for verdict in reply.verdicts]
    assert clusters == [other.content_digest, first.content_digest, first.content_digest]
    [hit] = await house.cache.find(near[:1], judged_by=house.classifier.judged_by, policy_version=house.policy.version)
    assert hit.judgement.cluster == first.content_digest


async def test_a_judgement_from_the_cache_keeps_its_cluster(house: Any, post: PostOf):
    await house.judging().judge(await house.accepted(post(1, "buy this very cheap watch today")))
    twin = post(2, "buy this very cheap watch today")
    [verdict] = (await house.judging().judge(await house.accepted(twin))).verdicts
    assert (verdict.source, verdict.judgement.cluster) == (Source.CACHE, twin.content_digest)
    assert house.clusters.calls == ["assign"]


async def test_without_redis_each_text_is_a_cluster_of_its_own(house: Any, post: PostOf):
    posts = [post(1, "buy this very cheap watch today"), post(2, "buy this very cheap watch now")]
    house.clusters.away = True
    reply = await house.judging().judge(await house.accepted(*posts))
    assert [verdict.judgement.cluster for verdict in reply.verdicts] == [one.content_digest for one in posts]


async def test_a_claim_that_surges_is_quarantined_and_weighs_nothing_from_that_batch_on(
    house: Any, post: PostOf, claim: Claim
):
    await house.store.inner.put([claim])
    judging = house.judging()
    few = [post(number, f"cheese number {number}") for number in range(15)]
    before = (await judging.judge(await house.accepted(*few))).verdicts
    many = [post(number, f"cheese number {number}") for number in range(15, 40)]
    after = (await judging.judge(await house.accepted(*many))).verdicts
    assert {one.judgement.signals["misinformation"].probability > 0.8 for one in before} == {True}
    assert {one.judgement.signals["misinformation"].probability for one in after} == {0.03}
    assert {one.judgement.evidence.matches[0].quarantined for one in after} == {True}
    assert (await house.store.find_claim("moon")).state is ClaimState.QUARANTINED
    assert house.observer.quarantines == ["moon"]


async def test_texts_that_are_only_read_have_no_claim_quarantined(house: Any, post: PostOf, claim: Claim):
    await house.store.inner.put([claim])
    judging = house.judging()
    posts = tuple(post(number, f"cheese number {number}") for number in range(40))
    read = Batch("batch-1", posts, sent_at=time.time(), recorded=False)
    told = (await judging.judge(read)).verdicts
    assert {one.judgement.signals["misinformation"].probability > 0.8 for one in told} == {True}
    assert house.traffic.calls == []
    few = [post(number, f"cheese number {number}") for number in range(100, 119)]
    await judging.judge(await house.accepted(*few))
    assert (await house.store.find_claim("moon")).state is ClaimState.ACTIVE
    await judging.judge(await house.accepted(post(119, "cheese once more")))
    assert (await house.store.find_claim("moon")).state is ClaimState.QUARANTINED
