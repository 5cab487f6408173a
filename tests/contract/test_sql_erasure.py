"""Erasing a person from SQLite or PostgreSQL and Redis: planted everywhere, gone everywhere, proved by a raw scan."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import JSON, MetaData, String, delete, func, insert, select, update

from service.adapters.celery_queue import CeleryQueue
from service.adapters.queue_messages import posts_in
from service.adapters.redis_attempts import RedisAttempts
from service.adapters.redis_cache import RedisCache
from service.adapters.redis_connection import RedisConnection
from service.adapters.redis_erasure import RedisErasure
from service.adapters.sql_appeals import SqlAppeals
from service.adapters.sql_audit import SqlAudit
from service.adapters.sql_case_rows import appeal_row
from service.adapters.sql_erasure import SqlErasure
from service.adapters.sql_numbers import SqlNumbers
from service.adapters.sql_quality_tables import GOLDEN, GOLDEN_SHOWN, SAMPLES
from service.adapters.sql_review_tables import APPEALS, CASE_DECISIONS, CASES, DECISION_EFFECTS, NOTES
from service.adapters.sql_schema import METADATA
from service.adapters.sql_store import SqlStore
from service.adapters.sql_tables import CONFIRMATIONS, NAMES, POSTS, STANDING, VERDICTS, row_key
from service.adapters.sql_webhook_tables import DELIVERIES, ENDPOINTS, EVENTS
from service.audit import AuditFilter
from service.codec import encode_post
from service.domain import (
    Batch,
    Context,
    Decision,
    JudgedBy,
    Lane,
    Post,
    Reply,
    Ruling,
    Source,
    Standing,
    Verdict,
    VerdictFilter,
)
from service.errors import InvalidInput, NotFound
from service.review.appeal import Appeal, AppealState
from service.transparency.erasing import Eraser, subject_digest
from service.transparency.numbers import how_many
from service.transparency.subject import Sought, Subject

OpenSql = Callable[..., Awaitable[SqlStore]]
MakeVerdict = Callable[..., Verdict]
AUTHOR = "u-5f2c9d-somebody"
TEXT = 'The "moon" is made of green cheese, said nobody at all in März 🧪'
HER = Post(platform="x", id="900", text=TEXT, author=AUTHOR, locale="de-AT", region="AT")
OTHER = Post(platform="x", id="9001", text="Somebody else wrote these words, and they stay.", author="u-other-author")
EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


class World:
    """A record store and a Redis with the parts that write to them."""

    def __init__(self, store: SqlStore, redis: RedisConnection, verdict_of: MakeVerdict) -> None:
        self.store, self.redis, self.verdict_of = store, redis, verdict_of
        self.sql, self.keys = SqlErasure.beside(store), RedisErasure(redis)
        self.eraser = Eraser([self.keys, self.sql], self.sql, settle=0.0)
        self.cache = RedisCache(redis, ttl=60.0)
        self.queue = CeleryQueue(redis)

    async def decide(self, *posts: Post, decision: Decision = Decision.LABEL, policy: str = "p1") -> list[Verdict]:
        verdicts = [self.verdict_of(post, policy_version=policy) for post in posts]
        ruled = [replace(each, ruling=replace(each.ruling, decision=decision)) for each in verdicts]
        recorded = await self.store.record(posts, ruled)
        await self.cache.put(recorded)
        return recorded

    async def write(self, table: Any, **values: Any) -> None:
        """A row of the table; what is not said is empty."""
        columns = [c for c in table.c if not (c.nullable or c.primary_key or c.server_default)]
        needed = {c.name: [] if isinstance(c.type, JSON) else c.type.python_type() for c in columns}
        async with self.store.write() as tx:
            await tx.execute(insert(table).values({**needed, **values}))

    async def count(self, table: Any) -> int:
        async with self.store.read() as connection:
            return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


@pytest.fixture
async def world(sql_url: str, open_sql: OpenSql, redis_connection: RedisConnection, verdict_of: MakeVerdict) -> Any:
    made = World(await open_sql(sql_url), redis_connection, verdict_of)
    yield made
    await made.queue.close()


async def raw(world: World) -> str:
    """Everything that stands in the record store, except the audit log, and in Redis, with what is packed in it."""
    found: list[str] = []
    async with world.store.read() as connection:
        tables = MetaData()
        await connection.run_sync(tables.reflect)
        for table in tables.sorted_tables:
            if table.name == "audit":
                continue
            for row in await connection.execute(select(table)):
                found += [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in row]
    client = world.redis.client
    for key in await client.keys("*"):
        found.append(key.decode("utf-8", "replace"))
        match (await client.type(key)).decode():
            case "string":
                values = [await client.get(key)]
            case "list":
                values = await client.lrange(key, 0, -1)
            case "hash":
                values = list((await client.hgetall(key)).values())
            case "zset":
                values = await client.zrange(key, 0, -1)
            case _:
                values = await client.smembers(key)
        for value in values:
            found.append(value.decode("utf-8", "replace"))
            found += unpacked(found[-1])
    return "\n".join(found)


def unpacked(value: str) -> list[str]:
    try:
        message = json.loads(value)
    except ValueError:
        return []
    message = message[0] if isinstance(message, list) and message else message
    body = message.get("body") if isinstance(message, dict) else None
    return [b64decode(body).decode()] if body else []


def traces(everything: str) -> set[str]:
    forms = {TEXT, json.dumps(TEXT)[1:-1], json.dumps(TEXT, ensure_ascii=False)[1:-1], AUTHOR, f"{HER.name}\n"}
    forms |= {f'{HER.name}"', f"{HER.name}/"}
    return {form for form in forms if form in f"{everything}\n"}


async def plant(world: World) -> Verdict:
    """The person in every table and every kind of key that can hold one."""
    store = world.store
    [verdict] = await world.decide(HER)
    edited = replace(HER, text=TEXT + " (edited)")
    await store.accept([edited, replace(HER, id="901", text="Another one, not decided yet, by the same person.")])
    await store.revise(
        [
            replace(
                verdict,
                ruling=Ruling(Decision.ALLOW, (), ("moderator",), "satire", "cases/c1"),
                source=Source.MODERATOR,
            )
        ]
    )
    await store.stand(HER.content_digest, Standing("", Decision.ALLOW, (), "satire", "cases/c1"))
    await store.stand(HER.content_digest, Standing(HER.name, Decision.ALLOW, (), "satire", "cases/c2"))
    await plant_review(world, verdict)
    answer = replace(OTHER, id="77", context=Context(parent_text=TEXT))
    await world.decide(OTHER, answer)
    await plant_redis(world, verdict)
    return verdict


async def plant_review(world: World, verdict: Verdict) -> None:
    key, digest = row_key(HER.key), HER.content_digest
    which = {"name": HER.name, "fingerprint": HER.fingerprint, "content_digest": digest}
    case = {**which, "key": key, "cluster": digest, "surface": "feed", "region": "AT", "author": AUTHOR}
    await world.write(CASES, id="c1", kind="REVIEW", state="DECIDED", closed_at=5, **case)
    await world.write(CASES, id="c2", kind="APPEAL", state="OPEN", subject="appeals/a1", **case)
    rationale = f"{AUTHOR} jokes: {TEXT}"
    await world.write(CASE_DECISIONS, id="d1", about="cases/c1", moderator="m-1", rationale=rationale, **which)
    effect = {"decision": "d1", "after_seq": verdict.sequence + 1, "before_seq": verdict.sequence}
    await world.write(DECISION_EFFECTS, **effect, name=HER.name, content_digest=digest)
    for about in (HER.name, f"platforms/x/authors/{AUTHOR}", "cases/c1"):
        await world.write(NOTES, about=about, moderator="m-1", text=f"seen: {TEXT}")
    await world.write(NOTES, about=OTHER.name, moderator="m-1", text="another")
    appeal = Appeal(
        id="a1",
        post=HER.key,
        content_digest=digest,
        sequence=1,
        contested=Decision.LABEL,
        contested_at=EVER[0],
        statement=f"I, {AUTHOR}, wrote: {TEXT}",
        state=AppealState.UPHELD,
        opened_at=datetime(2026, 1, 1, tzinfo=UTC),
        case="c2",
        decider="m-2",
        decision=Decision.ALLOW,
        rationale=TEXT,
        decided_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    open_one = replace(appeal, id="a2", sequence=2, state=AppealState.OPEN, decider="", decision=None, decided_at=None)
    for each in (appeal, open_one):
        await world.write(APPEALS, **appeal_row(each))
    await plant_webhooks(world)
    await plant_golden(world)
    await world.write(CONFIRMATIONS, claim_id="bleach", post=HER.name, moderator="m-1", note=TEXT)


async def plant_golden(world: World) -> None:
    """A golden item made from her post, shown once under another name, and a sample of her posts."""
    copy = Post(platform="x", id="copy-1", text=TEXT)
    post, digest = encode_post(replace(HER, author="")), HER.content_digest
    await world.write(GOLDEN, id="g1", content_digest=digest, origin=HER.name, post=post, note=TEXT)
    shown = {"case": "c9", "item": "g1", "moderator": "m-1", "name": copy.name, "fingerprint": copy.fingerprint}
    await world.write(GOLDEN_SHOWN, key=row_key(copy.key), **shown)
    await world.store.accept([copy])
    async with world.store.write() as tx:
        await tx.execute(delete(NAMES).where(NAMES.c.name == copy.name))
        await tx.execute(update(POSTS).where(POSTS.c.name == copy.name).values(decided_seq=0))
    await world.write(SAMPLES, key=row_key(HER.key), name=HER.name, fingerprint=HER.fingerprint, case="c8")


async def plant_webhooks(world: World) -> None:
    await world.write(ENDPOINTS, id="e1", url="https://hooks.example", enabled=True)
    told = json.dumps({"data": {"post": HER.name, "note": TEXT}}, ensure_ascii=False)
    for number, (subject, body) in enumerate([(HER.name, told), ("cases/c1", "{}"), ("x", told), (OTHER.name, "{}")]):
        await world.write(EVENTS, id=f"evt_{number}", type="verdict.decided", subject=subject, at=1, body=body)
        await world.write(DELIVERIES, endpoint_id="e1", event_id=f"evt_{number}", state="PENDING")


async def plant_redis(world: World, verdict: Verdict) -> None:
    queued = replace(HER, id="902", text="Only queued, never accepted, by her.")
    await world.queue.send(Lane.LIVE, Batch("b1", (HER, OTHER)))
    await world.queue.send(Lane.BULK, Batch("b2", (queued,)))
    await world.queue.send(Lane.REPLAY, Batch("b3", (OTHER,)))
    client = world.redis.client
    message = (await client.lrange("assay:q:live", 0, -1))[0].decode()
    await client.hset("assay:q:unacked", "tag-1", json.dumps([json.loads(message), "", "live"]))
    await client.zadd("assay:q:unacked_index", {"tag-1": 1.0})
    await world.queue.reply("front", Reply("b1", (verdict, world.verdict_of(OTHER)), (HER.key,)))
    await RedisAttempts(world.redis).begin([HER.key, OTHER.key])
    digest = bytes.fromhex(HER.content_digest)
    await client.set(b"assay:cr:" + digest, b"\x00\x00")
    await client.set(b"assay:cm:" + digest, digest)
    await client.set(b"assay:cb:band", digest + bytes.fromhex(OTHER.content_digest))


class TestErasing:
    async def test_everywhere_and_proves_it(self, world: World) -> None:
        await plant(world)
        assert len(traces(await raw(world))) >= 5
        report = await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert report.complete, report.remaining
        assert traces(await raw(world)) == set()
        assert report.posts == 3
        assert report.erased["record store"]["posts"] == 3
        assert report.erased["redis"]["queued messages"] == 3
        with pytest.raises(NotFound):
            await world.store.latest(HER.name)

    async def test_leaves_what_is_of_others(self, world: World) -> None:
        await plant(world)
        await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert (await world.store.latest(OTHER.name)).post == OTHER.key
        assert [each.post.name for each in await world.store.page(VerdictFilter(), before=None, limit=9)] == [
            "platforms/x/posts/77",
            OTHER.name,
        ]
        assert await world.count(NOTES) == 1
        assert await world.count(EVENTS) == await world.count(DELIVERIES) == 1
        live, *_ = [posts_in(each.decode()) for each in await world.redis.client.lrange("assay:q:live", 0, -1)]
        assert live == [OTHER]
        assert await world.queue.depths() == {Lane.LIVE: 1, Lane.BULK: 0, Lane.REPLAY: 1}
        assert await RedisAttempts(world.redis).counts([HER.key, OTHER.key]) == [0, 1]
        [hit] = await world.cache.find([OTHER], judged_by=JudgedBy("m1", "c1"), policy_version="p1")
        assert hit.verdict is not None
        assert await world.redis.client.get(b"assay:cb:band") == bytes.fromhex(OTHER.content_digest)

    async def test_what_moderators_did_stays_countable_without_the_post(self, world: World) -> None:
        await plant(world)
        numbers = SqlNumbers.beside(world.store)
        before, appeals = await numbers.counted(*EVER), await numbers.appeals(*EVER)
        await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        after = await numbers.counted(*EVER)
        assert sum(after.values()) == sum(before.values()) == 4
        assert how_many(after, lambda tally: tally.reinstated) == how_many(before, lambda tally: tally.reinstated) == 1
        assert (await numbers.appeals(*EVER)).upheld == appeals.upheld == 1
        assert await world.count(CASE_DECISIONS) == 1
        async with world.store.read() as connection:
            cases = (await connection.execute(select(CASES.c.state, CASES.c.name).order_by(CASES.c.id))).all()
        assert [tuple(case) for case in cases] == [
            ("DECIDED", "platforms/erased/posts/c1"),
            ("CLOSED", "platforms/erased/posts/c2"),
        ]
        appeal = await SqlAppeals.beside(world.store).find_appeal("a1")
        assert (appeal.statement, appeal.rationale, appeal.state) == ("", "", "UPHELD")

    async def test_watchers_pass_over_the_gap(self, world: World) -> None:
        await plant(world)
        await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        verdicts, cursor = await world.store.after(0, VerdictFilter(), 10)
        assert [each.sequence for each in verdicts] == [3, 4]
        [fresh] = await world.decide(replace(OTHER, id="78"))
        assert (await world.store.after(cursor, VerdictFilter(), 10))[0] == [fresh]
        assert fresh.sequence == 5

    async def test_is_noted_without_saying_who(self, world: World) -> None:
        await plant(world)
        audit = SqlAudit.beside(world.store)
        subject = Subject(author=AUTHOR)
        report = await world.eraser.erase(subject, "m-lead")
        entry, began = await audit.page(AuditFilter(action="subject."), before=None, limit=3)
        assert (entry.action, began.action, began.subject) == ("subject.erased", "subject.erase", entry.subject)
        assert (entry.number, entry.actor, entry.detail["digest"]) == (report.entry, "m-lead", report.digest)
        assert report.digest == subject_digest(report.salt, subject)
        assert not traces(json.dumps([entry.subject, entry.detail], ensure_ascii=False))
        assert (await audit.verify()).whole

    async def test_the_audit_log_keeps_names_of_posts_and_says_so(self, world: World) -> None:
        await world.decide(HER)
        await SqlAudit.beside(world.store).append(actor="m-1", action="post.read", subject=HER.name)
        report = await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert report.complete
        assert [(each.place, each.what, each.count) for each in report.kept] == [("audit.subject", "post name", 1)]

    async def test_by_names_alone(self, world: World) -> None:
        await world.decide(HER, replace(HER, id="901"), OTHER)
        report = await world.eraser.erase(Subject(posts=(HER.name,)), "m-lead")
        assert report.erased["record store"]["posts"] == 1
        assert await world.count(VERDICTS) == 2
        assert report.shared_texts == 1

    async def test_on_one_platform_alone(self, world: World) -> None:
        await world.decide(HER, replace(HER, platform="y", text="The same pseudonym, somebody else."))
        report = await world.eraser.erase(Subject(author=AUTHOR, platform="y"), "m-lead")
        assert report.erased["record store"]["posts"] == 1
        assert (await world.store.latest(HER.name)).post == HER.key

    async def test_a_text_that_others_carry_too_stays_theirs(self, world: World) -> None:
        await world.decide(HER, replace(OTHER, text=TEXT))
        await world.store.stand(HER.content_digest, Standing("", Decision.LABEL, (), "r", "cases/c9"))
        report = await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert (report.complete, report.shared_texts) == (True, 1)
        [judgement] = await world.store.judgements([HER.content_digest], JudgedBy("m1", "c1"))
        assert judgement
        assert await world.count(STANDING) == 1
        assert (await world.store.latest(OTHER.name)).judgement == judgement

    async def test_a_name_that_another_begins_with_is_no_trace(self, world: World) -> None:
        await world.decide(HER, replace(OTHER, id="9009"))
        report = await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert report.complete, report.remaining

    async def test_what_remains_is_told_by_place(self, world: World) -> None:
        await world.decide(HER, replace(OTHER, text=f"Look what @{AUTHOR} wrote"))
        report = await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert not report.complete
        assert [(each.place, each.what) for each in report.remaining] == [("posts.body", "author")]

    async def test_somebody_unknown(self, world: World) -> None:
        await world.decide(OTHER)
        report = await world.eraser.erase(Subject(author="nobody-of-that-name"), "m-lead")
        assert (report.complete, report.posts, report.passes) == (True, 0, 2)
        assert report.erased == {"redis": {}, "record store": {}}

    async def test_what_comes_back_from_a_worker_is_found_by_the_next_pass(self, world: World) -> None:
        [verdict] = await world.decide(HER)
        late = iter([True])

        async def settle(_: float) -> None:
            if next(late, False):  # a worker that had the post in its hands records it
                await world.store.record([HER], [verdict])
                await world.cache.put([verdict])

        eraser = Eraser([world.keys, world.sql], world.sql, sleep=settle)
        report = await eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert (report.complete, report.passes) == (True, 3)
        assert traces(await raw(world)) == set()

    async def test_while_others_are_decided(self, world: World) -> None:
        await world.decide(*(replace(HER, id=f"h{n}", text=f"{TEXT} {n}") for n in range(300)))
        others = [[replace(OTHER, id=f"o{m}-{n}", text=f"Words {m} {n}") for n in range(20)] for m in range(10)]
        erasing = asyncio.create_task(world.eraser.erase(Subject(author=AUTHOR), "m-lead"))
        for posts in others:
            await world.decide(*posts)
        report = await erasing
        assert (report.complete, report.erased["record store"]["posts"]) == (True, 300)
        assert await world.count(VERDICTS) == 200

    @pytest.mark.parametrize(
        ("subject", "field"),
        [(Subject(), "author"), (Subject(author=" u "), "author"), (Subject(posts=("posts/1",)), "posts[0]"),
         (Subject(author="u", platform="X Y"), "platform")],
    )  # fmt: skip
    async def test_whom_it_cannot_tell_is_refused(self, world: World, subject: Subject, field: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            await world.eraser.erase(subject, "m-lead")
        assert caught.value.field == field


async def test_every_table_is_searched(world: World) -> None:
    """A text in any column that can hold words is found, whatever table a later release adds."""
    wordy = [
        column for table in METADATA.tables.values() for column in table.c if isinstance(column.type, String | JSON)
    ]
    assert len(wordy) > 60
    await world.write(CONFIRMATIONS, claim_id="b", post="p", moderator="m", note=TEXT)
    found = await world.sql.search(Sought.of(Subject(author=AUTHOR)).found([HER]))
    assert [(each.place, each.what, each.count) for each in found] == [("confirmations.note", "text", 1)]


MAY_BE_A_PERSONS = {"about", "author", "body", "content_digest", "name", "note", "origin", "post", "subject", "text"}
ERASED = {
    "appeals",
    "case_decisions",
    "cases",
    "confirmations",
    "decision_effects",
    "golden",
    "golden_shown",
    "judgements",
    "names",
    "notes",
    "posts",
    "samples",
    "standing",
    "verdicts",
    "webhook_events",
}
OF_NOBODY_WHO_POSTS = {"audit", "claims", "people", "policies", "policy_changes", "sign_in_flows"}


def test_a_new_table_is_thought_of() -> None:
    """A table that may hold what is a person's is erased from, or stands among those that hold nothing of the kind."""
    suspects = {name for name, table in METADATA.tables.items() if MAY_BE_A_PERSONS & set(table.c.keys())}
    assert suspects <= ERASED | OF_NOBODY_WHO_POSTS, "say in sql_erasure_rules what becomes of it, then here"
