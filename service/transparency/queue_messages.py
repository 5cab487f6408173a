"""Messages as they lie in Redis: what posts are in them, and the same message without some of them.

kombu keeps a message as JSON whose body is JSON again, in base64; one that a worker has taken and not acknowledged lies
in a hash, in a list with where it came from. Answers to fronts are plain JSON.
"""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

from service.domain.codec import decode_post
from service.domain.post import Post

Json = Any
IsTheirs = Callable[[Post], bool]


def posts_in(value: str) -> list[Post]:
    """The posts of a queued or unacknowledged message; none where it is no such message."""
    return [decode_post(post) for batch in _batches(_message(_read(value))) for post in batch["posts"]]


def without(value: str, theirs: IsTheirs) -> str | None:
    """The message without those posts: None where it is as before, empty where no post is left."""
    whole = _read(value)
    message = _message(whole)
    body = _body(message)
    if message is None or not isinstance(body, list):
        return None
    left = taken = 0
    for batch in _batches(message, body):
        kept = [post for post in batch["posts"] if not theirs(decode_post(post))]
        taken += len(batch["posts"]) - len(kept)
        left += len(kept)
        batch["posts"] = kept
    if not taken:
        return None
    message["body"] = base64.b64encode(json.dumps(body).encode()).decode()
    return json.dumps(whole) if left else ""


def reply_without(value: str, names: frozenset[str]) -> str | None:
    """An answer to a front without the verdicts on posts of these names: None where it is as before."""
    reply = _read(value)
    if not isinstance(reply, dict) or "verdicts" not in reply:
        return None
    verdicts = [pair for pair in reply["verdicts"] if pair[0]["name"] not in names]
    dropped = [pair for pair in reply.get("dropped", ()) if pair[0] not in names]
    if len(verdicts) == len(reply["verdicts"]) and len(dropped) == len(reply.get("dropped", ())):
        return None
    return json.dumps({**reply, "verdicts": verdicts, "dropped": dropped})


def readable(value: str) -> Iterator[str]:
    """The value, and what is packed into it."""
    yield value
    body = _body(_message(_read(value)))
    if body is not None:
        yield json.dumps(body)


def _read(value: str) -> Json:
    try:
        return json.loads(value)
    except ValueError:
        return None


def _message(whole: Json) -> dict[str, Json] | None:
    message = whole[0] if isinstance(whole, list) and whole else whole
    return message if isinstance(message, dict) and isinstance(message.get("body"), str) else None


def _body(message: dict[str, Json] | None) -> Json:
    if message is None:
        return None
    try:
        return json.loads(base64.b64decode(message["body"], validate=True))
    except ValueError:
        return None


def _batches(message: dict[str, Json] | None, body: Json = None) -> list[dict[str, Json]]:
    """The batches that are the task's arguments."""
    told = _body(message) if body is None else body
    arguments = told[0] if isinstance(told, list) and told and isinstance(told[0], list) else []
    return [batch for batch in arguments if isinstance(batch, dict) and "posts" in batch]
