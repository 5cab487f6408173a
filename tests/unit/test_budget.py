"""The daily budget in front and worker: what is counted, what becomes of actions beyond it, and while Redis is away."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Judgement
from service.domain.post import Post, Surface
from service.domain.verdict import Source
from service.moderation.transport import Batch
from service.policy.document import parse
from service.policy.policy import Policy

PostOf = Callable[..., Post]
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
def policy() -> Policy:
    return parse(ACTING)


@pytest.fixture
def hoaxes(post: PostOf) -> Callable[..., list[Post]]:
    """Makes posts that the policy reduces, numbered from `start`."""
    return lambda count, start=0: [post(n, f"{HOAX} number {n}") for n in range(start, start + count)]


def decisions(verdicts: Any) -> list[Decision]:
    return [verdict.decision for verdict in verdicts]


async def judged(house: Any, *posts: Post) -> list[Any]:
    reply = await house.judging().judge(await house.accepted(*posts))
    return list(reply.verdicts)


class TestWorker:
    async def test_beyond_the_budget_a_person_is_asked(self, house: Any, hoaxes: Any) -> None:
        verdicts = await judged(house, *hoaxes(4))
        assert decisions(verdicts) == [REDUCE, REDUCE, REVIEW, REVIEW]
        assert verdicts[0].ruling.rules == ("hoax",)
        assert verdicts[3].ruling == Ruling(REVIEW, (Category.MISINFORMATION,), ("hoax.over_budget",))
        assert house.observer.breakers == [2]
        assert (await house.actions.state()).opened_at is not None
        assert decisions(await house.recorded(*hoaxes(4))) == decisions(verdicts)

    async def test_a_batch_costs_one_round_trip_and_nothing_where_none_acts(
        self, house: Any, hoaxes: Any, post: PostOf
    ) -> None:
        await judged(house, post(1), post(2, "delve"))
        assert house.actions.calls == []
        await judged(house, *hoaxes(3, start=10))
        assert house.actions.calls == ["spend"]

    async def test_a_batch_that_comes_twice_costs_once(self, house: Any, hoaxes: Any) -> None:
        house.store.failing = {"record"}
        for _ in range(3):
            with pytest.raises(Exception, match="away"):
                await judged(house, *hoaxes(2))
        house.store.failing = set()
        assert decisions(await judged(house, *hoaxes(2))) == [REDUCE, REDUCE]
        assert (await house.actions.state()).spent == 2

    async def test_what_is_only_read_costs_nothing(self, house: Any, hoaxes: Any) -> None:
        await house.judging().judge(Batch("b", tuple(hoaxes(5)), recorded=False))
        assert house.actions.calls == []

    async def test_a_rule_about_the_post_is_not_counted(self, house: Any, post: PostOf) -> None:
        posts = [post(n, f"{HOAX} {n}", region="XX") for n in range(5)]
        assert decisions(await judged(house, *posts)) == [REDUCE] * 5
        assert house.actions.calls == []

    async def test_while_redis_is_away_nobody_acts(self, house: Any, hoaxes: Any) -> None:
        house.redis_away()
        verdicts = await judged(house, *hoaxes(2))
        assert decisions(verdicts) == [REVIEW, REVIEW]
        assert verdicts[0].ruling.rules == ("hoax.budget_unknown",)
        assert "budget" in [where for where, _ in house.observer.failures]


class TestFront:
    async def test_texts_that_are_known_are_counted_by_post(self, house: Any, post: PostOf) -> None:
        async with house.front() as front:
            first = await front.moderate(post(1, HOAX))
            again = [await front.moderate(post(1, HOAX)) for _ in range(5)]
            assert decisions([first, *again]) == [REDUCE] * 6
            assert (await house.actions.state()).spent == 1
            copies = await front.moderate_many([post(n, HOAX) for n in range(2, 6)])
            assert decisions(copies) == [REDUCE, REVIEW, REVIEW, REVIEW]
            assert {verdict.source for verdict in copies} == {Source.CACHE}
            assert house.actions.calls.count("spend") == 2

    async def test_once_a_person_closed_the_breaker_there_is_as_much_again(self, house: Any, hoaxes: Any) -> None:
        async with house.front() as front:
            assert decisions(await front.moderate_many(hoaxes(3))) == [REDUCE, REDUCE, REVIEW]
            await house.actions.close()
            found = decisions(await front.moderate_many(hoaxes(3, start=3)))
            assert sorted(found) == [REDUCE, REDUCE, REVIEW]
            assert decisions(await front.moderate_many(hoaxes(3))) == [REDUCE, REDUCE, REVIEW]  # as decided

    async def test_many_calls_at_once_never_act_more_often(self, house: Any, hoaxes: Any) -> None:
        async with house.front() as front:
            found = await asyncio.gather(*(front.moderate(each) for each in hoaxes(30)))
        assert decisions(found).count(REDUCE) == 2


class TestPolicy:
    def judgement(self, post: Post, **probabilities: float) -> Judgement:
        from service.domain.judgement import Signal

        signals = {name: Signal(name, p, 0.0, p, p) for name, p in probabilities.items()}
        return Judgement(content_digest=post.content_digest, model_version="m", signals=signals, words=30)

    def test_what_is_automatic(self, policy: Policy, post: PostOf) -> None:
        plain, banned = post(1), post(2, region="XX")
        acting = policy.decide(plain, self.judgement(plain, misinformation=0.95, ai_generated=0.95))
        assert acting.rules == ("hoax", "delve")
        assert policy.automatic(acting)
        held = policy.restrained(acting, "over_budget")
        assert (held.decision, held.rules) == (REVIEW, ("hoax.over_budget", "delve"))
        assert not policy.automatic(held)
        both = policy.decide(banned, self.judgement(banned, misinformation=0.95))
        assert set(both.rules) == {"hoax", "banned"}
        assert not policy.automatic(both)
        for ruling in (
            Ruling(Decision.ALLOW),
            Ruling(REVIEW, (), ("hoax",)),
            Ruling(BLOCK, (), ("moderator",), "hate", "cases/1"),
            Ruling(BLOCK, (Category.TEST,), ("test_string",)),
            Ruling(REDUCE, (), ("hoax.uncertified_model",)),
        ):
            assert not policy.automatic(ruling)

    def test_without_a_budget_nothing_is_asked(self, policy: Policy) -> None:
        assert policy.budget == 2
        assert replace(policy, budget=None).budget is None
        assert policy.current is policy
        assert policy.abstained[Surface.FEED] is Decision.ALLOW
