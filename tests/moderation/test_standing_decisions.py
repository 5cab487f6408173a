"""What a person decided holds on every way to a verdict: from the cache, from the store, through a worker."""

from dataclasses import replace

from service.domain.decision import Category, Decision, Standing
from service.domain.judgement import JudgedBy
from service.domain.verdict import Source
from tests.factories import numbered
from tests.fakes.standing import stand, withdraw
from tests.fixtures.pipeline import PipelineParts

BLOCKED = Standing("", Decision.BLOCK, (Category.HATE,), "hate-speech", "cases/1")


async def test_a_worker_obeys_what_was_decided_on_the_text_before(parts: PipelineParts) -> None:
    first, second = numbered(1, "the very words"), numbered(2, "the very words")
    await stand(parts.store.inner, first.content_digest, BLOCKED)
    reply = await parts.judging().judge(await parts.accepted(first, second))
    for verdict in reply.verdicts:
        assert (verdict.decision, verdict.source) == (Decision.BLOCK, Source.MODERATOR)
        assert verdict.ruling.rules == ("moderator",)
        assert (verdict.ruling.reason, verdict.ruling.case) == ("hate-speech", "cases/1")


async def test_new_claims_or_a_new_bundle_undo_no_decision(parts: PipelineParts) -> None:
    await parts.judging().judge(await parts.accepted(numbered(1, "the very words")))
    await stand(parts.store.inner, numbered(1, "the very words").content_digest, BLOCKED)
    parts.classifier.judged_by = JudgedBy("keywords-2", "claims-2")
    [verdict] = (await parts.judging().judge(await parts.accepted(numbered(2, "the very words")))).verdicts
    assert verdict.decision is Decision.BLOCK


async def test_the_cache_answers_by_what_was_decided_since_it_was_filled(parts: PipelineParts) -> None:
    one = numbered(1, "the very words")
    async with parts.front() as pipeline:
        before = await pipeline.moderate(one)
        assert before.decision is Decision.ALLOW
        assert before.judgement
        held = replace(before.judgement, standing=(BLOCKED,))
        await stand(parts.store.inner, one.content_digest, BLOCKED)
        await parts.cache.keep([held])
        after = await pipeline.moderate(one)
        assert (after.decision, after.source) == (Decision.BLOCK, Source.MODERATOR)
        twin = await pipeline.moderate(numbered(2, "the very words"))
        assert (twin.decision, twin.source) == (Decision.BLOCK, Source.MODERATOR)
        await withdraw(parts.store.inner, one.content_digest, "cases/1")
        await parts.cache.keep([before.judgement])
        assert (await pipeline.moderate(one)).decision is Decision.ALLOW


async def test_a_decision_on_one_post_leaves_its_twins_alone(parts: PipelineParts) -> None:
    one, two = numbered(1, "the very words"), numbered(2, "the very words")
    await stand(parts.store.inner, one.content_digest, BLOCKED._replace(post=one.name))
    reply = await parts.judging().judge(await parts.accepted(one, two))
    assert [verdict.decision for verdict in reply.verdicts] == [Decision.BLOCK, Decision.ALLOW]
