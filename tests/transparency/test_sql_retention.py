"""Letting go of old records on SQLite and PostgreSQL: what goes, what is spared, what is still counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import JSON, func, insert, select, text, update

from service.audit.entry import AuditFilter
from service.audit.sql import SqlAudit
from service.domain.decision import Decision, Ruling, Standing
from service.domain.post import Post
from service.domain.verdict import Source
from service.records.sql.store import SqlStore
from service.review.appeal import Appeal, AppealState
from service.review.sql.rows import appeal_row
from service.storage.database import microseconds
from service.storage.tables.records import CONFIRMATIONS, JUDGEMENTS, NAMES, POSTS, REQUESTS, STANDING, VERDICTS
from service.storage.tables.review import APPEALS, CASE_DECISIONS, CASES, DECISION_EFFECTS, NOTES
from service.storage.tables.webhooks import DELIVERIES, ENDPOINTS, EVENTS
from service.transparency.retention import Keeper, Kind, Retention
from service.transparency.sql.numbers import SqlNumbers
from service.transparency.sql.retention import SqlRetention
from tests.factories import verdict_of
from tests.fakes.standing import stand
from tests.fixtures.sql import OpenSql, on_postgres

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OLD, NEW = NOW - timedelta(days=400), NOW - timedelta(days=10)
EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


class Heard:
    def __init__(self) -> None:
        self.went: list[tuple[Kind, int]] = []

    def deleted(self, kind: Kind, count: int) -> None:
        self.went.append((kind, count))

    def report_failure(self, where: str, error: Exception) -> None:
        raise error


class Old:
    """A record store with records of two ages, and what lets go of them."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.heard = store, Heard()
        self.retention = SqlRetention.beside(store)

    async def decide(self, number: int, at: datetime, decision: Decision = Decision.ALLOW, **fields: Any) -> Post:
        post = Post(**{"platform": "x", "id": str(number), "text": f"Text number {number}", "author": "u", **fields})
        verdict = replace(verdict_of(post), decided_at=at, ruling=Ruling(decision))
        await self.store.record([post], [verdict])
        return post

    async def write(self, table: Any, **values: Any) -> None:
        columns = [c for c in table.c if not (c.nullable or c.primary_key or c.server_default)]
        needed = {c.name: [] if isinstance(c.type, JSON) else c.type.python_type() for c in columns}
        async with self.store.write() as tx:
            await tx.execute(insert(table).values({**needed, **values}))

    async def keep(self, **days: int) -> dict[Kind, int]:
        none = {kind.value: 0 for kind in Kind}
        return await Keeper(self.retention, Retention(**{**none, **days}), self.heard).once(NOW)

    async def left(self, table: Any, column: str) -> list[Any]:
        async with self.store.read() as connection:
            return sorted((await connection.execute(select(table.c[column]))).scalars())

    async def count(self, table: Any) -> int:
        async with self.store.read() as connection:
            return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


@pytest.fixture
async def old(sql_url: str, open_sql: OpenSql) -> Old:
    return Old(await open_sql(sql_url))


