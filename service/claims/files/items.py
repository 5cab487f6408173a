"""What a file of claims yields: claims, and errors that say where an item is wrong and how to fix it."""

from collections.abc import Callable

from service.claims.limits import check_claim
from service.domain.claim import Claim
from service.errors import InvalidInput
from service.feeds.items import FeedError


class ClaimFileError(FeedError):
    """An item that is not a claim. `where` is `line 12`, a path such as `dataFeedElement[3].item[0]`, or `file`."""


Item = Claim | ClaimFileError
Note = Callable[[str], None]


def error(where: str, cause: InvalidInput) -> ClaimFileError:
    """`cause` at `where`, its field named in the problem."""
    return ClaimFileError(where or "document", f"{cause.field} {cause.problem}".strip(), cause.remedy)


def attempt(where: str, read: Callable[[], Claim]) -> Item:
    """The claim that `read` returns if it is within the limits of `service.claims.limits`, else what is wrong."""
    try:
        claim = read()
        check_claim(claim)
    except InvalidInput as cause:
        return error(where, cause)
    return claim
