"""Page tokens: where the next page begins, bound to the filter that they were given for. Opaque, not secret."""

import base64
import binascii

from service.canonical import digest
from service.domain import VerdictFilter
from service.errors import InvalidInput

DEFAULT_PAGE, MAX_PAGE = 50, 1_000
_PLACE = 8  # bytes of the sequence; the rest is the seal


def page_size(asked: int) -> int:
    """The size to serve for the size that was asked for. Raises `InvalidInput` when it is negative."""
    if asked < 0:
        raise InvalidInput("page_size", f"{asked} is negative", f"send 1 to {MAX_PAGE:,}, or 0 for {DEFAULT_PAGE}")
    return min(asked, MAX_PAGE) or DEFAULT_PAGE


def write_token(before: int, only: VerdictFilter) -> str:
    """The token for verdicts below the sequence `before`."""
    place = before.to_bytes(_PLACE, "big")
    return base64.urlsafe_b64encode(place + _seal(place, only)).decode().rstrip("=")


def read_token(token: str, only: VerdictFilter) -> int | None:
    """The sequence in `token`, None for the first page. Raises `InvalidInput` unless it was written for `only`."""
    if not token:
        return None
    try:
        data = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        data = b""
    place = data[:_PLACE]
    if data[_PLACE:] != _seal(place, only):
        raise InvalidInput(
            "page_token",
            "was not given for this filter",
            "send the next_page_token of the page before with the same filter, or start without one",
        )
    return int.from_bytes(place, "big")


def _seal(place: bytes, only: VerdictFilter) -> bytes:
    times = (time.isoformat() if time else "" for time in (only.start, only.end))
    groups = (",".join(group) for group in (only.decisions, only.categories, only.surfaces))
    return bytes.fromhex(digest(place.hex(), *groups, *times))[:8]
