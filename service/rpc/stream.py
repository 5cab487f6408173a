"""One StreamModeration call: a reader that starts a task per post, and answers in the order in which tasks end."""

import asyncio
from collections.abc import AsyncIterator, Callable

from assay.v1 import moderation_service_pb2 as pb

from service.domain.verdict import Verdict
from service.errors import InvalidInput, Unavailable
from service.rpc.answers import required_post, write_result
from service.rpc.messages.enums import wants_evidence
from service.rpc.moderator import Moderator

MAX_IN_FLIGHT = 1_024
_MAX_ID = 128


class ModerationStream:
    """Judges the posts of one stream, at most 1,024 read and not yet answered.

    `deadline` gives the deadline for a post that arrives now. When `stopping` is set the stream reads no more, answers
    what it has read and raises `Unavailable`.
    """

    def __init__(self, moderator: Moderator, deadline: Callable[[], float], stopping: asyncio.Event) -> None:
        self._moderator, self._deadline, self._stopping = moderator, deadline, stopping
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._ready: asyncio.Queue[pb.StreamModerationResponse | None] = asyncio.Queue()

    async def answers(
        self, requests: AsyncIterator[pb.StreamModerationRequest]
    ) -> AsyncIterator[pb.StreamModerationResponse]:
        """The answers, until the client has half-closed and all is answered. Closing cancels what is in flight."""
        reader = asyncio.create_task(self._read(requests))
        closer = asyncio.create_task(self._close_after(reader))
        try:
            while (answer := await self._ready.get()) is not None:
                yield answer
                self._slots.release()
            await closer
        finally:
            tasks = (reader, closer, *self._in_flight.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, requests: AsyncIterator[pb.StreamModerationRequest]) -> None:
        await self._slots.acquire()  # before reading: a full stream leaves its client's messages in the transport
        async for request in requests:
            self._begin(request)
            await self._slots.acquire()

    async def _close_after(self, reader: asyncio.Task[None]) -> None:
        """When reading has ended, or must: wait for what is in flight, then let `answers` end."""
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({reader, stop}, return_when=asyncio.FIRST_COMPLETED)
            stopped = reader.cancel()
            while self._in_flight:
                await asyncio.wait(self._in_flight.values())
        finally:
            stop.cancel()
            self._ready.put_nowait(None)
        if stopped:
            raise Unavailable("the service is stopping; open a new stream and send again what was not answered")
        reader.result()

    def _begin(self, request: pb.StreamModerationRequest) -> None:
        try:
            self._check_id(request.id)
        except InvalidInput as error:
            self._answer(request, error)
        else:
            self._in_flight[request.id] = asyncio.create_task(self._judge(request))

    def _check_id(self, message_id: str) -> None:
        if not 1 <= len(message_id) <= _MAX_ID:
            problem = f"is over {_MAX_ID} characters" if message_id else "is missing"
            raise InvalidInput("id", problem, "choose a short one that no post in flight has")
        if message_id in self._in_flight:
            raise InvalidInput("id", f"{message_id!r} is already in flight", "wait for its answer or choose another id")

    async def _judge(self, request: pb.StreamModerationRequest) -> None:
        answer: Verdict | Exception
        text = None
        try:
            text = request.post.text if wants_evidence(request.view, default=False) else None
            answer = await self._moderator.moderate(required_post(request), deadline=self._deadline())
        except Exception as error:  # noqa: BLE001 - a post's error is its own answer, whatever it is
            answer = error
        del self._in_flight[request.id]
        self._answer(request, answer, text)

    def _answer(
        self, request: pb.StreamModerationRequest, answer: Verdict | Exception, text: str | None = None
    ) -> None:
        response = pb.StreamModerationResponse(id=request.id)
        write_result(answer, response.result, text)
        self._ready.put_nowait(response)
