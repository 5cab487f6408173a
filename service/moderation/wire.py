"""Batches and replies as they travel between fronts and workers: JSON in, JSON out."""

from collections.abc import Mapping
from typing import Any

from service.domain.codec import (
    Json,
    decode_judgement,
    decode_post,
    decode_verdict,
    encode_judgement,
    encode_post,
    encode_verdict,
)
from service.domain.post import PostKey
from service.moderation.transport import Batch, Reply


def encode_batch(batch: Batch) -> Json:
    """A batch as the body of a queue message."""
    return {
        "id": batch.id,
        "posts": [encode_post(post) for post in batch.posts],
        "reply_to": batch.reply_to,
        "deadline": batch.deadline,
        "sent_at": batch.sent_at,
        "recorded": batch.recorded,
    }


def decode_batch(data: Mapping[str, Any]) -> Batch:
    """A batch from `encode_batch`."""
    posts = tuple(decode_post(post) for post in data["posts"])
    return Batch(data["id"], posts, data["reply_to"], data["deadline"], data["sent_at"], data.get("recorded", True))


def encode_reply(reply: Reply) -> Json:
    """A reply with the judgements of its verdicts."""
    return {
        "batch_id": reply.batch_id,
        "verdicts": [[encode_verdict(v), v.judgement and encode_judgement(v.judgement)] for v in reply.verdicts],
        "dropped": [[key.name, key.fingerprint] for key in reply.dropped],
    }


def decode_reply(data: Mapping[str, Any]) -> Reply:
    """A reply from `encode_reply`."""
    verdicts = tuple(decode_verdict(v, decode_judgement(j) if j else None) for v, j in data["verdicts"])
    return Reply(data["batch_id"], verdicts, tuple(PostKey(*key) for key in data["dropped"]))
