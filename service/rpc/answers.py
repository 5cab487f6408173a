"""A post's answer as a message: verdict or error; and what single posts and answers must hold."""

from assay.v1 import moderation_service_pb2 as pb
from assay.v1 import verdict_pb2
from google.protobuf.message import Message

from service.domain.evidence import related
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.errors import InvalidInput
from service.rpc.messages.post import read_post
from service.rpc.messages.verdict import write_verdict
from service.rpc.status import status_of

MAX_MESSAGE = 4 * 1024 * 1024


def required_post(request: pb.ModeratePostRequest | pb.StreamModerationRequest) -> Post:
    """The request's one post, checked. Raises `InvalidInput` below `post`."""
    if not request.HasField("post"):
        raise InvalidInput("post", "is missing", "send the post to judge")
    return read_post(request.post, "post")


def write_result(answer: Verdict | Exception, message: pb.ModerationResult, text: str | None) -> None:
    """Fill `message` with the verdict (see `write_evident`), or with the status for the error."""
    if isinstance(answer, Verdict):
        write_evident(answer, message.verdict, text)
    else:
        message.error.CopyFrom(status_of(answer))


def write_evident(verdict: Verdict, message: verdict_pb2.Verdict, text: str | None) -> None:
    """Fill `message`. Evidence counts bytes of `text`, the post's own; None: without evidence."""
    if text is None:
        write_verdict(verdict, message, evidence=False)
    else:
        write_verdict(related(verdict, text), message, evidence=True)


def check_size(response: Message, field: str, remedy: str) -> None:
    """Raise `InvalidInput` naming `field` when evidence makes the answer larger than a message may be."""
    if (size := response.ByteSize()) > MAX_MESSAGE:
        raise InvalidInput(field, f"with evidence the answer is {size:,} bytes, over {MAX_MESSAGE:,}", remedy)
