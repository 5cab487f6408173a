"""Managing accounts: adding people, changing their roles, setting passwords. Standard library only."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from service.errors import InvalidInput, NotAllowed
from service.people.passwords import ONE_TIME_LASTS, check_password, normalised, one_time_password
from service.people.person import Account, Person, checked_name, checked_roles, new_id
from service.people.ports import Hasher, PeopleStore
from service.people.roles import Right, Role

SYSTEM = Person(
    id="system", name="the operator", roles=frozenset({Role.ADMIN}), created_at=datetime(1970, 1, 1, tzinfo=UTC)
)
"""The actor of the command line: whoever controls the machine."""

FIRST = "admin"
"""The name of the first account."""


class Directory:
    """The people. Changes are made `by` a person, whose rights are checked here."""

    def __init__(
        self, store: PeopleStore, hasher: Hasher, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store, self._hasher, self._now = store, hasher, now

    async def first(self) -> str:
        """The one-time password of a new administrator called `admin`; empty if there is an account already."""
        if await self._store.people(limit=1):
            return ""
        account, password = await self._new(FIRST, frozenset({Role.ADMIN}))
        return password if await self._store.first(account) else ""

    async def add(self, name: str, roles: frozenset[Role], *, by: Person) -> tuple[Person, str]:
        """A new person and their one-time password. Raises `InvalidInput`, `AlreadyExists`, `NotAllowed`."""
        by.require(Right.MANAGE_PEOPLE)
        account, password = await self._new(checked_name(name), checked_roles(roles))
        await self._store.add(account, actor=by.id)
        return account.person, password

    async def find(self, person_id: str) -> Person:
        """The person of that id. Raises `NotFound`."""
        return await self._store.find(person_id)

    async def named(self, name: str) -> Person | None:
        """The person of that name."""
        account = await self._store.account(name)
        return account.person if account else None

    async def people(self, *, after: str = "", limit: int = 200) -> Sequence[Person]:
        """People in the order of their names, after that one."""
        return await self._store.people(after=after, limit=limit)

    async def set_roles(self, person_id: str, roles: frozenset[Role], *, by: Person) -> Person:
        """Change a person's roles; they must sign in again. Raises `NotAllowed`, `NotFound`, `InvalidInput`."""
        by.require(Right.MANAGE_PEOPLE)
        return await self._store.set_roles(person_id, checked_roles(roles), actor=by.id)

    async def set_disabled(self, person_id: str, disabled: bool, *, by: Person) -> Person:
        """Disable a person, or enable them again. Raises `NotAllowed` and `NotFound`."""
        by.require(Right.MANAGE_PEOPLE)
        if disabled and person_id == by.id:
            raise NotAllowed("you can't disable yourself; another administrator can")
        return await self._store.set_disabled(person_id, disabled, actor=by.id)

    async def reset_password(self, person_id: str, *, by: Person) -> str:
        """A new one-time password for a local account. Raises `NotAllowed` and `NotFound`."""
        by.require(Right.MANAGE_PEOPLE)
        person = await self._store.find(person_id)
        _check_local(person)
        password = one_time_password()
        account = Account(
            person=person, password=await self._hasher.hash(password), password_until=self._now() + ONE_TIME_LASTS
        )
        await self._store.set_password(account, actor=by.id)
        return password

    async def change_password(self, person: Person, old: str, new: str, *, session: str) -> None:
        """A person changes their own; all their sessions but that of the digest `session` end.

        Raises `InvalidInput` for a wrong old password, and for a new one that is not valid.
        """
        _check_local(person)
        account = await self._store.account(person.name)
        if not await self._hasher.verify(account.password if account else "", normalised(old)):
            raise InvalidInput("old password", "is wrong", "type the one that you signed in with")
        new = normalised(new)
        check_password(new, person.name)
        if new == normalised(old):
            raise InvalidInput("new password", "is the old one", "take another")
        hashed = await self._hasher.hash(new)
        await self._store.set_password(Account(person=person, password=hashed), actor=person.id, keep=session)

    async def _new(self, name: str, roles: frozenset[Role]) -> tuple[Account, str]:
        password, now = one_time_password(), self._now()
        person = Person(id=new_id(), name=name, roles=roles, one_time=True, created_at=now)
        hashed = await self._hasher.hash(password)
        return Account(person=person, password=hashed, password_until=now + ONE_TIME_LASTS), password


def _check_local(person: Person) -> None:
    if person.issuer:
        raise NotAllowed("this account's password is kept by the OpenID provider; change it there")
