"""Signing in with a password: who is let in, for how long, and what guessing meets."""

import statistics
import time
from datetime import timedelta

import pytest

from service.errors import InvalidInput, SignInRefused, TooManyTries
from service.people.argon2_hasher import Argon2Hasher
from service.people.directory import SYSTEM
from service.people.passwords import ONE_TIME_LASTS, check_password
from service.people.person import NOBODY
from service.people.roles import Role
from service.people.sign_in import SignIn, SignInLimits, safe_path
from tests.fakes.clock import Clock
from tests.people.conftest import People

MODERATOR = frozenset({Role.MODERATOR})
GOOD = "correct horse battery"


async def refused(people: People, name: str, password: str, address: str = "1.2.3.4") -> str:
    with pytest.raises((SignInRefused, TooManyTries)) as caught:
        await people.sign_in.with_password(name, password, address=address)
    return str(caught.value)


async def test_a_one_time_password_opens_a_session_until_it_is_changed(people: People) -> None:
    anna, password = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    token = await people.sign_in.with_password("ANNA", password, address="::1")
    session = await people.sign_in.session(token)
    assert session
    assert session.person.one_time
    other = await people.sign_in.begin(anna)
    await people.directory.change_password(session.person, password, GOOD, session=session.digest)
    again = await people.sign_in.session(token)
    assert again
    assert not again.person.one_time
    assert await people.sign_in.session(other) is None
    assert await refused(people, "Anna", password)
    assert await people.sign_in.with_password("Anna", GOOD, address="::1")
    actions = [(entry.actor, entry.action) for entry in await people.log()][1:]
    signed_in, denied = (anna.id, "person.sign_in"), (NOBODY, "person.sign_in_refused")
    assert actions == [signed_in, signed_in, (anna.id, "person.password"), denied, signed_in]


async def test_who_is_refused_is_audited_without_what_they_typed(people: People) -> None:
    anna, _ = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    await refused(people, "Anna", "a guess")
    await refused(people, "my password by mistake", "")
    refusals = [entry for entry in await people.log() if entry.action == "person.sign_in_refused"]
    assert [entry.subject for entry in refusals] == [f"people/{anna.id}", f"people/{NOBODY}"]
    assert not any(word in str(refusals) for word in ("Anna", "guess", "mistake"))


async def test_every_refusal_reads_the_same(people: People) -> None:
    anna, password = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    await people.directory.first()
    gone, lost = await people.directory.add("Gone", MODERATOR, by=SYSTEM)
    await people.directory.add("Root", frozenset({Role.ADMIN}), by=SYSTEM)
    await people.directory.set_disabled(gone.id, True, by=SYSTEM)
    said = {
        await refused(people, "Anna", "wrong"),
        await refused(people, "nobody", "wrong"),
        await refused(people, "Gone", lost),
        await refused(people, "", ""),
        await refused(people, "x" * 10_000, "wrong"),
        await refused(people, "Anna", "\udcff" * 20),
    }
    people.clock.time += ONE_TIME_LASTS.total_seconds()
    said.add(await refused(people, "Anna", password))
    assert len(said) == 1
    assert anna.name not in said.pop()


async def test_an_unknown_name_takes_as_long_as_a_wrong_password(people: People) -> None:
    slow = Argon2Hasher()
    sign_in = SignIn(people.store, people.sessions, slow, limits=SignInLimits(account_tries=99, address_tries=99))
    await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    anna = await people.store.account("Anna")
    assert anna
    hashed = await slow.hash(GOOD)

    async def seconds(stored: str) -> float:
        started = time.perf_counter()
        assert not await slow.verify(stored, "wrong")
        return time.perf_counter() - started

    known = statistics.median([await seconds(hashed) for _ in range(5)])
    unknown = statistics.median([await seconds("") for _ in range(5)])
    assert 0.4 < unknown / known < 2.5
    with pytest.raises(SignInRefused):
        await sign_in.with_password("nobody", "wrong", address="::1")


