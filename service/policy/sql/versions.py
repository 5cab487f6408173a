"""Policy versions on SQL: the documents, the live one and the one in shadow, and the history of changes.

Every change takes the turn of "policies", so that two people who promote at once do so one after the other, and the
second learns that the version they saw is no longer live.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Row, RowMapping, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.errors import Outdated, PolicyNotFound
from service.policy.governance.policy_version import FROM_FILE, PolicyAct, PolicyChange, PolicyVersion, Slots
from service.storage.database import SqlDatabase, microseconds, moment, take_turns, unbroken
from service.storage.documents import insert
from service.storage.tables.policy import POLICIES, POLICY_CHANGES, POLICY_SLOTS

_LIVE, _SHADOW = "live", "shadow"
_ACTIONS = {
    PolicyAct.CREATE: "policy.create",
    PolicyAct.PROMOTE: "policy.promote",
    PolicyAct.ROLL_BACK: "policy.roll_back",
    PolicyAct.SHADOW: "policy.shadow",
    PolicyAct.CLOSE_BREAKER: "budget.close",
}
_SUBJECTS = {PolicyAct.CLOSE_BREAKER: "budget"}
_LAST_CHANGE = select(func.max(POLICY_CHANGES.c.number))


class _Live(NamedTuple):
    """The live version, and the change that made it so."""

    version: str = FROM_FILE
    promotion: int = 0


class SqlPolicies(SqlDatabase):
    """`governance.ports.PolicyStore` on SQL."""

    @unbroken
    async def add_policy(self, policy: PolicyVersion) -> tuple[PolicyVersion, bool]:
        """See `PolicyStore.add_policy`."""
        async with self.write() as tx:
            await take_turns(tx, "policies")
            if there := await _found(tx, policy.version):
                return there, False
            number = await _next(tx, select(func.max(POLICIES.c.number)))
            row = {
                "version": policy.version,
                "number": number,
                "title": policy.title,
                "description": policy.description,
                "document": policy.document,
                "author": policy.author,
                "note": policy.note,
                "created_at": microseconds(policy.created_at),
            }
            await tx.execute(POLICIES.insert().values(row))
            await self._note(tx, PolicyAct.CREATE, policy.author, policy.note, version=policy.version)
            return _policy(row), True

    @unbroken
    async def find_policy(self, version: str) -> PolicyVersion:
        """See `PolicyStore.find_policy`."""
        async with self.read() as connection:
            return await _required(connection, version)

    @unbroken
    async def policies(self, *, before: int | None, limit: int) -> list[PolicyVersion]:
        """See `PolicyStore.policies`."""
        query = select(POLICIES).order_by(POLICIES.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(POLICIES.c.number < before)
        async with self.read() as connection:
            return [_policy(row) for row in (await connection.execute(query)).mappings()]

    @unbroken
    async def slots(self) -> Slots:
        """See `PolicyStore.slots`."""
        async with self.read() as connection:
            rows = await connection.execute(select(POLICY_SLOTS.c.slot, POLICY_SLOTS.c.version))
            versions = {row.slot: row.version for row in rows}
        return Slots(versions.get(_LIVE, FROM_FILE), versions.get(_SHADOW, ""))

    @unbroken
    async def promote(self, version: str, actor: str, note: str, *, expected: str | None) -> PolicyChange:
        """See `PolicyStore.promote`."""
        async with self.write() as tx:
            await take_turns(tx, "policies")
            await _required(tx, version)
            live = await _live(tx, expected)
            if live.version == version:
                raise Outdated(f"policies/{version} is live already")
            if await _shadow(tx) == version:  # it would be compared with itself
                await _fill(tx, _SHADOW, "")
            await _fill(tx, _LIVE, version, await _next(tx, _LAST_CHANGE))
            return await self._note(
                tx, PolicyAct.PROMOTE, actor, note, version=version, before=live.version, below=live.promotion
            )

    @unbroken
    async def roll_back(self, actor: str, note: str, *, expected: str | None) -> PolicyChange:
        """See `PolicyStore.roll_back`."""
        async with self.write() as tx:
            await take_turns(tx, "policies")
            live = await _live(tx, expected)
            if live.version == FROM_FILE:
                raise Outdated("nothing was promoted: the policy file of the settings is live; change that file")
            below = select(POLICY_CHANGES.c.below).where(POLICY_CHANGES.c.number == live.promotion).scalar_subquery()
            found = await tx.execute(
                select(POLICY_CHANGES.c.version, POLICY_CHANGES.c.number).where(POLICY_CHANGES.c.number == below)
            )
            back = _Live(*row) if (row := found.one_or_none()) else _Live()
            if back.version and await _shadow(tx) == back.version:
                await _fill(tx, _SHADOW, "")
            await _fill(tx, _LIVE, *back)
            return await self._note(tx, PolicyAct.ROLL_BACK, actor, note, version=back.version, before=live.version)

    @unbroken
    async def set_shadow(self, version: str, actor: str, note: str) -> PolicyChange:
        """See `PolicyStore.set_shadow`."""
        async with self.write() as tx:
            await take_turns(tx, "policies")
            if version:
                await _required(tx, version)
                if (await _live(tx, None)).version == version:
                    raise Outdated(f"policies/{version} is live: it would be compared with itself")
            before = await _shadow(tx)
            await _fill(tx, _SHADOW, version)
            return await self._note(tx, PolicyAct.SHADOW, actor, note, version=version, before=before)

    @unbroken
    async def note_act(self, act: PolicyAct, actor: str, note: str) -> PolicyChange:
        """See `PolicyStore.note_act`."""
        async with self.write() as tx:
            await take_turns(tx, "policies")
            return await self._note(tx, act, actor, note, version=(await _live(tx, None)).version)

    @unbroken
    async def changes(self, *, before: int | None, limit: int) -> list[PolicyChange]:
        """See `PolicyStore.changes`."""
        query = select(POLICY_CHANGES).order_by(POLICY_CHANGES.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(POLICY_CHANGES.c.number < before)
        async with self.read() as connection:
            return [_change(row) for row in await connection.execute(query)]

    async def _note(
        self,
        tx: AsyncConnection,
        act: PolicyAct,
        actor: str,
        note: str,
        *,
        version: str,
        before: str = "",
        below: int = 0,
    ) -> PolicyChange:
        """Store a change in the history and, last in the transaction, in the audit log."""
        number, now = await _next(tx, _LAST_CHANGE), self.now()
        row = {"number": number, "at": now, "actor": actor, "act": act, "version": version, "before": before}
        await tx.execute(POLICY_CHANGES.insert().values({**row, "below": below, "note": note}))
        subject = _SUBJECTS.get(act, f"policies/{version or 'file'}")
        detail = {"before": before, "note": note}
        await append(tx, now=now, actor=actor, action=_ACTIONS[act], subject=subject, detail=detail)
        return PolicyChange(
            number=number, at=moment(now), actor=actor, act=act, version=version, before=before, note=note
        )


async def _next(tx: AsyncConnection, highest: Select[tuple[Any]]) -> int:
    return ((await tx.execute(highest)).scalar_one() or 0) + 1


async def _found(connection: AsyncConnection, version: str) -> PolicyVersion | None:
    row = (await connection.execute(select(POLICIES).where(POLICIES.c.version == version))).mappings().one_or_none()
    return _policy(row) if row else None


async def _required(connection: AsyncConnection, version: str) -> PolicyVersion:
    if (found := await _found(connection, version)) is None:
        raise PolicyNotFound(f"there is no policies/{version}; list the versions for their names")
    return found


async def _live(tx: AsyncConnection, expected: str | None) -> _Live:
    """The live version. Raises `Outdated` where it is not `expected`."""
    query = select(POLICY_SLOTS.c.version, POLICY_SLOTS.c.promotion).where(POLICY_SLOTS.c.slot == _LIVE)
    live = _Live(*row) if (row := (await tx.execute(query)).one_or_none()) else _Live()
    if expected is not None and live.version != expected:
        now = f"policies/{live.version}" if live.version else "the policy file of the settings"
        raise Outdated(f"{now} is live now; look again at what would change")
    return live


async def _shadow(tx: AsyncConnection) -> str:
    query = select(POLICY_SLOTS.c.version).where(POLICY_SLOTS.c.slot == _SHADOW)
    return (await tx.execute(query)).scalar_one_or_none() or ""


async def _fill(tx: AsyncConnection, slot: str, version: str, promotion: int = 0) -> None:
    statement = insert(tx, POLICY_SLOTS, [{"slot": slot, "version": version, "promotion": promotion}])
    await tx.execute(statement.on_conflict_do_update(index_elements=[POLICY_SLOTS.c.slot], set_=statement.excluded))


def _policy(row: Mapping[str, Any] | RowMapping) -> PolicyVersion:
    return PolicyVersion(**{**row, "created_at": moment(row["created_at"])})


def _change(row: Row[Any]) -> PolicyChange:
    return PolicyChange(
        number=row.number,
        at=moment(row.at),
        actor=row.actor,
        act=PolicyAct(row.act),
        version=row.version,
        before=row.before,
        note=row.note,
    )
