"""Whom an erasure is about, what is looked for on their behalf, and what was found."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from service.domain.post import Post
from service.domain.validation import PLATFORM
from service.errors import InvalidInput

_NAME = re.compile(r"platforms/[a-z0-9][a-z0-9-]{0,62}/posts/[A-Za-z0-9._~:@%+=-]{1,512}")
_MAX_POSTS = 10_000


@dataclass(frozen=True, slots=True)
class Subject:
    """A person by their pseudonym, posts by their names, or both. `platform` narrows the pseudonym to one platform."""

    author: str = ""
    posts: tuple[str, ...] = ()
    platform: str = ""

    def check(self) -> None:
        """Raise `InvalidInput` where it names nobody, or names a post wrongly."""
        if not self.author.strip() and not self.posts:
            raise InvalidInput("author", "is missing, and so are posts", "name a pseudonym or posts")
        if self.author != self.author.strip() or len(self.author) > 256:
            raise InvalidInput("author", "has white space around it or is too long", "send the pseudonym alone")
        if len(self.posts) > _MAX_POSTS:
            problem = f"holds {len(self.posts):,} posts, over {_MAX_POSTS:,}"
            raise InvalidInput("posts", problem, "erase them in several calls")
        if self.platform and not PLATFORM.fullmatch(self.platform):
            raise InvalidInput("platform", f"{self.platform[:80]!r} is no platform", "send its name, as posts have it")
        for place, name in enumerate(self.posts):
            if not _NAME.fullmatch(name):
                problem = f"{name[:80]!r} is not platforms/{{platform}}/posts/{{post}}"
                raise InvalidInput(f"posts[{place}]", problem, "send the names that the posts were sent with")

    def owns(self, post: Post) -> bool:
        """Whether this post is to be erased."""
        return post.name in self.posts or self.wrote(post)

    def wrote(self, post: Post) -> bool:
        """Whether it is by the person."""
        return bool(self.author) and post.author == self.author and self.platform in {"", post.platform}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for: it grows as stores are read, and never shrinks, so that what is gone is looked for too.

    `texts` are given by their content digests. `shared` are those that posts of others carry too: these texts, and what
    was judged of them, are not this person's alone and stay. `keys` are the record store's own for the posts.
    """

    subject: Subject
    names: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    texts: Mapping[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()

    @classmethod
    def of(cls, subject: Subject) -> Self:
        """What is known before any store was read."""
        return cls(subject=subject, names=frozenset(subject.posts))

    @property
    def alone(self) -> dict[str, str]:
        """The person's texts that nobody else's post carries, by content digest."""
        return {content: text for content, text in self.texts.items() if content not in self.shared}

    def found(self, posts: Iterable[Post], *, names: Iterable[str] = (), keys: Iterable[str] = ()) -> Self:
        """With these posts of the person, and further names and keys of such."""
        held = list(posts)
        return replace(
            self,
            names=self.names | {post.name for post in held} | {*names},
            keys=self.keys | {*keys},
            texts={**self.texts, **{post.content_digest: post.text for post in held}},
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Something of the person that is left: where, what (`author`, `post name` or `text`) and how often.

    `kept` says why it may stay; what has no such reason should not be there.
    """

    store: str
    place: str
    what: str
    count: int
    kept: str = ""
