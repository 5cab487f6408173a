"""The limits of a post. `check` raises `InvalidInput` naming the field and the remedy; it changes nothing."""

import re
import unicodedata
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from service.domain.post import Post
from service.errors import InvalidInput

MAX_TEXT = 20_000
MAX_BATCH = 1_000
MAX_TIMELINE = 50
_MAX_METADATA, _MAX_METADATA_KEY, _MAX_METADATA_VALUE = 64, 128, 4_096
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
PLATFORM = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ID = re.compile(r"[A-Za-z0-9._~:@%+=-]{1,512}")
_LOCALE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
REGION = re.compile(r"[A-Z]{2}")
_CALL_ID = re.compile(r"[!-~]{0,128}")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
SURROGATE = re.compile("[\ud800-\udfff]")


def check(post: Post, now: datetime | None = None) -> None:
    """Raise `InvalidInput` for the first limit that `post` breaks."""
    _check_name(post)
    check_text("text", post.text)
    if not post.text.strip() or not any(map(_visible, post.text)):
        raise InvalidInput("text", "is empty or white space", "send the words that the author wrote")
    for name in ("parent_text", "link_title", "image_alt", "image_text", "digital_source_type"):
        check_text(f"context.{name}", getattr(post.context, name))
    _check_attributes(post)
    _check_time(post.created_at, now or datetime.now(UTC))
    _check_metadata(post)


def check_timeline(author: str, authors: Collection[str]) -> None:
    """Raise `InvalidInput` unless `authors` are 1 to 50, each `author` or, for a post that names none, empty."""
    if not author.strip():
        raise InvalidInput("author", "is missing", "name the author whose posts these are, by a pseudonym")
    _check_author(author)
    if not authors:
        raise InvalidInput("posts", "is empty", f"send 1 to {MAX_TIMELINE} posts")
    if len(authors) > MAX_TIMELINE:
        raise InvalidInput("posts", f"holds {len(authors):,} posts, over {MAX_TIMELINE}", "send the most recent ones")
    for index, own in enumerate(authors):
        if own not in {"", author}:
            problem = f"is {own[:40]!r}, not the author asked about"
            raise InvalidInput(f"posts[{index}].author", problem, "send the posts of one author, or leave it empty")


def check_request_id(request_id: str) -> None:
    """Raise `InvalidInput` unless the idempotency key is at most 128 printable ASCII characters."""
    _check_call_id("request_id", request_id)


def check_correlation_id(correlation_id: str) -> None:
    """Raise `InvalidInput` unless the id for the logs is at most 128 printable ASCII characters."""
    _check_call_id("correlation_id", correlation_id)


def _check_call_id(field: str, value: str) -> None:
    if not _CALL_ID.fullmatch(value):
        raise InvalidInput(field, "is over 128 characters or not printable ASCII", "send a UUID")


def check_text(field: str, text: str, limit: int = MAX_TEXT) -> None:
    """Raise `InvalidInput` unless `text` is at most `limit` whole characters without controls but tab and line ends."""
    if len(text) > limit:
        raise InvalidInput(field, f"holds {len(text):,} characters, over {limit:,}", "shorten or split it")
    if found := CONTROL.search(text):
        at, character = found.start(), ord(found.group())
        raise InvalidInput(field, f"holds the control character U+{character:04X} at character {at}", "remove it")
    if found := SURROGATE.search(text):
        raise InvalidInput(field, f"holds half a surrogate pair at character {found.start()}", "send whole characters")


def _visible(character: str) -> bool:
    return not (character.isspace() or unicodedata.category(character) in {"Cf", "Cc", "Mn"})


def _check_name(post: Post) -> None:
    if not PLATFORM.fullmatch(post.platform) or not _ID.fullmatch(post.id):
        raise InvalidInput(
            "name",
            f"{post.name[:80]!r} is not platforms/{{platform}}/posts/{{post}}",
            "use lower-case letters, digits and hyphens for the platform (63 at most) and letters, digits and "
            "._~:@%+=- for the post (512 at most); percent-encode other characters",
        )


def _check_author(author: str) -> None:
    if len(author) > 256 or CONTROL.search(author) or SURROGATE.search(author):
        raise InvalidInput("author", "is over 256 characters or holds control characters", "send a short pseudonym")


def _check_attributes(post: Post) -> None:
    _check_author(post.author)
    if post.locale and not (len(post.locale) <= 64 and _LOCALE.fullmatch(post.locale)):
        raise InvalidInput(
            "locale", f"{post.locale[:80]!r} is not a BCP 47 tag", "send one such as en or pt-BR, or nothing"
        )
    if post.region and not REGION.fullmatch(post.region):
        raise InvalidInput(
            "region", f"{post.region[:80]!r} is not an ISO 3166-1 code", "send two capitals such as DE, or nothing"
        )


def _check_time(time: datetime | None, now: datetime) -> None:
    if time is not None and not _EARLIEST <= time <= now + _AHEAD:
        raise InvalidInput(
            "create_time",
            f"{time.isoformat()} is before 2000 or more than a day ahead",
            "send the time of posting in UTC, or nothing",
        )


def _check_metadata(post: Post) -> None:
    if len(post.metadata) > _MAX_METADATA:
        raise InvalidInput("metadata", f"holds {len(post.metadata)} entries, over {_MAX_METADATA}", "send fewer")
    for key, value in post.metadata.items():
        unfit = "\x00" in key + value or SURROGATE.search(key + value)
        if unfit or not 1 <= len(key) <= _MAX_METADATA_KEY or len(value) > _MAX_METADATA_VALUE:
            raise InvalidInput(
                f"metadata[{key[:40]!r}]",
                "has no key, a NUL or half a surrogate pair, or is too long",
                f"keep keys to {_MAX_METADATA_KEY} and values to {_MAX_METADATA_VALUE:,} characters",
            )
