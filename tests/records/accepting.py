"""A process (`URL FIRST COUNT`) that accepts posts, 100 a call, and prints the number of each call after its commit."""

import asyncio
import sys

from service.domain.post import Post
from service.records.sql.store import SqlStore


async def accept(url: str, first: int, count: int) -> None:
    """Accept calls `first` to `first + count`; post p of call c has id `c-p`."""
    store = await SqlStore.connect(url)
    for call in range(first, first + count):
        await store.accept([Post(platform="example", id=f"{call}-{place}", text=f"{place}") for place in range(100)])
        print(call, flush=True)  # noqa: T201 - what the test reads
    await store.close()


if __name__ == "__main__":
    asyncio.run(accept(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
