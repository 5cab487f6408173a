"""Questions about authors to posts, and what is said of authors to messages and back."""

from collections.abc import Sequence

from assay.v1 import author_pb2, verdict_pb2
from assay.v1 import moderation_service_pb2 as pb

from service.domain.judgement import Signal
from service.domain.log_odds import Share
from service.domain.post import Post
from service.domain.validation import check_timeline
from service.moderation.author import AuthorJudgement, Finding
from service.rpc.client_errors import sendable
from service.rpc.messages.post import encode_post, read_post


def read_timeline(request: pb.ModerateAuthorRequest) -> list[Post]:
    """The author's posts, checked. Raises `InvalidInput` whose path names the field, such as `posts[3].text`."""
    check_timeline(request.author, [post.author for post in request.posts])
    return [read_post(post, f"posts[{index}]") for index, post in enumerate(request.posts)]


def encode_timeline(author: str, posts: Sequence[Post], correlation_id: str) -> pb.ModerateAuthorRequest:
    """The request. Raises `InvalidInput` for text that is not Unicode (half of a surrogate pair)."""
    with sendable("author"):
        request = pb.ModerateAuthorRequest(author=author, correlation_id=correlation_id)
    request.posts.extend(map(encode_post, posts))
    return request


def write_author(judgement: AuthorJudgement, message: author_pb2.AuthorJudgement) -> None:
    """Fill the empty `message` with `judgement`."""
    message.author, message.model_version = judgement.author, judgement.model_version
    message.counted_posts = judgement.counted
    message.abstained.extend(judgement.abstained)
    if judgement.signal:
        _write_signal(judgement.signal, message.ai_generated)
    if share := judgement.share:
        message.share_machine_written.MergeFrom(
            author_pb2.ShareEstimate(share=share.value, interval_low=share.low, interval_high=share.high)
        )
    for finding in judgement.findings:
        post = message.posts.add(post=finding.post, words=finding.words, excluded=finding.excluded)
        if finding.signal:
            _write_signal(finding.signal, post.ai_generated)


def read_author(message: author_pb2.AuthorJudgement) -> AuthorJudgement:
    """The judgement that a server sent."""
    share = message.share_machine_written
    return AuthorJudgement(
        author=message.author,
        signal=_read_signal(message.ai_generated) if message.HasField("ai_generated") else None,
        share=Share(share.share, share.interval_low, share.interval_high)
        if message.HasField("share_machine_written")
        else None,
        findings=tuple(map(_read_finding, message.posts)),
        abstained=tuple(message.abstained),
        model_version=message.model_version,
    )


def _read_finding(message: author_pb2.PostFinding) -> Finding:
    signal = _read_signal(message.ai_generated) if message.HasField("ai_generated") else None
    return Finding(message.post, signal, message.words, message.excluded)


def _write_signal(signal: Signal, message: verdict_pb2.Signal) -> None:
    message.name, message.probability, message.raw_score = signal.name, signal.probability, signal.raw
    message.interval_low, message.interval_high = signal.low, signal.high


def _read_signal(message: verdict_pb2.Signal) -> Signal:
    return Signal(message.name, message.probability, message.raw_score, message.interval_low, message.interval_high)
