"""A post as a platform sends it, and its name. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from service.domain.canonical import content_digest, fingerprint


class Surface(StrEnum):
    """Where in the product a post appears."""

    FEED = "feed"
    STORY = "story"
    REEL = "reel"
    COMMENT = "comment"
    AD = "ad"
    BIO = "bio"


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader sees with a post's text; empty strings where there is nothing."""

    parent_text: str = ""
    link_title: str = ""
    image_alt: str = ""
    image_text: str = ""
    digital_source_type: str = ""

    @property
    def text(self) -> str:
        """The parts that a classifier is given, a line each; empty when there are none. No bundle reads it so far."""
        return "\n".join(filter(None, (self.parent_text, self.shown)))

    @property
    def shown(self) -> str:
        """What the post itself shows with its text, a line each; claims are searched in it too."""
        return "\n".join(filter(None, (self.link_title, self.image_alt, self.image_text)))


NO_CONTEXT = Context()


@dataclass(frozen=True, kw_only=True)
class Post:
    """One item of a feed. `author` is a pseudonym, never a name; `metadata` is kept and shown, never judged."""

    platform: str
    id: str
    text: str
    surface: Surface = Surface.FEED
    author: str = ""
    locale: str = ""
    region: str = ""
    created_at: datetime | None = None
    context: Context = NO_CONTEXT
    metadata: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        """Resource name, `platforms/{platform}/posts/{id}`."""
        return f"platforms/{self.platform}/posts/{self.id}"

    @cached_property
    def content_digest(self) -> str:
        """Hex digest of canonical text and context, on which the classifiers' answer depends."""
        return content_digest(self.text, self.context.text)

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of all that the decision depends on. Another fingerprint under the same name is an edit."""
        attributes = self.surface, self.region, self.locale, self.author, self.context.digital_source_type
        return fingerprint(self.content_digest, *attributes)

    @property
    def key(self) -> "PostKey":
        """Name and fingerprint: one version of one post."""
        return PostKey(self.name, self.fingerprint)


@dataclass(frozen=True, slots=True)
class PostKey:
    """One version of one post, accepted once and decided once."""

    name: str
    fingerprint: str
