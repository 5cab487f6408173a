"""Decisions on both databases: what they do to verdicts, to other cases and to later posts, and how they are undone."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from service.domain.decision import Category, Decision, Standing
from service.domain.post import Post
from service.domain.verdict import Source, VerdictFilter
from service.errors import NotFound, Outdated
from service.policy.routing import Routing
from service.review.case import SECOND_OPINIONS, CaseFilter, CaseKind, CaseState, Ruled, Scope
from service.review.opening import case_for
from service.storage.tables.audit import AUDIT
from service.storage.tables.review import CASES
from tests.factories import posts_of
from tests.fixtures.review import UNDO, Reviewed, ruled, twins

BLOCK, ALLOW, LABEL, REVIEW = Decision.BLOCK, Decision.ALLOW, Decision.LABEL, Decision.REVIEW
POST = Scope.POST


async def audited(reviewed: Reviewed) -> list[tuple[str, str, str]]:
    """Actor, action and subject of each entry in the audit log."""
    async with reviewed.store.read() as connection:
        rows = (await connection.execute(select(AUDIT).order_by(AUDIT.c.number))).all()
    return [(row.actor, row.action, row.subject) for row in rows]


class TestDeciding:
    async def test_a_post_gets_what_a_person_decided(self, sql_reviewed: Reviewed) -> None:
        one, two = twins(count=2)
        case, other = await sql_reviewed.open([one, two])
        outcome = await sql_reviewed.decided(
            case, "m-1", ruled(BLOCK, Category.FRAUD, rationale="a known shop", scope=POST)
        )
        current = await sql_reviewed.current(one)
        assert outcome.verdicts == (current,)
        assert (current.decision, current.ruling.categories) == (BLOCK, (Category.FRAUD,))
        assert (current.ruling.reason, current.ruling.case, current.ruling.rules) == ("scam", case.name, ("moderator",))
        assert (current.source, current.revision) == (Source.MODERATOR, 1)
        assert current.judgement
        assert current.judgement.standing_for(one.name) == Standing(
            one.name, BLOCK, (Category.FRAUD,), "scam", case.name
        )
        assert (await sql_reviewed.current(two)).decision is REVIEW
        assert (await sql_reviewed.review.find_case(other.id)).state is CaseState.OPEN
        decided = await sql_reviewed.review.find_case(case.id)
        assert decided == outcome.case
        assert (decided.state, decided.decision, decided.lease_until) == (
            CaseState.DECIDED,
            outcome.decision.id,
            None,
        )
        [kept] = await sql_reviewed.review.decisions([one.name])
        assert kept == outcome.decision == await sql_reviewed.review.find_decision(kept.id)
        assert (kept.rationale, kept.seconds, kept.posts, kept.applied) == ("a known shop", 3.0, 1, True)
        assert kept.flagged == (Category.FRAUD,)

    async def test_a_text_holds_for_all_that_carry_it_now(self, sql_reviewed: Reviewed) -> None:
        same, [another] = twins(), posts_of(1, start=7)
        [case, *others, apart] = await sql_reviewed.open([*same, another])
        held = await sql_reviewed.lease("m-2", CaseFilter(post=same[1].name))
        outcome = await sql_reviewed.decided(case, "m-1", ruled(LABEL, Category.MISINFORMATION))
        assert [(await sql_reviewed.current(post)).decision for post in same] == [LABEL] * 3
        assert len(outcome.verdicts) == outcome.decision.posts == 3
        for other in others:
            along = await sql_reviewed.review.find_case(other.id)
            assert (along.state, along.decision, along.holder) == (CaseState.DECIDED, outcome.decision.id, "")
        assert (await sql_reviewed.review.find_case(apart.id)).state is CaseState.OPEN
        with pytest.raises(Outdated, match="decided already"):
            await sql_reviewed.decide(held[0], "m-2", ruled())

    async def test_and_later(self, sql_reviewed: Reviewed) -> None:
        first, later = twins(count=2)
        [case] = await sql_reviewed.open([first])
        await sql_reviewed.decided(case, "m-1", ruled(BLOCK))
        [recorded] = await sql_reviewed.store.record([later], [sql_reviewed.asking(later)])
        assert recorded.judgement
        standing = Standing("", BLOCK, (Category.FRAUD,), "scam", case.name)
        assert recorded.judgement.standing == (standing,)
        assert await sql_reviewed.review.open_cases([case_for(later, recorded, Routing())]) == [True]
        [enforced] = await sql_reviewed.review.enforce([first.name, later.name])
        assert (enforced.post, enforced.decision, enforced.ruling.case) == (later.key, BLOCK, case.name)
        assert await sql_reviewed.review.enforce([first.name, later.name]) == []
        assert await sql_reviewed.current(later) == enforced

    async def test_new_verdicts_reach_whoever_follows(self, sql_reviewed: Reviewed) -> None:
        posts = twins()
        [case, *_] = await sql_reviewed.open(posts)
        _, cursor = await sql_reviewed.store.after(None, VerdictFilter(), 1)
        outcome = await sql_reviewed.decided(case, "m-1", ruled())
        followed, _ = await sql_reviewed.store.after(cursor, VerdictFilter(), 10)
        assert tuple(followed) == outcome.verdicts
        assert [verdict.revision for verdict in followed] == [1] * 3

    async def test_a_post_decided_for_itself_keeps_its_decision(self, sql_reviewed: Reviewed) -> None:
        one, two, three = twins()
        cases = await sql_reviewed.open([one, two, three])
        await sql_reviewed.decided(cases[0], "m-1", ruled(ALLOW, scope=POST))
        await sql_reviewed.decided(cases[1], "m-2", ruled(BLOCK))
        assert [(await sql_reviewed.current(post)).decision for post in (one, two, three)] == [ALLOW, BLOCK, BLOCK]

    async def test_a_post_edited_since_is_left_alone(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        [case] = await sql_reviewed.open([post])
        await sql_reviewed.lease("m-1")
        edited = replace(post, text="Edited")
        await sql_reviewed.store.record([edited], [sql_reviewed.asking(edited, LABEL)])
        outcome = await sql_reviewed.decide(case, "m-1", ruled(BLOCK))
        assert outcome.verdicts == ()
        assert (await sql_reviewed.current(edited)).decision is LABEL

    async def test_a_set_aside_post_has_no_judgement(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        aside = replace(sql_reviewed.asking(post), judgement=None, source=Source.SET_ASIDE)
        [verdict] = await sql_reviewed.store.record([post], [aside])
        case = case_for(post, verdict, Routing())
        assert await sql_reviewed.review.open_cases([case]) == [True]
        outcome = await sql_reviewed.decided(case, "m-1", ruled(ALLOW))
        assert outcome.verdicts[0].source is Source.MODERATOR
        assert (await sql_reviewed.current(post)).decision is ALLOW

    async def test_deciding_the_same_again_changes_nothing(self, sql_reviewed: Reviewed) -> None:
        [case, *_] = await sql_reviewed.open(twins())
        first = await sql_reviewed.decided(case, "m-1", ruled())
        again = await sql_reviewed.decide(case, "m-1", ruled())
        assert (again.case, again.decision, again.verdicts) == (first.case, first.decision, ())
        with pytest.raises(Outdated):
            await sql_reviewed.decide(case, "m-1", ruled(ALLOW))
        with pytest.raises(Outdated):
            await sql_reviewed.decide(case, "m-2", ruled())
        assert [action for _, action, _ in await audited(sql_reviewed)] == ["case.decide"]

    async def test_time_counts_from_the_lease_unless_it_is_said(self, sql_reviewed: Reviewed) -> None:
        [case] = await sql_reviewed.open(posts_of(1))
        await sql_reviewed.lease("m-1")
        sql_reviewed.clock.time += 42
        outcome = await sql_reviewed.review.decide(case.id, "m-1", ruled(), seconds=0.0, opinion=False)
        assert outcome.decision.seconds == 42

    async def test_two_who_decide_on_one_text_at_once(self, sql_reviewed: Reviewed) -> None:
        posts = twins(count=20)
        cases = await sql_reviewed.open(posts)
        held = {case.id: n for n in range(20) for case in await sql_reviewed.lease(f"m-{n}")}
        said = [ruled((ALLOW, BLOCK)[number % 2]) for number in range(20)]
        attempts = [
            sql_reviewed.decide(case, f"m-{held[case.id]}", each) for case, each in zip(cases, said, strict=True)
        ]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        [outcome] = [result for result in results if not isinstance(result, Exception)]
        assert all(isinstance(result, Outdated) for result in results if result is not outcome)
        decided = {(await sql_reviewed.current(post)).decision for post in posts}
        assert decided == {outcome.decision.decision}  # type: ignore[union-attr]


class TestUndoing:
    async def test_what_stood_before_stands_again(self, sql_reviewed: Reviewed) -> None:
        posts = twins()
        cases = await sql_reviewed.open(posts)
        before = [await sql_reviewed.current(post) for post in posts]
        made = await sql_reviewed.decided(cases[0], "m-1", ruled())
        outcome = await sql_reviewed.undo("m-1", made.decision.id)
        for post, verdict in zip(posts, before, strict=True):
            now = await sql_reviewed.current(post)
            assert (now.ruling, now.source, now.revision) == (verdict.ruling, verdict.source, 2)
            assert now.judgement == verdict.judgement
        assert (outcome.case.state, outcome.case.holder) == (CaseState.OPEN, "m-1")  # type: ignore[union-attr]
        assert outcome.decision.undone_at is not None
        assert [(await sql_reviewed.review.find_case(case.id)).state for case in cases] == [CaseState.OPEN] * 3
        assert len(outcome.verdicts) == 3
        again = await sql_reviewed.decide(cases[0], "m-1", ruled(ALLOW))
        assert len(again.verdicts) == 3
        actions = [("m-1", action, cases[0].name) for action in ("case.decide", "case.undo", "case.decide")]
        assert await audited(sql_reviewed) == actions

    async def test_a_post_that_came_since_gets_what_its_twin_had(self, sql_reviewed: Reviewed) -> None:
        first, later = twins(count=2)
        [case] = await sql_reviewed.open([first])
        await sql_reviewed.decided(case, "m-1", ruled())
        await sql_reviewed.store.record([later], [sql_reviewed.asking(later, LABEL)])
        await sql_reviewed.review.enforce([later.name])
        await sql_reviewed.undo("m-1")
        now = await sql_reviewed.current(later)
        assert (now.decision, now.ruling.case) == (REVIEW, "")
        assert now.judgement
        assert now.judgement.standing == ()

    async def test_what_came_from_a_stale_cache_is_put_right(self, sql_reviewed: Reviewed) -> None:
        first, later = twins(count=2)
        [case] = await sql_reviewed.open([first])
        [made] = (await sql_reviewed.decided(case, "m-1", ruled())).verdicts
        await sql_reviewed.undo("m-1")
        stale = replace(sql_reviewed.asking(later), ruling=made.ruling, source=Source.MODERATOR)
        await sql_reviewed.store.record([later], [stale])
        assert await sql_reviewed.review.enforce([first.name, later.name]) == []
        [restored] = await sql_reviewed.review.enforce([first.name, later.name], suspect=True)
        assert (restored.post, restored.decision, restored.ruling.case) == (later.key, REVIEW, "")
        assert await sql_reviewed.review.enforce([first.name, later.name], suspect=True) == []

    async def test_an_earlier_decision_holds_again(self, sql_reviewed: Reviewed) -> None:
        one, two = twins(count=2)
        [first] = await sql_reviewed.open([one])
        await sql_reviewed.decided(first, "m-1", ruled(LABEL, Category.MISINFORMATION))
        verdict = await sql_reviewed.current(one)
        prevalence = case_for(one, verdict, Routing(), kind=CaseKind.PREVALENCE, subject="samples/1")
        await sql_reviewed.review.open_cases([prevalence])
        await sql_reviewed.decided(prevalence, "m-2", ruled(BLOCK))
        assert (await sql_reviewed.current(one)).decision is BLOCK
        await sql_reviewed.undo("m-2")
        now = await sql_reviewed.current(one)
        assert (now.decision, now.ruling.case) == (LABEL, first.name)
        [late] = await sql_reviewed.store.record([two], [sql_reviewed.asking(two)])
        assert late.judgement
        assert late.judgement.standing_for(two.name).case == first.name  # type: ignore[union-attr]

    async def test_only_ones_own_last_and_in_time(self, sql_reviewed: Reviewed) -> None:
        one, two, three = await sql_reviewed.open(posts_of(3))
        with pytest.raises(NotFound):
            await sql_reviewed.undo("m-1")
        first = await sql_reviewed.decided(one, "m-1", ruled())
        second = await sql_reviewed.decided(two, "m-1", ruled())
        await sql_reviewed.decided(three, "m-2", ruled())
        with pytest.raises(Outdated, match="not your last"):
            await sql_reviewed.undo("m-1", first.decision.id)
        with pytest.raises(NotFound):
            await sql_reviewed.undo("m-1", "nothing")
        sql_reviewed.clock.time += UNDO + 1
        with pytest.raises(Outdated, match="10 minutes"):
            await sql_reviewed.undo("m-1")
        sql_reviewed.clock.time -= 2
        undone = await sql_reviewed.undo("m-1", second.decision.id)
        assert await sql_reviewed.undo("m-1", second.decision.id) == replace(undone, verdicts=())  # a call made again
        await sql_reviewed.undo("m-1")
        assert (await sql_reviewed.current_decisions(posts_of(3))) == [REVIEW, REVIEW, BLOCK]

    async def test_a_post_edited_since_has_no_case_any_more(self, sql_reviewed: Reviewed) -> None:
        one, two = twins(count=2)
        case, other = await sql_reviewed.open([one, two])
        await sql_reviewed.decided(case, "m-1", ruled(BLOCK))
        for post in (one, two):
            edited = replace(post, text="Edited")
            await sql_reviewed.store.record([edited], [sql_reviewed.asking(edited, LABEL)])
        outcome = await sql_reviewed.undo("m-1")
        assert outcome.verdicts == ()
        states = [(await sql_reviewed.review.find_case(each.id)).state for each in (case, other)]
        assert states == [CaseState.CLOSED, CaseState.CLOSED]

    async def test_what_somebody_decided_since_stays(self, sql_reviewed: Reviewed) -> None:
        one, two = twins(count=2)
        [case, _] = await sql_reviewed.open([one, two])
        await sql_reviewed.decided(case, "m-1", ruled(BLOCK))
        verdict = await sql_reviewed.current(two)
        sampled = case_for(two, verdict, Routing(), kind=CaseKind.PREVALENCE, subject="samples/1")
        await sql_reviewed.review.open_cases([sampled])
        await sql_reviewed.decided(sampled, "m-2", ruled(ALLOW, scope=POST))
        await sql_reviewed.undo("m-1")
        assert (await sql_reviewed.current_decisions([one, two])) == [REVIEW, ALLOW]

    async def test_an_erased_post_has_no_case_again(self, sql_reviewed: Reviewed) -> None:
        one, two = twins(count=2)
        case, other = await sql_reviewed.open([one, two])
        await sql_reviewed.decided(case, "m-1", ruled())
        async with sql_reviewed.store.write() as tx:  # what an erasure leaves of a case
            erased = {"name": f"platforms/erased/posts/{other.id}", "key": other.id, "fingerprint": ""}
            await tx.execute(update(CASES).where(CASES.c.id == other.id).values(**erased, content_digest=""))
        await sql_reviewed.undo("m-1")
        states = [(await sql_reviewed.review.find_case(each.id)).state for each in (case, other)]
        assert states == [CaseState.OPEN, CaseState.DECIDED]
        async with sql_reviewed.store.write() as tx:
            await tx.execute(update(CASES).where(CASES.c.id == other.id).values(state=CaseState.OPEN))
        assert await sql_reviewed.review.close_outdated([f"platforms/erased/posts/{other.id}"]) == 1

    async def test_the_newest_decision_holds_whatever_the_clocks_say(self, sql_reviewed: Reviewed) -> None:
        one, two = twins(count=2)
        [case] = await sql_reviewed.open([one])
        await sql_reviewed.decided(case, "m-1", ruled(BLOCK))
        sql_reviewed.clock.time -= 60
        verdict = await sql_reviewed.current(one)
        sampled = case_for(one, verdict, Routing(), kind=CaseKind.PREVALENCE, subject="samples/1")
        await sql_reviewed.review.open_cases([sampled])
        await sql_reviewed.decided(sampled, "m-2", ruled(ALLOW))
        await sql_reviewed.store.record([two], [sql_reviewed.asking(two)])
        await sql_reviewed.review.enforce([one.name, two.name])
        assert await sql_reviewed.current_decisions([one, two]) == [ALLOW, ALLOW]


class TestKinds:
    async def test_a_golden_case_changes_no_verdict(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        await sql_reviewed.store.record([post], [sql_reviewed.asking(post, LABEL)])
        golden = case_for(post, await sql_reviewed.current(post), Routing(), kind=CaseKind.GOLDEN, subject="golden/1")
        await sql_reviewed.review.open_cases([golden])
        outcome = await sql_reviewed.decided(golden, "m-1", ruled(BLOCK))
        assert (outcome.verdicts, outcome.decision.applied) == ((), False)
        assert (await sql_reviewed.current(post)).decision is LABEL
        assert await sql_reviewed.store.standing([post.content_digest]) == [()]
        [found] = await sql_reviewed.review.decided(kinds=(CaseKind.GOLDEN,))
        assert (found.subject, found.decision) == ("golden/1", BLOCK)
        await sql_reviewed.undo("m-1")
        assert (await sql_reviewed.review.find_case(golden.id)).state is CaseState.OPEN

    @pytest.mark.parametrize(("said", "changed"), [(LABEL, False), (ALLOW, True)])
    async def test_a_sampled_case_only_where_it_differs(
        self, sql_reviewed: Reviewed, said: Decision, changed: bool
    ) -> None:
        [post] = twins(count=1)
        await sql_reviewed.store.record([post], [sql_reviewed.asking(post, LABEL)])
        sampled = case_for(
            post, await sql_reviewed.current(post), Routing(), kind=CaseKind.PREVALENCE, subject="samples/1"
        )
        await sql_reviewed.review.open_cases([sampled])
        outcome = await sql_reviewed.decided(sampled, "m-1", ruled(said, Category.FRAUD))
        assert outcome.decision.applied is changed
        assert (await sql_reviewed.current(post)).revision == int(changed)

    async def opinion(self, reviewed: Reviewed, first: Ruled) -> tuple[list[Post], str]:
        posts = twins(count=2)
        [case, *_] = await reviewed.open(posts)
        await reviewed.lease("m-1", CaseFilter(post=posts[0].name))
        outcome = await reviewed.decide(case, "m-1", first, opinion=True)
        assert (outcome.verdicts, outcome.decision.applied) == ((), False)
        assert (await reviewed.current_decisions(posts)) == [REVIEW, REVIEW]
        only = CaseFilter(kinds=(CaseKind.SECOND_OPINION,))
        assert await reviewed.lease("m-1", only) == []
        [asked] = await reviewed.lease("m-2", only)
        assert asked.blind
        assert asked.subject == f"decisions/{outcome.decision.id}"
        return posts, asked.id

    async def test_two_of_one_opinion_decide(self, sql_reviewed: Reviewed) -> None:
        posts, asked = await self.opinion(sql_reviewed, ruled(BLOCK))
        second = await sql_reviewed.review.decide(asked, "m-2", ruled(BLOCK, reason="other"), seconds=1, opinion=False)
        assert second.decision.applied
        assert (await sql_reviewed.current_decisions(posts)) == [BLOCK, BLOCK]
        await sql_reviewed.undo("m-2")
        assert (await sql_reviewed.current_decisions(posts)) == [REVIEW, REVIEW]

    async def test_the_first_is_not_shown_until_the_second_is_given(self, sql_reviewed: Reviewed) -> None:
        posts, asked = await self.opinion(sql_reviewed, ruled(BLOCK))
        assert await sql_reviewed.review.decisions([posts[0].name]) == []
        await sql_reviewed.review.decide(asked, "m-2", ruled(ALLOW), seconds=1, opinion=False)
        assert [each.moderator for each in await sql_reviewed.review.decisions([posts[0].name])] == ["m-2", "m-1"]

    async def test_where_two_differ_a_third_decides(self, sql_reviewed: Reviewed) -> None:
        posts, asked = await self.opinion(sql_reviewed, ruled(BLOCK))
        second = await sql_reviewed.review.decide(asked, "m-2", ruled(ALLOW), seconds=1, opinion=False)
        assert not second.decision.applied
        assert (await sql_reviewed.current_decisions(posts)) == [REVIEW, REVIEW]
        only = CaseFilter(queues=(SECOND_OPINIONS,))
        assert await sql_reviewed.lease("m-1", only) == await sql_reviewed.lease("m-2", only) == []
        [third] = await sql_reviewed.lease("m-3", only)
        assert not third.blind
        await sql_reviewed.decide(third, "m-3", ruled(LABEL, Category.MISINFORMATION))
        assert (await sql_reviewed.current_decisions(posts)) == [LABEL, LABEL]
        with pytest.raises(Outdated, match="second opinion"):
            await sql_reviewed.undo("m-2")

    async def test_an_opinion_is_taken_back_until_the_second_is_given(self, sql_reviewed: Reviewed) -> None:
        _, asked = await self.opinion(sql_reviewed, ruled(BLOCK))
        undone = await sql_reviewed.undo("m-1")
        assert undone.case
        assert undone.case.holder == "m-1"
        assert (await sql_reviewed.review.find_case(asked)).state is CaseState.CLOSED
        await sql_reviewed.decide(undone.case, "m-1", ruled(ALLOW), opinion=True)
        [asked_again] = await sql_reviewed.lease("m-2", CaseFilter(kinds=(CaseKind.SECOND_OPINION,)))
        await sql_reviewed.decide(asked_again, "m-2", ruled(BLOCK))
        with pytest.raises(Outdated, match="second opinion"):
            await sql_reviewed.undo("m-1")


class TestDecided:
    async def test_pages_in_the_order_of_decisions(self, sql_reviewed: Reviewed) -> None:
        made = []
        for case in await sql_reviewed.open(posts_of(5)):
            sql_reviewed.clock.time += 10
            made.append((await sql_reviewed.decided(case, "m-1", ruled())).decision)
        found = await sql_reviewed.review.decided(limit=2)
        found += await sql_reviewed.review.decided(after=found[-1].id)
        assert found == made
        assert await sql_reviewed.review.decided(since=made[3].decided_at) == made[3:]
