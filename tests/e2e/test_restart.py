"""Ctrl-C drains and loses nothing: what was accepted is decided after the next start. A kill leaves nobody behind."""

from contextlib import aclosing
from pathlib import Path

from service.domain.post import Post
from service.rpc.client.client import Client
from tests.processes import Up
from tests.waiting import block_until


async def test_posts_accepted_before_ctrl_c_are_decided_after_the_next_start() -> None:
    posts = [
        Post(platform="restart", id=str(n), text=f"Accepted just before the stop, number {n}.") for n in range(300)
    ]
    with Up() as up:
        async with Client(up.address) as client:
            assert await client.submit(posts) == [True] * len(posts)
        assert up.stop() == 0
        up.start()
        decided: list[str] = []
        async with Client(up.address) as client, aclosing(client.watch("0")) as messages:
            async for _, verdict in messages:
                if verdict:
                    decided.append(verdict.post.name)
                if len(decided) == len(posts):
                    break
    assert sorted(decided) == sorted(post.name for post in posts)


def children(parent: int) -> set[int]:
    """Process ids whose parent is `parent`."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


def test_a_killed_up_leaves_no_process_behind() -> None:
    with Up() as up:
        assert up.process
        started = children(up.process.process.pid)
        assert len(started) == 2  # Redis and the worker
        up.process.process.kill()
        assert block_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), within=30)