class TestPosts:
    async def test_those_that_were_allowed_go_first(self, old: Old) -> None:
        await old.decide(1, OLD)
        await old.decide(2, NEW)
        await old.decide(3, OLD, Decision.LABEL)
        assert await old.keep(allowed=90) == {Kind.ALLOWED: 1}
        assert await old.left(NAMES, "name") == ["platforms/x/posts/2", "platforms/x/posts/3"]
        assert await old.count(VERDICTS) == await old.count(JUDGEMENTS) == await old.count(POSTS) == 2

    async def test_flagged_ones_have_a_period_of_their_own(self, old: Old) -> None:
        await old.decide(1, OLD)
        await old.decide(2, OLD, Decision.REVIEW)
        await old.decide(3, NEW, Decision.BLOCK)
        assert await old.keep(flagged=365) == {Kind.FLAGGED: 1}
        assert await old.left(POSTS, "name") == ["platforms/x/posts/1", "platforms/x/posts/3"]

    async def test_the_last_verdict_counts(self, old: Old) -> None:
        post = await old.decide(1, OLD)
        [first] = await old.store.find([post.key])
        assert first
        await old.store.revise([replace(first, decided_at=NEW, source=Source.MODERATOR)])
        assert await old.keep(allowed=90, flagged=200) == {}

    async def test_one_that_a_person_cleared_is_a_flagged_one(self, old: Old) -> None:
        post = await old.decide(1, OLD, Decision.BLOCK)
        [first] = await old.store.find([post.key])
        assert first
        await old.store.revise([replace(first, decided_at=OLD, ruling=Ruling(Decision.ALLOW))])
        assert await old.keep(allowed=90) == {}
        assert await old.keep(flagged=365) == {Kind.FLAGGED: 1}

    async def test_what_somebody_has_to_decide_on_is_spared(self, old: Old) -> None:
        for number in (1, 2, 3):
            await old.decide(number, OLD, Decision.BLOCK)
        await old.write(CASES, id="c1", kind="REVIEW", key="k1", state="OPEN", name="platforms/x/posts/1")
        await old.write(CASES, id="c2", kind="REVIEW", key="k2", state="DECIDED", name="platforms/x/posts/2")
        await old.write(APPEALS, id="a1", seq=1, state="OPEN", name="platforms/x/posts/3")
        assert await old.keep(flagged=365) == {Kind.FLAGGED: 1}
        assert await old.left(POSTS, "name") == ["platforms/x/posts/1", "platforms/x/posts/3"]

    async def test_an_allowed_one_that_was_contested_is_kept_as_a_flagged_one(self, old: Old) -> None:
        await old.decide(1, OLD)
        await old.write(CASES, id="c1", kind="PREVALENCE", key="k1", state="DECIDED", name="platforms/x/posts/1")
        assert await old.keep(allowed=90) == {}
        assert await old.keep(flagged=365) == {Kind.FLAGGED: 1}

    async def test_undecided_ones_never_go(self, old: Old) -> None:
        await old.store.accept([Post(platform="x", id="1", text="t")])
        async with old.store.write() as tx:
            await tx.execute(update(POSTS).values(accepted_at=1))
        assert await old.keep(allowed=1, flagged=184) == {}

    async def test_an_older_version_goes_and_the_name_stays(self, old: Old) -> None:
        await old.decide(1, OLD)
        edited = await old.decide(1, NEW, text="Edited")
        await old.write(NOTES, about=edited.name, text="note")
        assert await old.keep(allowed=90) == {Kind.ALLOWED: 1}
        assert (await old.store.latest(edited.name)).post == edited.key
        assert await old.count(NOTES) == 1

    async def test_judgements_that_other_posts_rest_on_stay(self, old: Old) -> None:
        await old.decide(1, OLD, text="the same")
        await old.decide(2, NEW, text="the same")
        await old.keep(allowed=90)
        assert await old.count(JUDGEMENTS) == 1
        await old.keep(allowed=1)
        assert await old.count(JUDGEMENTS) == 0

    async def test_what_was_decided_on_a_text_outlives_its_posts(self, old: Old) -> None:
        post = await old.decide(1, OLD, Decision.BLOCK)
        await stand(old.store, post.content_digest, Standing("", Decision.BLOCK, (), "r", "cases/c1"))
        await old.keep(flagged=184)
        assert (await old.count(POSTS), await old.count(STANDING)) == (0, 1)

    async def test_what_went_is_still_counted(self, old: Old) -> None:
        numbers = SqlNumbers.beside(old.store)
        for number, decision in enumerate([Decision.ALLOW, Decision.ALLOW, Decision.LABEL, Decision.BLOCK]):
            await old.decide(number, OLD, decision, locale="en-GB", region="GB")
        before = await numbers.counted(*EVER)
        await old.keep(allowed=90)
        await old.decide(9, OLD, locale="en-GB", region="GB")
        await old.keep(allowed=90, flagged=184)
        assert await old.count(POSTS) == 0
        after = await numbers.counted(*EVER)
        assert sum(after.values()) == 5
        assert {tally: count for tally, count in after.items() if tally.decision is not Decision.ALLOW} == {
            tally: count for tally, count in before.items() if tally.decision is not Decision.ALLOW
        }
        assert sum((await numbers.counted(OLD + timedelta(days=1), NOW)).values()) == 0

    async def test_many_go_in_batches(self, old: Old) -> None:
        posts = [Post(platform="x", id=f"{n}", text=f"t {n}") for n in range(1200)]
        await old.store.record(
            posts, [replace(verdict_of(post), decided_at=OLD, ruling=Ruling(Decision.ALLOW)) for post in posts]
        )
        assert await Keeper(old.retention, Retention(flagged=0), old.heard).due(NOW) == {
            **dict.fromkeys(Retention(flagged=0).periods(), 0),
            Kind.ALLOWED: 1200,
        }
        assert await old.keep(allowed=90) == {Kind.ALLOWED: 1200}
        assert [count for _, count in old.heard.went] == [500, 500, 200]


