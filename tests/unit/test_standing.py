"""What a person decided holds on every way to a verdict: from the cache, from the store, through a worker."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from service.domain.decision import Category, Decision, Standing
from service.domain.judgement import JudgedBy
from service.domain.post import Post
from service.domain.verdict import Source
from tests.fakes.standing import stand, withdraw

PostOf = Callable[..., Post]
BLOCKED = Standing("", Decision.BLOCK, (Category.HATE,), "hate-speech", "cases/1")


async def test_a_worker_obeys_what_was_decided_on_the_text_before(house: Any, post: PostOf) -> None:
    first, second = post(1, "the very words"), post(2, "the very words")
    await stand(house.store.inner, first.content_digest, BLOCKED)
    reply = await house.judging().judge(await house.accepted(first, second))
    for verdict in reply.verdicts:
        assert (verdict.decision, verdict.source) == (Decision.BLOCK, Source.MODERATOR)
        assert verdict.ruling.rules == ("moderator",)
        assert (verdict.ruling.reason, verdict.ruling.case) == ("hate-speech", "cases/1")


async def test_new_claims_or_a_new_bundle_undo_no_decision(house: Any, post: PostOf) -> None:
    await house.judging().judge(await house.accepted(post(1, "the very words")))
    await stand(house.store.inner, post(1, "the very words").content_digest, BLOCKED)
    house.classifier.judged_by = JudgedBy("keywords-2", "claims-2")
    [verdict] = (await house.judging().judge(await house.accepted(post(2, "the very words")))).verdicts
    assert verdict.decision is Decision.BLOCK


async def test_the_cache_answers_by_what_was_decided_since_it_was_filled(house: Any, post: PostOf) -> None:
    one = post(1, "the very words")
    async with house.front() as pipeline:
        before = await pipeline.moderate(one)
        assert before.decision is Decision.ALLOW
        assert before.judgement
        held = replace(before.judgement, standing=(BLOCKED,))
        await stand(house.store.inner, one.content_digest, BLOCKED)
        await house.cache.keep([held])
        after = await pipeline.moderate(one)
        assert (after.decision, after.source) == (Decision.BLOCK, Source.MODERATOR)
        twin = await pipeline.moderate(post(2, "the very words"))
        assert (twin.decision, twin.source) == (Decision.BLOCK, Source.MODERATOR)
        await withdraw(house.store.inner, one.content_digest, "cases/1")
        await house.cache.keep([before.judgement])
        assert (await pipeline.moderate(one)).decision is Decision.ALLOW


async def test_a_decision_on_one_post_leaves_its_twins_alone(house: Any, post: PostOf) -> None:
    one, two = post(1, "the very words"), post(2, "the very words")
    await stand(house.store.inner, one.content_digest, BLOCKED._replace(post=one.name))
    reply = await house.judging().judge(await house.accepted(one, two))
    assert [verdict.decision for verdict in reply.verdicts] == [Decision.BLOCK, Decision.ALLOW]
