"""Signatures by the Standard Webhooks specification. Standard library only.

A message carries the headers `webhook-id`, `webhook-timestamp` (Unix seconds) and `webhook-signature`: one or more
`v1,` + base64, space-separated, each the HMAC-SHA256 of `{id}.{timestamp}.{body}` under one valid secret. A secret is
`whsec_` + base64 of its bytes. `verify` is what a receiver does; any library for Standard Webhooks does the same.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping

from service.errors import InvalidInput

PREFIX = "whsec_"
TOLERANCE = 300.0
_BYTES = 32


def new_secret() -> str:
    """A fresh secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def headers(valid: Iterable[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message, with a signature for each valid secret."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, message_id, str(timestamp), body) for secret in valid),
    }


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """One signature. Raises `InvalidInput` for an invalid secret."""
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def verify(secret: str, received: Mapping[str, str], body: bytes, *, now: float, tolerance: float = TOLERANCE) -> bool:
    """Whether a message with these headers (names in lower case) is authentic, and within `tolerance` of `now`.

    `body` is the exact bytes received; `now` is Unix time in seconds. One valid signature is enough, so that a
    receiver with the old secret and one with the new both work while secrets rotate.
    """
    message_id, timestamp = received.get("webhook-id", ""), received.get("webhook-timestamp", "")
    if not message_id or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 15:
        return False
    if abs(now - int(timestamp)) > tolerance:
        return False
    expected = signature(secret, message_id, timestamp, body).encode()
    given = received.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
    return any(hmac.compare_digest(each, expected) for each in given)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise InvalidInput("secret", "is not whsec_ and base64", "take it as it was shown") from None
