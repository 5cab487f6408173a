"""The record store's part that keeps golden items, to whom they were shown, and what came of it.

A disguised post is stored among the posts, so that a case about it reads like any other; it counts as settled from the
start and has no verdict there, so that no worker is asked and no watcher notified. What is shown as its verdict is the
item's.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.domain.codec import (
    decode_post,
    encode_judgement,
    encode_post,
    encode_verdict,
)
from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict
from service.errors import Conflict, NotFound
from service.quality.golden import GoldenItem, GoldenResult, Pace, Shown
from service.quality.sql.samples import answer_of
from service.records.sql.posts import insert_posts
from service.review.case import CaseKind
from service.review.sql.disguised import _verdict, disguised
from service.review.sql.rows import joined
from service.storage.database import SqlDatabase, microseconds, moment, unbroken
from service.storage.documents import insert, listed
from service.storage.tables.quality import GOLDEN, GOLDEN_SHOWN, SAMPLES
from service.storage.tables.records import POSTS, row_key
from service.storage.tables.review import CASE_DECISIONS, CASES

_SETTLED = 0  # `decided_seq` of a post that needs no verdict: no verdict has this sequence
_READY = (GOLDEN.c.retired_at == 0) & (GOLDEN.c.ready == 1)


class SqlGolden(SqlDatabase):
    """`quality.ports.GoldenStore`, `GoldenSchedule` and `Forgetting` on SQL."""

    @unbroken
    async def add_golden(self, item: GoldenItem) -> None:
        """See `GoldenStore.add_golden`."""
        async with self.write() as tx:
            statement = insert(tx, GOLDEN, [_row(item)])
            statement = statement.on_conflict_do_nothing(index_elements=[GOLDEN.c.content_digest])
            if not (await tx.execute(statement.returning(GOLDEN.c.id))).all():
                raise Conflict("this text is a golden item already; retire that one, or choose another text")
            detail = {
                "decision": item.answer.decision,
                "categories": sorted(item.answer.categories),
                "case": item.source,
            }
            await append(tx, now=self.now(), actor=item.added_by, action="golden.add", subject=item.name, detail=detail)

    @unbroken
    async def retire_golden(self, item_id: str, by: str) -> GoldenItem:
        """See `GoldenStore.retire_golden`."""
        async with self.write() as tx:
            row = (await tx.execute(select(GOLDEN).where(GOLDEN.c.id == item_id).with_for_update())).one_or_none()
            if row is None:
                raise NotFound(f"golden/{item_id} is no golden item")
            item, now = _item(row), self.now()
            if item.retired_at:
                return item
            await tx.execute(update(GOLDEN).where(GOLDEN.c.id == item_id).values(retired_at=now))
            await append(tx, now=now, actor=by, action="golden.retire", subject=item.name)
        return replace(item, retired_at=moment(now))

    @unbroken
    async def golden_items(self, *, retired: bool = False) -> list[GoldenItem]:
        """See `GoldenItems.golden_items`."""
        query = select(GOLDEN).order_by(GOLDEN.c.added_at.desc(), GOLDEN.c.id)
        return await self.read_all(query if retired else query.where(GOLDEN.c.retired_at == 0), _item)

    @unbroken
    async def read_golden(self, item_id: str, verdict: Verdict) -> None:
        """See `GoldenSchedule.read_golden`."""
        judgement = encode_judgement(verdict.judgement) if verdict.judgement else None
        values = {"verdict": encode_verdict(verdict), "judgement": judgement, "ready": 1}
        async with self.write() as tx:
            await tx.execute(update(GOLDEN).where(GOLDEN.c.id == item_id).values(values))

    @unbroken
    async def paces(self, since: datetime) -> list[Pace]:
        """See `GoldenSchedule.paces`."""
        async with self.read() as connection:
            return [_pace(row) for row in await connection.execute(_paces(since))]

    @unbroken
    async def unseen(self, moderator: str) -> list[GoldenItem]:
        """See `GoldenSchedule.unseen`."""
        shown = exists().where(GOLDEN_SHOWN.c.item == GOLDEN.c.id, GOLDEN_SHOWN.c.moderator == moderator)
        decided = exists().where(
            CASE_DECISIONS.c.moderator == moderator, CASE_DECISIONS.c.content_digest == GOLDEN.c.content_digest
        )
        return await self.read_all(select(GOLDEN).where(_READY, ~shown, ~decided), _item)

    @unbroken
    async def show(self, shown: Shown, item: GoldenItem) -> bool:
        """See `GoldenSchedule.show`: `shown.post` must be of the post that `disguised` makes."""
        row = {
            "case": shown.case,
            "item": shown.item,
            "moderator": shown.moderator,
            "number": shown.number,
            "key": row_key(shown.post),
            "name": shown.post.name,
            "fingerprint": shown.post.fingerprint,
            "shown_at": microseconds(shown.at),
        }
        try:
            async with self.write() as tx:
                await _settle(tx, item.post, self.now())
                await tx.execute(GOLDEN_SHOWN.insert().values(row))
        except IntegrityError:  # another front was first
            return False
        return True

    @unbroken
    async def shown(self, since: datetime) -> list[Shown]:
        """See `GoldenStore.shown`: those that came to be cases."""
        query = select(GOLDEN_SHOWN).join(CASES, CASES.c.id == GOLDEN_SHOWN.c.case)
        return await self.read_all(query.where(GOLDEN_SHOWN.c.shown_at >= microseconds(since)), _shown)

    @unbroken
    async def golden_results(self, since: datetime) -> list[GoldenResult]:
        """See `GoldenStore.golden_results`."""
        return await self.read_all(_results(since), _result)

    @unbroken
    async def disguised_verdict(self, post: PostKey) -> Verdict | None:
        """See `GoldenStore.disguised_verdict`."""
        async with self.read() as connection:
            return await disguised(connection, post)

    @unbroken
    async def forget(self, posts: Collection[str], texts: Collection[str] = ()) -> int:
        """See `Forgetting.forget`. Cases about the copies are closed by whoever erases; they hold no text."""
        async with self.write() as tx:
            of_these = GOLDEN.c.origin.in_(listed(tx, posts)) | GOLDEN.c.content_digest.in_(listed(tx, texts))
            gone = list((await tx.execute(select(GOLDEN.c.id).where(of_these))).scalars())
            copies = select(GOLDEN_SHOWN.c.key).where(GOLDEN_SHOWN.c.item.in_(listed(tx, gone)))
            await tx.execute(delete(POSTS).where(POSTS.c.key.in_(copies)))
            await tx.execute(delete(GOLDEN_SHOWN).where(GOLDEN_SHOWN.c.item.in_(listed(tx, gone))))
            await tx.execute(delete(GOLDEN).where(of_these))
            samples = await tx.execute(delete(SAMPLES).where(SAMPLES.c.name.in_(listed(tx, posts))))
        return len(gone) + int(samples.rowcount)


async def _settle(tx: AsyncConnection, post: Post, now: int) -> None:
    key = row_key(post.key)
    await insert_posts(tx, {key: post}, now)
    await tx.execute(
        update(POSTS).where(POSTS.c.key == key, POSTS.c.decided_seq.is_(None)).values(decided_seq=_SETTLED)
    )


def _paces(since: datetime) -> Select[Any]:
    """Per moderator at work: items shown, real cases decided since the last of them, and the latest case."""
    last = (
        select(
            GOLDEN_SHOWN.c.moderator,
            func.max(GOLDEN_SHOWN.c.shown_at).label("at"),
            func.count().label("count"),
        )
        .group_by(GOLDEN_SHOWN.c.moderator)
        .subquery()
    )
    real = CASE_DECISIONS.c.kind != CaseKind.GOLDEN
    at_work = (
        select(CASE_DECISIONS.c.moderator, func.max(CASE_DECISIONS.c.number).label("latest"))
        .where(real, CASE_DECISIONS.c.decided_at >= microseconds(since))
        .group_by(CASE_DECISIONS.c.moderator)
        .subquery()
    )
    done = (
        select(func.count())
        .select_from(CASE_DECISIONS)
        .where(
            CASE_DECISIONS.c.moderator == at_work.c.moderator,
            CASE_DECISIONS.c.decided_at > func.coalesce(last.c.at, 0),
            real,
        )
        .scalar_subquery()
    )
    latest = CASE_DECISIONS.alias()
    of = CASES.c.id == func.substr(latest.c.about, len("cases/") + 1)
    return select(
        at_work.c.moderator,
        func.coalesce(last.c.count, 0).label("shown"),
        done.label("since"),
        func.coalesce(CASES.c.queue, "").label("queue"),
        func.coalesce(CASES.c.name, "").label("post"),
        func.coalesce(CASES.c.author, "").label("author"),
        CASES.c.opened_at,
    ).select_from(
        at_work.outerjoin(last, last.c.moderator == at_work.c.moderator)
        .join(latest, latest.c.number == at_work.c.latest)
        .outerjoin(CASES, of)
    )


def _results(since: datetime) -> Select[Any]:
    of = CASE_DECISIONS.c.about == "cases/" + GOLDEN_SHOWN.c.case
    return (
        select(
            GOLDEN_SHOWN.c.item,
            GOLDEN_SHOWN.c.case,
            CASE_DECISIONS.c.moderator,
            CASE_DECISIONS.c.decision,
            CASE_DECISIONS.c.categories,
            CASE_DECISIONS.c.decided_at,
            GOLDEN.c.decision.label("right_decision"),
            GOLDEN.c.categories.label("right_categories"),
        )
        .select_from(
            GOLDEN_SHOWN.join(CASE_DECISIONS, and_(of, CASE_DECISIONS.c.undone_at == 0)).join(
                GOLDEN, GOLDEN.c.id == GOLDEN_SHOWN.c.item
            )
        )
        .where(CASE_DECISIONS.c.decided_at >= microseconds(since))
        .order_by(CASE_DECISIONS.c.number)
    )


def _pace(row: Row[Any]) -> Pace:
    opened_at = moment(row.opened_at) if row.opened_at else None
    return Pace(row.moderator, row.shown, row.since, row.queue, row.post, row.author, opened_at)


def _result(row: Row[Any]) -> GoldenResult:
    return GoldenResult(
        item=row.item,
        case=row.case,
        moderator=row.moderator,
        expected=answer_of(row.right_decision, row.right_categories),
        answer=answer_of(row.decision, row.categories),
        decided_at=moment(row.decided_at),
    )


def _shown(row: Row[Any]) -> Shown:
    return Shown(
        case=row.case,
        item=row.item,
        moderator=row.moderator,
        number=row.number,
        post=PostKey(row.name, row.fingerprint),
        at=moment(row.shown_at),
    )


def _row(item: GoldenItem) -> dict[str, Any]:
    verdict = item.verdict
    return {
        "id": item.id,
        "content_digest": item.post.content_digest,
        "origin": item.post.name if item.source else "",
        "post": encode_post(item.post),
        "decision": item.answer.decision,
        "categories": joined(item.answer.categories),
        "source": item.source,
        "note": item.note,
        "added_by": item.added_by,
        "added_at": microseconds(item.added_at),
        "retired_at": 0,
        "ready": int(verdict is not None),
        "verdict": encode_verdict(verdict) if verdict else None,
        "judgement": encode_judgement(verdict.judgement) if verdict and verdict.judgement else None,
    }


def _item(row: Row[Any]) -> GoldenItem:
    return GoldenItem(
        id=row.id,
        post=decode_post(row.post),
        answer=answer_of(row.decision, row.categories),
        source=row.source,
        note=row.note,
        added_by=row.added_by,
        added_at=moment(row.added_at),
        verdict=_verdict(row),
        retired_at=moment(row.retired_at) if row.retired_at else None,
    )
