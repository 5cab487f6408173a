"""The record store's part that decides over a cluster: what was previewed is applied, or nothing is."""

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.domain.decision import Decision
from service.domain.post import Surface
from service.domain.verdict import Source, Verdict
from service.errors import Conflict, InvalidInput
from service.records.sql.verdicts import current_verdicts
from service.review.bulk import (
    EXAMPLES,
    MOST,
    Affected,
    BulkDecision,
    BulkPreview,
    check_unchanged,
    decision_over,
    previewed,
)
from service.review.case import CaseDecision, Outcome
from service.review.settlement import told
from service.review.sql.cases import DECIDING, decide_along
from service.review.sql.rows import decision_of
from service.review.sql.ruling import rule, stand
from service.review.sql.settling import keep
from service.storage.database import SqlDatabase, moment, take_turns, unbroken
from service.storage.documents import listed
from service.storage.tables.records import NAMES, POSTS, STANDING, VERDICTS
from service.storage.tables.review import APPEALS, CASE_DECISIONS, CASES


class SqlBulk(SqlDatabase):
    """The bulk decisions of `review.ports.DecisionStore` on SQL."""

    @unbroken
    async def preview(self, bulk: BulkDecision) -> BulkPreview:
        """See `DecisionStore.preview`."""
        async with self.read() as connection:
            return await _seen(connection, bulk)

    @unbroken
    async def apply(self, bulk: BulkDecision, token: str, *, request_id: str = "") -> Outcome:
        """See `DecisionStore.apply`."""
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            now = self.now()
            if request_id and (earlier := await _applied(tx, bulk, request_id)):
                return Outcome(None, earlier)
            preview = await _seen(tx, bulk)
            check_unchanged(preview, token)
            verdicts = await _affected(tx, bulk)
            decision = decision_over(bulk, verdicts, moment(now))
            await stand(tx, decision, {verdict.content_digest for verdict in verdicts}, now)
            made = await rule(tx, decision, verdicts, now)
            await keep(tx, decision, request_id)
            closed = CASES.c.name.in_(listed(tx, [verdict.post.name for verdict in verdicts]))
            await decide_along(tx, decision.id, closed, now)
            detail = {**told(decision), "texts": preview.texts}
            actor, subject = bulk.moderator, bulk.about
            await append(tx, now=now, actor=actor, action="bulk.decide", subject=subject, detail=detail)
        return Outcome(None, decision, tuple(made))


async def _seen(connection: AsyncConnection, bulk: BulkDecision) -> BulkPreview:
    """The preview. Raises `InvalidInput` for more posts than one decision may change."""
    by_person = or_(_source() == Source.MODERATOR, _standing())
    query = _in_cluster(bulk).where(~by_person, ~_contested()).limit(MOST + 1)
    affected = [
        Affected(row.seq, row.content_digest, Decision(row.decision), Surface(row.surface))
        for row in await connection.execute(query)
    ]
    if len(affected) > MOST:
        remedy = "decide its cases: a decision on a text holds for every post that carries it"
        raise InvalidInput("cluster", f"has over {MOST:,} posts to change, the most at once", remedy)
    counts = {
        "decided_by_people": await _count(connection, _in_cluster(bulk).where(by_person)),
        "appealed": await _count(connection, _in_cluster(bulk).where(~by_person, _contested())),
    }
    first = [each.sequence for each in affected[:EXAMPLES]]
    examples = await current_verdicts(connection, VERDICTS.c.seq.in_(first))
    return previewed(bulk, affected, examples, **counts)


async def _affected(tx: AsyncConnection, bulk: BulkDecision) -> list[Verdict]:
    """The verdicts that a preview shows."""
    by_person = or_(_source() == Source.MODERATOR, _standing())
    due = _in_cluster(bulk).where(~by_person, ~_contested()).with_only_columns(VERDICTS.c.seq)
    return await current_verdicts(tx, VERDICTS.c.seq.in_(due))


def _in_cluster(bulk: BulkDecision) -> Select[Any]:
    """The cluster's current verdicts, without what they rest on, oldest first."""
    current = VERDICTS.join(POSTS, POSTS.c.decided_seq == VERDICTS.c.seq).join(NAMES, NAMES.c.key == POSTS.c.key)
    query = select(VERDICTS.c.seq, VERDICTS.c.content_digest, VERDICTS.c.decision, VERDICTS.c.surface)
    return query.select_from(current).where(VERDICTS.c.cluster == bulk.cluster).order_by(VERDICTS.c.seq)


def _source() -> ColumnElement[str]:
    source: ColumnElement[str] = VERDICTS.c.body["source"].as_string()
    return source


def _standing() -> ColumnElement[bool]:
    """Whether a person decided on the post's text, or on the post alone."""
    its = or_(STANDING.c.post == "", STANDING.c.post == NAMES.c.name)
    return exists().where(STANDING.c.content_digest == VERDICTS.c.content_digest, its)


def _contested() -> ColumnElement[bool]:
    return exists().where(APPEALS.c.name == NAMES.c.name)


async def _count(connection: AsyncConnection, query: Select[Any]) -> int:
    return int((await connection.execute(select(func.count()).select_from(query.subquery()))).scalar_one())


async def _applied(tx: AsyncConnection, bulk: BulkDecision, request_id: str) -> CaseDecision | None:
    """The decision that this request made before. Raises `Conflict` when it was another request's."""
    query = select(CASE_DECISIONS).where(CASE_DECISIONS.c.request_id == request_id)
    row = (await tx.execute(query)).mappings().first()
    if row is None:
        return None
    earlier = decision_of(row)
    if (earlier.moderator, earlier.about, earlier.decision) != (bulk.moderator, bulk.about, bulk.ruled.decision):
        raise Conflict(f"request_id {request_id!r} was used for another decision; send a fresh one")
    return earlier
