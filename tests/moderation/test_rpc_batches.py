"""BatchModeratePosts and SubmitPosts: per-item answers in order, and the limits of a call."""

import grpc
import pytest
from assay.v1 import moderation_service_pb2 as pb
from assay.v1 import verdict_pb2
from google.rpc import error_details_pb2

from service.domain.post import PostKey
from tests.factories import message_of, with_surprise
from tests.fixtures.grpc_front import Front
from tests.grpc_failures import failure_in, failure_of


async def test_each_post_gets_its_own_answer_in_order(front: Front) -> None:
    texts = ["one", "", "!overload", "four", "!late", "\x00", "!noworker"]
    posts = [message_of(text, number) for number, text in enumerate(texts)]
    response = await front.moderation.BatchModeratePosts(pb.BatchModeratePostsRequest(posts=posts), timeout=0.5)
    results = list(response.results)
    assert [result.WhichOneof("result") for result in results] == [
        "verdict",
        "error",
        "error",
        "verdict",
        *["error"] * 3,
    ]
    assert [results[index].verdict.post for index in (0, 3)] == ["platforms/x/posts/0", "platforms/x/posts/3"]
    failures = [failure_in(result.error) for result in results if result.HasField("error")]
    assert [failure.code.name for failure in failures] == [
        "INVALID_ARGUMENT",
        "RESOURCE_EXHAUSTED",
        "DEADLINE_EXCEEDED",
        "INVALID_ARGUMENT",
        "UNAVAILABLE",
    ]
    assert [failures[index].field for index in (0, 3)] == ["posts[1].text", "posts[5].text"]
    assert failures[1].detail(error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() == 150


async def test_deep_field_path(front: Front) -> None:
    posts = [message_of(number=number) for number in range(4)]
    posts[3].context.image_alt = "\x01"
    response = await front.moderation.BatchModeratePosts(pb.BatchModeratePostsRequest(posts=posts))
    assert failure_in(response.results[3].error).field == "posts[3].context.image_alt"


async def test_batches_are_basic_unless_asked(front: Front) -> None:
    for view, evidence in ((verdict_pb2.VERDICT_VIEW_UNSPECIFIED, False), (verdict_pb2.VERDICT_VIEW_FULL, True)):
        request = pb.BatchModeratePostsRequest(posts=[message_of()], view=view)
        [result] = (await front.moderation.BatchModeratePosts(request)).results
        assert result.verdict.HasField("evidence") is evidence


@pytest.mark.parametrize("count", [0, 1, 1_000, 1_001])
@pytest.mark.parametrize("method", ["BatchModeratePosts", "SubmitPosts"])
async def test_one_to_a_thousand_posts(front: Front, method: str, count: int) -> None:
    posts = [message_of(number=number) for number in range(count)]
    request = getattr(pb, f"{method}Request")(posts=posts)
    call = getattr(front.moderation, method)(request)
    if 1 <= count <= 1_000:
        assert len((await call).results) == count
    else:
        failure = await failure_of(call)
        assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "posts")


async def test_answer_with_evidence_over_4_mib_names_the_view(front: Front) -> None:
    posts = [message_of("word " * 800, number) for number in range(1_000)]
    make = front.pipeline.verdict_of
    front.pipeline.verdict_of = lambda post: with_surprise(make(post), 800)
    request = pb.BatchModeratePostsRequest(posts=posts, view=verdict_pb2.VERDICT_VIEW_FULL)
    failure = await failure_of(front.moderation.BatchModeratePosts(request))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "view")
    request.view = verdict_pb2.VERDICT_VIEW_BASIC
    assert len((await front.moderation.BatchModeratePosts(request)).results) == 1_000


async def test_unexpected_exception_of_the_whole_batch(front: Front) -> None:
    request = pb.BatchModeratePostsRequest(posts=[message_of("!crash")])
    assert (await failure_of(front.moderation.BatchModeratePosts(request))).code is grpc.StatusCode.INTERNAL


async def test_submit_commits_the_good_and_explains_the_bad(front: Front) -> None:
    posts = [message_of("one", 1), message_of(" ", 2), message_of("one", 1), message_of("four", 4, surface=99)]
    response = await front.moderation.SubmitPosts(pb.SubmitPostsRequest(posts=posts, request_id="a"))
    states = [result.state for result in response.results]
    assert states == [
        pb.SUBMISSION_STATE_ACCEPTED,
        pb.SUBMISSION_STATE_REJECTED,
        pb.SUBMISSION_STATE_ALREADY_ACCEPTED,
        pb.SUBMISSION_STATE_REJECTED,
    ]
    assert [result.post for result in response.results] == [post.name for post in posts]
    assert failure_in(response.results[1].error).field == "posts[1].text"
    assert failure_in(response.results[3].error).field == "posts[3].surface"
    assert (await front.store.backlog())[0] == 1


async def test_submit_is_repeatable_and_conflicts_are_told(front: Front) -> None:
    request = pb.SubmitPostsRequest(posts=[message_of("one", 1), message_of("two", 2)], request_id="a")
    first = await front.moderation.SubmitPosts(request)
    assert await front.moderation.SubmitPosts(request) == first
    request.posts.append(message_of("three", 3))
    failure = await failure_of(front.moderation.SubmitPosts(request))
    assert (failure.code, failure.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_CONFLICT")


async def test_submit_of_only_bad_posts_accepts_none(front: Front) -> None:
    response = await front.moderation.SubmitPosts(pb.SubmitPostsRequest(posts=[message_of("")]))
    assert response.results[0].state == pb.SUBMISSION_STATE_REJECTED
    assert await front.store.undecided([PostKey("platforms/x/posts/1", "")]) == set()
    assert (await front.store.backlog())[0] == 0
