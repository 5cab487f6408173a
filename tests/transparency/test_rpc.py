"""TransparencyService over a real socket, on SQLite and Redis: the audit log, statements, reports, erasures."""

import csv
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest
from assay.v1 import transparency_service_pb2 as pb
from assay.v1.transparency_service_pb2_grpc import TransparencyServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from service.audit.sql import SqlAudit
from service.domain.decision import Category, Decision, Ruling
from service.domain.post import Post
from service.moderation.author import Weighing
from service.records.sql.store import SqlStore
from service.rpc.transparency import TransparencyServicer
from service.storage.redis_connection import RedisConnection
from service.transparency.erasing import Eraser
from service.transparency.publishing import Publishing
from service.transparency.redis_erasure import RedisErasure
from service.transparency.sql.erasure import SqlErasure
from service.transparency.sql.numbers import SqlNumbers
from service.transparency.statement_check import problems
from tests.factories import verdict_of
from tests.fakes.queue_and_cache import MemoryAnnouncer
from tests.fixtures.grpc_front import ScriptedPipeline
from tests.grpc_failures import failure_of
from tests.rpc.servers import server_of

if TYPE_CHECKING:
    from assay.v1.transparency_service_pb2_grpc import TransparencyServiceAsyncStub

DAY = timedelta(days=1)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Served:
    """A server with the stub that calls it, and the store behind it."""

    stub: "TransparencyServiceAsyncStub"
    store: SqlStore
    audit: SqlAudit

    async def decide(self, number: int, decision: Decision = Decision.REDUCE, **fields: object) -> Post:
        post = Post(**{"platform": "x", "id": str(number), "text": f"Text {number}", "author": "u-77-writer", **fields})  # type: ignore[arg-type]
        verdict = replace(verdict_of(post), decided_at=AT, ruling=Ruling(decision, (Category.FRAUD,), ("fraud",)))
        await self.store.record([post], [verdict])
        return post


@pytest.fixture
async def served(
    sqlite_url: str,
    redis_connection: RedisConnection,
    scripted: ScriptedPipeline,
    weighing: Weighing,
) -> AsyncIterator[Served]:
    store = await SqlStore.connect(sqlite_url)
    erasure, audit = SqlErasure.beside(store), SqlAudit.beside(store)
    eraser = Eraser([RedisErasure(redis_connection), erasure], erasure, settle=0.0)
    service = TransparencyServicer(Publishing(audit, SqlNumbers.beside(store), eraser))
    server = server_of(scripted, store, MemoryAnnouncer(), weighing, service)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{await server.start()}") as channel:
        yield Served(TransparencyServiceStub(channel), store, audit)
    await server.stop(grace=1.0)
    await store.close()


def time(moment: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message


PERIOD = {"start_time": time(AT - DAY), "end_time": time(AT + DAY)}


class TestAudit:
    async def test_pages_newest_first(self, served: Served) -> None:
        for number in range(1, 6):
            await served.audit.append(actor="m-1", action="post.read", subject=f"x/{number}", detail={"n": number})
        only = pb.AuditFilter(action="post.")
        first = await served.stub.ListAuditEntries(pb.ListAuditEntriesRequest(filter=only, page_size=3))
        assert [(entry.number, entry.subject, entry.detail["n"]) for entry in first.entries] == [
            (5, "x/5", 5),
            (4, "x/4", 4),
            (3, "x/3", 3),
        ]
        assert first.entries[0].previous_digest == first.entries[1].digest
        rest = await served.stub.ListAuditEntries(
            pb.ListAuditEntriesRequest(filter=only, page_size=3, page_token=first.next_page_token)
        )
        assert ([entry.number for entry in rest.entries], rest.next_page_token) == ([2, 1], "")

    async def test_that_somebody_looked_is_an_entry_too(self, served: Served) -> None:
        await served.stub.ListAuditEntries(pb.ListAuditEntriesRequest(filter=pb.AuditFilter(actor="m-1")))
        found = await served.stub.ListAuditEntries(
            pb.ListAuditEntriesRequest(filter=pb.AuditFilter(action="audit.read"))
        )
        assert [(entry.actor, dict(entry.detail)) for entry in found.entries] == [
            ("platform", {"action": "audit.read"}),
            ("platform", {"actor": "m-1"}),
        ]

    async def test_a_token_of_another_filter_is_refused(self, served: Served) -> None:
        for _ in range(2):
            await served.audit.append(actor="m-1", action="post.read", subject="x")
        page = await served.stub.ListAuditEntries(pb.ListAuditEntriesRequest(page_size=1))
        other = pb.ListAuditEntriesRequest(page_token=page.next_page_token, filter=pb.AuditFilter(actor="m-1"))
        failure = await failure_of(served.stub.ListAuditEntries(other))
        assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "page_token")

    async def test_the_chain(self, served: Served) -> None:
        entry = await served.audit.append(actor="m-1", action="post.read", subject="x")
        found = await served.stub.VerifyAuditChain(pb.VerifyAuditChainRequest(expect=entry.digest))
        assert (found.whole, found.entries, found.head_number, found.head_digest) == (True, 1, 1, entry.digest)
        assert found.expected_found
        other = await served.stub.VerifyAuditChain(pb.VerifyAuditChainRequest(expect="a" * 64))
        assert (other.whole, other.broken_entry, other.expected_found) == (False, 0, False)
        failure = await failure_of(served.stub.VerifyAuditChain(pb.VerifyAuditChainRequest(expect="xyz")))
        assert failure.field == "expect"


