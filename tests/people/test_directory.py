"""Who may sign in, and what they may do."""

import pytest

from service.errors import AlreadyExists, InvalidInput, NotAllowed, NotFound
from service.people.directory import SYSTEM
from service.people.roles import RIGHTS, Right, Role, may
from tests.people.conftest import People

MODERATOR, ADMIN = frozenset({Role.MODERATOR}), frozenset({Role.ADMIN})


async def test_the_first_administrator_is_made_once(house: People) -> None:
    password = await house.directory.first()
    assert len(password) == 23
    assert await house.directory.first() == ""
    [admin] = await house.directory.people()
    assert (admin.name, admin.roles, admin.one_time) == ("admin", ADMIN, True)
    [entry] = await house.log()
    assert (entry.actor, entry.action, entry.subject) == ("system", "person.add", f"people/{admin.id}")


async def test_people_are_added_under_names_that_no_other_looks_like(house: People) -> None:
    anna, password = await house.directory.add(" Anna ", MODERATOR, by=SYSTEM)
    assert anna.name == "Anna"
    assert await house.directory.named("ANNA") == await house.directory.find(anna.id)
    for name in ("anna", "ANNA", "Ａｎｎａ"):
        with pytest.raises(AlreadyExists, match="choose another"):
            await house.directory.add(name, MODERATOR, by=SYSTEM)
    assert password not in str(await house.log())


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00", "a\u202eb", "x" * 121])
async def test_names_that_nobody_can_type_are_refused(house: People, name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        await house.directory.add(name, MODERATOR, by=SYSTEM)


async def test_only_who_manages_people_changes_them(house: People) -> None:
    for role in set(Role) - {Role.ADMIN}:
        person, _ = await house.directory.add(role, frozenset({role}), by=SYSTEM)
        for change in (
            house.directory.add("new", MODERATOR, by=person),
            house.directory.set_roles(person.id, ADMIN, by=person),
            house.directory.set_disabled(person.id, True, by=person),
            house.directory.reset_password(person.id, by=person),
        ):
            with pytest.raises(NotAllowed):
                await change
    assert {entry.action for entry in await house.log()} == {"person.add"}


async def test_changes_end_sessions_and_are_recorded(house: People) -> None:
    await house.directory.first()
    [admin] = await house.directory.people()
    anna, _ = await house.directory.add("Anna", MODERATOR, by=admin)
    lead = frozenset({Role.LEAD, Role.POLICY})
    for change in (
        lambda: house.directory.set_roles(anna.id, lead, by=admin),
        lambda: house.directory.set_disabled(anna.id, True, by=admin),
        lambda: house.directory.set_disabled(anna.id, False, by=admin),
        lambda: house.directory.reset_password(anna.id, by=admin),
    ):
        token = await house.sign_in.begin(anna)
        await change()
        assert await house.sign_in.session(token) is None
    said = [(entry.actor, entry.action) for entry in await house.log() if entry.action != "person.sign_in"]
    assert said[2:] == [
        (admin.id, "person.roles"),
        (admin.id, "person.disable"),
        (admin.id, "person.enable"),
        (admin.id, "person.password"),
    ]
    assert (await house.directory.find(anna.id)).roles == lead


async def test_a_change_to_what_is_so_already_changes_nothing(house: People) -> None:
    await house.directory.first()
    anna, _ = await house.directory.add("Anna", MODERATOR, by=SYSTEM)
    token, length = await house.sign_in.begin(anna), len(await house.log())
    await house.directory.set_roles(anna.id, MODERATOR, by=SYSTEM)
    await house.directory.set_disabled(anna.id, False, by=SYSTEM)
    assert await house.sign_in.session(token)
    assert len(await house.log()) == length


async def test_an_administrator_is_always_left(house: People) -> None:
    await house.directory.first()
    [admin] = await house.directory.people()
    with pytest.raises(NotAllowed, match="make somebody else"):
        await house.directory.set_roles(admin.id, MODERATOR, by=admin)
    with pytest.raises(NotAllowed, match="make somebody else"):
        await house.directory.set_disabled(admin.id, True, by=SYSTEM)
    other, _ = await house.directory.add("other", ADMIN, by=admin)
    with pytest.raises(NotAllowed, match="yourself"):
        await house.directory.set_disabled(admin.id, True, by=admin)
    await house.directory.set_roles(admin.id, MODERATOR, by=other)
    with pytest.raises(NotAllowed, match="make somebody else"):
        await house.directory.set_disabled(other.id, True, by=SYSTEM)


async def test_roles_are_needed_and_unknown_people_named(house: People) -> None:
    with pytest.raises(InvalidInput, match="roles"):
        await house.directory.add("Anna", frozenset(), by=SYSTEM)
    with pytest.raises(NotFound, match="people/m-none"):
        await house.directory.set_roles("m-none", MODERATOR, by=SYSTEM)


async def test_people_come_in_pages_by_name(house: People) -> None:
    for name in ("b", "C", "a", "Ä", "_"):
        await house.directory.add(name, MODERATOR, by=SYSTEM)
    first = await house.directory.people(limit=2)
    rest = await house.directory.people(after=first[-1].name)
    assert [person.name for person in (*first, *rest)] == ["_", "a", "b", "C", "Ä"]


def test_each_role_may_what_it_is_for() -> None:
    assert RIGHTS[Role.VIEWER] < RIGHTS[Role.MODERATOR] < RIGHTS[Role.LEAD] < RIGHTS[Role.ADMIN] == frozenset(Right)
    assert not may([Role.POLICY], Right.DECIDE)
    assert may([Role.MODERATOR, Role.POLICY], Right.DECIDE)
    assert not may([], Right.SEE)
