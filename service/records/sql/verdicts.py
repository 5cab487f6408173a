"""The part of the record store for verdicts: each post version decided once, in one order for every reader."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.domain.codec import decode_judgement, decode_verdict, encode_judgement, encode_verdict
from service.domain.fusing import passing_over, quarantined
from service.domain.judgement import Judgement
from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict, VerdictFilter
from service.errors import NotDecided, NotFound
from service.records.sql.posts import insert_posts, make_current
from service.records.sql.standing import standing_of
from service.records.standings import with_standing
from service.storage.database import SqlDatabase, microseconds, take_turns, unbroken
from service.storage.documents import insert, listed
from service.storage.tables.records import (
    JUDGEMENTS,
    NAMES,
    POSTS,
    VERDICT_CATEGORIES,
    VERDICT_CLAIMS,
    VERDICTS,
    row_key,
)

_Judged = tuple[str, str, str]
_JUDGED_ONCE = list(JUDGEMENTS.primary_key.columns)  # content, model, claims
_JUDGED = and_(
    JUDGEMENTS.c.content_digest == VERDICTS.c.content_digest,
    JUDGEMENTS.c.model_version == VERDICTS.c.model_version,
    JUDGEMENTS.c.claims_version == VERDICTS.c.claims_version,
)
_COLUMNS = (VERDICTS.c.seq, VERDICTS.c.key, VERDICTS.c.body, JUDGEMENTS.c.body.label("judgement"))
_RECORDED = select(*_COLUMNS).select_from(VERDICTS.outerjoin(JUDGEMENTS, _JUDGED))
_IS_CURRENT = and_(POSTS.c.key == VERDICTS.c.key, POSTS.c.decided_seq == VERDICTS.c.seq)
_CURRENT = select(*_COLUMNS).select_from(VERDICTS.join(POSTS, _IS_CURRENT).outerjoin(JUDGEMENTS, _JUDGED))
_NAMED = select(*_COLUMNS).select_from(
    NAMES.join(POSTS, POSTS.c.key == NAMES.c.key)
    .outerjoin(VERDICTS, VERDICTS.c.seq == POSTS.c.decided_seq)
    .outerjoin(JUDGEMENTS, _JUDGED)
)


class SqlVerdicts(SqlDatabase):
    """`ports.VerdictStore` on SQL."""

    @unbroken
    async def record(self, posts: Sequence[Post], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """See `ports.VerdictStore.record`."""
        given: dict[str, tuple[Post, Verdict]] = {}
        keys = [row_key(post.key) for post in posts]
        for key, post, verdict in zip(keys, posts, verdicts, strict=True):
            given.setdefault(key, (post, verdict))
        async with self.write() as tx:
            await _accept_missing(tx, {key: post for key, (post, _) in given.items()}, self.now())
            held = await standing_of(tx, {verdict.content_digest for _, verdict in given.values()})
            decided = {key: with_standing(verdict, held) for key, (_, verdict) in given.items()}
            await _insert_judgements(tx, decided.values(), self.now())
            sequences = await _insert_verdicts(tx, decided, {key: post.author for key, (post, _) in given.items()})
        standing = {key: replace(decided[key], sequence=sequence) for key, sequence in sequences.items()}
        if earlier := [key for key in given if key not in standing]:
            standing |= await self._find(earlier)
        return [standing[key] for key in keys]

    @unbroken
    async def revise(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """See `ports.VerdictStore.revise`."""
        async with self.write() as tx:
            return await revise(tx, verdicts)

    @unbroken
    async def find(self, keys: Sequence[PostKey]) -> list[Verdict | None]:
        """See `ports.Recorded.find`."""
        wanted = [row_key(key) for key in keys]
        found = await self._find(wanted)
        return [found.get(key) for key in wanted]

    async def _find(self, keys: Sequence[str]) -> dict[str, Verdict]:
        async with self.read() as connection:
            query = _CURRENT.where(VERDICTS.c.key.in_(listed(connection, keys)))
            rows = (await connection.execute(query)).mappings().all()
        return {row["key"]: _verdict(row) for row in rows}

    @unbroken
    async def latest(self, name: str) -> Verdict:
        """See `ports.VerdictReader.latest`."""
        async with self.read() as connection:
            row = (await connection.execute(_NAMED.where(NAMES.c.name == name))).mappings().one_or_none()
        if row is None:
            raise NotFound(f"{name} was never accepted")
        if row["seq"] is None:
            raise NotDecided(f"{name} is accepted and not decided yet; ask again shortly")
        return _verdict(row)

    @unbroken
    async def page(self, only: VerdictFilter, *, before: int | None, limit: int) -> list[Verdict]:
        """See `ports.VerdictReader.page`."""
        sequence = _sequence(only)
        query = _narrow(_CURRENT, only).order_by(sequence.desc()).limit(limit)
        if before is not None:
            query = query.where(sequence < before)
        async with self.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_verdict(row) for row in rows]

    @unbroken
    async def after(self, cursor: int | None, only: VerdictFilter, limit: int) -> tuple[list[Verdict], int]:
        """See `ports.VerdictReader.after`."""
        async with self.read() as connection:
            # The newest sequence is read first: all up to it are visible to the next statement.
            newest = (await connection.execute(select(func.coalesce(func.max(VERDICTS.c.seq), 0)))).scalar_one()
            if cursor is None or cursor >= newest:
                return [], newest if cursor is None else cursor
            sequence = _sequence(only)
            query = _narrow(_RECORDED, only).where(sequence > cursor, sequence <= newest)
            rows = (await connection.execute(query.order_by(sequence).limit(limit))).mappings().all()
        return [_verdict(row) for row in rows], newest if len(rows) < limit else rows[-1]["seq"]


async def current_verdicts(
    connection: AsyncConnection, which: ColumnElement[bool], *, newest: int | None = None
) -> list[Verdict]:
    """The current verdicts, on the current versions of posts, for which `which` (of VERDICTS) holds, oldest first.

    With `newest`, only so many of the newest.
    """
    named = select(NAMES.c.key).where(NAMES.c.name == POSTS.c.name).scalar_subquery()
    query = _CURRENT.where(which, POSTS.c.key == named).order_by(VERDICTS.c.seq.desc()).limit(newest)
    return _verdicts((await connection.execute(query)).mappings().all())[::-1]


async def recorded_verdicts(connection: AsyncConnection, which: ColumnElement[bool]) -> list[Verdict]:
    """The verdicts of every revision for which `which` (of VERDICTS) holds, oldest first."""
    query = _RECORDED.where(which).order_by(VERDICTS.c.seq)
    return _verdicts((await connection.execute(query)).mappings().all())


def _verdicts(rows: Sequence[RowMapping]) -> list[Verdict]:
    """The verdicts in these rows; a judgement shared by many is decoded once."""
    judgements: dict[_Judged, Judgement] = {}
    found = []
    for row in rows:
        body, judgement = row["body"], None
        if row["judgement"]:
            judged = body["content"], body["model"], body["claims"]
            judgement = judgements.get(judged) or judgements.setdefault(judged, decode_judgement(row["judgement"]))
        found.append(decode_verdict({**body, "sequence": row["seq"]}, judgement))
    return found


def _verdict(row: RowMapping) -> Verdict:
    judgement = row["judgement"] and decode_judgement(row["judgement"])
    return decode_verdict({**row["body"], "sequence": row["seq"]}, judgement)


def _sequence(only: VerdictFilter) -> ColumnElement[int]:
    """The sequence by the best index for the filter: a claim has few verdicts, and its own index."""
    return VERDICT_CLAIMS.c.seq if only.claim_id else VERDICTS.c.seq


def _narrow(query: Select[Any], only: VerdictFilter) -> Select[Any]:
    """`query` on VERDICTS with the filter's conditions."""
    if only.decisions:
        query = query.where(VERDICTS.c.decision.in_(only.decisions))
    if only.surfaces:
        query = query.where(VERDICTS.c.surface.in_(only.surfaces))
    if only.start:
        query = query.where(VERDICTS.c.decided_at >= microseconds(only.start))
    if only.end:
        query = query.where(VERDICTS.c.decided_at < microseconds(only.end))
    if only.cluster:
        query = query.where(VERDICTS.c.cluster == only.cluster)
    if only.author:
        query = query.where(VERDICTS.c.author == only.author)
    if only.text:
        said = POSTS.c.body["text"].as_string().icontains(only.text, autoescape=True)
        query = query.where(select(POSTS.c.key).where(POSTS.c.key == VERDICTS.c.key, said).correlate(VERDICTS).exists())
    if only.claim_id:
        query = query.join(VERDICT_CLAIMS, VERDICT_CLAIMS.c.seq == VERDICTS.c.seq)
        query = query.where(VERDICT_CLAIMS.c.claim_id == only.claim_id)
    if only.categories:
        flagged = select(VERDICT_CATEGORIES.c.seq).where(
            VERDICT_CATEGORIES.c.seq == VERDICTS.c.seq, VERDICT_CATEGORIES.c.category.in_(only.categories)
        )
        query = query.where(flagged.exists())
    return query


