"""A person planted in every table and every kind of key that can hold one, and a search for them to the letter."""

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, MetaData, delete, func, insert, select, update

from service.domain.codec import encode_post
from service.domain.decision import Decision, Ruling, Standing
from service.domain.post import Context, Post
from service.domain.verdict import Source, Verdict
from service.moderation.celery_queue import CeleryQueue
from service.moderation.redis.attempts import RedisAttempts
from service.moderation.redis.cache import RedisCache
from service.moderation.transport import Batch, Lane, Reply
from service.records.sql.store import SqlStore
from service.review.appeal import Appeal, AppealState
from service.review.sql.rows import appeal_row
from service.storage.redis_connection import RedisConnection
from service.storage.tables.policy import SHADOW_RULINGS
from service.storage.tables.quality import GOLDEN, GOLDEN_SHOWN, SAMPLES
from service.storage.tables.records import CONFIRMATIONS, NAMES, POSTS, row_key
from service.storage.tables.review import APPEALS, CASE_DECISIONS, CASES, DECISION_EFFECTS, NOTES
from service.storage.tables.webhooks import DELIVERIES, ENDPOINTS, EVENTS
from service.transparency.erasing import Eraser
from service.transparency.redis_erasure import RedisErasure
from service.transparency.sql.erasure import SqlErasure
from tests.factories import verdict_of
from tests.fakes.standing import stand

AUTHOR = "u-5f2c9d-somebody"
TEXT = 'The "moon" is made of green cheese, said nobody at all in März 🧪'
HER = Post(platform="x", id="900", text=TEXT, author=AUTHOR, locale="de-AT", region="AT")
OTHER = Post(platform="x", id="9001", text="Somebody else wrote these words, and they stay.", author="u-other-author")
EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


class World:
    """A record store and a Redis with the parts that write to them."""

    def __init__(self, store: SqlStore, redis: RedisConnection) -> None:
        self.store, self.redis = store, redis
        self.sql, self.keys = SqlErasure.beside(store), RedisErasure(redis)
        self.eraser = Eraser([self.keys, self.sql], self.sql, settle=0.0)
        self.cache = RedisCache(redis, ttl=60.0)
        self.queue = CeleryQueue(redis)

    async def decide(self, *posts: Post, decision: Decision = Decision.LABEL, policy: str = "p1") -> list[Verdict]:
        verdicts = [verdict_of(post, policy_version=policy) for post in posts]
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
    client: Any = world.redis.client
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
    await stand(store, HER.content_digest, Standing("", Decision.ALLOW, (), "satire", "cases/c1"))
    await stand(store, HER.content_digest, Standing(HER.name, Decision.ALLOW, (), "satire", "cases/c2"))
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
    await world.write(SHADOW_RULINGS, version="p2", seq=verdict.sequence, live_version="p1", decision="BLOCK")
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
    client: Any = world.redis.client
    message = (await client.lrange("assay:q:live", 0, -1))[0].decode()
    await client.hset("assay:q:unacked", "tag-1", json.dumps([json.loads(message), "", "live"]))
    await client.zadd("assay:q:unacked_index", {"tag-1": 1.0})
    await world.queue.reply("front", Reply("b1", (verdict, verdict_of(OTHER)), (HER.key,)))
    await RedisAttempts(world.redis).begin([HER.key, OTHER.key])
    digest = bytes.fromhex(HER.content_digest)
    await client.set(b"assay:cr:" + digest, b"\x00\x00")
    await client.set(b"assay:cm:" + digest, digest)
    await client.set(b"assay:cb:band", digest + bytes.fromhex(OTHER.content_digest))
