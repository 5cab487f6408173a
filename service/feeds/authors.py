"""Pseudonyms: people's names and handles never enter a post, as its author or in its metadata.

A numeric platform id stays as it is, since it names no one by itself. A name becomes `a-` and 16 hex digits of BLAKE2b
(RFC 7693). Without a key anyone who guesses a name can confirm it; with a key only its holder can.
"""

import hashlib
import re
from dataclasses import dataclass

from service.errors import InvalidInput

MAX_DEPTH = 32
_PSEUDONYM = re.compile(r"a-[0-9a-f]{16}|[0-9]{1,64}")
_PUBLIC = frozenset({"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"})
_PEOPLE = frozenset(
    {
        "actor",
        "admin_creator",
        "attributedTo",
        "audience",
        "author",
        "bcc",
        "bto",
        "cc",
        "display_name",
        "first_name",
        "from",
    }
    | {"full_name", "last_name", "likes", "mentions", "message_tags", "name_tags", "owner", "preferredUsername"}
    | {
        "profile",
        "reactions",
        "sharedposts",
        "sponsor_tags",
        "story_tags",
        "to",
        "user",
        "username",
        "users",
        "via",
        "with_tags",
    }
)
_PLAIN = frozenset({"type", "created_time", "published", "updated"})


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Maps the same name to the same pseudonym under the same `key` (at most 64 bytes; empty: unkeyed)."""

    key: bytes = b""

    def of(self, identity: str) -> str:
        """The pseudonym of a name, handle, URL or id; empty for an empty one, and itself for a pseudonym."""
        if not identity or _PSEUDONYM.fullmatch(identity):
            return identity
        raw = identity.encode("utf-8", "surrogatepass")
        return "a-" + hashlib.blake2b(raw, digest_size=8, key=self.key, person=b"assay-author").hexdigest()

    def scrub(self, value: object, *, person: bool = False, depth: int = 0) -> object:
        """A JSON value with the strings that name people replaced; `person`: `value` itself is about one.

        Raises `InvalidInput` when it is nested more than 32 deep.
        """
        if depth > MAX_DEPTH:
            raise InvalidInput("", f"is nested more than {MAX_DEPTH} deep", "send a flatter object")
        if isinstance(value, str):
            return self.of(value) if person and value not in _PUBLIC else value
        if isinstance(value, list):
            return [self.scrub(each, person=person, depth=depth + 1) for each in value]
        if isinstance(value, dict):
            person = person or value.get("type") == "Mention"
            return {
                key: self.scrub(each, person=key not in _PLAIN and (person or names_people(key)), depth=depth + 1)
                for key, each in value.items()
            }
        return value


def names_people(key: str) -> bool:
    """Whether a field of this name names people."""
    return key in _PEOPLE
