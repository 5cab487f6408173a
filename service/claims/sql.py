"""The part of the record store for claims, the version of the set of them all, and people's confirmations.

Every change of a claim or of its state takes the turn of "claims", so that the version is moved by one transaction at a
time, in the one that made the change.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.claims.sets import folded, member_digest, moved
from service.domain.claim import Change, Claim, ClaimFilter, ClaimRecord, ClaimSet, ClaimState, Confirmation, Relation
from service.domain.codec import decode_claim, encode_claim
from service.errors import AlreadyExists, NotFound
from service.storage.database import SqlDatabase, moment, take_turns, unbroken
from service.storage.documents import insert, listed
from service.storage.tables.records import CLAIM_SETS, CLAIMS, CONFIRMATIONS
from service.webhooks.event import claim_event
from service.webhooks.sql.events import enqueue

_THE_SET = 1
_VERSION = select(CLAIM_SETS.c.version).where(CLAIM_SETS.c.id == _THE_SET)


def _words(which: ColumnElement[bool]) -> ColumnElement[int]:
    """How many people confirmed, or rejected, a match of the claim."""
    about = CONFIRMATIONS.c.claim_id == CLAIMS.c.id
    return select(func.count()).select_from(CONFIRMATIONS).where(about, which).scalar_subquery()


_WRONG = CONFIRMATIONS.c.relation == Relation.UNRELATED
_STANDING = select(
    CLAIMS.c.body,
    CLAIMS.c.state,
    CLAIMS.c.reason,
    CLAIMS.c.updated_at,
    _words(~_WRONG).label("confirmed"),
    _words(_WRONG).label("rejected"),
)


class SqlClaims(SqlDatabase):
    """`ports.ClaimStore` on SQL."""

    @unbroken
    async def put(self, claims: Sequence[Claim]) -> list[Change]:
        """See `ports.ClaimStore.put`."""
        given = {claim.id: claim for claim in claims}
        async with self.write() as tx:
            await take_turns(tx, "claims")
            did = await _put(tx, given, self.now())
        return [did.get(claim.id, Change.UNCHANGED) for claim in claims]

    @unbroken
    async def create(self, claim: Claim) -> ClaimRecord:
        """See `ports.ClaimStore.create`."""
        async with self.write() as tx:
            await take_turns(tx, "claims")
            if await _known(tx, [claim.id]):
                raise AlreadyExists(f"{claim.name} exists already; an import updates it")
            await _put(tx, {claim.id: claim}, self.now())
            return await _find(tx, claim.id)

    @unbroken
    async def find_claim(self, claim_id: str) -> ClaimRecord:
        """See `ports.ClaimStore.find_claim`."""
        async with self.read() as connection:
            return await _find(connection, claim_id)

    @unbroken
    async def claims(self, only: ClaimFilter, *, after: str, limit: int) -> list[ClaimRecord]:
        """See `ports.ClaimStore.claims`."""
        query = _STANDING.where(CLAIMS.c.id > after).order_by(CLAIMS.c.id).limit(limit)
        async with self.read() as connection:
            return [_record(row) for row in await connection.execute(_narrow(query, only))]

    @unbroken
    async def claims_version(self) -> str:
        """See `ports.ClaimStore.claims_version`."""
        async with self.read() as connection:
            return (await connection.execute(_VERSION)).scalar_one_or_none() or ""

    @unbroken
    async def claim_set(self) -> ClaimSet:
        """See `ports.ClaimStore.claim_set`: one statement, so one snapshot."""
        query = _STANDING.add_columns(_VERSION.scalar_subquery().label("version")).order_by(CLAIMS.c.id)
        versions = {""}

        def record(row: Row[Any]) -> ClaimRecord:
            versions.add(row.version)
            return _record(row)

        records = await self.read_all(query, record)
        return ClaimSet(max(versions), tuple(records))

    @unbroken
    async def quarantine(self, claim_id: str, reason: str, *, override: bool = True) -> ClaimRecord:
        """See `ports.ClaimStore.quarantine`."""
        state = ClaimState.QUARANTINED if reason else ClaimState.ACTIVE
        async with self.write() as tx:
            await take_turns(tx, "claims")
            record = await _find(tx, claim_id)
            kept = record.state is ClaimState.QUARANTINED and not override
            if kept or (record.state, record.reason) == (state, reason):
                return record
            before, now = member_digest(record.claim, record.state), member_digest(record.claim, state)
            values = {"state": state, "reason": reason, "digest": now, "updated_at": self.now()}
            await tx.execute(update(CLAIMS).where(CLAIMS.c.id == claim_id).values(values))
            await _move_version(tx, joined=[now], left=[before])
            record = await _find(tx, claim_id)
            await enqueue(tx, now=self.now(), events=[claim_event(record)])
        return record

    @unbroken
    async def confirm(self, confirmation: Confirmation) -> ClaimRecord:
        """See `ports.ClaimStore.confirm`."""
        row = {
            "claim_id": confirmation.claim_id,
            "post": confirmation.post,
            "moderator": confirmation.moderator,
            "relation": confirmation.relation,
            "note": confirmation.note,
            "confirmed_at": self.now(),
        }
        async with self.write() as tx:
            await _find(tx, confirmation.claim_id)  # claims are never deleted
            statement = insert(tx, CONFIRMATIONS, [row])
            word = list(CONFIRMATIONS.primary_key.columns)
            await tx.execute(statement.on_conflict_do_update(index_elements=word, set_=statement.excluded))
            return await _find(tx, confirmation.claim_id)


def _record(row: Row[Any]) -> ClaimRecord:
    return ClaimRecord(
        claim=decode_claim(row.body),
        state=ClaimState(row.state),
        reason=row.reason,
        updated_at=moment(row.updated_at),
        confirmed=row.confirmed,
        rejected=row.rejected,
    )


def _narrow(query: Select[Any], only: ClaimFilter) -> Select[Any]:
    """`query` on CLAIMS with the filter's conditions."""
    if only.state:
        query = query.where(CLAIMS.c.state == only.state)
    if only.publisher:
        query = query.where(CLAIMS.c.publisher == only.publisher)
    if only.query:
        query = query.where(CLAIMS.c.folded.contains(folded(only.query), autoescape=True))
    return query


