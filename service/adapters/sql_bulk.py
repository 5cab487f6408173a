"""The record store's part that decides over a cluster: what was previewed is applied, or nothing is."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.adapters.sql_audit import append
from service.adapters.sql_case_rows import decision_of
from service.adapters.sql_cases import DECIDING, FREE
from service.adapters.sql_database import SqlDatabase, moment, take_turns, unbroken
from service.adapters.sql_documents import listed
from service.adapters.sql_review_tables import APPEALS, CASE_DECISIONS, CASES
from service.adapters.sql_ruling import rule
from service.adapters.sql_settling import keep, told
from service.adapters.sql_standing import standing_of
from service.adapters.sql_tables import VERDICTS
from service.adapters.sql_verdicts import current_verdicts
from service.domain import Source, Verdict
from service.errors import Conflict, InvalidInput, Outdated
from service.review.bulk import MOST, BulkDecision, BulkPreview, previewed
from service.review.case import CaseDecision, CaseKind, CaseState, Outcome, Scope


class SqlBulk(SqlDatabase):
    """`review.ports.BulkStore` on SQL."""

    @unbroken
    async def preview(self, bulk: BulkDecision) -> BulkPreview:
        """See `BulkStore.preview`."""
        async with self.read() as connection:
            return (await _seen(connection, bulk))[0]

    @unbroken
    async def apply(self, bulk: BulkDecision, token: str, *, request_id: str = "") -> Outcome:
        """See `BulkStore.apply`."""
        now = self.now()
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            if request_id and (earlier := await _applied(tx, bulk, request_id)):
                return Outcome(None, earlier)
            preview, verdicts = await _seen(tx, bulk)
            _check(preview, token)
            decision = replace(_decision(bulk, verdicts[0], now), posts=len(verdicts))
            made = await rule(tx, decision, verdicts, now)
            await keep(tx, decision, request_id)
            await _close(tx, decision, verdicts, now)
            detail = {**told(decision), "texts": preview.texts}
            actor, subject = bulk.moderator, bulk.about
            await append(tx, now=now, actor=actor, action="bulk.decide", subject=subject, detail=detail)
        return Outcome(None, decision, tuple(made))


async def _seen(connection: AsyncConnection, bulk: BulkDecision) -> tuple[BulkPreview, list[Verdict]]:
    """The preview, and the verdicts that it tells of."""
    there = await current_verdicts(connection, VERDICTS.c.cluster == bulk.cluster)
    standings = await standing_of(connection, {verdict.content_digest for verdict in there})
    appealed = await _appealed(connection, [verdict.post.name for verdict in there])
    by_people = {
        verdict.post.name
        for verdict in there
        if verdict.source is Source.MODERATOR
        or any(each.post in {"", verdict.post.name} for each in standings.get(verdict.content_digest, ()))
    }
    due = [verdict for verdict in there if verdict.post.name not in by_people | appealed]
    counts = {"decided_by_people": len(by_people), "appealed": len(appealed - by_people)}
    return previewed(bulk, due, **counts), due


async def _appealed(connection: AsyncConnection, posts: Sequence[str]) -> set[str]:
    query = select(APPEALS.c.name).where(APPEALS.c.name.in_(listed(connection, posts)))
    return set((await connection.execute(query)).scalars())


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


def _check(preview: BulkPreview, token: str) -> None:
    if not preview.posts:
        raise InvalidInput("cluster", "has no post that this would change", "look at its posts one by one")
    if preview.posts > MOST:
        problem = f"has {preview.posts:,} posts to change, over {MOST:,}"
        raise InvalidInput("cluster", problem, "decide its cases; a decision on a text holds for every post with it")
    if preview.token != token:
        raise Outdated("the cluster has changed since it was previewed; preview it again")


def _decision(bulk: BulkDecision, first: Verdict, now: int) -> CaseDecision:
    ruled = bulk.ruled
    return CaseDecision(
        id=secrets.token_hex(8),
        about=bulk.about,
        kind=CaseKind.REVIEW,
        post=first.post,
        content_digest=first.content_digest,
        flagged=first.ruling.categories,
        moderator=bulk.moderator,
        decision=ruled.decision,
        categories=ruled.categories,
        reason=ruled.reason,
        rationale=ruled.rationale,
        scope=Scope.TEXT,
        decided_at=moment(now),
    )


async def _close(tx: AsyncConnection, decision: CaseDecision, verdicts: Sequence[Verdict], now: int) -> None:
    """Decide the open cases of these posts along."""
    posts = listed(tx, [verdict.post.name for verdict in verdicts])
    kinds = CASES.c.kind.in_((CaseKind.REVIEW, CaseKind.SECOND_OPINION))
    along = and_(CASES.c.name.in_(posts), CASES.c.state == CaseState.OPEN, kinds)
    values = {"state": CaseState.DECIDED, "decision": decision.id, "closed_at": now}
    await tx.execute(update(CASES).where(along).values(**values, **FREE))
