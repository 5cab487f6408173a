"""What a feed yields: posts, and errors that say where an item is wrong and how to fix it."""

from collections.abc import Callable
from dataclasses import dataclass

from service.domain.post import Post
from service.domain.validation import check
from service.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class FeedError:
    """An item that is not a post. `where` is `line 12`, or a path such as `data[3].comments.data[1]`."""

    where: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.remedy}"


Item = Post | FeedError


def error(where: str, cause: InvalidInput) -> FeedError:
    """`cause` at `where`, its field named in the problem."""
    return FeedError(where or "document", f"{cause.field} {cause.problem}".strip(), cause.remedy)


def attempt(where: str, read: Callable[[], Post]) -> Item:
    """The post that `read` returns if it is within the limits of `domain.validation`, else what is wrong with it."""
    try:
        post = read()
        check(post)
    except InvalidInput as cause:
        return error(where, cause)
    return post
