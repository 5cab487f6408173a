"""Who may sign in, and what they may do."""

import pytest

from service.errors import AlreadyExists, InvalidInput, NotAllowed, NotFound
from service.people.directory import SYSTEM
from service.people.roles import RIGHTS, Right, Role, may
from tests.people.conftest import People

MODERATOR, ADMIN = frozenset({Role.MODERATOR}), frozenset({Role.ADMIN})


async def test_the_first_administrator_is_made_once(people: People) -> None:
    password = await people.directory.first()
    assert len(password) == 23
    assert await people.directory.first() == ""
    [admin] = await people.directory.people()
    assert (admin.name, admin.roles, admin.one_time) == ("admin", ADMIN, True)
    [entry] = await people.log()
    assert (entry.actor, entry.action, entry.subject) == ("system", "person.add", f"people/{admin.id}")


async def test_people_are_added_under_names_that_no_other_looks_like(people: People) -> None:
    anna, password = await people.directory.add(" Anna ", MODERATOR, by=SYSTEM)
    assert anna.name == "Anna"
    assert await people.directory.named("ANNA") == await people.directory.find(anna.id)
    for name in ("anna", "ANNA", "Ａｎｎａ"):
        with pytest.raises(AlreadyExists, match="choose another"):
            await people.directory.add(name, MODERATOR, by=SYSTEM)
    assert password not in str(await people.log())


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00", "a\u202eb", "x" * 121])
async def test_names_that_nobody_can_type_are_refused(people: People, name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        await people.directory.add(name, MODERATOR, by=SYSTEM)


async def test_only_who_manages_people_changes_them(people: People) -> None:
    for role in set(Role) - {Role.ADMIN}:
        person, _ = await people.directory.add(role, frozenset({role}), by=SYSTEM)
        for change in (
            people.directory.add("new", MODERATOR, by=person),
            people.directory.set_roles(person.id, ADMIN, by=person),
            people.directory.set_disabled(person.id, True, by=person),
            people.directory.reset_password(person.id, by=person),
        ):
            with pytest.raises(NotAllowed):
                await change
    assert {entry.action for entry in await people.log()} == {"person.add"}


async def test_changes_end_sessions_and_are_recorded(people: People) -> None:
    await people.directory.first()
    [admin] = await people.directory.people()
    anna, _ = await people.directory.add("Anna", MODERATOR, by=admin)
    lead = frozenset({Role.LEAD, Role.POLICY})
    for change in (
        lambda: people.directory.set_roles(anna.id, lead, by=admin),
        lambda: people.directory.set_disabled(anna.id, True, by=admin),
        lambda: people.directory.set_disabled(anna.id, False, by=admin),
        lambda: people.directory.reset_password(anna.id, by=admin),
    ):
        token = await people.sign_in.begin(anna)
        await change()
        assert await people.sign_in.session(token) is None
    said = [(entry.actor, entry.action) for entry in await people.log() if entry.action != "person.sign_in"]
    assert said[2:] == [
        (admin.id, "person.roles"),
        (admin.id, "person.disable"),
        (admin.id, "person.enable"),
        (admin.id, "person.password"),
    ]
    assert (await people.directory.find(anna.id)).roles == lead


async def test_a_change_to_what_is_so_already_changes_nothing(people: People) -> None:
    await people.directory.first()
    anna, _ = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    token, length = await people.sign_in.begin(anna), len(await people.log())
    await people.directory.set_roles(anna.id, MODERATOR, by=SYSTEM)
    await people.directory.set_disabled(anna.id, False, by=SYSTEM)
    assert await people.sign_in.session(token)
    assert len(await people.log()) == length


async def test_an_administrator_is_always_left(people: People) -> None:
    await people.directory.first()
    [admin] = await people.directory.people()
    with pytest.raises(NotAllowed, match="make another person"):
        await people.directory.set_roles(admin.id, MODERATOR, by=admin)
    with pytest.raises(NotAllowed, match="make another person"):
        await people.directory.set_disabled(admin.id, True, by=SYSTEM)
    other, _ = await people.directory.add("other", ADMIN, by=admin)
    with pytest.raises(NotAllowed, match="yourself"):
        await people.directory.set_disabled(admin.id, True, by=admin)
    await people.directory.set_roles(admin.id, MODERATOR, by=other)
    with pytest.raises(NotAllowed, match="make another person"):
        await people.directory.set_disabled(other.id, True, by=SYSTEM)


async def test_roles_are_needed_and_unknown_people_named(people: People) -> None:
    with pytest.raises(InvalidInput, match="roles"):
        await people.directory.add("Anna", frozenset(), by=SYSTEM)
    with pytest.raises(NotFound, match="people/m-none"):
        await people.directory.set_roles("m-none", MODERATOR, by=SYSTEM)


async def test_people_come_in_pages_by_name(people: People) -> None:
    for name in ("b", "C", "a", "Ä", "_"):
        await people.directory.add(name, MODERATOR, by=SYSTEM)
    first = await people.directory.people(limit=2)
    rest = await people.directory.people(after=first[-1].name)
    assert [person.name for person in (*first, *rest)] == ["_", "a", "b", "C", "Ä"]


def test_each_role_may_what_it_is_for() -> None:
    assert RIGHTS[Role.VIEWER] < RIGHTS[Role.MODERATOR] < RIGHTS[Role.LEAD] < RIGHTS[Role.ADMIN] == frozenset(Right)
    assert not may([Role.POLICY], Right.DECIDE)
    assert may([Role.MODERATOR, Role.POLICY], Right.DECIDE)
    assert not may([], Right.SEE)
