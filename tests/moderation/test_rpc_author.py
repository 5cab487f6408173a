"""ModerateAuthor over a real socket: what is said of an author, and each error with its field."""

import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from assay.v1 import moderation_service_pb2 as pb

from service.domain.post import PostKey
from service.domain.verdict import VerdictFilter
from service.errors import InvalidInput, NoWorker
from service.moderation.author import DUPLICATE, NOT_FITTED, TOO_FEW_POSTS, TOO_SHORT, Weighing
from service.rpc.client.client import Client
from tests.factories import message_of, post_of
from tests.fixtures.grpc_front import Front
from tests.grpc_failures import failure_of

LONG = "what this post has to say takes fourteen words and a number to tell:"


@pytest.fixture
def request_of() -> Callable[..., pb.ModerateAuthorRequest]:
    def make(*texts: str, author: str = "a-1", **fields: Any) -> pb.ModerateAuthorRequest:
        posts = [message_of(text, number) for number, text in enumerate(texts, 1)]
        return pb.ModerateAuthorRequest(author=author, posts=posts, **fields)

    return make


async def test_posts_together_give_a_signal_a_share_and_what_each_contributed(
    front: Front, request_of: Callable[..., pb.ModerateAuthorRequest]
) -> None:
    texts = [*(f"{LONG} {number}" for number in range(10)), "too short", f"{LONG} 3"]
    response = await front.moderation.ModerateAuthor(request_of(*texts))
    judgement = response.judgement
    assert (judgement.author, judgement.model_version, judgement.counted_posts) == ("a-1", "m1", 10)
    assert judgement.ai_generated.name == "ai_generated"
    assert judgement.ai_generated.probability > 0.9  # from ten posts of .75 each
    assert (
        judgement.ai_generated.interval_low < judgement.ai_generated.probability < judgement.ai_generated.interval_high
    )
    share = judgement.share_machine_written
    assert 0 <= share.interval_low <= share.share <= share.interval_high <= 1
    assert [post.post for post in judgement.posts] == [f"platforms/x/posts/{number}" for number in range(1, 13)]
    assert [post.excluded for post in judgement.posts][9:] == ["", TOO_SHORT, DUPLICATE]
    assert {post.ai_generated.probability for post in judgement.posts} == {0.75}
    assert not judgement.abstained


async def test_nothing_becomes_a_verdict_by_being_asked_about(
    front: Front, request_of: Callable[..., pb.ModerateAuthorRequest]
) -> None:
    await front.moderation.ModerateAuthor(request_of(*(f"{LONG} {number}" for number in range(5))))
    assert await front.store.after(0, VerdictFilter(), 10) == ([], 0)
    assert await front.store.posts([PostKey("platforms/x/posts/1", "")]) == [None]
    assert (await front.store.backlog())[0] == 0


async def test_too_few_posts_abstain_and_still_show_theirs(
    front: Front, request_of: Callable[..., pb.ModerateAuthorRequest]
) -> None:
    judgement = (await front.moderation.ModerateAuthor(request_of(LONG, "another " + LONG))).judgement
    assert list(judgement.abstained) == [TOO_FEW_POSTS]
    assert not judgement.HasField("ai_generated")
    assert not judgement.HasField("share_machine_written")
    assert [post.ai_generated.probability for post in judgement.posts] == [0.75, 0.75]


async def test_a_model_that_the_weighing_is_not_for(
    front: Front, request_of: Callable[..., pb.ModerateAuthorRequest]
) -> None:
    make = front.pipeline.verdict_of
    front.pipeline.verdict_of = lambda post: make(post, model_version="m2")
    response = await front.moderation.ModerateAuthor(request_of(*(f"{LONG} {number}" for number in range(5))))
    assert list(response.judgement.abstained) == [TOO_FEW_POSTS, NOT_FITTED]


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"author": ""}, "author", "pseudonym"),
        ({"author": "a" * 257}, "author", "256"),
        ({"author": "a\x00"}, "author", "control"),
        ({"correlation_id": "é"}, "correlation_id", "UUID"),
        ({"texts": []}, "posts", "send 1 to 50 posts"),
        ({"texts": ["x"] * 51}, "posts", "51 posts, over 50; send the most recent ones"),
        ({"texts": [LONG, " "]}, "posts[1].text", "words"),
    ],
)
async def test_a_bad_request_names_its_field(
    front: Front, request_of: Callable[..., pb.ModerateAuthorRequest], change: dict[str, Any], field: str, says: str
) -> None:
    texts, fields = change.get("texts", [LONG]), {name: value for name, value in change.items() if name != "texts"}
    failure = await failure_of(front.moderation.ModerateAuthor(request_of(*texts, **fields)))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    assert says in failure.description


async def test_fifty_posts_are_not_too_many(front: Front, request_of: Callable[..., pb.ModerateAuthorRequest]) -> None:
    response = await front.moderation.ModerateAuthor(request_of(*(f"{LONG} {number}" for number in range(50))))
    assert response.judgement.counted_posts == 50


async def test_posts_of_another_author_are_refused(
    front: Front, request_of: Callable[..., pb.ModerateAuthorRequest]
) -> None:
    request = request_of(LONG)
    request.posts.append(message_of(LONG, author="a-1"))
    request.posts.append(message_of(LONG, author="a-2"))
    failure = await failure_of(front.moderation.ModerateAuthor(request))
    assert failure.field == "posts[2].author"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("!overload", grpc.StatusCode.RESOURCE_EXHAUSTED),
        ("!late", grpc.StatusCode.DEADLINE_EXCEEDED),
        ("!noworker", grpc.StatusCode.UNAVAILABLE),
        ("!crash", grpc.StatusCode.INTERNAL),
    ],
)
async def test_one_post_that_cannot_be_judged_fails_the_call(
    front: Front, request_of: Callable[..., pb.ModerateAuthorRequest], text: str, code: grpc.StatusCode
) -> None:
    failure = await failure_of(front.moderation.ModerateAuthor(request_of(LONG, text), timeout=0.5))
    assert failure.code is code


async def test_the_deadline_is_the_calls_or_the_default(
    front: Front, request_of: Callable[..., pb.ModerateAuthorRequest]
) -> None:
    await front.moderation.ModerateAuthor(request_of(LONG), timeout=3)
    await front.moderation.ModerateAuthor(request_of(LONG))
    assert [round(deadline - time.time()) for deadline in front.pipeline.deadlines if deadline] == [3, 10]


async def test_the_client_reads_what_the_server_weighed(grpc_client: Client, weighing: Weighing) -> None:
    posts = [post_of(f"{LONG} {number}", str(number)) for number in range(8)]
    judgement = await grpc_client.moderate_author("a-1", posts)
    assert judgement.signal
    assert judgement.share
    assert judgement.counted == 8
    assert judgement.signal.raw == pytest.approx(weighing.weights.log_odds([weighing.weights.evidence(0.75, 14)] * 8))
    few = await grpc_client.moderate_author("a-1", posts[:2])
    assert (few.signal, few.share, few.abstained) == (None, None, (TOO_FEW_POSTS,))


async def test_the_client_raises_the_servers_errors(front: Front, grpc_client: Client) -> None:
    with pytest.raises(InvalidInput, match="author"):
        await grpc_client.moderate_author("\ud83d", [post_of()])
    with pytest.raises(InvalidInput, match="posts"):
        await grpc_client.moderate_author("a-1", [])
    async with Client(front.address, patience=0.2) as hasty:
        with pytest.raises(NoWorker):
            await hasty.moderate_author("a-1", [post_of("!noworker")])
