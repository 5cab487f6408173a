"""What every `ClaimStore` keeps to: in memory, on SQLite, on PostgreSQL.

What takes a database to show stands in `test_sql_claims`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest

from service.claims.ports import ClaimStore
from service.claims.sql import SqlClaims
from service.domain.claim import Change, Claim, ClaimFilter, ClaimRecord, ClaimState, Confirmation, Rating, Relation
from service.errors import AlreadyExists, NotFound
from service.records.sql.store import SqlStore
from tests.factories import claim_of, claims_of
from tests.fixtures.sql import OpenStore

ALL = ClaimFilter()
NEW, UPDATED, UNCHANGED = Change


OpenClaims = Callable[..., Awaitable[ClaimStore]]


@pytest.fixture
def open_claims(open_store: OpenStore) -> OpenClaims:
    """Opens claims of each kind: in SQL beside a record store."""

    async def open_one(**options: Any) -> ClaimStore:
        opened = await open_store(**options)
        return SqlClaims.beside(opened) if isinstance(opened, SqlStore) else opened

    return open_one


@pytest.fixture
async def claim_store(open_claims: OpenClaims) -> ClaimStore:
    return await open_claims()


async def every(store: ClaimStore, only: ClaimFilter = ALL) -> list[ClaimRecord]:
    return await store.claims(only, after="", limit=100_000)


def word(relation: Relation = Relation.REPEATS, **fields: str) -> Confirmation:
    given = {"post": "platforms/x/posts/1", "claim_id": "bleach", "moderator": "mo", **fields}
    return Confirmation(relation=relation, **given)


class TestPut:
    async def test_a_claim_comes_back_whole(self, claim_store: ClaimStore) -> None:
        claim = claim_of(
            "check.example:2026~%20@+=-_.",
            "Ünïcödé 🧪 中文 العربية \u200b 'quotes\" %s :x \\ \n\t end",
            title="Вакцины не вызывают аутизм",
            url="https://check.example/ä?b=c&d#e",
            date=date(2026, 3, 1),
            verdict="Pants on fire! 🔥",
            publisher="Ärzte ohne Grenzen",
            rating=Rating.FALSE,
        )
        before = datetime.now(UTC)
        assert await claim_store.put([claim]) == [NEW]
        record = await claim_store.find_claim(claim.id)
        assert record == ClaimRecord(claim=claim, updated_at=record.updated_at)
        assert abs((record.updated_at - before).total_seconds()) < 5
        assert await every(claim_store) == [record]
        assert (await claim_store.claim_set()).records == (record,)

    async def test_a_claim_with_nothing_but_words(self, claim_store: ClaimStore) -> None:
        assert await claim_store.put([claim_of()]) == [NEW]
        assert (await claim_store.find_claim("bleach")).claim == claim_of()

    async def test_tells_what_it_did_to_each(self, claim_store: ClaimStore) -> None:
        one, two, three = claims_of(3)
        assert await claim_store.put([three, one]) == [NEW, NEW]
        edited = replace(three, verdict="False")
        assert await claim_store.put([one, edited, two]) == [UNCHANGED, UPDATED, NEW]
        assert await claim_store.put([one, edited, two]) == [UNCHANGED] * 3
        assert [record.claim for record in await every(claim_store)] == [one, two, edited]

    async def test_putting_nothing_is_no_error(self, claim_store: ClaimStore) -> None:
        assert await claim_store.put([]) == []
        assert await claim_store.claims_version() == ""

    async def test_of_several_with_one_id_the_last_counts(self, claim_store: ClaimStore) -> None:
        one, two = claims_of(2)
        edited = replace(one, claim="edited")
        assert await claim_store.put([one, two, edited]) == [NEW] * 3
        assert (await claim_store.find_claim(one.id)).claim == edited
        assert await claim_store.put([one, edited]) == [UNCHANGED] * 2
        assert await claim_store.put([edited, one]) == [UPDATED] * 2
        assert (await claim_store.find_claim(one.id)).claim == one

    async def test_an_update_keeps_state_and_counts(self, claim_store: ClaimStore) -> None:
        await claim_store.put([claim_of()])
        await claim_store.confirm(word())
        await claim_store.quarantine("bleach", "too wide")
        edited = claim_of(rating=Rating.FALSE)
        assert await claim_store.put([edited]) == [UPDATED]
        record = await claim_store.find_claim("bleach")
        assert (record.claim, record.confirmed) == (edited, 1)
        assert (record.state, record.reason) == (ClaimState.QUARANTINED, "too wide")

    @pytest.mark.parametrize(
        "change",
        [
            {"claim": "other"},
            {"title": "other"},
            {"url": "https://other.example"},
            {"date": date(2026, 1, 1)},
            {"verdict": "other"},
            {"publisher": "other"},
            {"rating": Rating.TRUE},
        ],
    )
    async def test_every_field_counts(self, claim_store: ClaimStore, change: dict[str, Any]) -> None:
        await claim_store.put([claim_of()])
        version = await claim_store.claims_version()
        assert await claim_store.put([replace(claim_of(), **change)]) == [UPDATED]
        assert await claim_store.claims_version() != version
        assert (await claim_store.find_claim("bleach")).claim == replace(claim_of(), **change)

    async def test_what_is_unchanged_was_not_updated(self, open_claims: OpenClaims) -> None:
        now = 1_800_000_000.0
        store = await open_claims(clock=lambda: now)
        one, two = claims_of(2)
        await store.put([one, two])
        now += 60
        await store.put([one, replace(two, title="edited")])
        first, second = await every(store)
        assert (second.updated_at - first.updated_at).total_seconds() == 60
        now += 60
        await store.quarantine(one.id, "too wide")
        await store.quarantine(two.id, "")
        await store.confirm(word(claim_id=two.id))
        quarantined, active = await every(store)
        assert (quarantined.updated_at - first.updated_at).total_seconds() == 120
        assert active.updated_at == second.updated_at


class TestVersion:
    async def test_no_claims_have_no_version(self, claim_store: ClaimStore) -> None:
        assert await claim_store.claims_version() == ""
        empty = await claim_store.claim_set()
        assert (empty.version, empty.records) == ("", ())

    async def test_like_sets_are_named_alike(self, open_claims: OpenClaims) -> None:
        claims = claims_of(50)
        one = await open_claims()
        await one.put(claims)
        version = await one.claims_version()
        assert len(version) == 32
        await one.put([replace(claim, title="for a while") for claim in claims[10:30]])
        assert await one.claims_version() != version
        for claim in Random(1).sample(claims, len(claims)):
            await one.put([claim])
        assert await one.claims_version() == version

    async def test_only_what_changes_claims_changes_it(self, claim_store: ClaimStore) -> None:
        claims = claims_of(3)
        await claim_store.put(claims)
        version = await claim_store.claims_version()
        await claim_store.put(claims)
        await claim_store.confirm(word(claim_id=claims[0].id))
        await claim_store.quarantine(claims[1].id, "")
        assert await claim_store.claims_version() == version
        await claim_store.put(claims_of(1, 3))
        assert await claim_store.claims_version() != version

    async def test_it_names_the_states_too(self, claim_store: ClaimStore) -> None:
        one, two = claims_of(2)
        await claim_store.put([one, two])
        active = await claim_store.claims_version()
        await claim_store.quarantine(one.id, "too wide")
        without_one = await claim_store.claims_version()
        await claim_store.quarantine(one.id, "another reason")
        assert await claim_store.claims_version() == without_one
        await claim_store.quarantine(one.id, "")
        assert await claim_store.claims_version() == active
        await claim_store.quarantine(two.id, "too wide")
        assert await claim_store.claims_version() not in {active, without_one}

    async def test_claims_that_swap_their_words_are_another_set(self, claim_store: ClaimStore) -> None:
        one, two = claims_of(2)
        await claim_store.put([one, two])
        version = await claim_store.claims_version()
        await claim_store.put([replace(one, claim=two.claim), replace(two, claim=one.claim)])
        assert await claim_store.claims_version() != version

    async def test_the_set_is_all_claims_in_order(self, claim_store: ClaimStore) -> None:
        claims = claims_of(2500)
        for start in range(0, 2500, 1000):
            await claim_store.put(claims[start : start + 1000][::-1])
        await claim_store.quarantine(claims[7].id, "too wide")
        await claim_store.confirm(word(claim_id=claims[8].id))
        found = await claim_store.claim_set()
        assert [record.claim for record in found.records] == claims
        assert found.version == await claim_store.claims_version()
        assert list(found.records) == await every(claim_store)
        assert [record.state for record in found.records[6:9]] == ["ACTIVE", "QUARANTINED", "ACTIVE"]
        assert [record.confirmed for record in found.records[6:9]] == [0, 0, 1]


class TestPages:
    async def test_pages_go_on_by_id_in_the_order_of_its_bytes(self, claim_store: ClaimStore) -> None:
        ids = ["!", "-", "1", "10", "2", "A", "B", "_", "a", "a-1", "a.", "a1", "aB", "ab", "b", "~"]
        await claim_store.put([claim_of(each) for each in Random(1).sample(ids, len(ids))])
        assert [record.claim.id for record in await every(claim_store)] == ids
        seen: list[str] = []
        while page := await claim_store.claims(ALL, after=seen[-1] if seen else "", limit=3):
            assert len(page) <= 3
            seen += [record.claim.id for record in page]
        assert seen == ids
        assert [each.claim.id for each in await claim_store.claims(ALL, after="a0 is no id", limit=2)] == ["a1", "aB"]
        assert await claim_store.claims(ALL, after="~", limit=3) == []

    @pytest.mark.parametrize(
        ("only", "expected"),
        [
            (ClaimFilter(state=ClaimState.QUARANTINED), ["2"]),
            (ClaimFilter(state=ClaimState.ACTIVE), ["1", "3", "4"]),
            (ClaimFilter(publisher="Check"), ["1", "2"]),
            (ClaimFilter(publisher="check"), []),
            (ClaimFilter(publisher="Chec"), []),
            (ClaimFilter(query="BLEACH cures"), ["1"]),
            (ClaimFilter(query="the tide"), ["2"]),
            (ClaimFilter(query="вакцин"), ["3"]),
            (ClaimFilter(query="STRASSE ÄRGER"), ["4"]),
            (ClaimFilter(query="100%"), ["2"]),
            (ClaimFilter(query="%"), ["2"]),
            (ClaimFilter(query="_"), ["3"]),
            (ClaimFilter(query="/"), ["1"]),
            (ClaimFilter(query="\\"), ["4"]),
            (ClaimFilter(query="'"), ["1"]),
            (ClaimFilter(query="check"), []),
            (ClaimFilter(state=ClaimState.ACTIVE, publisher="Check"), ["1"]),
            (ClaimFilter(state=ClaimState.ACTIVE, publisher="Check", query="tide"), []),
        ],
    )
    async def test_filters(self, claim_store: ClaimStore, only: ClaimFilter, expected: list[str]) -> None:
        await claim_store.put(
            [
                claim_of("1", "Drinking bleach cures malaria/covid.", title="It doesn't", publisher="Check"),
                claim_of("2", "The moon is 100% cheese.", title="The Tide of lies", publisher="Check"),
                claim_of("3", "Вакцины вызывают аутизм", title="snake_case", publisher="Проверка"),
                claim_of("4", "Straße\n ärger", url="https://check.example", verdict="check", title="a\\b"),
            ]
        )
        await claim_store.quarantine("2", "check")
        assert [record.claim.id for record in await every(claim_store, only)] == expected
        assert [record.claim.id for record in await claim_store.claims(only, after="1", limit=1)] == [
            each for each in expected if each > "1"
        ][:1]

    async def test_an_edit_is_found_by_its_new_words(self, claim_store: ClaimStore) -> None:
        await claim_store.put([claim_of()])
        await claim_store.put([claim_of(claim="The earth is flat.", publisher="Globe")])
        assert await every(claim_store, ClaimFilter(query="bleach")) == []
        assert len(await every(claim_store, ClaimFilter(query="flat", publisher="Globe"))) == 1


class TestCreate:
    async def test_a_new_claim_comes_back_as_it_stands(self, claim_store: ClaimStore) -> None:
        created = await claim_store.create(claim_of())
        assert (created.claim, created.state) == (claim_of(), ClaimState.ACTIVE)
        assert await claim_store.find_claim("bleach") == created
        assert await claim_store.put([claim_of()]) == [UNCHANGED]

    async def test_what_is_there_is_left_as_it_is(self, claim_store: ClaimStore) -> None:
        before, version = await claim_store.create(claim_of()), await claim_store.claims_version()
        for again in (claim_of(), claim_of(claim="Something else.")):
            with pytest.raises(AlreadyExists, match="claims/bleach"):
                await claim_store.create(again)
        assert await every(claim_store) == [before]
        assert await claim_store.claims_version() == version

    async def test_of_several_at_once_one_is_stored(self, open_claims: OpenClaims) -> None:
        store = await open_claims()
        rivals = [claim_of(title=f"rival {number}") for number in range(6)]
        results = await asyncio.gather(*map(store.create, rivals), return_exceptions=True)
        [created] = [result for result in results if isinstance(result, ClaimRecord)]
        assert sum(isinstance(result, AlreadyExists) for result in results) == 5
        assert await every(store) == [created]
        twin = await open_claims()
        await twin.put([created.claim])
        assert await twin.claims_version() == await store.claims_version()


class TestPeoplesWord:
    async def test_counts_right_and_wrong_matches(self, claim_store: ClaimStore) -> None:
        one, two = claims_of(2)
        await claim_store.put([one, two])
        for place, relation in enumerate(Relation):
            record = await claim_store.confirm(word(relation, claim_id=one.id, post=f"platforms/x/posts/{place}"))
        assert (record.claim, record.confirmed, record.rejected) == (one, 3, 1)
        assert await claim_store.find_claim(one.id) == record
        assert await every(claim_store) == [record, await claim_store.find_claim(two.id)]
        assert (await claim_store.find_claim(two.id)).confirmed == 0

    async def test_a_later_word_of_the_same_person_replaces_the_earlier(self, claim_store: ClaimStore) -> None:
        await claim_store.put([claim_of()])
        await claim_store.confirm(word())
        await claim_store.confirm(word(moderator="other", note="Ünsure 🤔"))
        record = await claim_store.confirm(word(Relation.UNRELATED, note="about soap"))
        assert (record.confirmed, record.rejected) == (1, 1)
        record = await claim_store.confirm(word(Relation.REBUTS))
        assert (record.confirmed, record.rejected) == (2, 0)

    async def test_quarantine_and_release(self, claim_store: ClaimStore) -> None:
        await claim_store.put([claim_of()])
        taken = await claim_store.quarantine("bleach", "zu weit gefaßt")
        assert (taken.claim, taken.state, taken.reason) == (claim_of(), ClaimState.QUARANTINED, "zu weit gefaßt")
        assert await claim_store.find_claim("bleach") == taken
        assert (await claim_store.quarantine("bleach", "another reason")).reason == "another reason"
        assert (await claim_store.quarantine("bleach", "found by counting", override=False)).reason == "another reason"
        back = await claim_store.quarantine("bleach", "")
        assert (back.claim, back.state, back.reason) == (claim_of(), ClaimState.ACTIVE, "")

    async def test_an_active_claim_is_quarantined_without_override_too(self, claim_store: ClaimStore) -> None:
        await claim_store.put([claim_of()])
        taken = await claim_store.quarantine("bleach", "found by counting", override=False)
        assert (taken.state, taken.reason) == (ClaimState.QUARANTINED, "found by counting")

    async def test_no_such_claim(self, claim_store: ClaimStore) -> None:
        await claim_store.put(claims_of(1))
        for call in (
            claim_store.find_claim("bleach"),
            claim_store.quarantine("bleach", "r"),
            claim_store.confirm(word()),
        ):
            with pytest.raises(NotFound, match="claims/bleach was never stored"):
                await call
        await claim_store.put([Claim(id="bleach", claim="new")])
        assert (await claim_store.find_claim("bleach")).confirmed == 0
