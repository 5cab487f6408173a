"""Policy versions on SQLite and PostgreSQL: kept once, promoted by one at a time, rolled back in order, all audited."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.domain.decision import Category, Decision, Ruling
from service.errors import Outdated, PolicyNotFound
from service.policy.governance.policy_version import FROM_FILE, PolicyAct, PolicyChange, PolicyVersion, Slots
from service.policy.governance.shadow_ruling import ShadowRuling
from service.policy.sql.shadow import SqlShadow
from service.policy.sql.versions import SqlPolicies
from service.records.sql.store import SqlStore
from service.storage.tables.audit import AUDIT
from tests.factories import post_of, verdict_of
from tests.fixtures.sql import OpenSql

MADE = datetime(2026, 11, 28, 8, 30, 0, 123456, tzinfo=UTC)


def version_of(name: str, **fields: Any) -> PolicyVersion:
    given = {"title": "strict", "description": "For ads.", "document": "schema: 1\n", "author": "m-1"}
    return PolicyVersion(version=name, created_at=MADE, **{**given, **fields})


@pytest.fixture
async def sql_store(sql_url: str, open_sql: OpenSql) -> SqlStore:
    return await open_sql(sql_url)


@pytest.fixture
def policies(sql_store: SqlStore) -> SqlPolicies:
    return SqlPolicies.beside(sql_store)


@pytest.fixture
async def three(policies: SqlPolicies) -> SqlPolicies:
    """With the versions a, b and c."""
    for name in "abc":
        await policies.add_policy(version_of(name))
    return policies


async def audited(policies: SqlPolicies) -> list[tuple[str, str, str]]:
    async with policies.read() as connection:
        rows = await connection.execute(select(AUDIT).order_by(AUDIT.c.number))
        return [(row.actor, row.action, row.subject) for row in rows]


class TestVersions:
    async def test_a_version_comes_back_whole(self, policies: SqlPolicies) -> None:
        given = version_of("a1", document="name: 'ünïcödé 🧪'\n", note="because \\ \" ' %s :x")
        kept, new = await policies.add_policy(given)
        assert new
        assert (
            kept
            == await policies.find_policy("a1")
            == version_of("a1", document=given.document, note=given.note, number=1)
        )

    async def test_one_that_is_there_stays_as_it_is(self, policies: SqlPolicies) -> None:
        await policies.add_policy(version_of("a"))
        kept, new = await policies.add_policy(version_of("a", author="m-2", document="another"))
        assert (kept.author, new) == ("m-1", False)
        assert await audited(policies) == [("m-1", "policy.create", "policies/a")]

    async def test_newest_first_in_pages(self, three: SqlPolicies) -> None:
        first = await three.policies(before=None, limit=2)
        assert [each.version for each in first] == ["c", "b"]
        rest = await three.policies(before=first[-1].number, limit=2)
        assert [(each.version, each.number) for each in rest] == [("a", 1)]

    async def test_an_unknown_one(self, policies: SqlPolicies) -> None:
        with pytest.raises(PolicyNotFound, match="policies/x"):
            await policies.find_policy("x")
        for act in (policies.promote("x", "m", "", expected=None), policies.set_shadow("x", "m", "")):
            with pytest.raises(PolicyNotFound):
                await act
        assert await policies.slots() == Slots()
        assert await audited(policies) == []


class TestPromotion:
    async def test_nothing_is_promoted_at_first(self, three: SqlPolicies) -> None:
        assert await three.slots() == Slots(FROM_FILE, "")
        with pytest.raises(Outdated, match="nothing was promoted"):
            await three.roll_back("m", "", expected=None)

    async def test_promoted_and_taken_back_step_by_step(self, three: SqlPolicies) -> None:
        live = []
        for name in "abc":
            await three.promote(name, "m-1", "", expected=None)
        await three.roll_back("m-2", "too strict", expected="c")
        await three.promote("a", "m-1", "", expected="b")
        while (slots := await three.slots()).live != FROM_FILE:
            live.append(slots.live)
            await three.roll_back("m-2", "", expected=None)
        assert live == ["a", "b", "a"]
        with pytest.raises(Outdated):
            await three.roll_back("m-2", "", expected=None)

    async def test_what_is_live_is_not_promoted_again(self, three: SqlPolicies) -> None:
        await three.promote("a", "m-1", "", expected=None)
        with pytest.raises(Outdated, match="live already"):
            await three.promote("a", "m-1", "", expected="a")

    async def test_who_looked_at_another_learns_of_it(self, three: SqlPolicies) -> None:
        await three.promote("a", "m-1", "", expected=FROM_FILE)
        for act in (three.promote("b", "m-2", "", expected=FROM_FILE), three.roll_back("m-2", "", expected="c")):
            with pytest.raises(Outdated, match="policies/a is live now"):
                await act
        assert (await three.slots()).live == "a"

    async def test_history_and_audit_tell_the_same(self, three: SqlPolicies) -> None:
        await three.promote("a", "m-1", "go", expected=None)
        await three.set_shadow("b", "m-2", "see")
        await three.set_shadow("", "m-2", "")
        await three.note_act(PolicyAct.CLOSE_BREAKER, "m-3", "")
        await three.roll_back("m-1", "back", expected=None)
        changes = await three.changes(before=None, limit=5)
        assert [(c.number, c.actor, c.act, c.version, c.before, c.note) for c in changes] == [
            (8, "m-1", PolicyAct.ROLL_BACK, "", "a", "back"),
            (7, "m-3", PolicyAct.CLOSE_BREAKER, "a", "", ""),
            (6, "m-2", PolicyAct.SHADOW, "", "b", ""),
            (5, "m-2", PolicyAct.SHADOW, "b", "", "see"),
            (4, "m-1", PolicyAct.PROMOTE, "a", "", "go"),
        ]
        assert [c.version for c in await three.changes(before=4, limit=5)] == ["c", "b", "a"]
        assert (await audited(three))[3:] == [
            ("m-1", "policy.promote", "policies/a"),
            ("m-2", "policy.shadow", "policies/b"),
            ("m-2", "policy.shadow", "policies/file"),
            ("m-3", "budget.close", "budget"),
            ("m-1", "policy.roll_back", "policies/file"),
        ]

    async def test_of_rivals_that_saw_the_same_one_promotes(self, sql_url: str, open_sql: OpenSql) -> None:
        rivals = [SqlPolicies.beside(await open_sql(sql_url)) for _ in range(4)]
        names = [f"v{number}" for number in range(12)]
        added = await asyncio.gather(*(rivals[n % 4].add_policy(version_of(name)) for n, name in enumerate(names)))
        assert sorted(version.number for version, _ in added) == list(range(1, 13))
        seen = FROM_FILE
        for _ in range(3):
            acts = [rivals[n % 4].promote(name, f"m-{n}", "", expected=seen) for n, name in enumerate(names)]
            done = await asyncio.gather(*acts, return_exceptions=True)
            [winner] = [change for change in done if isinstance(change, PolicyChange)]
            assert all(isinstance(other, Outdated) for other in done if other is not winner)
            assert (await rivals[0].slots()).live == winner.version
            assert winner.before == seen
            seen = winner.version
        numbers = [change.number for change in await rivals[0].changes(before=None, limit=100)]
        assert numbers == list(range(15, 0, -1))

    async def test_two_who_roll_back_at_once_go_back_one_step(self, sql_url: str, open_sql: OpenSql) -> None:
        one, two = [SqlPolicies.beside(await open_sql(sql_url)) for _ in range(2)]
        for name in "ab":
            await one.add_policy(version_of(name))
            await one.promote(name, "m", "", expected=None)
        done = await asyncio.gather(
            *(store.roll_back("m", "", expected="b") for store in (one, two)), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in done) == ["Outdated", "PolicyChange"]
        assert (await two.slots()).live == "a"


class TestShadow:
    async def test_one_runs_at_a_time_and_not_the_live_one(self, three: SqlPolicies) -> None:
        await three.promote("a", "m", "", expected=None)
        with pytest.raises(Outdated, match="is live"):
            await three.set_shadow("a", "m", "")
        await three.set_shadow("b", "m", "")
        await three.set_shadow("c", "m", "")
        assert await three.slots() == Slots("a", "c")
        await three.promote("c", "m", "", expected="a")
        assert await three.slots() == Slots("c", "")
        await three.set_shadow("a", "m", "")
        await three.roll_back("m", "", expected=None)
        assert await three.slots() == Slots("a", "")

    async def test_rulings_are_counted_once(self, sql_store: SqlStore) -> None:
        shadow = SqlShadow.beside(sql_store)
        posts = [post_of(f"text {number}", id=str(number)) for number in range(6)]
        verdicts = await sql_store.record(posts, [verdict_of(post) for post in posts])
        live = verdicts[0].decision
        rulings = [
            ShadowRuling(version="a", verdict=verdict, ruling=Ruling(decision, (Category.HATE,), ("hate",)))
            for verdict, decision in zip(verdicts, [Decision.BLOCK] * 2 + [live] * 4, strict=True)
        ]
        await shadow.keep_shadow([])
        await shadow.keep_shadow(rulings[:4])
        await shadow.keep_shadow(rulings)
        assert await shadow.shadow_matrix("a", None) == {(live, Decision.BLOCK): 2, (live, live): 4}
        assert await shadow.shadow_matrix("b", None) == {}
        later = verdicts[-1].decided_at + timedelta(seconds=1)
        assert await shadow.shadow_matrix("a", later) == {}
        newest, oldest = await shadow.shadow_differing("a", None, limit=5)
        assert [newest.sequence, oldest.sequence] == [verdicts[1].sequence, verdicts[0].sequence]
        assert (newest.post, newest.live, newest.shadow) == (posts[1].name, live, Decision.BLOCK)
        assert (newest.categories, newest.rules) == ((Category.HATE,), ("hate",))
        assert newest.live_categories == verdicts[1].ruling.categories
        assert newest.decided_at == verdicts[1].decided_at
        assert len(await shadow.shadow_differing("a", None, limit=1)) == 1
