"""The part of the record store for accepted posts: their leases, and which are still undecided.

Transactions lock in one order everywhere (request, posts, names, judgements, the turn of verdicts; those on claims lock
none of these), rows sorted within each table, and leases skip rows that another transaction holds: so they never
deadlock.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.domain.canonical import digest
from service.domain.codec import decode_post, encode_post
from service.domain.post import Post, PostKey
from service.errors import Conflict
from service.storage.database import SqlDatabase, take_turns, unbroken
from service.storage.documents import insert, listed
from service.storage.tables.records import NAMES, POSTS, REQUESTS, UNDECIDED, UNLEASED, row_key

_DAY = 86_400_000_000


async def insert_posts(
    tx: AsyncConnection, posts: Mapping[str, Post], at: int, lease_until: int = UNLEASED
) -> set[str]:
    """Insert the posts, given by row key, that are new, and return their row keys.

    The n-th post counts as accepted n microseconds after `at`, so that a call's order is kept.
    """
    rows = [
        {
            "key": key,
            "name": post.name,
            "fingerprint": post.fingerprint,
            "body": encode_post(post),
            "accepted_at": at + place,
            "lease_until": lease_until,
        }
        for place, (key, post) in enumerate(posts.items())
    ]
    if not rows:
        return set()
    statement = insert(tx, POSTS, sorted(rows, key=itemgetter("key")))
    statement = statement.on_conflict_do_nothing(index_elements=[POSTS.c.key])
    return set((await tx.execute(statement.returning(POSTS.c.key))).scalars())


async def make_current(tx: AsyncConnection, versions: Iterable[tuple[str, str]]) -> None:
    """Make each (name, row key) the current version of its name; of several, the last."""
    rows = [{"name": name, "key": key} for name, key in sorted(dict(versions).items())]
    if rows:
        statement = insert(tx, NAMES, rows)
        current = {"key": statement.excluded.key}
        await tx.execute(statement.on_conflict_do_update(index_elements=[NAMES.c.name], set_=current))


class SqlPosts(SqlDatabase):
    """`ports.PostStore` on SQL."""

    @unbroken
    async def accept(self, posts: Sequence[Post], *, lease: float = 0.0, request_id: str = "") -> list[bool]:
        """See `ports.PostStore.accept`. An answer is kept under its `request_id` for a day."""
        keys = [row_key(post.key) for post in posts]
        now, asked = self.now(), digest(*keys)
        lease_until = now + round(lease * 1e6) if lease > 0 else UNLEASED
        async with self.write() as tx:
            if request_id and (earlier := await _answered(tx, request_id, asked, now)) is not None:
                return earlier
            new = await insert_posts(tx, dict(zip(keys, posts, strict=True)), now, lease_until)
            await make_current(tx, zip((post.name for post in posts), keys, strict=True))
            answer = _first_time(keys, new)
            if request_id:
                await _remember(tx, request_id, asked, answer, now)
            if lease > 0 and (repeated := [key for key in keys if key not in new]):
                shorter = POSTS.c.key.in_(listed(tx, repeated)) & (POSTS.c.lease_until < lease_until)
                await _set_lease(tx, shorter, lease_until)
        return answer

    @unbroken
    async def claim(self, limit: int, *, lease: float, expired: bool = False) -> list[Post]:
        """See `ports.PostStore.claim`."""
        now = self.now()
        free = POSTS.c.lease_until.between(UNLEASED + 1, now) if expired else POSTS.c.lease_until == UNLEASED
        due = select(POSTS.c.key, POSTS.c.body).where(UNDECIDED, free)
        due = due.order_by(POSTS.c.accepted_at).limit(limit).with_for_update(skip_locked=True)
        async with self.write() as tx:
            claimed = (await tx.execute(due)).all()
            if claimed:
                ours = POSTS.c.key.in_(listed(tx, [row.key for row in claimed]))
                await tx.execute(update(POSTS).where(ours).values(lease_until=now + round(lease * 1e6)))
        return [decode_post(row.body) for row in claimed]

    @unbroken
    async def release(self, keys: Collection[PostKey]) -> None:
        """See `ports.PostStore.release`."""
        async with self.write() as tx:
            held = POSTS.c.key.in_(listed(tx, [row_key(key) for key in keys]))
            await _set_lease(tx, held, UNLEASED)

    @unbroken
    async def undecided(self, keys: Collection[PostKey]) -> set[PostKey]:
        """See `ports.PostStore.undecided`."""
        wanted = {row_key(key): key for key in keys}
        async with self.read() as connection:
            query = select(POSTS.c.key).where(POSTS.c.key.in_(listed(connection, wanted)), UNDECIDED)
            return {wanted[key] for key in (await connection.execute(query)).scalars()}

    @unbroken
    async def backlog(self) -> tuple[int, float]:
        """See `ports.PostStore.backlog`."""
        query = select(func.count(), func.min(POSTS.c.accepted_at)).select_from(POSTS).where(UNDECIDED)
        async with self.read() as connection:
            count, oldest = (await connection.execute(query)).one()
        return count, max(0.0, (self.now() - oldest) / 1e6) if count else 0.0


def _first_time(keys: Sequence[str], new: Collection[str]) -> list[bool]:
    """Per key whether it is new and occurs for the first time."""
    first = {key: place for place, key in reversed(list(enumerate(keys)))}
    return [key in new and first[key] == place for place, key in enumerate(keys)]


async def _answered(tx: AsyncConnection, request_id: str, asked: str, now: int) -> list[bool] | None:
    """The answer to this request within the last day; calls with one `request_id` take turns."""
    await take_turns(tx, f"request/{request_id}")
    query = select(REQUESTS).where(REQUESTS.c.request_id == request_id, REQUESTS.c.created_at > now - _DAY)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    if row.posts_digest != asked:
        raise Conflict(f"request_id {request_id!r} was used for other posts; send a fresh one")
    return list(row.answer)


async def _remember(tx: AsyncConnection, request_id: str, asked: str, answer: list[bool], now: int) -> None:
    old = select(REQUESTS.c.request_id).where(REQUESTS.c.created_at <= now - _DAY).with_for_update(skip_locked=True)
    await tx.execute(delete(REQUESTS).where(REQUESTS.c.request_id.in_(old)))
    row = {"request_id": request_id, "posts_digest": asked, "answer": answer, "created_at": now}
    statement = insert(tx, REQUESTS, [row])
    await tx.execute(statement.on_conflict_do_update(index_elements=[REQUESTS.c.request_id], set_=statement.excluded))


async def _set_lease(tx: AsyncConnection, which: ColumnElement[bool], until: int) -> None:
    """Lease these undecided posts until then; a row that another transaction holds is being claimed or decided."""
    free = select(POSTS.c.key).where(which, UNDECIDED).with_for_update(skip_locked=True)
    await tx.execute(update(POSTS).where(POSTS.c.key.in_(free)).values(lease_until=until))
