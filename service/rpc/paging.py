"""Page tokens: where the next page begins, bound to the filter that they were given for. Opaque, not secret."""

import base64
import binascii
from collections.abc import Iterable

from service.domain.canonical import digest
from service.domain.claim import ClaimFilter
from service.domain.verdict import VerdictFilter
from service.errors import InvalidInput

DEFAULT_PAGE, MAX_PAGE = 50, 1_000
_SEAL = 8  # bytes; the rest is the place


def page_size(asked: int) -> int:
    """The size to serve for the size that was asked for. Raises `InvalidInput` when it is negative."""
    if asked < 0:
        raise InvalidInput("page_size", f"{asked} is negative", f"send 1 to {MAX_PAGE:,}, or 0 for {DEFAULT_PAGE}")
    return min(asked, MAX_PAGE) or DEFAULT_PAGE


def write_token(before: int, only: VerdictFilter) -> str:
    """The token for verdicts below the sequence `before`."""
    return _write(str(before), _parts(only))


def read_token(token: str, only: VerdictFilter) -> int | None:
    """The sequence in `token`, None for the first page. Raises `InvalidInput` unless it was written for `only`."""
    return int(_read(token, _parts(only))) if token else None


def write_claim_token(after: str, only: ClaimFilter) -> str:
    """The token for claims that follow the id `after`."""
    return _write(after, _claim_parts(only))


def read_claim_token(token: str, only: ClaimFilter) -> str:
    """The id in `token`, empty for the first page. Raises `InvalidInput` unless it was written for `only`."""
    return _read(token, _claim_parts(only)) if token else ""


def write_number_token(before: int, kind: str) -> str:
    """The token for things of that kind that are numbered below `before`."""
    return _write(str(before), [kind])


def read_number_token(token: str, kind: str) -> int | None:
    """The number in `token`, None for the first page. Raises `InvalidInput` unless it was written for `kind`."""
    return int(_read(token, [kind])) if token else None


def write_place(place: str, *parts: str) -> str:
    """The token for what follows `place` in the list that `parts` tell apart."""
    return _write(place, parts)


def read_place(token: str, *parts: str) -> str:
    """The place in `token`, empty for the first page. Raises `InvalidInput` unless it was written for `parts`."""
    return _read(token, parts) if token else ""


def _write(place: str, parts: Iterable[str]) -> str:
    return base64.urlsafe_b64encode(_seal(place, parts) + place.encode()).decode().rstrip("=")


def _read(token: str, parts: Iterable[str]) -> str:
    try:
        data = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        place = data[_SEAL:].decode("ascii")
    except (UnicodeError, binascii.Error):
        data, place = b"", ""
    if data[:_SEAL] != _seal(place, parts):
        raise InvalidInput(
            "page_token",
            "was not given for this filter",
            "send the next_page_token of the page before with the same filter, or start without one",
        )
    return place


def _seal(place: str, parts: Iterable[str]) -> bytes:
    return bytes.fromhex(digest(place, *parts))[:_SEAL]


def _parts(only: VerdictFilter) -> Iterable[str]:
    times = (time.isoformat() if time else "" for time in (only.start, only.end))
    groups = (",".join(group) for group in (only.decisions, only.categories, only.surfaces))
    return *groups, *times, only.claim_id, only.cluster, only.author, only.text


def _claim_parts(only: ClaimFilter) -> Iterable[str]:
    return only.state or "", only.publisher, only.query
