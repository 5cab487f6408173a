"""Waiting for what happens elsewhere: in another task, another process, a server."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def until(ask: Callable[[], Awaitable[T]], within: float = ..., pause: float = ...) -> T: ...
@overload
async def until(ask: Callable[[], object], within: float = ..., pause: float = ...) -> object: ...
async def until(ask: Callable[[], Any], within: float = 15.0, pause: float = 0.005) -> object:
    """Ask again and again until the answer is true, and give it; fails after `within` seconds."""
    async with asyncio.timeout(within):
        while True:
            answer = ask()
            if found := await answer if isinstance(answer, Awaitable) else answer:
                return found
            await asyncio.sleep(pause)


def block_until(ask: Callable[[], object], within: float = 15.0, pause: float = 0.05) -> bool:
    """The same outside an event loop; whether the answer came to be true."""
    end = time.monotonic() + within
    while not ask():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
