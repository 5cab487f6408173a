"""What every record store keeps to where people revise verdicts and decide on texts: in memory, SQLite, PostgreSQL."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from service.domain.decision import Category, Decision, Ruling, Standing
from service.domain.post import Post
from service.domain.verdict import Source, Verdict, VerdictFilter
from service.errors import NotDecided
from service.records.ports import RecordStore
from tests.fakes.standing import stand, withdraw

ALL = VerdictFilter()
BLOCK = Ruling(Decision.BLOCK, (Category.HATE,), ("moderator",), "hate-speech", "cases/1")


def revised(verdict: Verdict, ruling: Ruling = BLOCK) -> Verdict:
    return replace(verdict, ruling=ruling, source=Source.MODERATOR)


def standing(case: str, post: str = "", decision: Decision = Decision.BLOCK) -> Standing:
    return Standing(post, decision, (Category.HATE,), "hate-speech", case)


class TestRevisions:
    async def test_a_revision_is_the_current_verdict_and_the_first_stays_in_the_sequence(
        self, store: RecordStore, posts_of: Callable[..., list[Post]], verdict_of: Callable[..., Verdict]
    ) -> None:
        one, two = posts_of(2)
        first, other = await store.record([one, two], [verdict_of(one), verdict_of(two)])
        [second] = await store.revise([revised(first)])
        assert (second.revision, second.ruling, second.source) == (1, BLOCK, Source.MODERATOR)
        assert second.sequence > other.sequence
        assert second.judgement == first.judgement
        assert await store.find([one.key, two.key]) == [second, other]
        assert await store.latest(one.name) == second
        assert await store.page(ALL, before=None, limit=10) == [second, other]
        blocked = VerdictFilter(decisions=(Decision.BLOCK,), categories=(Category.HATE,))
        assert await store.page(blocked, before=None, limit=10) == [second]
        labelled = VerdictFilter(decisions=(first.decision,))
        assert await store.page(labelled, before=None, limit=10) == [other]
        streamed, _ = await store.after(0, ALL, 10)
        assert streamed == [first, other, second]
        [third] = await store.revise([revised(second, Ruling(Decision.ALLOW))])
        assert third.revision == 2
        assert await store.latest(one.name) == third

    async def test_recording_again_returns_what_a_person_made_of_it(
        self, store: RecordStore, post_of: Callable[..., Post], verdict_of: Callable[..., Verdict]
    ) -> None:
        post = post_of()
        [first] = await store.record([post], [verdict_of(post)])
        [second] = await store.revise([revised(first)])
        assert await store.record([post], [verdict_of(post)]) == [second]
        assert await store.undecided([post.key]) == set()

    async def test_an_undecided_post_cannot_be_revised(
        self, store: RecordStore, posts_of: Callable[..., list[Post]], verdict_of: Callable[..., Verdict]
    ) -> None:
        one, two = posts_of(2)
        [first] = await store.record([one], [verdict_of(one)])
        await store.accept([two])
        with pytest.raises(NotDecided, match=two.name):
            await store.revise([revised(first), revised(verdict_of(two))])
        assert await store.find([one.key, two.key]) == [first, None]

    async def test_by_author_and_by_text(
        self, store: RecordStore, post_of: Callable[..., Post], verdict_of: Callable[..., Verdict]
    ) -> None:
        ann = post_of("A Red fox, 100% wild_life", id="1", author="a-1")
        bob = post_of("A red herring", id="2", author="a-2")
        of_ann, of_bob = await store.record([ann, bob], [verdict_of(ann), verdict_of(bob)])
        [again] = await store.revise([revised(of_ann)])
        assert await store.page(VerdictFilter(author="a-1"), before=None, limit=9) == [again]
        assert await store.page(VerdictFilter(author="a-3"), before=None, limit=9) == []
        assert await store.page(VerdictFilter(text="RED"), before=None, limit=9) == [again, of_bob]
        assert await store.page(VerdictFilter(text="red fox"), before=None, limit=9) == [again]
        assert await store.page(VerdictFilter(text="0% wild_"), before=None, limit=9) == [again]
        assert await store.page(VerdictFilter(text="r_d"), before=None, limit=9) == []
        streamed, _ = await store.after(0, VerdictFilter(author="a-1"), 9)
        assert streamed == [of_ann, again]


class TestStanding:
    async def test_judgements_before_and_after_carry_what_was_decided(
        self, store: RecordStore, post_of: Callable[..., Post], verdict_of: Callable[..., Verdict]
    ) -> None:
        one, two, three = (post_of("the same words", id=number) for number in "123")
        [first] = await store.record([one], [verdict_of(one)])
        held = standing("cases/1")
        await stand(store, one.content_digest, held)
        assert await store.standing([one.content_digest, "0" * 32]) == [(held,), ()]
        [same, other] = await store.record([two, three], [verdict_of(two), verdict_of(three, model_version="m2")])
        for verdict in (same, other, await store.latest(one.name), await store.latest(three.name)):
            assert verdict.judgement
            assert verdict.judgement.standing == (held,)
        [judged] = await store.judgements([one.content_digest], first.judged_by)
        assert judged
        assert judged.standing == (held,)
        assert judged.standing_for("platforms/x/posts/any") == held

    async def test_the_newest_holds_and_withdrawn_the_one_before(self, store: RecordStore) -> None:
        text = "0" * 32
        first, second = standing("cases/1"), standing("cases/2", decision=Decision.ALLOW)
        await stand(store, text, first)
        await stand(store, text, second)
        assert await store.standing([text]) == [(second,)]
        await withdraw(store, text, "cases/2")
        assert await store.standing([text]) == [(first,)]
        await withdraw(store, text, "cases/1")
        assert await store.standing([text]) == [()]

    async def test_one_posts_decision_goes_before_that_on_all(
        self, store: RecordStore, post_of: Callable[..., Post], verdict_of: Callable[..., Verdict]
    ) -> None:
        post = post_of()
        await store.record([post], [verdict_of(post)])
        every, alone = standing("cases/1"), standing("cases/2", post=post.name, decision=Decision.ALLOW)
        await stand(store, post.content_digest, every)
        await stand(store, post.content_digest, alone)
        judgement = (await store.latest(post.name)).judgement
        assert judgement
        assert judgement.standing_for(post.name) == alone
        assert judgement.standing_for("platforms/x/posts/other") == every


class TestCursors:
    async def test_a_cursor_only_moves_on(self, store: RecordStore) -> None:
        assert await store.cursor("cases") is None
        await store.advance("cases", 7)
        await store.advance("cases", 3)
        await store.advance("webhooks", 1)
        assert await store.cursor("cases") == 7
        assert await store.cursor("webhooks") == 1