class TestStatements:
    async def test_a_stream_of_batches(self, served: Served) -> None:
        for number in range(205):
            await served.decide(number)
        await served.decide(900, Decision.ALLOW)
        await served.decide(901, metadata={"dsa_source_type": "NOBODY"})
        batches = [each async for each in served.stub.ExportStatements(pb.ExportStatementsRequest(**PERIOD))]
        assert [batch.count for batch in batches] == [100, 100, 5]
        statements = [each for batch in batches for each in json.loads(batch.body)["statements"]]
        assert len({each["puid"] for each in statements}) == 205
        assert not any(map(problems, statements))
        [rejected] = [each for batch in batches for each in batch.rejected]
        assert rejected.post == "platforms/x/posts/901"
        assert rejected.problems[0].startswith("source_type: 'NOBODY'")

    async def test_nothing_in_that_time(self, served: Served) -> None:
        await served.decide(1)
        later = {"start_time": time(AT + DAY), "end_time": time(AT + 2 * DAY)}
        assert [each async for each in served.stub.ExportStatements(pb.ExportStatementsRequest(**later))] == []

    @pytest.mark.parametrize(
        ("period", "field"),
        [
            ({}, "start_time"),
            ({"start_time": time(AT)}, "end_time"),
            ({"start_time": time(AT), "end_time": time(AT)}, "end_time"),
        ],
    )
    async def test_a_time_that_is_none(self, served: Served, period: dict[str, Any], field: str) -> None:
        async def all_of_them() -> list[object]:
            return [each async for each in served.stub.ExportStatements(pb.ExportStatementsRequest(**period))]

        assert (await failure_of(all_of_them())).field == field
        request = pb.GetTransparencyReportRequest(**period)
        assert (await failure_of(served.stub.GetTransparencyReport(request))).field == field


class TestReport:
    async def test_in_each_format(self, served: Served) -> None:
        await served.decide(1)
        await served.decide(2, Decision.REVIEW)

        async def report(form: int) -> str:
            request = pb.GetTransparencyReportRequest(**PERIOD, format=form)  # type: ignore[arg-type]
            return str((await served.stub.GetTransparencyReport(request)).report)

        told = json.loads(await report(pb.REPORT_FORMAT_UNSPECIFIED))
        assert told["sections"]["overview"]["posts actioned"]["count"] == 1
        rows = list(csv.DictReader((await report(pb.REPORT_FORMAT_CSV)).splitlines()))
        [reduced] = [
            row for row in rows if (row["section"], row["group"], row["measure"]) == ("actions", "REDUCE", "actioned")
        ]
        assert reduced["value"] == "1"
        assert "| FRAUD | 2 | 1 |" in await report(pb.REPORT_FORMAT_MARKDOWN)

    async def test_an_unknown_format(self, served: Served) -> None:
        request = pb.GetTransparencyReportRequest(**PERIOD, format=9)  # type: ignore[arg-type]
        assert (await failure_of(served.stub.GetTransparencyReport(request))).field == "format"


class TestErasing:
    async def test_erases_and_proves_it(self, served: Served) -> None:
        mine = await served.decide(1)
        other = await served.decide(2, author="u-88-other")
        await served.audit.append(actor="m-1", action="post.read", subject=mine.name)
        answer = await served.stub.EraseSubject(pb.EraseSubjectRequest(author="u-77-writer"))
        assert (answer.complete, answer.posts, list(answer.remaining)) == (True, 1, [])
        assert {(each.store, each.kind): each.count for each in answer.erased}["record store", "posts"] == 1
        assert [(each.place, bool(each.kept)) for each in answer.kept] == [("audit.subject", True)]
        assert await served.store.posts([mine.key, other.key]) == [None, other]
        found = await served.stub.ListAuditEntries(
            pb.ListAuditEntriesRequest(filter=pb.AuditFilter(action="subject.erased"))
        )
        assert [(entry.number, entry.detail["digest"]) for entry in found.entries] == [
            (answer.audit_entry, answer.subject_digest)
        ]

    async def test_nobody(self, served: Served) -> None:
        assert (await failure_of(served.stub.EraseSubject(pb.EraseSubjectRequest()))).field == "author"
        wrong = pb.EraseSubjectRequest(posts=["posts/1"])
        assert (await failure_of(served.stub.EraseSubject(wrong))).field == "posts[0]"
