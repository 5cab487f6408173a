"""What every record store keeps to where people revise verdicts and decide on texts: in memory, SQLite, PostgreSQL."""

from dataclasses import replace

import pytest

from service.domain.decision import Category, Decision, Ruling, Standing
from service.domain.verdict import Source, Verdict, VerdictFilter
from service.errors import NotDecided
from tests.factories import post_of, posts_of, verdict_of
from tests.fakes.standing import stand, withdraw
from tests.fakes.store import RecordStore

ALL = VerdictFilter()
BLOCK = Ruling(Decision.BLOCK, (Category.HATE,), ("moderator",), "hate-speech", "cases/1")


def revised(verdict: Verdict, ruling: Ruling = BLOCK) -> Verdict:
    return replace(verdict, ruling=ruling, source=Source.MODERATOR)


def standing(case: str, post: str = "", decision: Decision = Decision.BLOCK) -> Standing:
    return Standing(post, decision, (Category.HATE,), "hate-speech", case)


class TestRevisions:
    async def test_a_revision_is_the_current_verdict_and_the_first_stays_in_the_sequence(
        self, record_store: RecordStore
    ) -> None:
        one, two = posts_of(2)
        first, other = await record_store.record([one, two], [verdict_of(one), verdict_of(two)])
        [second] = await record_store.revise([revised(first)])
        assert (second.revision, second.ruling, second.source) == (1, BLOCK, Source.MODERATOR)
        assert second.sequence > other.sequence
        assert second.judgement == first.judgement
        assert await record_store.find([one.key, two.key]) == [second, other]
        assert await record_store.latest(one.name) == second
        assert await record_store.page(ALL, before=None, limit=10) == [second, other]
        blocked = VerdictFilter(decisions=(Decision.BLOCK,), categories=(Category.HATE,))
        assert await record_store.page(blocked, before=None, limit=10) == [second]
        labelled = VerdictFilter(decisions=(first.decision,))
        assert await record_store.page(labelled, before=None, limit=10) == [other]
        streamed, _ = await record_store.after(0, ALL, 10)
        assert streamed == [first, other, second]
        [third] = await record_store.revise([revised(second, Ruling(Decision.ALLOW))])
        assert third.revision == 2
        assert await record_store.latest(one.name) == third

    async def test_recording_again_returns_what_a_person_made_of_it(self, record_store: RecordStore) -> None:
        post = post_of()
        [first] = await record_store.record([post], [verdict_of(post)])
        [second] = await record_store.revise([revised(first)])
        assert await record_store.record([post], [verdict_of(post)]) == [second]
        assert await record_store.undecided([post.key]) == set()

    async def test_an_undecided_post_cannot_be_revised(self, record_store: RecordStore) -> None:
        one, two = posts_of(2)
        [first] = await record_store.record([one], [verdict_of(one)])
        await record_store.accept([two])
        with pytest.raises(NotDecided, match=two.name):
            await record_store.revise([revised(first), revised(verdict_of(two))])
        assert await record_store.find([one.key, two.key]) == [first, None]

    async def test_by_author_and_by_text(self, record_store: RecordStore) -> None:
        ann = post_of("A Red fox, 100% wild_life", id="1", author="a-1")
        bob = post_of("A red herring", id="2", author="a-2")
        of_ann, of_bob = await record_store.record([ann, bob], [verdict_of(ann), verdict_of(bob)])
        [again] = await record_store.revise([revised(of_ann)])
        assert await record_store.page(VerdictFilter(author="a-1"), before=None, limit=9) == [again]
        assert await record_store.page(VerdictFilter(author="a-3"), before=None, limit=9) == []
        assert await record_store.page(VerdictFilter(text="RED"), before=None, limit=9) == [again, of_bob]
        assert await record_store.page(VerdictFilter(text="red fox"), before=None, limit=9) == [again]
        assert await record_store.page(VerdictFilter(text="0% wild_"), before=None, limit=9) == [again]
        assert await record_store.page(VerdictFilter(text="r_d"), before=None, limit=9) == []
        streamed, _ = await record_store.after(0, VerdictFilter(author="a-1"), 9)
        assert streamed == [of_ann, again]


class TestStanding:
    async def test_judgements_before_and_after_carry_what_was_decided(self, record_store: RecordStore) -> None:
        one, two, three = (post_of("the same words", id=number) for number in "123")
        [first] = await record_store.record([one], [verdict_of(one)])
        held = standing("cases/1")
        await stand(record_store, one.content_digest, held)
        assert await record_store.standing([one.content_digest, "0" * 32]) == [(held,), ()]
        [same, other] = await record_store.record(
            [two, three], [verdict_of(two), verdict_of(three, model_version="m2")]
        )
        for verdict in (same, other, await record_store.latest(one.name), await record_store.latest(three.name)):
            assert verdict.judgement
            assert verdict.judgement.standing == (held,)
        [judged] = await record_store.judgements([one.content_digest], first.judged_by)
        assert judged
        assert judged.standing == (held,)
        assert judged.standing_for("platforms/x/posts/any") == held

    async def test_the_newest_holds_and_withdrawn_the_one_before(self, record_store: RecordStore) -> None:
        text = "0" * 32
        first, second = standing("cases/1"), standing("cases/2", decision=Decision.ALLOW)
        await stand(record_store, text, first)
        await stand(record_store, text, second)
        assert await record_store.standing([text]) == [(second,)]
        await withdraw(record_store, text, "cases/2")
        assert await record_store.standing([text]) == [(first,)]
        await withdraw(record_store, text, "cases/1")
        assert await record_store.standing([text]) == [()]

    async def test_one_posts_decision_goes_before_that_on_all(self, record_store: RecordStore) -> None:
        post = post_of()
        await record_store.record([post], [verdict_of(post)])
        every, alone = standing("cases/1"), standing("cases/2", post=post.name, decision=Decision.ALLOW)
        await stand(record_store, post.content_digest, every)
        await stand(record_store, post.content_digest, alone)
        judgement = (await record_store.latest(post.name)).judgement
        assert judgement
        assert judgement.standing_for(post.name) == alone
        assert judgement.standing_for("platforms/x/posts/other") == every


class TestCursors:
    async def test_a_cursor_only_moves_on(self, record_store: RecordStore) -> None:
        assert await record_store.cursor("cases") is None
        await record_store.advance("cases", 7)
        await record_store.advance("cases", 3)
        await record_store.advance("webhooks", 1)
        assert await record_store.cursor("cases") == 7
        assert await record_store.cursor("webhooks") == 1
