"""A person's traces in the record store: found, erased, searched for."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, delete, select, update

from service.audit.entry import AuditEntry
from service.audit.sql import append
from service.domain.codec import decode_post
from service.domain.post import Post
from service.quality.sql.golden import SqlGolden
from service.storage.database import unbroken
from service.storage.documents import listed
from service.storage.streams import SqlStreams
from service.storage.tables.records import POSTS, UNDECIDED, VERDICTS
from service.storage.tables.review import CASES
from service.storage.tables.webhooks import EVENTS
from service.transparency.needles import Needles
from service.transparency.sql.erasure_rules import erase_records
from service.transparency.sql.erasure_standing import SUSPECTS, cut_standing, named
from service.transparency.sql.forgetting import forget
from service.transparency.sql.search import STORE, search
from service.transparency.subject import Found, Sought

_AT_ONCE = 200


class SqlErasure(SqlStreams):
    """`transparency.ports.Traces` and `ErasureLog` on SQL. Every search reads all posts: no index knows all names."""

    @property
    def store(self) -> str:
        """See `Traces.store`."""
        return STORE

    async def gather(self, sought: Sought) -> Sought:
        """See `Traces.gather`: all versions of the posts, whatever became of them, and posts that only cases name."""
        posts: list[Post] = []
        keys: list[str] = []
        async for portion in self.portions(select(POSTS.c.key, POSTS.c.body)):
            for row in portion:
                if _may_be(row.body, sought) and sought.subject.owns(post := decode_post(row.body)):
                    posts.append(post)
                    keys.append(row.key)
        known = sought.found(posts, names=await self._in_cases(sought), keys=keys)
        return replace(known, shared=await self._shared(known))

    @unbroken
    async def _in_cases(self, sought: Sought) -> list[str]:
        if not (author := sought.subject.author):
            return []
        query = select(CASES.c.name).where(CASES.c.author == author)
        if platform := sought.subject.platform:
            query = query.where(CASES.c.name.startswith(f"platforms/{platform}/posts/", autoescape=True))
        async with self.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def _shared(self, sought: Sought) -> frozenset[str]:
        """Texts that somebody else's post carries, decided or not."""
        shared = set(await self._decided_by_others(sought))
        if sought.texts:
            async for portion in self.portions(select(POSTS.c.key, POSTS.c.body).where(UNDECIDED)):
                others = (decode_post(row.body).content_digest for row in portion if row.key not in sought.keys)
                shared.update(content for content in others if content in sought.texts)
        return frozenset(shared)

    @unbroken
    async def _decided_by_others(self, sought: Sought) -> list[str]:
        async with self.read() as connection:
            others = VERDICTS.c.key.not_in(listed(connection, sought.keys))
            those = VERDICTS.c.content_digest.in_(listed(connection, sought.texts))
            query = select(VERDICTS.c.content_digest).where(those, others).distinct()
            return list((await connection.execute(query)).scalars())

    async def erase(self, sought: Sought) -> Mapping[str, int]:
        """See `Traces.erase`. In several transactions: what one erased stays so when a later one fails."""
        gone: Counter[str] = Counter()
        keys = sorted(sought.keys)
        for start in range(0, len(keys), _AT_ONCE):
            gone.update(await self._forget(keys[start : start + _AT_ONCE]))
        gone.update(await self._records(sought))
        gone["golden and samples"] += await SqlGolden.beside(self).forget(sorted(sought.names), sorted(sought.alone))
        gone["decisions in judgements of others"] += await self._standing(sought)
        gone["webhook_events"] += await self._events(sought)
        gone["quotes in posts of others"] += await self._quotes(sought)
        return +gone

    async def search(self, sought: Sought) -> list[Found]:
        """See `Traces.search`."""
        return await search(self, sought)

    @unbroken
    async def note(self, actor: str, action: str, digest: str, detail: Mapping[str, Any]) -> AuditEntry:
        """See `ErasureLog.note`."""
        told = {**detail, "digest": digest}
        async with self.write() as tx:
            subject = f"subjects/{digest[:16]}"
            return await append(tx, now=self.now(), actor=actor, action=action, subject=subject, detail=told)

    @unbroken
    async def _forget(self, keys: list[str]) -> Counter[str]:
        async with self.write() as tx:
            return await forget(tx, keys)

    @unbroken
    async def _records(self, sought: Sought) -> Counter[str]:
        async with self.write() as tx:
            return await erase_records(tx, sought, self.now())

    async def _standing(self, sought: Sought) -> int:
        """Judgements that posts of others share: what was decided on the person's posts goes out of them."""
        rows: list[Row[Any]] = []
        async for portion in self.portions(SUSPECTS):
            rows += [row for row in portion if named(row.body, sought.names)]
        return await self._cut_standing(rows, sought) if rows else 0

    @unbroken
    async def _cut_standing(self, rows: Collection[Row[Any]], sought: Sought) -> int:
        async with self.write() as tx:
            return await cut_standing(tx, rows, sought.names)

    async def _events(self, sought: Sought) -> int:
        """Events whose bodies mention the person, whatever they happened to; deliveries go with them."""
        needles = Needles(sought.subject.author, sought.names, sought.alone.values())
        ids: list[str] = []
        async for portion in self.portions(select(EVENTS.c.id, EVENTS.c.body)):
            ids += [row.id for row in portion if needles.of(row.body)]
        return await self._delete_events(ids) if ids else 0

    @unbroken
    async def _delete_events(self, ids: list[str]) -> int:
        async with self.write() as tx:
            return (await tx.execute(delete(EVENTS).where(EVENTS.c.id.in_(listed(tx, ids))))).rowcount

    async def _quotes(self, sought: Sought) -> int:
        """Decided posts of others that answer the person's: their own words stay, the text that they answer goes."""
        texts = {*sought.alone.values()}
        rows: list[Row[Any]] = []
        if texts:
            async for portion in self.portions(select(POSTS.c.key, POSTS.c.body).where(~UNDECIDED)):
                rows += [row for row in portion if row.body.get("context", {}).get("parent_text") in texts]
        return await self._cut_quotes(rows) if rows else 0

    @unbroken
    async def _cut_quotes(self, rows: Iterable[Row[Any]]) -> int:
        cut = 0
        async with self.write() as tx:
            for row in rows:
                context = {name: value for name, value in row.body["context"].items() if name != "parent_text"}
                body = {**row.body, "context": context}
                cut += (await tx.execute(update(POSTS).where(POSTS.c.key == row.key).values(body=body))).rowcount
        return cut


def _may_be(body: Mapping[str, Any], sought: Sought) -> bool:
    """Whether it is worth decoding: most posts are of others."""
    author = sought.subject.author
    return bool(author and body.get("author") == author) or f"platforms/{body['platform']}/posts/{body['id']}" in (
        sought.names
    )
