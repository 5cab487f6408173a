"""People on SQL: `people.ports.PeopleStore`. Every change is in the audit log, in the same transaction."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.errors import AlreadyExists, NotAllowed, NotFound
from service.people.person import Account, Person, Subject, folded, new_id
from service.people.roles import Role
from service.storage.database import SqlDatabase, microseconds, moment, take_turns, unbroken
from service.storage.tables.people import PEOPLE, SESSIONS

_TURN = "people"


class SqlPeople(SqlDatabase):
    """Who may sign in."""

    @unbroken
    async def first(self, account: Account) -> bool:
        """See `people.ports.PeopleStore.first`."""
        async with self.write() as tx:
            await take_turns(tx, _TURN)
            if (await tx.execute(select(func.count()).select_from(PEOPLE))).scalar_one():
                return False
            await self._add(tx, account, actor="system")
        return True

    @unbroken
    async def add(self, account: Account, *, actor: str) -> None:
        """See `people.ports.PeopleStore.add`."""
        async with self.write() as tx:
            await take_turns(tx, _TURN)
            if await _taken(tx, account.person.name):
                raise AlreadyExists(f"there is a person called {account.person.name} already; choose another name")
            await self._add(tx, account, actor=actor)

    @unbroken
    async def find(self, person_id: str) -> Person:
        """See `people.ports.PeopleStore.find`."""
        async with self.read() as connection:
            return await _find(connection, person_id)

    @unbroken
    async def account(self, name: str) -> Account | None:
        """See `people.ports.PeopleStore.account`."""
        async with self.read() as connection:
            row = (await connection.execute(select(PEOPLE).where(PEOPLE.c.folded == folded(name)))).one_or_none()
        if row is None:
            return None
        until = None if row.password_until is None else moment(row.password_until)
        return Account(person=person_of(row), password=row.password, password_until=until)

    @unbroken
    async def people(self, *, after: str = "", limit: int = 200) -> Sequence[Person]:
        """See `people.ports.PeopleStore.people`."""
        query = select(PEOPLE).order_by(PEOPLE.c.folded).limit(limit)
        if after:
            query = query.where(PEOPLE.c.folded > folded(after))
        async with self.read() as connection:
            return [person_of(row) for row in await connection.execute(query)]

    @unbroken
    async def set_roles(self, person_id: str, roles: frozenset[Role], *, actor: str) -> Person:
        """See `people.ports.PeopleStore.set_roles`."""
        async with self.write() as tx:
            await take_turns(tx, _TURN)
            before = await _find(tx, person_id)
            if before.roles != roles:
                await self._change(tx, person_id, {"roles": sorted(roles)})
                await _must_be_managed(tx, before)
                detail = {"before": sorted(before.roles), "after": sorted(roles)}
                await self._append(tx, actor, "person.roles", person_id, detail)
            return await _find(tx, person_id)

    @unbroken
    async def set_disabled(self, person_id: str, disabled: bool, *, actor: str) -> Person:
        """See `people.ports.PeopleStore.set_disabled`."""
        async with self.write() as tx:
            await take_turns(tx, _TURN)
            before = await _find(tx, person_id)
            if before.disabled != disabled:
                await self._change(tx, person_id, {"disabled": disabled})
                await _must_be_managed(tx, before)
                await self._append(tx, actor, "person.disable" if disabled else "person.enable", person_id)
            return await _find(tx, person_id)

    @unbroken
    async def set_password(self, account: Account, *, actor: str, keep: str = "") -> None:
        """See `people.ports.PeopleStore.set_password`."""
        person_id = account.person.id
        until = None if account.password_until is None else microseconds(account.password_until)
        async with self.write() as tx:
            await take_turns(tx, _TURN)
            await _find(tx, person_id)
            values = {"password": account.password, "password_until": until}
            await tx.execute(update(PEOPLE).where(PEOPLE.c.id == person_id).values(values))
            await tx.execute(delete(SESSIONS).where(SESSIONS.c.person == person_id, SESSIONS.c.digest != keep))
            await self._append(tx, actor, "person.password", person_id, {"one_time": until is not None})

    @unbroken
    async def admit(self, subject: Subject) -> Person:
        """See `people.ports.PeopleStore.admit`. The provider's roles apply, even if no administrator is left."""
        known = PEOPLE.c.issuer == subject.issuer, PEOPLE.c.subject == subject.subject
        async with self.write() as tx:
            await take_turns(tx, _TURN)
            row = (await tx.execute(select(PEOPLE).where(*known))).one_or_none()
            if row is None:
                return await self._welcome(tx, subject)
            before = person_of(row)
            if before.roles != subject.roles:
                await self._change(tx, before.id, {"roles": sorted(subject.roles)})
                detail = {"before": sorted(before.roles), "after": sorted(subject.roles)}
                await self._append(tx, "system", "person.roles", before.id, detail)
            return await _find(tx, before.id)

    async def _welcome(self, tx: AsyncConnection, subject: Subject) -> Person:
        """Add a person whom the provider admits for the first time; a name that is taken gets a suffix."""
        name = subject.name
        if await _taken(tx, name):
            name = f"{name} ({hashlib.sha256(f'{subject.issuer} {subject.subject}'.encode()).hexdigest()[:8]})"
        person = Person(
            id=new_id(), name=name, roles=subject.roles, issuer=subject.issuer, created_at=moment(self.now())
        )
        await self._add(tx, Account(person=person, password=""), actor="system", subject=subject.subject)
        return person

    async def _add(self, tx: AsyncConnection, account: Account, *, actor: str, subject: str = "") -> None:
        person = account.person
        row = {
            "id": person.id,
            "name": person.name,
            "folded": folded(person.name),
            "roles": sorted(person.roles),
            "disabled": False,
            "password": account.password,
            "password_until": None if account.password_until is None else microseconds(account.password_until),
            "issuer": person.issuer,
            "subject": subject or person.id,
            "created_at": self.now(),
        }
        await tx.execute(PEOPLE.insert().values(row))
        detail = {"roles": sorted(person.roles), "local": not person.issuer}
        await self._append(tx, actor, "person.add", person.id, detail)

    async def _change(self, tx: AsyncConnection, person_id: str, values: Mapping[str, Any]) -> None:
        """Change the person and end their sessions."""
        await tx.execute(update(PEOPLE).where(PEOPLE.c.id == person_id).values(values))
        await tx.execute(delete(SESSIONS).where(SESSIONS.c.person == person_id))

    async def _append(
        self, tx: AsyncConnection, actor: str, action: str, person_id: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        await append(tx, now=self.now(), actor=actor, action=action, subject=f"people/{person_id}", detail=detail)


def person_of(row: Row[Any]) -> Person:
    """The person in a row that has the columns of PEOPLE."""
    return Person(
        id=row.id,
        name=row.name,
        roles=frozenset(map(Role, row.roles)),
        disabled=row.disabled,
        one_time=row.password_until is not None,
        issuer=row.issuer,
        created_at=moment(row.created_at),
        signed_in_at=None if row.signed_in_at is None else moment(row.signed_in_at),
    )


async def _find(connection: AsyncConnection, person_id: str) -> Person:
    row = (await connection.execute(select(PEOPLE).where(PEOPLE.c.id == person_id))).one_or_none()
    if row is None:
        raise NotFound(f"there is no people/{person_id}")
    return person_of(row)


async def _must_be_managed(tx: AsyncConnection, before: Person) -> None:
    """Raise `NotAllowed` if a change to a person who could manage people left no one who can."""
    if before.disabled or Role.ADMIN not in before.roles:
        return
    rows = await tx.execute(select(PEOPLE.c.roles).where(PEOPLE.c.disabled.is_(False)))
    if not any(Role.ADMIN in row.roles for row in rows):
        raise NotAllowed("no one would be left to manage people; make another person an administrator first")


async def _taken(tx: AsyncConnection, name: str) -> bool:
    query = select(PEOPLE.c.id).where(PEOPLE.c.folded == folded(name))
    return (await tx.execute(query)).one_or_none() is not None
