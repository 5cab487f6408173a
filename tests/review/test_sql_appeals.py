"""Appeals, bulk decisions and notes on both databases."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.domain.decision import Category, Decision
from service.domain.post import Post
from service.errors import AppealExists, AppealNotFound, Conflict, InvalidInput, NotAllowed, NotHeld, Outdated
from service.policy.routing import Routing
from service.review.appeal import Appeal, AppealState
from service.review.bulk import BulkDecision
from service.review.case import APPEALS, Case, CaseFilter, CaseKind, CaseState, Note, Scope
from service.review.opening import case_for
from service.review.sql import bulk as sql_bulk
from tests.factories import posts_of
from tests.fixtures.review import Reviewed, ruled, twins

BLOCK, ALLOW, LABEL, REVIEW = Decision.BLOCK, Decision.ALLOW, Decision.LABEL, Decision.REVIEW
MILDER = ruled(ALLOW, rationale="a real shop", scope=Scope.POST)


async def contested(reviewed: Reviewed, post: Post, number: int = 1) -> tuple[Appeal, Case]:
    """An appeal about the current verdict, and its case; neither is kept yet."""
    verdict = await reviewed.current(post)
    deciders = await reviewed.review.deciders_of(verdict)
    name = f"appeals/{number}"
    case = case_for(post, verdict, Routing(), kind=CaseKind.APPEAL, queue=APPEALS, subject=name, barred=deciders)
    appeal = Appeal(
        id=str(number),
        post=post.key,
        content_digest=post.content_digest,
        sequence=verdict.sequence,
        contested=verdict.decision,
        contested_categories=verdict.ruling.categories,
        contested_at=verdict.decided_at,
        statement='Ünïcödé 🧪 "quotes" \\ %s',
        opened_at=datetime(2027, 1, 1, tzinfo=UTC),
        first_decider=deciders[0] if deciders else "",
        case=case.id,
    )
    return appeal, case


async def blocked(reviewed: Reviewed, posts: list[Post], moderator: str = "m-1") -> None:
    for post in posts:
        [case] = await reviewed.open([post])
        await reviewed.decided(case, moderator, ruled(BLOCK, scope=Scope.POST))


class TestAppeals:
    async def test_one_comes_back_whole(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        await blocked(sql_reviewed, [post])
        appeal, case = await contested(sql_reviewed, post)
        assert appeal.first_decider == "m-1"
        assert await sql_reviewed.review.open_appeal(appeal, case) == appeal
        assert await sql_reviewed.review.find_appeal("1") == appeal
        assert await sql_reviewed.review.find_case(case.id) == case
        assert await sql_reviewed.review.appeals_on([post.name]) == [appeal]
        with pytest.raises(AppealNotFound):
            await sql_reviewed.review.find_appeal("2")

    async def test_upheld_undone_and_rejected(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        await blocked(sql_reviewed, [post])
        appeal, case = await contested(sql_reviewed, post)
        await sql_reviewed.review.open_appeal(appeal, case)
        outcome = await sql_reviewed.review.decide_appeal("1", "m-2", MILDER, seconds=9)
        assert [verdict.decision for verdict in outcome.verdicts] == [ALLOW]
        found = await sql_reviewed.review.find_appeal("1")
        assert (found.state, found.decider, found.rationale) == (AppealState.UPHELD, "m-2", "a real shop")
        assert await sql_reviewed.review.upheld([post.name]) == {post.name}
        assert (await sql_reviewed.review.decide_appeal("1", "m-2", MILDER, seconds=9)).decision == outcome.decision
        with pytest.raises(Outdated):
            await sql_reviewed.review.decide_appeal("1", "m-3", MILDER, seconds=9)
        undone = await sql_reviewed.undo("m-2")
        assert undone.case
        assert undone.case.holder == "m-2"
        assert await sql_reviewed.review.find_appeal("1") == appeal
        assert (await sql_reviewed.current(post)).decision is BLOCK
        same = ruled(BLOCK, rationale="no shop at all")
        rejected = await sql_reviewed.review.decide_appeal("1", "m-2", same, seconds=9)
        assert (rejected.verdicts, rejected.decision.applied) == ((), False)
        assert (await sql_reviewed.review.find_appeal("1")).state is AppealState.REJECTED
        assert await sql_reviewed.review.upheld([post.name]) == set()

    async def test_decided_as_a_case_that_is_held(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        await blocked(sql_reviewed, [post])
        appeal, case = await contested(sql_reviewed, post)
        await sql_reviewed.review.open_appeal(appeal, case)
        only = CaseFilter(queues=(APPEALS,))
        assert await sql_reviewed.lease("m-1", only) == []
        [held] = await sql_reviewed.lease("m-2", only)
        with pytest.raises(NotHeld):
            await sql_reviewed.review.decide_appeal("1", "m-3", MILDER, seconds=1)
        with pytest.raises(NotAllowed):
            await sql_reviewed.review.decide_appeal("1", "m-1", MILDER, seconds=1)
        await sql_reviewed.decide(held, "m-2", MILDER)
        assert (await sql_reviewed.review.find_appeal("1")).state is AppealState.UPHELD

    async def test_whose_opinion_was_asked_does_not_decide_the_appeal(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        [case] = await sql_reviewed.open([post])
        await sql_reviewed.lease("m-1")
        await sql_reviewed.decide(case, "m-1", ruled(), opinion=True)
        for moderator, said in (("m-2", ruled(ALLOW)), ("m-3", ruled())):
            [asked] = await sql_reviewed.lease(moderator)
            await sql_reviewed.decide(asked, moderator, said)
        assert await sql_reviewed.review.deciders_of(await sql_reviewed.current(post)) == ["m-3", "m-2", "m-1"]
        _, case = await contested(sql_reviewed, post)
        assert case.barred == {"m-1", "m-2", "m-3"}

    async def test_for_fewer_reasons_is_no_other_decision(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        await sql_reviewed.store.record([post], [sql_reviewed.asking(post, BLOCK, Category.HATE, Category.FRAUD)])
        await sql_reviewed.review.open_appeal(*await contested(sql_reviewed, post))
        made = await sql_reviewed.review.decide_appeal(
            "1", "m-2", ruled(BLOCK, Category.HATE, rationale="it is"), seconds=1
        )
        assert (made.verdicts, made.decision.applied) == ((), False)
        found = await sql_reviewed.review.find_appeal("1")
        assert (found.state, found.categories) == (AppealState.REJECTED, (Category.HATE, Category.FRAUD))

    async def test_nothing_stricter(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        await sql_reviewed.store.record([post], [sql_reviewed.asking(post, LABEL)])
        appeal, case = await contested(sql_reviewed, post)
        assert appeal.first_decider == ""
        await sql_reviewed.review.open_appeal(appeal, case)
        with pytest.raises(InvalidInput, match="stricter"):
            await sql_reviewed.review.decide_appeal("1", "m-2", ruled(BLOCK), seconds=1)
        assert (await sql_reviewed.review.find_case(case.id)).state is CaseState.OPEN

    async def test_many_at_once_open_one(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        await blocked(sql_reviewed, [post])
        made = [await contested(sql_reviewed, post, number) for number in range(8)]
        results = await asyncio.gather(
            *(sql_reviewed.review.open_appeal(*each) for each in made), return_exceptions=True
        )
        assert sum(isinstance(result, AppealExists) for result in results) == 7
        assert len(await sql_reviewed.review.appeals((), after="", limit=10)) == 1

    async def test_a_request_is_answered_alike(self, sql_reviewed: Reviewed) -> None:
        [post] = twins(count=1)
        await blocked(sql_reviewed, [post])
        first, case = await contested(sql_reviewed, post)
        await sql_reviewed.review.open_appeal(first, case, request_id="r")
        again, other = await contested(sql_reviewed, post, 2)
        assert await sql_reviewed.review.open_appeal(again, other, request_id="r") == first
        with pytest.raises(Conflict):
            await sql_reviewed.review.open_appeal(replace(again, statement="x"), other, request_id="r")

    async def test_pages_and_states(self, sql_reviewed: Reviewed) -> None:
        posts = posts_of(5)
        await blocked(sql_reviewed, posts)
        for number, post in enumerate(posts):
            await sql_reviewed.review.open_appeal(*await contested(sql_reviewed, post, number))
        await sql_reviewed.review.decide_appeal("1", "m-2", MILDER, seconds=1)
        await sql_reviewed.review.decide_appeal("3", "m-2", ruled(BLOCK), seconds=1)
        first = await sql_reviewed.review.appeals((), after="", limit=3)
        assert [each.id for each in first + await sql_reviewed.review.appeals((), after="2", limit=3)] == list("01234")
        waiting = await sql_reviewed.review.appeals((AppealState.OPEN,), after="0", limit=9)
        assert [each.id for each in waiting] == ["2", "4"]

    async def test_who_decided(self, sql_reviewed: Reviewed) -> None:
        same, later = twins(count=2)
        [policys] = posts_of(1, start=5)
        await sql_reviewed.store.record([policys], [sql_reviewed.asking(policys, LABEL)])
        [case] = await sql_reviewed.open([same])
        await sql_reviewed.decided(case, "m-7", ruled(BLOCK))
        await sql_reviewed.store.record([later], [sql_reviewed.asking(later)])
        await sql_reviewed.review.enforce([later.name])
        deciders = [
            await sql_reviewed.review.deciders_of(await sql_reviewed.current(post)) for post in (policys, same, later)
        ]
        assert deciders == [[], ["m-7"], ["m-7"]]


class TestBulk:
    async def cluster(self, reviewed: Reviewed, posts: list[Post]) -> None:
        verdicts = [reviewed.asking(post) for post in posts]
        told = [replace(v, judgement=replace(v.judgement, cluster="c")) for v in verdicts if v.judgement]
        await reviewed.store.record(posts, told)

    def bulk(self, decision: Decision = BLOCK) -> BulkDecision:
        return BulkDecision(cluster="c", moderator="m-1", ruled=ruled(decision))

    async def test_what_people_decided_or_contested_is_left_out(self, sql_reviewed: Reviewed) -> None:
        posts = [*twins("a", 3), *twins("b", 2, start=3)]
        await self.cluster(sql_reviewed, posts)
        cases = [case_for(post, await sql_reviewed.current(post), Routing()) for post in posts]
        await sql_reviewed.review.open_cases(cases)
        await sql_reviewed.decided(cases[0], "m-2", ruled(ALLOW, scope=Scope.POST))
        await sql_reviewed.review.open_appeal(*await contested(sql_reviewed, posts[3]))
        preview = await sql_reviewed.review.preview(self.bulk())
        assert (preview.posts, preview.texts, preview.decided_by_people, preview.appealed) == (3, 2, 1, 1)
        assert preview.decisions == {REVIEW: 3}
        outcome = await sql_reviewed.review.apply(self.bulk(), preview.token)
        assert await sql_reviewed.current_decisions(posts) == [ALLOW, BLOCK, BLOCK, REVIEW, BLOCK]
        assert {verdict.ruling.case for verdict in outcome.verdicts} == {f"decisions/{outcome.decision.id}"}
        states = [(await sql_reviewed.review.find_case(case.id)).state for case in cases]
        assert states == [CaseState.DECIDED] * 3 + [CaseState.OPEN, CaseState.DECIDED]
        [later] = twins("b", 1, start=9)
        await sql_reviewed.store.record([later], [sql_reviewed.asking(later)])
        await sql_reviewed.review.enforce([later.name])
        assert (await sql_reviewed.current(later)).decision is BLOCK
        assert set(await sql_reviewed.review.texts(outcome.decision.id)) == {post.content_digest for post in posts}
        await sql_reviewed.undo("m-1", outcome.decision.id)
        assert await sql_reviewed.current_decisions(posts) == [ALLOW, REVIEW, REVIEW, REVIEW, REVIEW]

    async def test_another_post_voids_the_preview(self, sql_reviewed: Reviewed) -> None:
        await self.cluster(sql_reviewed, posts_of(2))
        preview = await sql_reviewed.review.preview(self.bulk())
        await self.cluster(sql_reviewed, posts_of(1, start=2))
        with pytest.raises(Outdated, match="preview it again"):
            await sql_reviewed.review.apply(self.bulk(), preview.token)
        with pytest.raises(Outdated):
            await sql_reviewed.review.apply(self.bulk(ALLOW), (await sql_reviewed.review.preview(self.bulk())).token)
        assert set(await sql_reviewed.current_decisions(posts_of(3))) == {REVIEW}

    async def test_of_too_many_nothing_is_read(self, sql_reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sql_bulk, "MOST", 2)
        await self.cluster(sql_reviewed, posts_of(3))
        for call in (sql_reviewed.review.preview(self.bulk()), sql_reviewed.review.apply(self.bulk(), "x")):
            with pytest.raises(InvalidInput, match="over 2 posts"):
                await call

    async def test_an_appeal_keeps_its_post_out_for_good(self, sql_reviewed: Reviewed) -> None:
        contested_, other = posts = twins(count=2)
        await self.cluster(sql_reviewed, posts)
        await sql_reviewed.review.open_appeal(*await contested(sql_reviewed, contested_))
        await sql_reviewed.review.apply(self.bulk(), (await sql_reviewed.review.preview(self.bulk())).token)
        assert await sql_reviewed.review.out_of_line([other.content_digest]) == []
        assert await sql_reviewed.review.enforce([post.name for post in posts]) == []
        assert await sql_reviewed.current_decisions(posts) == [REVIEW, BLOCK]

    async def test_a_request_is_applied_once(self, sql_reviewed: Reviewed) -> None:
        await self.cluster(sql_reviewed, posts_of(2))
        preview = await sql_reviewed.review.preview(self.bulk())
        first = await sql_reviewed.review.apply(self.bulk(), preview.token, request_id="r")
        again = await sql_reviewed.review.apply(self.bulk(), preview.token, request_id="r")
        assert (again.decision, again.verdicts) == (first.decision, ())
        with pytest.raises(Conflict):
            await sql_reviewed.review.apply(self.bulk(ALLOW), preview.token, request_id="r")

    async def test_nothing_to_change(self, sql_reviewed: Reviewed) -> None:
        preview = await sql_reviewed.review.preview(self.bulk())
        assert (preview.posts, preview.examples) == (0, ())
        with pytest.raises(InvalidInput, match="no post"):
            await sql_reviewed.review.apply(self.bulk(), preview.token)


class TestNotes:
    async def test_newest_first_and_once_for_each_request(self, sql_reviewed: Reviewed) -> None:
        notes = [
            Note(about=about, moderator="m-1", text=f"Note {n} 🧪", written_at=datetime(2027, 1, n, tzinfo=UTC))
            for n, about in enumerate(("a", "b", "a"), start=1)
        ]
        for note in notes:
            await sql_reviewed.review.add_note(note, request_id=note.text[:6])
            await sql_reviewed.review.add_note(note, request_id=note.text[:6])
        assert await sql_reviewed.review.notes(["a", "c"]) == [notes[2], notes[0]]
        assert await sql_reviewed.review.notes(["a", "b"]) == notes[::-1]

    async def test_a_repeat_gets_the_note_that_was_kept(self, sql_reviewed: Reviewed) -> None:
        first = Note(about="a", moderator="m-1", text="a scam", written_at=datetime(2027, 1, 1, tzinfo=UTC))
        later = replace(first, written_at=datetime(2027, 1, 2, tzinfo=UTC))
        made = [await sql_reviewed.review.add_note(note, request_id="r") for note in (first, later)]
        assert made == [first, first]

    @pytest.mark.parametrize(("about", "text"), [("a", "no scam"), ("b", "a scam")])
    async def test_an_id_that_was_used_for_another_note_is_refused(
        self, sql_reviewed: Reviewed, about: str, text: str
    ) -> None:
        first = Note(about="a", moderator="m-1", text="a scam", written_at=datetime(2027, 1, 1, tzinfo=UTC))
        await sql_reviewed.review.add_note(first, request_id="r")
        with pytest.raises(Conflict, match="another note"):
            await sql_reviewed.review.add_note(replace(first, about=about, text=text), request_id="r")
        colleague = replace(first, moderator="m-2", text="no scam")
        assert await sql_reviewed.review.add_note(colleague, request_id="r") == colleague  # an id is a moderator's own
        assert await sql_reviewed.review.notes(["a", "b"]) == [colleague, first]

    async def test_calls_at_once_with_one_id_keep_one_note(self, sql_reviewed: Reviewed) -> None:
        note = Note(about="a", moderator="m-1", text="a scam", written_at=datetime(2027, 1, 1, tzinfo=UTC))
        made = await asyncio.gather(*(sql_reviewed.review.add_note(note, request_id="r") for _ in range(8)))
        assert made == [note] * 8
        assert await sql_reviewed.review.notes(["a"]) == [note]
