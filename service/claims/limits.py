"""The limits of a fact-checked claim, and the id of one without. Nothing here changes a claim."""

import re

from service.domain.canonical import canonical, digest
from service.domain.claim import Claim
from service.domain.validation import check_text
from service.errors import InvalidInput

MAX_CLAIMS = 1_000
MAX_STATEMENT, MAX_TITLE, MAX_URL, MAX_WORDS, MAX_REASON = 4_096, 1_024, 2_048, 256, 1_024  # characters
_ID = re.compile(r"[!-.0-~]{1,256}")
_HTTP = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)


def check_claim(claim: Claim) -> None:
    """Raise `InvalidInput` for the first limit that `claim` breaks."""
    if not _ID.fullmatch(claim.id):
        problem = f"{claim.id[:80]!r} is not 1 to 256 printable ASCII characters other than / and the space"
        raise InvalidInput("id", problem, "shorten or encode it, or leave it out to have one made")
    if not claim.claim.strip():
        raise InvalidInput("claim", "is missing or white space", "send the statement that was checked")
    check_text("claim", claim.claim, MAX_STATEMENT)
    check_text("title", claim.title, MAX_TITLE)
    check_text("url", claim.url, MAX_URL)
    if claim.url and not _HTTP.fullmatch(claim.url):
        remedy = "send an address that begins with http:// or https://, or nothing"
        raise InvalidInput("url", f"{claim.url[:80]!r} is not a web address", remedy)
    check_text("verdict", claim.verdict, MAX_WORDS)
    check_text("publisher", claim.publisher, MAX_WORDS)


def check_reason(reason: str) -> None:
    """Raise `InvalidInput` unless `reason` says why a claim is quarantined."""
    if not reason.strip():
        raise InvalidInput("reason", "is missing", "say why posts must not be judged by this claim")
    check_text("reason", reason, MAX_REASON)


def given_id(url: str, claim: str, publisher: str) -> str:
    """The id of a claim without one: the same for the same review of the same statement, however it is spaced."""
    return f"review-{digest(url, canonical(claim), publisher)[:16]}"
