"""Ctrl-C drains and loses nothing: what was accepted is decided after the next start."""

from contextlib import aclosing

from service.domain import Post
from service.rpc.client import Client
from tests.processes import Up


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
