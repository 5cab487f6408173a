"""What every `PostStore` and `Archive` keeps to, a class each: in memory, on SQLite, on PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.domain.fusing import fused
from service.domain.judgement import Evidence, JudgedBy
from service.domain.post import Context, PostKey, Surface
from service.errors import Conflict, NotDecided
from tests.factories import match_of, post_of, posts_of, verdict_of
from tests.fakes.store import RecordStore
from tests.fixtures.sql import OpenStore
from tests.waiting import until


class TestPostStore:
    async def test_accepts_a_post_once(self, record_store: RecordStore) -> None:
        post = post_of()
        assert await record_store.accept([post]) == [True]
        assert await record_store.accept([post]) == [False]
        count, age = await record_store.backlog()
        assert (count, age < 5) == (1, True)

    async def test_accepting_nothing_is_no_error(self, record_store: RecordStore) -> None:
        assert await record_store.accept([]) == []
        assert await record_store.accept([], request_id="r") == []
        assert await record_store.backlog() == (0, 0.0)

    async def test_duplicates_within_a_call_count_as_one(self, record_store: RecordStore) -> None:
        first, second = posts_of(2)
        assert await record_store.accept([first, second, first]) == [True, True, False]
        assert await record_store.claim(10, lease=60) == [first, second]

    async def test_the_same_text_under_two_names_is_two_posts(self, record_store: RecordStore) -> None:
        assert await record_store.accept([post_of("twin", id="1"), post_of("twin", id="2")]) == [True, True]

    async def test_an_edit_is_a_new_post(self, record_store: RecordStore) -> None:
        before, after = post_of("before"), post_of("after")
        assert await record_store.accept([before, after, before]) == [True, True, False]
        assert await record_store.undecided([before.key, after.key]) == {before.key, after.key}

    async def test_a_post_comes_back_whole(self, record_store: RecordStore) -> None:
        post = post_of(
            "Ünïcödé 🧪 中文 العربية \u200b 'quotes\" %s :x \\ \n end",
            id="a~b:c@d%20e+f=g",
            surface=Surface.REEL,
            author="pseudonym-ß",
            locale="pt-BR",
            region="BR",
            created_at=datetime(2026, 3, 1, 12, 0, 0, 123456, UTC),
            context=Context(parent_text="parent 親", image_alt="alt", digital_source_type="x"),
            metadata={"likes": "3", "ключ": "значение", "half a pair and a NUL": "\ud83d \x00"},
        )
        await record_store.accept([post])
        assert await record_store.claim(1, lease=60) == [post]

    async def test_a_request_is_answered_as_before(self, record_store: RecordStore) -> None:
        one, two, three = posts_of(3)
        await record_store.accept([two])
        assert await record_store.accept([one, two, one], request_id="r-1") == [True, False, False]
        assert await record_store.accept([one, two, one], request_id="r-1") == [True, False, False]
        assert await record_store.accept([one, three], request_id="r-2") == [False, True]

    async def test_a_replayed_request_writes_nothing(self, record_store: RecordStore) -> None:
        before, after = post_of("before"), post_of("after")
        await record_store.accept([before], request_id="r")
        await record_store.accept([after])
        await record_store.accept([before], request_id="r", lease=60)
        assert await record_store.claim(10, lease=60) == [before, after]
        with pytest.raises(NotDecided):
            await record_store.latest(before.name)

    async def test_a_request_id_stands_for_its_posts_alone(self, record_store: RecordStore) -> None:
        one, two = posts_of(2)
        await record_store.accept([one], request_id="r")
        for others in ([two], [one, two], [one, one], []):
            with pytest.raises(Conflict, match="'r' was used for other posts"):
                await record_store.accept(others, request_id="r")
        assert await record_store.undecided([two.key]) == set()

    async def test_a_request_id_is_kept_for_a_day(self, open_store: OpenStore) -> None:
        now = 1_800_000_000.0
        store = await open_store(clock=lambda: now)
        one, two = posts_of(2)
        await store.accept([one], request_id="r")
        now += 86_399
        assert await store.accept([one], request_id="r") == [True]
        now += 2
        assert await store.accept([one, two], request_id="r") == [False, True]
        assert await store.accept([one, two], request_id="r") == [False, True]

    async def test_claims_oldest_first_and_each_once(self, record_store: RecordStore) -> None:
        posts = posts_of(5)
        for post in (posts[:2], posts[2:]):
            await record_store.accept(post)
        assert await record_store.claim(3, lease=60) == posts[:3]
        assert await record_store.claim(3, lease=60) == posts[3:]
        assert await record_store.claim(3, lease=60) == []

    async def test_a_leased_post_is_not_claimed(self, record_store: RecordStore) -> None:
        leased, free = posts_of(2)
        await record_store.accept([leased], lease=60)
        await record_store.accept([free])
        assert await record_store.claim(10, lease=60) == [free]
        assert await record_store.claim(10, lease=60, expired=True) == []

    async def test_expired_leases_are_claimed_apart(self, open_store: OpenStore) -> None:
        now = 1_800_000_000.0
        store = await open_store(clock=lambda: now)
        claimed, accepted, fresh = posts_of(3)
        await store.accept([claimed])
        await store.claim(1, lease=10)
        await store.accept([accepted], lease=10)
        await store.accept([fresh])
        now += 9.999
        assert await store.claim(10, lease=60, expired=True) == []
        now += 0.001
        assert await store.claim(10, lease=60) == [fresh]
        assert await store.claim(10, lease=60, expired=True) == [claimed, accepted]
        assert await store.claim(10, lease=60, expired=True) == []

    async def test_leases_run_out_by_the_clock_on_the_wall(self, record_store: RecordStore) -> None:
        post = post_of()
        await record_store.accept([post], lease=0.05)
        assert await until(lambda: record_store.claim(1, lease=0.05, expired=True)) == [post]
        assert await until(lambda: record_store.claim(1, lease=60, expired=True)) == [post]
        assert await record_store.claim(1, lease=60, expired=True) == []

    async def test_accepting_again_extends_the_lease_and_never_ends_it(self, record_store: RecordStore) -> None:
        free, leased, decided = posts_of(3)
        await record_store.accept([free])
        await record_store.accept([leased], lease=60)
        assert await record_store.accept([free, decided], lease=60) == [False, True]
        await record_store.accept([leased])
        await record_store.accept([leased], lease=0.01)
        await asyncio.sleep(0.02)
        assert await record_store.claim(10, lease=60) == []
        assert await record_store.claim(10, lease=60, expired=True) == []

    async def test_a_released_post_is_claimed_next(self, record_store: RecordStore) -> None:
        one, two = posts_of(2)
        await record_store.accept([one, two], lease=60)
        await record_store.release([two.key, PostKey("platforms/x/posts/unknown", "0")])
        await record_store.release([])
        assert await record_store.claim(10, lease=60) == [two]

    async def test_undecided_means_accepted_and_not_decided(self, record_store: RecordStore) -> None:
        waiting, decided, unknown = posts_of(3)
        await record_store.accept([waiting, decided])
        await record_store.record([decided], [verdict_of(decided)])
        assert await record_store.undecided([post.key for post in (waiting, decided, unknown)]) == {waiting.key}
        assert await record_store.undecided([]) == set()

    async def test_a_decided_post_is_never_claimed(self, record_store: RecordStore) -> None:
        post = post_of()
        await record_store.accept([post])
        await record_store.record([post], [verdict_of(post)])
        await record_store.release([post.key])
        assert await record_store.accept([post], lease=0.01) == [False]
        await asyncio.sleep(0.02)
        assert await record_store.claim(10, lease=60) == []
        assert await record_store.claim(10, lease=60, expired=True) == []

    async def test_the_backlog_counts_and_ages(self, open_store: OpenStore) -> None:
        now = 1_800_000_000.0
        store = await open_store(clock=lambda: now)
        old, young = posts_of(2)
        await store.accept([old])
        now += 30
        await store.accept([young], lease=60)
        now += 5
        assert await store.backlog() == (2, pytest.approx(35, abs=0.01))
        await store.record([old], [verdict_of(old)])
        assert await store.backlog() == (1, pytest.approx(5, abs=0.01))
        await store.record([young], [verdict_of(young)])
        assert await store.backlog() == (0, 0.0)

    async def test_a_thousand_posts(self, record_store: RecordStore) -> None:
        posts = posts_of(1000)
        assert await record_store.accept(posts, request_id="thousand") == [True] * 1000
        assert await record_store.accept(posts[500:] + posts_of(1, 1000)) == [False] * 500 + [True]
        assert await record_store.undecided([post.key for post in posts]) == {post.key for post in posts}
        assert await record_store.claim(1000, lease=60) == posts


class TestArchive:
    async def test_judgements_by_content_and_what_judged_it(self, record_store: RecordStore) -> None:
        one, twin, other = post_of("same", id="1"), post_of("same", id="2"), post_of("other", id="3")
        verdict = verdict_of(one)
        assert verdict.judgement
        await record_store.record([one, twin], [verdict, verdict_of(twin)])
        digests = [other.content_digest, one.content_digest, twin.content_digest]
        assert await record_store.judgements(digests, verdict.judged_by) == [None, verdict.judgement, verdict.judgement]
        for other_judge in (JudgedBy("another model"), JudgedBy(verdict.model_version, "other claims")):
            assert await record_store.judgements(digests, other_judge) == [None, None, None]
        assert await record_store.judgements([], verdict.judged_by) == []

    async def test_a_text_is_judged_again_when_the_claims_have_changed(self, record_store: RecordStore) -> None:
        one, twin = post_of(id="1"), post_of(id="2")
        before = verdict_of(one)
        assert before.judgement
        judgement = replace(before.judgement, claims_version="c2", words=99, cluster="of the first text")
        after = replace(verdict_of(twin), judgement=judgement)
        recorded = await record_store.record([one, twin], [before, after])
        assert [verdict.judgement for verdict in recorded] == [before.judgement, judgement]
        assert await record_store.find([one.key, twin.key]) == recorded
        assert await record_store.judgements([one.content_digest], before.judged_by) == [before.judgement]
        assert await record_store.judgements([one.content_digest], JudgedBy(before.model_version, "c2")) == [judgement]

    async def test_the_first_judgement_of_a_text_stands(self, record_store: RecordStore) -> None:
        one, twin = post_of(id="1"), post_of(id="2")
        verdict = verdict_of(one)
        assert verdict.judgement
        await record_store.record([one], [verdict])
        later = replace(verdict_of(twin), judgement=replace(verdict.judgement, words=99))
        await record_store.record([twin], [later])
        assert await record_store.judgements([one.content_digest], verdict.judged_by) == [verdict.judgement]

    async def test_what_is_quarantined_later_weighs_no_more_in_the_judgement_that_stands(
        self, record_store: RecordStore
    ) -> None:
        posts = [post_of(id=str(number)) for number in range(4)]
        verdict = verdict_of(posts[0])
        assert verdict.judgement
        matches = tuple(match_of(claim_id)._replace(weight=0.0) for claim_id in ("k1", "k2"))
        first = fused(replace(verdict.judgement, cluster="first", evidence=Evidence(matches=matches)))
        assert sum(match.weight for match in first.evidence.matches)
        later = replace(first, cluster="later")
        for post, given, passed_over in (
            (posts[0], first, ()),
            (posts[1], fused(later, {"k1"}), ("k1",)),
            (posts[2], fused(later, {"k2"}), ("k1", "k2")),
            (posts[3], later, ("k1", "k2")),
        ):
            await record_store.record([post], [replace(verdict_of(post), judgement=given)])
            assert await record_store.judgements([post.content_digest], verdict.judged_by) == [
                fused(first, passed_over)
            ]
        found = await record_store.find([post.key for post in posts])
        assert {one.judgement == fused(first, ("k1", "k2")) for one in found if one} == {True}
        assert {one.ruling for one in found if one} == {verdict.ruling}

    async def test_of_one_calls_judgements_of_a_text_none_enforces_what_another_passes_over(
        self, record_store: RecordStore
    ) -> None:
        posts = [post_of(id=str(number)) for number in range(2)]
        verdict = verdict_of(posts[0])
        assert verdict.judgement
        enforced = fused(replace(verdict.judgement, evidence=Evidence(matches=(match_of("k1")._replace(weight=0.0),))))
        verdicts = [
            replace(verdict_of(post), judgement=judgement)
            for post, judgement in zip(posts, (fused(enforced, {"k1"}), enforced), strict=True)
        ]
        await record_store.record(posts, verdicts)
        [stands] = await record_store.judgements([posts[0].content_digest], verdict.judged_by)
        assert stands == fused(enforced, {"k1"})

    async def test_posts_by_key(self, record_store: RecordStore) -> None:
        before, after, unknown = post_of("before"), post_of("after"), post_of("unknown")
        await record_store.accept([before])
        await record_store.accept([after])
        assert await record_store.posts([after.key, unknown.key, before.key]) == [after, None, before]
        assert await record_store.posts([]) == []

    async def test_answers(self, record_store: RecordStore) -> None:
        await record_store.ping()
