"""What every `VerdictStore` keeps to: in memory, on SQLite, on PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.claim import Relation
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Evidence
from service.domain.post import Surface
from service.domain.verdict import Source, Verdict, VerdictFilter
from service.errors import NotDecided, NotFound
from tests.factories import match_of, post_of, posts_of, verdict_of
from tests.fakes.store import RecordStore

ALL = VerdictFilter()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def unsequenced(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [replace(verdict, sequence=0) for verdict in verdicts]


class TestVerdictStore:
    async def test_records_and_finds(self, record_store: RecordStore) -> None:
        one, two, unknown = posts_of(3)
        await record_store.accept([one, two])
        given = [verdict_of(two), verdict_of(one)]
        recorded = await record_store.record([two, one], given)
        assert unsequenced(recorded) == unsequenced(given)
        assert recorded[0].sequence < recorded[1].sequence
        assert await record_store.find([one.key, unknown.key, two.key, one.key]) == [
            recorded[1],
            None,
            recorded[0],
            recorded[1],
        ]
        assert await record_store.find([]) == []

    async def test_recording_nothing_is_no_error(self, record_store: RecordStore) -> None:
        assert await record_store.record([], []) == []

    async def test_verdicts_without_judgement(self, record_store: RecordStore) -> None:
        post = post_of()
        [recorded] = await record_store.record(
            [post], [replace(verdict_of(post), judgement=None, source=Source.SET_ASIDE)]
        )
        assert recorded.judgement is None
        assert await record_store.find([post.key]) == [recorded]

    async def test_a_post_is_decided_once(self, record_store: RecordStore) -> None:
        one, two = posts_of(2)
        await record_store.accept([one, two])
        [first] = await record_store.record([one], [verdict_of(one)])
        late = replace(verdict_of(one), ruling=Ruling(Decision.BLOCK, (Category.HATE,)))
        again, fresh = await record_store.record([one, two], [late, verdict_of(two)])
        assert again == first
        assert fresh.post == two.key
        assert await record_store.find([one.key]) == [first]
        assert await record_store.page(ALL, before=None, limit=10) == [fresh, first]
        assert await record_store.page(VerdictFilter(categories=(Category.HATE,)), before=None, limit=10) == []

    async def test_within_a_call_the_first_verdict_of_a_post_stands(self, record_store: RecordStore) -> None:
        post = post_of()
        first = verdict_of(post)
        one, two = await record_store.record([post, post], [first, replace(first, ruling=Ruling(Decision.BLOCK))])
        assert one == two
        assert one.decision == first.decision

    async def test_recording_accepts_what_was_never_accepted(self, record_store: RecordStore) -> None:
        post = post_of()
        [recorded] = await record_store.record([post], [verdict_of(post)])
        assert await record_store.latest(post.name) == recorded
        assert await record_store.undecided([post.key]) == set()
        assert await record_store.posts([post.key]) == [post]
        assert await record_store.accept([post]) == [False]

    async def test_latest_follows_the_edits(self, record_store: RecordStore) -> None:
        before, after = post_of("before"), post_of("after")
        await record_store.accept([before])
        [first] = await record_store.record([before], [verdict_of(before)])
        assert await record_store.latest(before.name) == first
        await record_store.accept([after])
        with pytest.raises(NotDecided, match=before.name):
            await record_store.latest(before.name)
        [second] = await record_store.record([after], [verdict_of(after)])
        assert await record_store.latest(before.name) == second
        assert await record_store.accept([before]) == [False]
        assert await record_store.latest(before.name) == first

    async def test_the_last_version_of_a_call_is_current(self, record_store: RecordStore) -> None:
        before, after = post_of("before"), post_of("after")
        await record_store.accept([before, after, before])
        [verdict, _] = await record_store.record([before, after], [verdict_of(before), verdict_of(after)])
        assert await record_store.latest(before.name) == verdict

    async def test_a_late_verdict_does_not_undo_an_edit(self, record_store: RecordStore) -> None:
        before, after = post_of("before"), post_of("after")
        await record_store.accept([before])
        await record_store.accept([after])
        await record_store.record([before], [verdict_of(before)])
        with pytest.raises(NotDecided):
            await record_store.latest(after.name)

    async def test_an_edit_answered_from_the_cache_is_current(self, record_store: RecordStore) -> None:
        before, after = post_of("before"), post_of("after")
        await record_store.record([before], [verdict_of(before)])
        [edited] = await record_store.record([after], [verdict_of(after)])
        assert await record_store.latest(before.name) == edited

    async def test_no_such_post(self, record_store: RecordStore) -> None:
        with pytest.raises(NotFound, match="platforms/x/posts/1"):
            await record_store.latest("platforms/x/posts/1")

    async def test_pages_go_back_and_stay_stable_under_inserts(self, record_store: RecordStore) -> None:
        posts = posts_of(7)
        recorded = await record_store.record(posts[:5], [verdict_of(post) for post in posts[:5]])
        first = await record_store.page(ALL, before=None, limit=2)
        await record_store.record(posts[5:], [verdict_of(post) for post in posts[5:]])
        second = await record_store.page(ALL, before=first[-1].sequence, limit=2)
        third = await record_store.page(ALL, before=second[-1].sequence, limit=2)
        assert first + second + third == recorded[::-1]
        assert await record_store.page(ALL, before=third[-1].sequence, limit=2) == []

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
        record_store: RecordStore,
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
        recorded = await record_store.record(posts, verdicts)
        assert await record_store.page(only, before=None, limit=10) == [recorded[place] for place in expected]
        found, cursor = await record_store.after(0, only, 10)
        assert found == [recorded[place] for place in reversed(expected)]
        assert cursor == recorded[-1].sequence

    async def test_filters_by_claim_and_cluster(self, record_store: RecordStore) -> None:
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
        recorded = await record_store.record(posts, verdicts)
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
            assert await record_store.page(only, before=None, limit=10) == [recorded[place] for place in expected], only
            found, cursor = await record_store.after(0, only, 10)
            assert found == [recorded[place] for place in reversed(expected)], only
            assert cursor == recorded[-1].sequence

    async def test_a_cursor_begins_at_the_newest(self, record_store: RecordStore) -> None:
        found, cursor = await record_store.after(None, ALL, 10)
        assert found == []
        one, two = posts_of(2)
        [first] = await record_store.record([one], [verdict_of(one)])
        assert await record_store.after(cursor, ALL, 10) == ([first], first.sequence)
        assert await record_store.after(None, ALL, 10) == ([], first.sequence)
        [second] = await record_store.record([two], [verdict_of(two)])
        assert await record_store.after(first.sequence, ALL, 10) == ([second], second.sequence)
        assert await record_store.after(second.sequence, ALL, 10) == ([], second.sequence)

    async def test_a_cursor_stops_at_the_limit(self, record_store: RecordStore) -> None:
        posts = posts_of(5)
        recorded = await record_store.record(posts, [verdict_of(post) for post in posts])
        seen, cursor = [], 0
        while found := (await record_store.after(cursor, ALL, 2))[0]:
            _, cursor = await record_store.after(cursor, ALL, 2)
            seen += found
        assert seen == recorded

    async def test_a_cursor_passes_over_what_the_filter_leaves_out(self, record_store: RecordStore) -> None:
        posts = posts_of(6)
        blocked = {1, 3}
        verdicts = [
            replace(verdict_of(post), ruling=Ruling(Decision.BLOCK if number in blocked else Decision.ALLOW))
            for number, post in enumerate(posts)
        ]
        recorded = await record_store.record(posts, verdicts)
        only = VerdictFilter(decisions=(Decision.BLOCK,))
        assert await record_store.after(0, only, 1) == ([recorded[1]], recorded[1].sequence)
        assert await record_store.after(recorded[1].sequence, only, 2) == ([recorded[3]], recorded[5].sequence)
        assert await record_store.after(recorded[3].sequence, only, 2) == ([], recorded[5].sequence)

    async def test_a_thousand_verdicts(self, record_store: RecordStore) -> None:
        posts = posts_of(1000)
        await record_store.accept(posts[:600])
        given = [verdict_of(post) for post in posts]
        recorded = await record_store.record(posts, given)
        assert unsequenced(recorded) == unsequenced(given)
        assert await record_store.record(posts, given) == recorded
        assert await record_store.find([post.key for post in posts]) == recorded
        assert await record_store.page(ALL, before=None, limit=1000) == recorded[::-1]
        assert await record_store.after(0, ALL, 1001) == (recorded, recorded[-1].sequence)
