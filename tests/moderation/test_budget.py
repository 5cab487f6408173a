"""The daily budget in front and worker: what is counted, what becomes of actions beyond it, and while Redis is away."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Judgement
from service.domain.post import Post, Surface
from service.domain.verdict import Source, Verdict
from service.moderation.transport import Batch
from service.policy.document import parse
from service.policy.policy import Policy
from tests.factories import numbered
from tests.fixtures.pipeline import PipelineParts

REDUCE, REVIEW, BLOCK = Decision.REDUCE, Decision.REVIEW, Decision.BLOCK
ACTING = """
schema: 1
name: acting
description: Reduces hoaxes, blocks stories from XX.
defaults: {abstained: ALLOW}
rules:
  - name: hoax
    when: {signals: {misinformation: {at_least: 0.9}}, words: {at_least: 20}}
    then: REDUCE
    category: MISINFORMATION
    reason: Looks misleading.
  - name: delve
    when: {signals: {ai_generated: {at_least: 0.9}}}
    then: LABEL
    category: AI_GENERATED
    reason: Looks machine-written.
  - name: banned
    when: {regions: [XX]}
    then: REDUCE
    category: FRAUD
    reason: Not served there.
budget: {automatic_actions_per_day: 2}
"""
HOAX = "a hoax " * 12


@pytest.fixture
def keyword_policy() -> Policy:
    return parse(ACTING)


@pytest.fixture
def hoaxes() -> Callable[..., list[Post]]:
    """Makes posts that the policy reduces, numbered from `start`."""
    return lambda count, start=0: [numbered(n, f"{HOAX} number {n}") for n in range(start, start + count)]


def decisions(verdicts: Any) -> list[Decision]:
    return [verdict.decision for verdict in verdicts]


async def judged(parts: PipelineParts, *posts: Post) -> list[Any]:
    reply = await parts.judging().judge(await parts.accepted(*posts))
    return list(reply.verdicts)


class TestWorker:
    async def test_beyond_the_budget_a_person_is_asked(
        self, parts: PipelineParts, hoaxes: Callable[..., list[Post]]
    ) -> None:
        verdicts = await judged(parts, *hoaxes(4))
        assert decisions(verdicts) == [REDUCE, REDUCE, REVIEW, REVIEW]
        assert verdicts[0].ruling.rules == ("hoax",)
        assert verdicts[3].ruling == Ruling(REVIEW, (Category.MISINFORMATION,), ("hoax.over_budget",))
        assert parts.told.breakers == [2]
        assert (await parts.actions.state()).opened_at is not None
        assert decisions(await parts.recorded(*hoaxes(4))) == decisions(verdicts)

    async def test_a_batch_costs_one_round_trip_and_nothing_where_none_acts(
        self, parts: PipelineParts, hoaxes: Callable[..., list[Post]]
    ) -> None:
        await judged(parts, numbered(1), numbered(2, "delve"))
        assert parts.actions.calls == []
        await judged(parts, *hoaxes(3, start=10))
        assert parts.actions.calls == ["spend"]

    async def test_a_batch_that_comes_twice_costs_once(
        self, parts: PipelineParts, hoaxes: Callable[..., list[Post]]
    ) -> None:
        parts.store.failing = {"record"}
        for _ in range(3):
            with pytest.raises(Exception, match="away"):
                await judged(parts, *hoaxes(2))
        parts.store.failing = set()
        assert decisions(await judged(parts, *hoaxes(2))) == [REDUCE, REDUCE]
        assert (await parts.actions.state()).spent == 2

    async def test_what_is_only_read_costs_nothing(
        self, parts: PipelineParts, hoaxes: Callable[..., list[Post]]
    ) -> None:
        await parts.judging().judge(Batch("b", tuple(hoaxes(5)), recorded=False))
        assert parts.actions.calls == []

    async def test_a_rule_about_the_post_is_not_counted(self, parts: PipelineParts) -> None:
        posts = [numbered(n, f"{HOAX} {n}", region="XX") for n in range(5)]
        assert decisions(await judged(parts, *posts)) == [REDUCE] * 5
        assert parts.actions.calls == []

    async def test_while_redis_is_away_nobody_acts(
        self, parts: PipelineParts, hoaxes: Callable[..., list[Post]]
    ) -> None:
        parts.redis_away()
        verdicts = await judged(parts, *hoaxes(2))
        assert decisions(verdicts) == [REVIEW, REVIEW]
        assert verdicts[0].ruling.rules == ("hoax.budget_unknown",)
        assert "budget" in [where for where, _ in parts.told.failures]


class TestFront:
    async def test_texts_that_are_known_are_counted_by_post(self, parts: PipelineParts) -> None:
        async with parts.front() as front:
            first = await front.moderate(numbered(1, HOAX))
            again = [await front.moderate(numbered(1, HOAX)) for _ in range(5)]
            assert decisions([first, *again]) == [REDUCE] * 6
            assert (await parts.actions.state()).spent == 1
            copies = await front.moderate_many([numbered(n, HOAX) for n in range(2, 6)])
            assert decisions(copies) == [REDUCE, REVIEW, REVIEW, REVIEW]
            assert {verdict.source for verdict in copies if isinstance(verdict, Verdict)} == {Source.CACHE}
            assert parts.actions.calls.count("spend") == 2

    async def test_once_a_person_closed_the_breaker_there_is_as_much_again(
        self, parts: PipelineParts, hoaxes: Callable[..., list[Post]]
    ) -> None:
        async with parts.front() as front:
            assert decisions(await front.moderate_many(hoaxes(3))) == [REDUCE, REDUCE, REVIEW]
            await parts.actions.close()
            found = decisions(await front.moderate_many(hoaxes(3, start=3)))
            assert sorted(found) == [REDUCE, REDUCE, REVIEW]
            assert decisions(await front.moderate_many(hoaxes(3))) == [REDUCE, REDUCE, REVIEW]  # as decided

    async def test_many_calls_at_once_never_act_more_often(
        self, parts: PipelineParts, hoaxes: Callable[..., list[Post]]
    ) -> None:
        async with parts.front() as front:
            found = await asyncio.gather(*(front.moderate(each) for each in hoaxes(30)))
        assert decisions(found).count(REDUCE) == 2


class TestPolicy:
    def judgement(self, post: Post, **probabilities: float) -> Judgement:
        from service.domain.judgement import Signal

        signals = {name: Signal(name, p, 0.0, p, p) for name, p in probabilities.items()}
        return Judgement(content_digest=post.content_digest, model_version="m", signals=signals, words=30)

    def test_what_is_automatic(self, keyword_policy: Policy) -> None:
        plain, banned = numbered(1), numbered(2, region="XX")
        acting = keyword_policy.decide(plain, self.judgement(plain, misinformation=0.95, ai_generated=0.95))
        assert acting.rules == ("hoax", "delve")
        assert keyword_policy.automatic(acting)
        held = keyword_policy.restrained(acting, "over_budget")
        assert (held.decision, held.rules) == (REVIEW, ("hoax.over_budget", "delve"))
        assert not keyword_policy.automatic(held)
        both = keyword_policy.decide(banned, self.judgement(banned, misinformation=0.95))
        assert set(both.rules) == {"hoax", "banned"}
        assert not keyword_policy.automatic(both)
        for ruling in (
            Ruling(Decision.ALLOW),
            Ruling(REVIEW, (), ("hoax",)),
            Ruling(BLOCK, (), ("moderator",), "hate", "cases/1"),
            Ruling(BLOCK, (Category.TEST,), ("test_string",)),
            Ruling(REDUCE, (), ("hoax.uncertified_model",)),
        ):
            assert not keyword_policy.automatic(ruling)

    def test_without_a_budget_nothing_is_asked(self, keyword_policy: Policy) -> None:
        assert keyword_policy.budget == 2
        assert replace(keyword_policy, budget=None).budget is None
        assert keyword_policy.current is keyword_policy
        assert keyword_policy.abstained[Surface.FEED] is Decision.ALLOW