async def _find(connection: AsyncConnection, claim_id: str) -> ClaimRecord:
    row = (await connection.execute(_STANDING.where(CLAIMS.c.id == claim_id))).one_or_none()
    if row is None:
        raise NotFound(f"claims/{claim_id} was never stored")
    return _record(row)


async def _put(tx: AsyncConnection, claims: Mapping[str, Claim], now: int) -> dict[str, Change]:
    """Store the claims that are new or changed, by id; returns the outcome of each."""
    known = await _known(tx, list(claims))
    rows = {claim_id: _row(claim, known, now) for claim_id, claim in claims.items()}
    changed = {i: row for i, row in rows.items() if i not in known or row["digest"] != known[i].digest}
    if changed:
        await _store(tx, list(changed.values()))
        left = [known[claim_id].digest for claim_id in changed if claim_id in known]
        await _move_version(tx, joined=[row["digest"] for row in changed.values()], left=left)
    return {claim_id: Change.UPDATED if claim_id in known else Change.NEW for claim_id in changed}


async def _known(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """What is stored under those ids, as `digest`, `state` and `reason`."""
    query: Select[Any] = select(CLAIMS.c.id, CLAIMS.c.digest, CLAIMS.c.state, CLAIMS.c.reason)
    return {row.id: row for row in await tx.execute(query.where(CLAIMS.c.id.in_(listed(tx, ids))))}


def _row(claim: Claim, known: Mapping[str, Row[Any]], now: int) -> dict[str, Any]:
    """The claim's row, in its known state."""
    before = known.get(claim.id)
    state = ClaimState(before.state) if before else ClaimState.ACTIVE
    return {
        "id": claim.id,
        "digest": member_digest(claim, state),
        "state": state,
        "reason": before.reason if before else "",
        "publisher": claim.publisher,
        "folded": folded(claim.claim, claim.title),
        "body": encode_claim(claim),
        "updated_at": now,
    }


async def _store(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    statement = insert(tx, CLAIMS, rows)
    await tx.execute(statement.on_conflict_do_update(index_elements=[CLAIMS.c.id], set_=statement.excluded))


async def _move_version(tx: AsyncConnection, *, joined: Sequence[str], left: Sequence[str]) -> None:
    before = (await tx.execute(_VERSION)).scalar_one_or_none() or ""
    statement = insert(tx, CLAIM_SETS, [{"id": _THE_SET, "version": moved(before, joined=joined, left=left)}])
    await tx.execute(statement.on_conflict_do_update(index_elements=[CLAIM_SETS.c.id], set_=statement.excluded))
