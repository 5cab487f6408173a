"""The client's half of StreamModeration: feeds posts, gathers answers, survives broken connections and load."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Any

import grpc.aio
from assay.v1 import moderation_service_pb2 as pb
from assay.v1 import verdict_pb2

from service.domain.post import Post
from service.domain.verdict import Verdict
from service.errors import AssayError, InvalidInput
from service.rpc.client.backoff import Backoff
from service.rpc.client_errors import refusal
from service.rpc.messages.post import encode_post
from service.rpc.messages.verdict import read_verdict
from service.rpc.status import error_of
from service.rpc.stream import MAX_IN_FLIGHT

Answer = tuple[int, Verdict | AssayError]


class PostStream:
    """One pass over `posts`; the ids on the wire are positions, counted from 0. `open_call` begins a StreamModeration.

    The source is read by one task for the whole pass, since a broken connection must not break it off.
    """

    def __init__(
        self,
        open_call: Callable[[], Any],
        posts: Iterable[Post] | AsyncIterable[Post],
        *,
        evidence: bool,
        patience: float,
        address: str,
    ) -> None:
        self._open_call, self._posts, self._address, self._patience = open_call, posts, address, patience
        self._view = verdict_pb2.VERDICT_VIEW_FULL if evidence else verdict_pb2.VERDICT_VIEW_BASIC
        self._unanswered: dict[int, pb.StreamModerationRequest] = {}
        self._refusals: dict[int, Backoff] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._exhausted = False
        self._to_send: asyncio.Queue[int | None] = asyncio.Queue()
        self._ready: asyncio.Queue[Answer | None] = asyncio.Queue()

    async def answers(self) -> AsyncGenerator[Answer, None]:
        """Position and answer of each post, as they come. Raises what `posts` raises or what ended it for good."""
        tasks = [asyncio.create_task(self._pull()), asyncio.create_task(self._converse())]
        ended = asyncio.gather(*tasks)
        ended.add_done_callback(lambda _: self._ready.put_nowait(None))
        try:
            while (answer := await self._ready.get()) is not None:
                yield answer
                self._slots.release()
            await ended
        finally:
            for task in tasks:
                task.cancel()
            self._cancel_timers()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(asyncio.CancelledError, Exception):
                await ended

    async def _pull(self) -> None:
        async for index, post in _numbered(self._posts):
            await self._slots.acquire()
            try:
                message = encode_post(post)
            except InvalidInput as error:
                self._ready.put_nowait((index, error))
            else:
                self._unanswered[index] = pb.StreamModerationRequest(id=str(index), post=message, view=self._view)
                self._to_send.put_nowait(index)
        self._exhausted = True
        self._half_close_when_done()

    async def _converse(self) -> None:
        """Calls until all is answered. Raises what ends it for good."""
        backoff = Backoff(self._patience)
        while True:
            call = self._open_call()
            sender = asyncio.create_task(self._send(call))
            try:
                async for response in call:
                    backoff.reset()
                    self._settle(response)
            except grpc.aio.AioRpcError as broken:
                error = refusal(broken, self._address)
                wait = backoff.wait_for(error)
                if wait is None:
                    raise error from None
            else:
                return
            finally:
                sender.cancel()
                call.cancel()
            await asyncio.sleep(wait)
            self._send_again()

    async def _send(self, call: Any) -> None:
        with suppress(grpc.RpcError, asyncio.InvalidStateError):  # the reading side learns what broke the call
            while (index := await self._to_send.get()) is not None:
                await call.write(self._unanswered[index])
            await call.done_writing()

    def _send_again(self) -> None:
        self._cancel_timers()
        self._to_send = asyncio.Queue()
        for index in self._unanswered:
            self._to_send.put_nowait(index)
        self._half_close_when_done()

    def _settle(self, response: pb.StreamModerationResponse) -> None:
        index = int(response.id)
        if not response.result.HasField("error"):
            self._keep(index, read_verdict(response.result.verdict))
            return
        error = error_of(response.result.error)
        wait = self._refusals.setdefault(index, Backoff(self._patience)).wait_for(error)
        if wait is None:
            self._keep(index, error)
        else:
            self._timers[index] = asyncio.get_running_loop().call_later(wait, self._to_send.put_nowait, index)

    def _keep(self, index: int, answer: Verdict | AssayError) -> None:
        del self._unanswered[index]
        self._refusals.pop(index, None)
        self._ready.put_nowait((index, answer))
        self._half_close_when_done()

    def _half_close_when_done(self) -> None:
        if self._exhausted and not self._unanswered:
            self._to_send.put_nowait(None)

    def _cancel_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()


async def _numbered(posts: Iterable[Post] | AsyncIterable[Post]) -> AsyncIterator[tuple[int, Post]]:
    index = 0
    if isinstance(posts, AsyncIterable):
        async for post in posts:
            yield index, post
            index += 1
    else:
        for pair in enumerate(posts):
            yield pair
