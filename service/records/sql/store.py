"""The record store on SQLite and PostgreSQL: every port of `service.records.ports` on one database."""

import time
from collections.abc import Callable, Sequence
from typing import Self

from sqlalchemy import select

from service.domain.codec import decode_judgement, decode_post
from service.domain.judgement import JudgedBy, Judgement
from service.domain.post import Post, PostKey
from service.records.sql.cursors import SqlCursors
from service.records.sql.posts import SqlPosts
from service.records.sql.standing import SqlStanding
from service.records.sql.verdicts import SqlVerdicts
from service.storage.database import open_engines, unbroken
from service.storage.documents import listed
from service.storage.tables.records import JUDGEMENTS, POSTS, row_key


class SqlStore(SqlPosts, SqlVerdicts, SqlStanding, SqlCursors):
    """Posts, verdicts, judgements, people's decisions on one database; made by `SqlStore.connect(url)`."""

    @classmethod
    async def connect(
        cls, url: str, *, connections: int = 8, answer_within: float = 15.0, clock: Callable[[], float] = time.time
    ) -> Self:
        """The store at `url`, sqlite:///path or postgresql://..., over at most `connections` + 1 connections.

        `answer_within` bounds every transaction, `clock` gives Unix time, both in seconds. Raises `InvalidInput` for
        an unsupported URL, `StoreUnavailable` when nothing answers there or `assay migrate` was never run.
        """
        reader, writer = open_engines(url, connections=connections, timeout=answer_within)
        store = cls(reader, writer, timeout=answer_within, clock=clock)
        try:
            await store.ping()
        except BaseException:
            await store.close()
            raise
        return store

    @unbroken
    async def judgements(self, digests: Sequence[str], judged_by: JudgedBy) -> list[Judgement | None]:
        """See `ports.JudgementStore.judgements`."""
        query = select(JUDGEMENTS.c.content_digest, JUDGEMENTS.c.body)
        query = query.where(JUDGEMENTS.c.model_version == judged_by.model)
        query = query.where(JUDGEMENTS.c.claims_version == judged_by.claims)
        async with self.read() as connection:
            rows = await connection.execute(query.where(JUDGEMENTS.c.content_digest.in_(listed(connection, digests))))
        found = {row.content_digest: decode_judgement(row.body) for row in rows}
        return [found.get(digest) for digest in digests]

    @unbroken
    async def posts(self, keys: Sequence[PostKey]) -> list[Post | None]:
        """See `ports.Archive.posts`."""
        wanted = [row_key(key) for key in keys]
        async with self.read() as connection:
            query = select(POSTS.c.key, POSTS.c.body).where(POSTS.c.key.in_(listed(connection, wanted)))
            rows = await connection.execute(query)
        found = {row.key: decode_post(row.body) for row in rows}
        return [found.get(key) for key in wanted]

    @unbroken
    async def ping(self) -> None:
        """See `ports.RecordReader.ping`: the server answers, and its tables exist."""
        async with self.read() as connection:
            await connection.execute(select(POSTS.c.key).limit(1))
