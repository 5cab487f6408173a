"""People on both databases: rivals for one name, for the last administrator, for the first; many tries at once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from service.audit.entry import intact
from service.audit.sql import entry_of
from service.errors import AlreadyExists, NotAllowed, NotFound
from service.people.person import Account, Person, Subject, new_id
from service.people.roles import Role
from service.people.sql.accounts import SqlPeople
from service.people.sql.sessions import SqlSessions
from service.storage.tables.audit import AUDIT
from tests.fixtures.sql import OpenSql

ADMIN, MODERATOR = frozenset({Role.ADMIN}), frozenset({Role.MODERATOR})
DAY = timedelta(days=1)


def account(name: str, roles: frozenset[Role] = MODERATOR, until: datetime | None = None) -> Account:
    person = Person(id=new_id(), name=name, roles=roles, created_at=datetime.now(UTC), one_time=until is not None)
    return Account(person=person, password=f"hash of {name}'s", password_until=until)


async def log_of(people: SqlPeople) -> list[tuple[str, str, str]]:
    async with people.read() as connection:
        rows = await connection.execute(select(AUDIT).order_by(AUDIT.c.number))
        entries = [entry_of(row) for row in rows.mappings()]
    assert all(map(intact, entries))
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    return [(entry.actor, entry.action, entry.subject) for entry in entries]


@pytest.fixture
async def rivals(sql_url: str, open_sql: OpenSql) -> list[SqlPeople]:
    """The people of one database, over connections of their own."""
    return [SqlPeople.beside(await open_sql(sql_url)) for _ in range(4)]


@pytest.fixture
async def sql_people(rivals: list[SqlPeople]) -> SqlPeople:
    return rivals[0]


@pytest.fixture
async def sessions(sql_people: SqlPeople) -> SqlSessions:
    return SqlSessions.beside(sql_people)


class TestPeople:
    async def test_an_account_comes_back_as_it_was_stored(self, sql_people: SqlPeople) -> None:
        until = datetime(2026, 5, 1, 12, 30, 15, 123456, UTC)
        stored = account("Änne", frozenset({Role.LEAD, Role.POLICY}), until)
        await sql_people.add(stored, actor="m-1")
        found = await sql_people.account("ÄNNE")
        assert found
        assert (found.password, found.password_until) == (stored.password, until)
        assert (found.person.id, found.person.roles) == (stored.person.id, stored.person.roles)
        assert found.person.one_time
        assert found.person == await sql_people.find(stored.person.id) == (await sql_people.people())[0]
        assert await sql_people.account("Anne") is None
        with pytest.raises(NotFound):
            await sql_people.find("m-none")
        assert await log_of(sql_people) == [("m-1", "person.add", f"people/{stored.person.id}")]

    async def test_of_rivals_for_one_name_one_gets_it(self, rivals: list[SqlPeople]) -> None:
        adding = [each.add(account("Anna" if number % 2 else "ANNA"), actor="m") for number, each in enumerate(rivals)]
        got = await asyncio.gather(*adding, return_exceptions=True)
        assert sum(isinstance(each, AlreadyExists) for each in got) == 3
        assert len(await rivals[0].people()) == 1

    async def test_of_rivals_to_be_first_one_is(self, rivals: list[SqlPeople]) -> None:
        got = await asyncio.gather(*(each.first(account(f"admin {n}", ADMIN)) for n, each in enumerate(rivals)))
        assert sorted(got) == [False, False, False, True]

    async def test_of_rivals_that_shut_each_other_out_one_administrator_is_left(self, rivals: list[SqlPeople]) -> None:
        admins = [account(f"admin {number}", ADMIN) for number in range(4)]
        for each in admins:
            await rivals[0].add(each, actor="system")
        changes = [
            each.set_disabled(admin.person.id, True, actor="m")
            if number % 2
            else each.set_roles(admin.person.id, MODERATOR, actor="m")
            for number, (each, admin) in enumerate(zip(rivals, admins, strict=True))
        ]
        got = await asyncio.gather(*changes, return_exceptions=True)
        assert sum(isinstance(each, NotAllowed) for each in got) == 1
        left = [person for person in await rivals[0].people() if Role.ADMIN in person.roles and not person.disabled]
        assert len(left) == 1
        assert len(await log_of(rivals[0])) == 4 + 3

    async def test_names_are_in_one_order_on_both_databases(self, sql_people: SqlPeople) -> None:
        for name in ("b", "B2", "a-1", "a 1", "_x", "Zoë", "zoa", "ä"):
            await sql_people.add(account(name), actor="m")
        names, after = [], ""
        while page := await sql_people.people(after=after, limit=3):
            names += [person.name for person in page]
            after = page[-1].name
        assert names == ["_x", "a 1", "a-1", "b", "B2", "zoa", "Zoë", "ä"]

    async def test_rivals_admit_one_subject_once(self, rivals: list[SqlPeople]) -> None:
        await rivals[0].first(account("admin", ADMIN))
        subject = Subject(issuer="https://id.example", subject="7", name="Grace", roles=MODERATOR)
        admitted = await asyncio.gather(*(each.admit(subject) for each in rivals))
        assert len({person.id for person in admitted}) == 1
        other = Subject(issuer="https://other.example", subject="7", name="Grace", roles=MODERATOR)
        assert (await rivals[0].admit(other)).id != admitted[0].id
        assert [action for _, action, _ in await log_of(rivals[0])] == ["person.add"] * 3

    async def test_a_provider_changes_roles_where_nobody_is_an_administrator(self, sql_people: SqlPeople) -> None:
        subject = Subject(issuer="https://id.example", subject="7", name="Grace", roles=MODERATOR)
        grace = await sql_people.admit(subject)
        assert (await sql_people.admit(replace(subject, roles=frozenset({Role.LEAD})))).roles == {Role.LEAD}
        assert (await sql_people.set_roles(grace.id, MODERATOR, actor="system")).roles == MODERATOR
        assert (await sql_people.set_disabled(grace.id, True, actor="system")).disabled

    async def test_a_provider_may_take_the_last_administrator_away(self, sql_people: SqlPeople) -> None:
        subject = Subject(issuer="https://id.example", subject="7", name="Grace", roles=ADMIN)
        grace = await sql_people.admit(subject)
        with pytest.raises(NotAllowed):
            await sql_people.set_roles(grace.id, MODERATOR, actor="system")
        assert (await sql_people.admit(replace(subject, roles=MODERATOR))).roles == MODERATOR


class TestSessions:
    async def test_a_session_is_of_its_person_until_it_ends(self, sql_people: SqlPeople, sessions: SqlSessions) -> None:
        anna = account("Anna")
        await sql_people.add(anna, actor="m")
        await sessions.begin("d1", anna.person.id, lasts=DAY)
        found = await sessions.session("d1", idle=DAY)
        assert found
        assert found.person.id == anna.person.id
        assert found.person.signed_in_at == found.started_at == found.ends_at - DAY
        assert await sessions.session("d1", idle=timedelta()) is None
        assert await sessions.session("d2", idle=DAY) is None
        await sessions.end("d1")
        assert await sessions.session("d1", idle=DAY) is None

    async def test_what_changes_a_person_ends_their_sessions_alone(
        self, sql_people: SqlPeople, sessions: SqlSessions
    ) -> None:
        anna, ben = account("Anna"), account("Ben", ADMIN)
        for each in (anna, ben):
            await sql_people.add(each, actor="m")
            await sessions.begin(f"of {each.person.name}", each.person.id, lasts=DAY)
        await sessions.begin("kept", anna.person.id, lasts=DAY)
        await sql_people.set_password(anna, actor=anna.person.id, keep="kept")
        assert await sessions.session("of Anna", idle=DAY) is None
        assert await sessions.session("kept", idle=DAY)
        await sql_people.set_roles(anna.person.id, ADMIN, actor="m")
        assert await sessions.session("kept", idle=DAY) is None
        assert await sessions.session("of Ben", idle=DAY)

    async def test_tries_at_once_are_counted_each(self, rivals: list[SqlPeople]) -> None:
        tried = [SqlSessions.beside(each).fail({"name": 5, "address": 99}) for each in rivals * 4]
        waits = await asyncio.gather(*tried)
        assert sum(not wait for wait in waits) == 5
        assert max(waits) <= timedelta(seconds=15)

    async def test_a_success_forgets_the_name_and_forgives_the_address(self, sessions: SqlSessions) -> None:
        for _ in range(3):
            for _ in range(3):
                assert not await sessions.fail({"name": 3, "address": 8})
            await sessions.succeed(clear="name", forgive="address")
        assert not await sessions.fail({"address": 7})
        assert await sessions.fail({"address": 7})

    async def test_a_flow_is_taken_once_by_one(self, rivals: list[SqlPeople]) -> None:
        stores = [SqlSessions.beside(each) for each in rivals]
        await stores[0].keep_flow("f", {"state": "ü"}, lasts=DAY)
        taken = await asyncio.gather(*(each.take_flow("f") for each in stores))
        assert [each for each in taken if each] == [{"state": "ü"}]
        await stores[0].keep_flow("g", {}, lasts=timedelta())
        assert await stores[0].take_flow("g") is None