async def _accept_missing(tx: AsyncConnection, posts: Mapping[str, Post], now: int) -> None:
    there = set((await tx.execute(select(POSTS.c.key).where(POSTS.c.key.in_(listed(tx, posts))))).scalars())
    missing = {key: post for key, post in posts.items() if key not in there}
    new = await insert_posts(tx, missing, now)
    await make_current(tx, ((post.name, key) for key, post in missing.items() if key in new))


async def _insert_judgements(tx: AsyncConnection, verdicts: Collection[Verdict], now: int) -> None:
    judged = {(v.content_digest, *v.judged_by): v.judgement for v in verdicts if v.judgement}
    rows = [
        {
            "content_digest": content,
            "model_version": model,
            "claims_version": claims,
            "body": encode_judgement(judgement),
            "created_at": now,
        }
        for (content, model, claims), judgement in sorted(judged.items(), key=itemgetter(0))
    ]
    if rows:
        await tx.execute(insert(tx, JUDGEMENTS, rows).on_conflict_do_nothing(index_elements=_JUDGED_ONCE))
        await _pass_over(tx, _quarantined(verdicts))


def _quarantined(verdicts: Iterable[Verdict]) -> dict[_Judged, set[str]]:
    """The claims that judgements ignore as quarantined, by content, model and claims version; only if there are any."""
    found: defaultdict[_Judged, set[str]] = defaultdict(set)
    for verdict in verdicts:
        if verdict.judgement and (claim_ids := quarantined(verdict.judgement)):
            found[verdict.content_digest, *verdict.judged_by] |= claim_ids
    return found


