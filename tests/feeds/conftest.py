"""Fixtures of the feed and webhook tests."""

import json
from collections.abc import Callable, Sequence

import pytest

from service.domain.post import Post
from service.errors import AssayError, InvalidInput
from service.feeds import FeedError, Item, parse
from service.feeds.http_receiver import Submit


@pytest.fixture
def read() -> Callable[[str, object], list[Item]]:
    """Parses bytes as they are, and any other value as the JSON that writes it."""

    def reader(format_name: str, value: object) -> list[Item]:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return list(parse(format_name, [raw]))

    return reader


@pytest.fixture
def read_post(read: Callable[[str, object], list[Item]]) -> Callable[[str, object], Post]:
    """The only post of a feed."""

    def reader(format_name: str, value: object) -> Post:
        (item,) = read(format_name, value)
        assert isinstance(item, Post), item
        return item

    return reader


@pytest.fixture
def read_error(read: Callable[[str, object], list[Item]]) -> Callable[[str, object], FeedError]:
    """The only error of a feed that has no posts."""

    def reader(format_name: str, value: object) -> FeedError:
        (item,) = read(format_name, value)
        assert isinstance(item, FeedError), item
        return item

    return reader


class Acceptor:
    """Accepts posts once per key as the record store does; raises `outage` while it is set."""

    def __init__(self) -> None:
        self.accepted: list[Post] = []
        self.outage: AssayError | None = None

    async def submit(self, posts: Sequence[Post]) -> Sequence[bool | InvalidInput]:
        if self.outage:
            raise self.outage
        answers: list[bool | InvalidInput] = []
        for post in posts:
            new = post.key not in {each.key for each in self.accepted}
            self.accepted += [post] if new else []
            answers.append(new)
        return answers


@pytest.fixture
def acceptor() -> Acceptor:
    return Acceptor()


@pytest.fixture
def submit(acceptor: Acceptor) -> Submit:
    return acceptor.submit
