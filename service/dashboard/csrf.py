"""Requests that change something must come from our own pages: a token bound to the browser's cookie, and its headers.

The token is an HMAC under the cookie's secret, so nothing needs to be kept for it, and it dies with the session.
"""

import hmac
from urllib.parse import urlsplit

from starlette.requests import Request

from service.errors import NotAllowed

FIELD, HEADER = "csrf", "x-csrf-token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_STALE = "this form is from another session or too old; load the page again and repeat what you did"


def token_for(secret: str) -> str:
    """What forms must bring back from the browser that holds the cookie `secret`."""
    return hmac.new(secret.encode(), b"assay form", "sha256").hexdigest()


def check_origin(request: Request) -> None:
    """Raise `NotAllowed` for a request that another site made the browser send.

    A page without a referrer posts with the origin `null`: then only `Sec-Fetch-Site` and the token decide.
    """
    site, origin = request.headers.get("sec-fetch-site", "none"), request.headers.get("origin", "null")
    elsewhere = origin != "null" and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
    if site not in {"same-origin", "none"} or elsewhere:
        raise NotAllowed("this request came from another site; do it on a page of the dashboard")


def check_token(secret: str, brought: str) -> None:
    """Raise `NotAllowed` unless the request brought the token of its own cookie."""
    if not secret or not hmac.compare_digest(token_for(secret).encode(), brought.encode("utf-8", "surrogatepass")):
        raise NotAllowed(_STALE)
