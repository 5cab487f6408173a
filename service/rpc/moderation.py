"""ModerationService: requests to posts, answers of the pipeline (and of the weighing, for authors) to responses."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from assay.v1 import moderation_service_pb2 as pb
from assay.v1.moderation_service_pb2_grpc import ModerationServiceServicer, add_ModerationServiceServicer_to_server

from service.domain.post import Post
from service.domain.validation import MAX_BATCH
from service.domain.verdict import Verdict
from service.errors import AssayError, InvalidInput
from service.moderation.author import Weighing
from service.rpc.answers import check_size, required_post, write_evident, write_result
from service.rpc.calls import Context, adopt, deadline_of, log_request_id
from service.rpc.message_limits import check_count
from service.rpc.messages.author import read_timeline, write_author
from service.rpc.messages.enums import wants_evidence
from service.rpc.messages.post import try_post
from service.rpc.moderator import Moderator
from service.rpc.service import MODERATION, Service
from service.rpc.status import status_of
from service.rpc.stream import ModerationStream


class ModerationServicer(Service, ModerationServiceServicer):
    """Serves a pipeline; `default_deadline` (seconds) for calls without one. Streams end when `stopping` is set.

    `weighing` is how an author's posts are weighed together.
    """

    name = MODERATION
    add_to = add_ModerationServiceServicer_to_server

    def __init__(
        self, moderator: Moderator, weighing: Weighing, *, default_deadline: float, stopping: asyncio.Event
    ) -> None:
        self._moderator, self._weighing = moderator, weighing
        self._default_deadline, self._stopping = default_deadline, stopping
        self.ready = moderator.ready

    async def ModeratePost(self, request: pb.ModeratePostRequest, context: Context) -> pb.ModeratePostResponse:  # noqa: N802
        """One verdict."""
        adopt(context, request.correlation_id)
        evidence = wants_evidence(request.view, default=True)
        post = required_post(request)
        verdict = await self._moderator.moderate(post, deadline=self._deadline(context))
        response = pb.ModeratePostResponse()
        write_evident(verdict, response.verdict, post.text if evidence else None)
        return response

    async def BatchModeratePosts(  # noqa: N802
        self, request: pb.BatchModeratePostsRequest, context: Context
    ) -> pb.BatchModeratePostsResponse:
        """One result per post, in order."""
        adopt(context, request.correlation_id)
        evidence = wants_evidence(request.view, default=False)
        posts = _posts(request)
        answers = await self._answers(posts, self._deadline(context))
        response = pb.BatchModeratePostsResponse()
        for answer, asked in zip(answers, request.posts, strict=True):
            write_result(answer, response.results.add(), asked.text if evidence else None)
        if evidence:
            check_size(response, "view", _LESS)
        return response

    async def _answers(self, posts: list[Post | InvalidInput], deadline: float) -> list[Verdict | AssayError]:
        good = [post for post in posts if isinstance(post, Post)]
        judged = iter(await self._moderator.moderate_many(good, deadline=deadline) if good else ())
        return [next(judged) if isinstance(post, Post) else post for post in posts]

    def StreamModeration(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.StreamModerationRequest], context: Context
    ) -> AsyncIterator[pb.StreamModerationResponse]:
        """Answers in completion order."""
        stream = ModerationStream(self._moderator, lambda: self._deadline(context), self._stopping)
        return stream.answers(request_iterator)

    async def SubmitPosts(self, request: pb.SubmitPostsRequest, context: Context) -> pb.SubmitPostsResponse:  # noqa: N802
        """Accept the good posts, say what is wrong with the others."""
        log_request_id(request.request_id)
        posts = _posts(request)
        good = [post for post in posts if isinstance(post, Post)]
        accepted = iter(await self._moderator.submit(good, request_id=request.request_id) if good else ())
        response = pb.SubmitPostsResponse()
        for message, post in zip(request.posts, posts, strict=True):
            result = response.results.add(post=message.name)
            if isinstance(post, InvalidInput):
                result.state = pb.SUBMISSION_STATE_REJECTED
                result.error.CopyFrom(status_of(post))
            else:
                result.state = _ACCEPTED[next(accepted)]
        return response

    async def ModerateAuthor(  # noqa: N802
        self, request: pb.ModerateAuthorRequest, context: Context
    ) -> pb.ModerateAuthorResponse:
        """What the posts say together; nothing is decided or recorded."""
        adopt(context, request.correlation_id)
        posts = read_timeline(request)
        judgements = await self._moderator.read(posts, deadline=self._deadline(context))
        response = pb.ModerateAuthorResponse()
        write_author(self._weighing.judge(request.author, posts, judgements), response.judgement)
        return response

    def _deadline(self, context: Any) -> float:
        return deadline_of(context, self._default_deadline)


_LESS = "ask for VERDICT_VIEW_BASIC or send fewer posts at once; the posts were judged, and GetVerdict has all"
_ACCEPTED = {True: pb.SUBMISSION_STATE_ACCEPTED, False: pb.SUBMISSION_STATE_ALREADY_ACCEPTED}


def _posts(request: pb.BatchModeratePostsRequest | pb.SubmitPostsRequest) -> list[Post | InvalidInput]:
    check_count("posts", len(request.posts), MAX_BATCH)
    return [try_post(post, f"posts[{index}]") for index, post in enumerate(request.posts)]
