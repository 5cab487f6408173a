"""HTTP receiver of Meta-style webhooks: checks the sender, reads the posts, answers 200 once they are accepted durably.

The protocol: https://developers.facebook.com/docs/graph-api/webhooks/getting-started. Meta sends a notification again
until it gets 200; that is harmless, since a post is accepted once per name and content.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service import http_bodies
from service.domain.post import Post
from service.domain.validation import MAX_BATCH
from service.errors import InvalidInput, Overloaded, Unavailable
from service.feeds.authors import Pseudonyms
from service.feeds.changes import Ignored, changes
from service.feeds.documents import load
from service.feeds.items import FeedError

MAX_BODY = 1 << 20
RETRY_AFTER = 10
_log = structlog.get_logger(__name__)

Submit = Callable[[Sequence[Post]], Awaitable[Sequence[bool | InvalidInput]]]
"""Accepts posts durably; True for a new one, False for one seen before, the error for one that breaks a limit."""


def webhook_app(
    submit: Submit, *, verify_token: str, app_secret: str, platform: str, authors: Pseudonyms | None = None
) -> Starlette:
    """The receiver at `/webhook`; `platform` names posts of Pages. Raises `InvalidInput` without token or secret."""
    for field, value in (("webhook_verify_token", verify_token), ("webhook_app_secret", app_secret)):
        if not value:
            raise InvalidInput(field, "is empty", f"set ASSAY_{field.upper()} as in the app's dashboard")
    receiver = _Receiver(submit, verify_token, app_secret, platform, authors or Pseudonyms())
    return Starlette(
        routes=[
            Route("/webhook", receiver.handshake, methods=["GET"]),
            Route("/webhook", receiver.notification, methods=["POST"]),
        ]
    )


class _Receiver:
    def __init__(self, submit: Submit, token: str, secret: str, platform: str, authors: Pseudonyms) -> None:
        self._submit, self._platform, self._authors = submit, platform, authors
        self._token, self._secret = token.encode(), secret.encode()

    async def handshake(self, request: Request) -> Response:
        """Echo the challenge to a caller that knows the token."""
        asked = request.query_params
        token = asked.get("hub.verify_token", "").encode("utf-8", "surrogatepass")
        if asked.get("hub.mode") != "subscribe" or not hmac.compare_digest(token, self._token):
            return PlainTextResponse("hub.verify_token is wrong\n", 403)
        return PlainTextResponse(asked.get("hub.challenge", ""), headers={"X-Content-Type-Options": "nosniff"})

    async def notification(self, request: Request) -> Response:
        """Accept the posts of a signed notification."""
        try:
            body = await http_bodies.read(request, MAX_BODY)
        except ClientDisconnect:
            return PlainTextResponse("the body was cut off\n", 400)
        except http_bodies.TooLarge:
            return PlainTextResponse(f"the body is over {MAX_BODY} bytes\n", 413)
        if refusal := self._refusal(request, body):
            return refusal
        try:
            payload = load(body)
        except InvalidInput as cause:
            return PlainTextResponse(f"{cause}\n", 400)
        return await self._accept(payload)

    def _refusal(self, request: Request, body: bytes) -> Response | None:
        sent = request.headers.get("X-Hub-Signature-256")
        if sent is None:
            return PlainTextResponse("X-Hub-Signature-256 is missing\n", 401)
        expected = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(sent.encode("latin-1"), expected.encode()):
            return PlainTextResponse("X-Hub-Signature-256 does not match the body\n", 403)
        return None

    async def _accept(self, payload: object) -> Response:
        found = list(changes(payload, self._authors, self._platform))
        posts = [each for each in found if isinstance(each, Post)]
        try:
            answers = [answer for batch in _batches(posts) for answer in await self._submit(batch)]
        except (Unavailable, Overloaded) as cause:
            wait = max(1, round(cause.retry_after)) if isinstance(cause, Overloaded) else RETRY_AFTER
            await _log.awarning("webhook_unavailable", posts=len(posts), error=type(cause).__name__)
            return PlainTextResponse("not accepted, send again\n", 503, headers={"Retry-After": str(wait)})
        await _report(found, answers)
        return PlainTextResponse("accepted\n")


def _batches(posts: list[Post]) -> list[list[Post]]:
    return [posts[start : start + MAX_BATCH] for start in range(0, len(posts), MAX_BATCH)]


async def _report(found: Sequence[object], answers: Sequence[bool | InvalidInput]) -> None:
    """One event a notification: counts, and where items were malformed, never a text."""
    malformed = [each for each in found if isinstance(each, FeedError)]
    refused = [answer for answer in answers if isinstance(answer, InvalidInput)]
    await _log.ainfo(
        "webhook",
        accepted=sum(answer is True for answer in answers),
        repeated=sum(answer is False for answer in answers),
        ignored=sum(isinstance(each, Ignored) for each in found),
        refused=len(malformed) + len(refused),
        refusals=[*map(str, malformed[:5]), *(answer.field for answer in refused[:5])],
    )
