"""What every `VerdictStore` keeps to: in memory, on SQLite, on PostgreSQL."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.claim import Match, Relation
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Evidence
from service.domain.post import Post, Surface
from service.domain.verdict import Source, Verdict, VerdictFilter
from service.errors import NotDecided, NotFound
from tests.fakes.store import RecordStore

MakePost = Callable[..., Post]
MakePosts = Callable[..., list[Post]]
MakeVerdict = Callable[[Post], Verdict]

ALL = VerdictFilter()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def unsequenced(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [replace(verdict, sequence=0) for verdict in verdicts]


class TestVerdictStore:
    async def test_records_and_finds(self, store: RecordStore, posts_of: MakePosts, verdict_of: MakeVerdict) -> None:
        one, two, unknown = posts_of(3)
        await store.accept([one, two])
        given = [verdict_of(two), verdict_of(one)]
        recorded = await store.record([two, one], given)
        assert unsequenced(recorded) == unsequenced(given)
        assert recorded[0].sequence < recorded[1].sequence
        assert await store.find([one.key, unknown.key, two.key, one.key]) == [
            recorded[1],
            None,
            recorded[0],
            recorded[1],
        ]
        assert await store.find([]) == []

    async def test_recording_nothing_is_no_error(self, store: RecordStore) -> None:
        assert await store.record([], []) == []

    async def test_verdicts_without_judgement(
        self, store: RecordStore, post_of: MakePost, verdict_of: MakeVerdict
    ) -> None:
        post = post_of()
        [recorded] = await store.record([post], [replace(verdict_of(post), judgement=None, source=Source.SET_ASIDE)])
        assert recorded.judgement is None
        assert await store.find([post.key]) == [recorded]

    async def test_a_post_is_decided_once(
        self, store: RecordStore, posts_of: MakePosts, verdict_of: MakeVerdict
    ) -> None:
        one, two = posts_of(2)
        await store.accept([one, two])
        [first] = await store.record([one], [verdict_of(one)])
        late = replace(verdict_of(one), ruling=Ruling(Decision.BLOCK, (Category.HATE,)))
        again, fresh = await store.record([one, two], [late, verdict_of(two)])
        assert again == first
        assert fresh.post == two.key
        assert await store.find([one.key]) == [first]
        assert await store.page(ALL, before=None, limit=10) == [fresh, first]
        assert await store.page(VerdictFilter(categories=(Category.HATE,)), before=None, limit=10) == []

    async def test_within_a_call_the_first_verdict_of_a_post_stands(
        self, store: RecordStore, post_of: MakePost, verdict_of: MakeVerdict
    ) -> None:
        post = post_of()
        first = verdict_of(post)
        one, two = await store.record([post, post], [first, replace(first, ruling=Ruling(Decision.BLOCK))])
        assert one == two
        assert one.decision == first.decision

    async def test_recording_accepts_what_was_never_accepted(
        self, store: RecordStore, post_of: MakePost, verdict_of: MakeVerdict
    ) -> None:
        post = post_of()
        [recorded] = await store.record([post], [verdict_of(post)])
        assert await store.latest(post.name) == recorded
        assert await store.undecided([post.key]) == set()
        assert await store.posts([post.key]) == [post]
        assert await store.accept([post]) == [False]

    async def test_latest_follows_the_edits(
        self, store: RecordStore, post_of: MakePost, verdict_of: MakeVerdict
    ) -> None:
        before, after = post_of("before"), post_of("after")
        await store.accept([before])
        [first] = await store.record([before], [verdict_of(before)])
        assert await store.latest(before.name) == first
        await store.accept([after])
        with pytest.raises(NotDecided, match=before.name):
            await store.latest(before.name)
        [second] = await store.record([after], [verdict_of(after)])
        assert await store.latest(before.name) == second
        assert await store.accept([before]) == [False]
        assert await store.latest(before.name) == first

    async def test_the_last_version_of_a_call_is_current(
        self, store: RecordStore, post_of: MakePost, verdict_of: MakeVerdict
    ) -> None:
        before, after = post_of("before"), post_of("after")
        await store.accept([before, after, before])
        [verdict, _] = await store.record([before, after], [verdict_of(before), verdict_of(after)])
        assert await store.latest(before.name) == verdict

    async def test_a_late_verdict_does_not_undo_an_edit(
        self, store: RecordStore, post_of: MakePost, verdict_of: MakeVerdict
    ) -> None:
        before, after = post_of("before"), post_of("after")
        await store.accept([before])
        await store.accept([after])
        await store.record([before], [verdict_of(before)])
        with pytest.raises(NotDecided):
            await store.latest(after.name)

    async def test_an_edit_answered_from_the_cache_is_current(
        self, store: RecordStore, post_of: MakePost, verdict_of: MakeVerdict
    ) -> None:
        before, after = post_of("before"), post_of("after")
        await store.record([before], [verdict_of(before)])
        [edited] = await store.record([after], [verdict_of(after)])
        assert await store.latest(before.name) == edited

    async def test_no_such_post(self, store: RecordStore) -> None:
        with pytest.raises(NotFound, match="platforms/x/posts/1"):
            await store.latest("platforms/x/posts/1")

    async def test_pages_go_back_and_stay_stable_under_inserts(
        self, store: RecordStore, posts_of: MakePosts, verdict_of: MakeVerdict
    ) -> None:
        posts = posts_of(7)
        recorded = await store.record(posts[:5], [verdict_of(post) for post in posts[:5]])
        first = await store.page(ALL, before=None, limit=2)
        await store.record(posts[5:], [verdict_of(post) for post in posts[5:]])
        second = await store.page(ALL, before=first[-1].sequence, limit=2)
        third = await store.page(ALL, before=second[-1].sequence, limit=2)
        assert first + second + third == recorded[::-1]
        assert await store.page(ALL, before=third[-1].sequence, limit=2) == []

    @pytest.mark.parametrize(
        ("only", "expected"),
        [
            (VerdictFilter(decisions=(Decision.BLOCK,)), [2]),
            (VerdictFilter(decisions=(Decision.BLOCK, Decision.ALLOW)), [2, 0]),
            (VerdictFilter(categories=(Category.HATE,)), [2]),
            (VerdictFilter(categories=(Category.HATE, Category.FRAUD)), [2, 1]),
            (VerdictFilter(categories=(Category.CBRN,)), []),
            (VerdictFilter(surfaces=(Surface.AD,)), [1]),
            (VerdictFilter(surfaces=(Surface.AD, Surface.FEED)), [2, 1, 0]),
            (VerdictFilter(start=NOON + timedelta(hours=1)), [2, 1]),
            (VerdictFilter(end=NOON + timedelta(hours=1)), [0]),
            (VerdictFilter(start=NOON, end=NOON + timedelta(hours=2)), [1, 0]),
            (VerdictFilter(start=NOON + timedelta(microseconds=1), end=NOON + timedelta(hours=1)), []),
            (VerdictFilter(decisions=(Decision.LABEL,), surfaces=(Surface.FEED,)), []),
            (VerdictFilter((Decision.LABEL,), (Category.FRAUD,), (Surface.AD,), NOON, NOON + timedelta(days=1)), [1]),
        ],
    )
    async def test_filters(
        self,
        store: RecordStore,
        post_of: MakePost,
        verdict_of: MakeVerdict,
        only: VerdictFilter,
        expected: list[int],
    ) -> None:
        posts = [post_of(id="0"), post_of(id="1", surface=Surface.AD), post_of(id="2")]
        rulings = [
            Ruling(Decision.ALLOW),
            Ruling(Decision.LABEL, (Category.FRAUD,)),
            Ruling(Decision.BLOCK, (Category.HATE, Category.FRAUD, Category.HATE)),
        ]
        verdicts = [
            replace(verdict_of(post), ruling=ruling, decided_at=NOON + timedelta(hours=hour))
            for hour, (post, ruling) in enumerate(zip(posts, rulings, strict=True))
        ]
        recorded = await store.record(posts, verdicts)
        assert await store.page(only, before=None, limit=10) == [recorded[place] for place in expected]
        found, cursor = await store.after(0, only, 10)
        assert found == [recorded[place] for place in reversed(expected)]
        assert cursor == recorded[-1].sequence

    async def test_filters_by_claim_and_cluster(
        self, store: RecordStore, posts_of: MakePosts, verdict_of: MakeVerdict, match_of: Callable[..., Match]
    ) -> None:
        posts = posts_of(5)
        about = [
            ("", (match_of("k1", Relation.REBUTS), match_of("k3", Relation.UNRELATED))),
            ("c1", (match_of("k1"), match_of("k2", Relation.DISCUSSES))),
            ("c2", (match_of("k1"),)),
            ("c1", (match_of("k3", Relation.UNRELATED),)),
        ]
        verdicts = [
            replace(verdict, judgement=replace(verdict.judgement, cluster=cluster, evidence=Evidence(matches=matches)))
            for verdict, (cluster, matches) in zip(map(verdict_of, posts), about, strict=False)
            if verdict.judgement
        ]
        verdicts.append(replace(verdict_of(posts[4]), judgement=None, source=Source.SET_ASIDE))
        recorded = await store.record(posts, verdicts)
        for only, expected in (
            (VerdictFilter(claim_id="k1"), [2, 1, 0]),
            (VerdictFilter(claim_id="k2"), [1]),
            (VerdictFilter(claim_id="k3"), []),
            (VerdictFilter(claim_id="k"), []),
            (VerdictFilter(cluster="c1"), [3, 1]),
            (VerdictFilter(cluster="c2"), [2]),
            (VerdictFilter(cluster="c1", claim_id="k1"), [1]),
            (VerdictFilter(claim_id="k1", decisions=(Decision.BLOCK,)), []),
        ):
            assert await store.page(only, before=None, limit=10) == [recorded[place] for place in expected], only
            found, cursor = await store.after(0, only, 10)
            assert found == [recorded[place] for place in reversed(expected)], only
            assert cursor == recorded[-1].sequence

    async def test_a_cursor_begins_at_the_newest(
        self, store: RecordStore, posts_of: MakePosts, verdict_of: MakeVerdict
    ) -> None:
        found, cursor = await store.after(None, ALL, 10)
        assert found == []
        one, two = posts_of(2)
        [first] = await store.record([one], [verdict_of(one)])
        assert await store.after(cursor, ALL, 10) == ([first], first.sequence)
        assert await store.after(None, ALL, 10) == ([], first.sequence)
        [second] = await store.record([two], [verdict_of(two)])
        assert await store.after(first.sequence, ALL, 10) == ([second], second.sequence)
        assert await store.after(second.sequence, ALL, 10) == ([], second.sequence)

    async def test_a_cursor_stops_at_the_limit(
        self, store: RecordStore, posts_of: MakePosts, verdict_of: MakeVerdict
    ) -> None:
        posts = posts_of(5)
        recorded = await store.record(posts, [verdict_of(post) for post in posts])
        seen, cursor = [], 0
        while found := (await store.after(cursor, ALL, 2))[0]:
            _, cursor = await store.after(cursor, ALL, 2)
            seen += found
        assert seen == recorded

    async def test_a_cursor_passes_over_what_the_filter_leaves_out(
        self, store: RecordStore, posts_of: MakePosts, verdict_of: MakeVerdict
    ) -> None:
        posts = posts_of(6)
        blocked = {1, 3}
        verdicts = [
            replace(verdict_of(post), ruling=Ruling(Decision.BLOCK if number in blocked else Decision.ALLOW))
            for number, post in enumerate(posts)
        ]
        recorded = await store.record(posts, verdicts)
        only = VerdictFilter(decisions=(Decision.BLOCK,))
        assert await store.after(0, only, 1) == ([recorded[1]], recorded[1].sequence)
        assert await store.after(recorded[1].sequence, only, 2) == ([recorded[3]], recorded[5].sequence)
        assert await store.after(recorded[3].sequence, only, 2) == ([], recorded[5].sequence)

    async def test_a_thousand_verdicts(self, store: RecordStore, posts_of: MakePosts, verdict_of: MakeVerdict) -> None:
        posts = posts_of(1000)
        await store.accept(posts[:600])
        given = [verdict_of(post) for post in posts]
        recorded = await store.record(posts, given)
        assert unsequenced(recorded) == unsequenced(given)
        assert await store.record(posts, given) == recorded
        assert await store.find([post.key for post in posts]) == recorded
        assert await store.page(ALL, before=None, limit=1000) == recorded[::-1]
        assert await store.after(0, ALL, 1001) == (recorded, recorded[-1].sequence)
