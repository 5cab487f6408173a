"""Adapters that go away, fail and wait on demand."""

import asyncio
from typing import Any, Generic, TypeVar, cast

from service.errors import AssayError, RedisUnavailable, StoreUnavailable

A = TypeVar("A")


class Outage(Generic[A]):
    """Stands before an adapter. Its methods raise `error` while they are named in `failing` (or `away` is set), count
    in `calls`, and wait for the event that stands under their name in `gates`."""

    def __init__(self, inner: A, error: AssayError) -> None:
        self.inner, self.error = inner, error
        self.away = False
        self.failing: set[str] = set()
        self.calls: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    @property
    def port(self) -> A:
        """This, for whoever takes the adapter."""
        return cast("A", self)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if name in {"replies", "take", "beat"}:
            return method

        async def call(*args: Any, **options: Any) -> Any:
            self.calls.append(name)
            if name in self.gates:
                await self.gates[name].wait()
            if self.away or name in self.failing:
                raise self.error
            return await method(*args, **options)

        return call


def redis_outage(inner: A) -> Outage[A]:
    """A twin of an adapter of Redis."""
    return Outage(inner, RedisUnavailable("Redis is away"))


def store_outage(inner: A) -> Outage[A]:
    """A twin of a record store."""
    return Outage(inner, StoreUnavailable("the store is away"))