async def _pass_over(tx: AsyncConnection, claim_ids: Mapping[_Judged, set[str]]) -> None:
    """Ignore those claims in the recorded judgements, in case these are from before the claims surged."""
    if not claim_ids:
        return
    contents = listed(tx, [content for content, _, _ in claim_ids])
    query = select(JUDGEMENTS).where(JUDGEMENTS.c.content_digest.in_(contents)).order_by(*_JUDGED_ONCE)
    rows = []
    for row in (await tx.execute(query.with_for_update())).mappings():
        stands = decode_judgement(row["body"])
        judgement = passing_over(stands, claim_ids.get((stands.content_digest, *stands.judged_by), frozenset()))
        if judgement is not stands:
            rows.append({**row, "body": encode_judgement(judgement)})
    if rows:
        statement = insert(tx, JUDGEMENTS, rows)
        update_body = {"body": statement.excluded.body}
        await tx.execute(statement.on_conflict_do_update(index_elements=_JUDGED_ONCE, set_=update_body))


async def revise(tx: AsyncConnection, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Insert a further verdict on each of these decided posts; returns them as recorded. Raises `NotDecided`."""
    keys = [row_key(verdict.post) for verdict in verdicts]
    await take_turns(tx, "verdicts")
    query = select(VERDICTS.c.key, VERDICTS.c.author, VERDICTS.c.revision)
    query = query.where(VERDICTS.c.key.in_(listed(tx, keys))).order_by(VERDICTS.c.revision)
    before = {row.key: row for row in await tx.execute(query)}
    if missing := [verdict.post.name for key, verdict in zip(keys, verdicts, strict=True) if key not in before]:
        raise NotDecided(f"{missing[0]} is not decided yet, so there is nothing to revise; ask again shortly")
    revised = {
        key: replace(verdict, revision=before[key].revision + 1) for key, verdict in zip(keys, verdicts, strict=True)
    }
    sequences = await _insert_verdicts(tx, revised, {key: row.author for key, row in before.items()})
    return [replace(revised[key], sequence=sequences[key]) for key in keys]


async def _insert_verdicts(
    tx: AsyncConnection, verdicts: Mapping[str, Verdict], authors: Mapping[str, str]
) -> dict[str, int]:
    """Insert the verdicts whose key is not decided in that revision; their sequences by row key.

    Sequences are assigned in one transaction at a time, so that they become visible in their order.
    """
    if not verdicts:
        return {}
    statement = insert(tx, VERDICTS, [_row(key, verdict, authors[key]) for key, verdict in verdicts.items()])
    statement = statement.on_conflict_do_nothing(index_elements=[VERDICTS.c.key, VERDICTS.c.revision])
    await take_turns(tx, "verdicts")
    inserted = await tx.execute(statement.returning(VERDICTS.c.key, VERDICTS.c.seq))
    sequences: dict[str, int] = {row.key: row.seq for row in inserted}
    flagged = [
        {"category": c, "seq": seq} for key, seq in sequences.items() for c in set(verdicts[key].ruling.categories)
    ]
    if flagged:
        await tx.execute(insert(tx, VERDICT_CATEGORIES, flagged))
    matched = [{"claim_id": c, "seq": seq} for key, seq in sequences.items() for c in verdicts[key].claim_ids]
    if matched:
        await tx.execute(insert(tx, VERDICT_CLAIMS, matched))
    decided = select(func.max(VERDICTS.c.seq)).where(VERDICTS.c.key == POSTS.c.key).scalar_subquery()
    await tx.execute(update(POSTS).where(POSTS.c.key.in_(listed(tx, sequences))).values(decided_seq=decided))
    return sequences


def _row(key: str, verdict: Verdict, author: str) -> dict[str, Any]:
    return {
        "key": key,
        "revision": verdict.revision,
        "author": author,
        "content_digest": verdict.content_digest,
        "model_version": verdict.judged_by.model,
        "claims_version": verdict.judged_by.claims,
        "cluster": verdict.cluster,
        "surface": verdict.surface,
        "decision": verdict.decision,
        "decided_at": microseconds(verdict.decided_at),
        "body": encode_verdict(verdict),
    }