@pytest.mark.parametrize("name", ["Anna", "nobody"])
async def test_guessing_locks_a_name_for_longer_and_longer(people: People, clock: Clock, name: str) -> None:
    _, password = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    waits: list[float] = []
    for guess in range(12):
        for _ in range(40):
            try:
                await people.sign_in.with_password(name, "wrong", address=f"10.0.0.{guess}")
            except TooManyTries as error:
                waits.append(error.retry_after)
                clock.time += error.retry_after
            except SignInRefused:
                break
    assert waits == [15, 30, 60, 120, 240, 480, 960]
    with pytest.raises(TooManyTries):
        await people.sign_in.with_password("Anna" if name == "Anna" else name, password, address="10.1.1.1")
    clock.time += 2 * 3600
    if name == "Anna":
        assert await people.sign_in.with_password(name, password, address="10.1.1.1")
        await refused(people, name, "wrong")  # the count began again


async def test_guessing_from_one_address_locks_it_and_others_go_on(people: People, clock: Clock) -> None:
    _, password = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    for number in range(30):
        await refused(people, f"name {number}", "wrong", "6.6.6.6")
    with pytest.raises(TooManyTries):
        await people.sign_in.with_password("Anna", password, address="6.6.6.6")
    assert await people.sign_in.with_password("Anna", password, address="7.7.7.7")
    clock.time += 16
    assert await people.sign_in.with_password("Anna", password, address="6.6.6.6")


async def test_signing_in_forgets_the_failures_before_it(people: People) -> None:
    _, password = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    for _ in range(5):
        for _ in range(4):
            await refused(people, "Anna", "wrong")
        await people.sign_in.with_password("Anna", password, address="1.2.3.4")


async def test_a_session_ends_when_it_lies_idle_and_at_last(people: People, clock: Clock) -> None:
    anna, _ = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    idle = await people.sign_in.begin(anna)
    busy = await people.sign_in.begin(anna)
    minutes = 0
    while await people.sign_in.session(busy):
        clock.time += 600
        minutes += 10
        if minutes == 70:
            assert await people.sign_in.session(idle) is None
    assert minutes == 12 * 60


async def test_a_page_that_refreshes_by_itself_keeps_nobody_signed_in(people: People, clock: Clock) -> None:
    anna, _ = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    token = await people.sign_in.begin(anna)
    for _ in range(5):
        assert await people.sign_in.session(token, used=False)
        clock.time += 719
    clock.time += 10
    assert await people.sign_in.session(token, used=False) is None


async def test_signing_out_ends_one_session_and_no_token_is_stored(people: People) -> None:
    anna, _ = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    first, second = [await people.sign_in.begin(anna) for _ in range(2)]
    session = await people.sign_in.session(first)
    assert session
    assert first not in session.digest
    await people.sign_in.sign_out(session)
    await people.sign_in.sign_out(session)
    assert await people.sign_in.session(first) is None
    assert await people.sign_in.session(second)
    assert [entry.action for entry in await people.log()].count("person.sign_out") == 1
    assert await people.sign_in.session("") is None
    assert await people.sign_in.session("\udcff") is None


async def test_passwords_may_be_turned_off(people: People) -> None:
    limits = SignInLimits(passwords=False, idle=timedelta(hours=1))
    sign_in = SignIn(people.store, people.sessions, people.hasher, limits=limits)
    with pytest.raises(SignInRefused, match="turned off"):
        await sign_in.with_password("Anna", GOOD, address="::1")


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("short", "fewer than 12"),
        ("aaaaaaaaaaaaaab", "different"),
        ("x y z w v u" * 30, "more than"),
        ("my name is Anna!", "contains the name"),
    ],
)
def test_a_weak_password_is_refused_with_what_is_wrong(password: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        check_password(password, "anna")


async def test_changing_a_password_needs_the_old_one_and_another(people: People) -> None:
    anna, password = await people.directory.add("Anna", MODERATOR, by=SYSTEM)
    with pytest.raises(InvalidInput, match="old password: is wrong"):
        await people.directory.change_password(anna, "wrong", GOOD, session="")
    with pytest.raises(InvalidInput, match="is the old one"):
        await people.directory.change_password(anna, password, password, session="")


@pytest.mark.parametrize(
    ("after", "path"),
    [
        ("/queue?x=1#y", "/queue?x=1#y"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("\\/evil.example", "/"),
        ("/a\nSet-Cookie: x", "/"),
        ("", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_only_paths_of_this_site_are_gone_on_to(after: str, path: str) -> None:
    assert safe_path(after) == path
