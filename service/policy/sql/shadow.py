"""Rulings of shadow policies on recorded verdicts, on SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select

from service.domain.decision import Category, Decision
from service.policy.governance.shadow_ruling import Differing, ShadowRuling
from service.storage.database import SqlDatabase, microseconds, moment, unbroken
from service.storage.documents import insert
from service.storage.tables.policy import SHADOW_RULINGS
from service.storage.tables.records import VERDICTS

_KEY = list(SHADOW_RULINGS.primary_key.columns)


class SqlShadow(SqlDatabase):
    """`governance.ports.ShadowStore` on SQL."""

    @unbroken
    async def keep_shadow(self, rulings: Sequence[ShadowRuling]) -> None:
        """See `ShadowStore.keep_shadow`."""
        rows = [_row(ruling) for ruling in rulings]
        if rows:
            async with self.write() as tx:
                await tx.execute(insert(tx, SHADOW_RULINGS, rows).on_conflict_do_nothing(index_elements=_KEY))

    @unbroken
    async def shadow_matrix(self, version: str, start: datetime | None) -> Mapping[tuple[Decision, Decision], int]:
        """See `ShadowStore.shadow_matrix`."""
        pair = SHADOW_RULINGS.c.live_decision, SHADOW_RULINGS.c.decision
        query = _since(select(*pair, func.count().label("posts")).group_by(*pair), version, start)
        async with self.read() as connection:
            rows = (await connection.execute(query)).all()
        return {(Decision(row.live_decision), Decision(row.decision)): row.posts for row in rows}

    @unbroken
    async def shadow_differing(self, version: str, start: datetime | None, *, limit: int) -> list[Differing]:
        """See `ShadowStore.shadow_differing`. Verdicts that were erased since are left out."""
        query = select(SHADOW_RULINGS, VERDICTS.c.body).join(VERDICTS, VERDICTS.c.seq == SHADOW_RULINGS.c.seq)
        query = _since(query, version, start).where(SHADOW_RULINGS.c.decision != SHADOW_RULINGS.c.live_decision)
        async with self.read() as connection:
            rows = await connection.execute(query.order_by(SHADOW_RULINGS.c.seq.desc()).limit(limit))
            return [_differing(row) for row in rows]


def _since(query: Select[Any], version: str, start: datetime | None) -> Select[Any]:
    query = query.where(SHADOW_RULINGS.c.version == version)
    return query.where(SHADOW_RULINGS.c.decided_at >= microseconds(start)) if start else query


def _row(ruling: ShadowRuling) -> dict[str, Any]:
    verdict = ruling.verdict
    return {
        "version": ruling.version,
        "seq": verdict.sequence,
        "live_version": verdict.policy_version,
        "live_decision": verdict.decision,
        "decision": ruling.ruling.decision,
        "categories": list(ruling.ruling.categories),
        "rules": list(ruling.ruling.rules),
        "decided_at": microseconds(verdict.decided_at),
    }


def _differing(row: Row[Any]) -> Differing:
    return Differing(
        post=row.body["name"],
        sequence=row.seq,
        decided_at=moment(row.decided_at),
        live=Decision(row.live_decision),
        live_categories=tuple(map(Category, row.body["categories"])),
        shadow=Decision(row.decision),
        categories=tuple(map(Category, row.categories)),
        rules=tuple(row.rules),
    )