class TestOthers:
    async def test_closed_cases_with_what_was_decided_in_them(self, old: Old) -> None:
        for case, state, at in (("c1", "DECIDED", OLD), ("c2", "DECIDED", NEW), ("c3", "OPEN", None)):
            closed = microseconds(at) if at else 0
            await old.write(CASES, id=case, kind="REVIEW", key=case, state=state, closed_at=closed)
            await old.write(CASE_DECISIONS, id=f"d-{case}", about=f"cases/{case}")
            await old.write(DECISION_EFFECTS, decision=f"d-{case}", after_seq=1)
            await old.write(NOTES, about=f"cases/{case}")
        assert await old.keep(cases=365) == {Kind.CASES: 1}
        assert await old.left(CASES, "id") == ["c2", "c3"]
        assert await old.left(CASE_DECISIONS, "id") == ["d-c2", "d-c3"]
        assert await old.left(DECISION_EFFECTS, "decision") == ["d-c2", "d-c3"]
        assert await old.left(NOTES, "about") == ["cases/c2", "cases/c3"]

    async def test_decided_appeals(self, old: Old) -> None:
        post = Post(platform="x", id="1", text="t")
        for number, (state, at) in enumerate([("UPHELD", OLD), ("REJECTED", NEW), ("OPEN", None)]):
            appeal = Appeal(
                id=f"a{number}",
                post=post.key,
                content_digest=post.content_digest,
                sequence=number,
                contested=Decision.BLOCK,
                contested_at=OLD,
                statement="No.",
                state=AppealState(state),
                opened_at=OLD,
                decided_at=at,
            )
            await old.write(APPEALS, **appeal_row(appeal))
        assert await old.keep(appeals=200) == {Kind.APPEALS: 1}
        assert await old.left(APPEALS, "id") == ["a1", "a2"]

    async def test_webhook_events_that_are_through(self, old: Old) -> None:
        await old.write(ENDPOINTS, id="e1")
        past = microseconds(OLD)
        for event, state, changed in (
            ("1", "DELIVERED", OLD),
            ("2", "PENDING", OLD),
            ("3", "DEAD", NEW),
            ("4", "", OLD),
        ):
            await old.write(EVENTS, id=event, at=past)
            if state:
                await old.write(
                    DELIVERIES, endpoint_id="e1", event_id=event, state=state, changed_at=microseconds(changed)
                )
        assert await old.keep(deliveries=30) == {Kind.DELIVERIES: 2}
        assert await old.left(EVENTS, "id") == ["2", "3"]
        assert await old.count(DELIVERIES) == 2

    async def test_requests_and_confirmations(self, old: Old) -> None:
        for number, at in enumerate((OLD, NEW)):
            await old.write(REQUESTS, request_id=f"r{number}", created_at=microseconds(at))
            for post in {"p0", f"p{number}"}:
                moderator = f"m{number}"
                await old.write(
                    CONFIRMATIONS, claim_id="c", post=post, moderator=moderator, confirmed_at=microseconds(at)
                )
        await old.write(CONFIRMATIONS, claim_id="c", post="p9", moderator="m", confirmed_at=microseconds(OLD))
        assert await old.keep(requests=30, confirmations=30) == {Kind.REQUESTS: 1, Kind.CONFIRMATIONS: 1}
        assert await old.left(REQUESTS, "request_id") == ["r1"]
        assert await old.left(CONFIRMATIONS, "post") == ["p0", "p0", "p1"]

    async def test_the_audit_log_begins_later_and_says_so(self, old: Old) -> None:
        log = SqlAudit(old.store._reader, old.store._writer, timeout=30.0, clock=OLD.timestamp)
        for number in range(5):
            await log.append(actor="m-1", action="post.read", subject=f"x/{number}")
        log = SqlAudit(old.store._reader, old.store._writer, timeout=30.0, clock=NEW.timestamp)
        for number in range(3):
            await log.append(actor="m-1", action="post.read", subject=f"y/{number}")
        assert await old.keep(audit=100) == {Kind.AUDIT: 5}
        report = await log.verify()
        assert (report.whole, report.entries, report.start.number, report.head.number) == (True, 4, 5, 9)
        [trimmed] = await log.page(AuditFilter(action="audit.trim"), before=None, limit=2)
        assert (trimmed.detail["up_to"], trimmed.detail["digest"]) == (5, report.start.digest)
        assert await old.keep(audit=100) == {}


@on_postgres  # on SQLite fronts queue for the file
async def test_one_front_at_a_time(old: Old, sql_url: str, open_sql: OpenSql) -> None:
    await old.decide(1, OLD)
    other = await open_sql(sql_url)
    async with other.write() as tx:
        await tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('assay.retention', 0))"))
        assert await old.retention.drop(Kind.ALLOWED, NOW, 10) is None
    assert await old.retention.drop(Kind.ALLOWED, NOW, 10) == 1
