"""The audit log on SQLite and PostgreSQL: the chain holds, tells of every tampering, and refuses most of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.audit.entry import FIRST, AuditFilter, Head
from service.audit.sql import SqlAudit, append
from service.errors import InvalidInput, StoreUnavailable
from tests.fixtures.sql import OpenSql, on_postgres

ALL = AuditFilter()


@pytest.fixture
async def audit(sql_url: str, open_sql: OpenSql) -> SqlAudit:
    return SqlAudit.beside(await open_sql(sql_url))


async def fill(audit: SqlAudit, count: int) -> None:
    for number in range(1, count + 1):
        detail: dict[str, Any] = {"number": number, "told": ["ä", {"b": None, "a": 0.1}], "日本": True}
        await audit.append(actor=f"m-{number % 2}", action="post.read", subject=f"cases/{number}", detail=detail)


async def tamper(audit: SqlAudit, statement: str) -> None:
    """Do what somebody could who holds the database: without the triggers."""
    async with audit.write() as tx:
        if tx.dialect.name == "postgresql":
            await tx.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        else:
            await tx.execute(text("DROP TRIGGER IF EXISTS audit_unchanged"))
            await tx.execute(text("DROP TRIGGER IF EXISTS audit_undeleted"))
        await tx.execute(text(statement))


class TestAppend:
    async def test_numbers_from_one_and_binds_each_to_the_one_before(self, audit: SqlAudit) -> None:
        await fill(audit, 3)
        third, second, first = await audit.page(ALL, before=None, limit=10)
        assert [each.number for each in (first, second, third)] == [1, 2, 3]
        assert (first.previous, second.previous, third.previous) == (FIRST, first.digest, second.digest)
        assert await audit.head() == Head(3, third.digest)

    async def test_a_chain_without_entries(self, audit: SqlAudit) -> None:
        assert await audit.head() == Head()
        report = await audit.verify()
        assert (report.whole, report.entries, report.head) == (True, 0, Head())

    async def test_what_is_appended_stands_and_falls_with_its_transaction(self, audit: SqlAudit) -> None:
        async def fail() -> None:
            async with audit.write() as tx:
                await append(tx, now=audit.now(), actor="m-1", action="case.decide", subject="cases/1")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await fail()
        assert await audit.head() == Head()

    async def test_many_at_once_make_one_chain(self, sql_url: str, open_sql: OpenSql) -> None:
        logs = [SqlAudit.beside(await open_sql(sql_url)) for _ in range(4)]
        each = [log.append(actor=f"m-{n}", action="post.read", subject="x") for n, log in enumerate(logs * 10)]
        await asyncio.gather(*each)
        report = await logs[0].verify()
        assert (report.whole, report.entries) == (True, 40)

    async def test_details_come_back_as_they_were_digested(self, audit: SqlAudit) -> None:
        detail = {
            "keys": {2: "b", 10: "a"},
            "pair": (1, 2),
            "text": "ünïcödé 🧪 \u200b",
            "deep": {"z": [None, -0.0, 1e300]},
        }
        entry = await audit.append(actor="m-1", action="a.b", subject="s", detail=detail)
        assert await audit.page(ALL, before=None, limit=1) == [entry]
        assert (await audit.verify()).whole


class TestPage:
    async def test_newest_first_and_on_from_there(self, audit: SqlAudit) -> None:
        await fill(audit, 5)
        assert [each.number for each in await audit.page(ALL, before=None, limit=2)] == [5, 4]
        assert [each.number for each in await audit.page(ALL, before=4, limit=10)] == [3, 2, 1]

    async def test_filters(self, audit: SqlAudit) -> None:
        await fill(audit, 4)
        await audit.append(actor="m-9", action="policy.promote", subject="policies/a")
        now = datetime.now(UTC)

        async def numbers(**only: Any) -> list[int]:
            return [each.number for each in await audit.page(AuditFilter(**only), before=None, limit=10)]

        assert await numbers(actor="m-1") == [3, 1]
        assert await numbers(action="policy.promote") == await numbers(action="policy.") == [5]
        assert await numbers(action="policy") == []
        assert await numbers(subject="cases/2") == [2]
        assert await numbers(start=now + timedelta(hours=1)) == await numbers(end=now - timedelta(hours=1)) == []
        assert len(await numbers(start=now - timedelta(hours=1), end=now + timedelta(hours=1))) == 5


class TestTampering:
    @pytest.mark.parametrize(
        ("statement", "broken", "problem"),
        [
            ("UPDATE audit SET actor = 'm-x' WHERE number = 3", 3, "was changed"),
            ("UPDATE audit SET at = at + 1 WHERE number = 5", 5, "was changed"),
            ("UPDATE audit SET detail = '{}' WHERE number = 4", 4, "was changed"),
            ("UPDATE audit SET previous = digest WHERE number = 2", 2, "does not follow"),
            ("DELETE FROM audit WHERE number = 3", 4, "follows entry 2"),
            ("DELETE FROM audit WHERE number < 3", 3, "follows entry 0"),
            (
                "INSERT INTO audit SELECT 6, at, actor, action, subject, detail, previous, digest FROM audit LIMIT 1",
                6,
                "does not follow",
            ),
        ],
    )
    async def test_is_told(self, audit: SqlAudit, statement: str, broken: int, problem: str) -> None:
        await fill(audit, 5)
        await tamper(audit, statement)
        report = await audit.verify()
        assert (report.whole, report.broken) == (False, broken)
        assert problem in report.problem

    async def test_a_changed_entry_with_a_digest_that_fits_breaks_the_next(self, audit: SqlAudit) -> None:
        await fill(audit, 3)
        await tamper(audit, "UPDATE audit SET digest = previous WHERE number = 2")
        assert (await audit.verify()).broken == 2

    async def test_a_cut_end_is_told_by_a_head_that_was_noted(self, audit: SqlAudit) -> None:
        await fill(audit, 5)
        noted = (await audit.head()).digest
        await audit.append(actor="m-1", action="post.read", subject="x")
        assert (await audit.verify(noted)).expected is True
        await tamper(audit, "DELETE FROM audit WHERE number > 4")
        assert (await audit.verify()).whole
        report = await audit.verify(noted)
        assert (report.whole, report.broken, report.expected) == (False, 0, False)

    async def test_the_empty_chain_is_the_beginning_of_every_other(self, audit: SqlAudit) -> None:
        await fill(audit, 1)
        assert (await audit.verify(FIRST)).whole

    async def test_a_head_that_is_no_digest_is_refused(self, audit: SqlAudit) -> None:
        with pytest.raises(InvalidInput, match="expect"):
            await audit.verify("abc")


class TestRefusal:
    @pytest.mark.parametrize(
        "statement",
        ["UPDATE audit SET actor = 'x' WHERE number = 2", "DELETE FROM audit WHERE number = 2", "DELETE FROM audit"],
    )
    async def test_entries_cannot_be_changed_or_deleted(self, audit: SqlAudit, statement: str) -> None:
        await fill(audit, 3)
        with pytest.raises((DBAPIError, StoreUnavailable)) as caught:
            async with audit.write() as tx:
                await tx.execute(text(statement))
        assert "only ever added to" in str(caught.value.__cause__ or caught.value)
        assert (await audit.verify()).entries == 3

    @on_postgres  # SQLite has no TRUNCATE
    async def test_nor_truncated(self, audit: SqlAudit) -> None:
        await fill(audit, 3)
        with pytest.raises((DBAPIError, StoreUnavailable)):
            async with audit.write() as tx:
                await tx.execute(text("TRUNCATE audit"))
        assert (await audit.verify()).entries == 3
