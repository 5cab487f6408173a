"""Golden items: texts whose answer is known, shown among real cases to see whether moderators still find it.

No one should be able to tell one from a real case. It comes under a post id and an author of the same form as the
original's, and after a number of cases that cannot be foreseen. A moderator gets each item once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from string import ascii_lowercase, ascii_uppercase, digits

from service.domain.canonical import digest
from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict
from service.quality.intervals import Estimate, share
from service.quality.opinions import Answer

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenItem:
    """A text with its answer. `source` is the case that it was made from, empty where somebody pasted it.

    `verdict` is what the service says of it, shown beside the text as with any case; None until a worker has read it.
    """

    id: str
    post: Post
    answer: Answer
    source: str = ""
    note: str = ""
    added_by: str
    added_at: datetime
    verdict: Verdict | None = None
    retired_at: datetime | None = None

    @property
    def name(self) -> str:
        """Resource name, `golden/{id}`."""
        return f"golden/{self.id}"


@dataclass(frozen=True, slots=True)
class Pace:
    """A moderator who works: items shown so far, cases decided since the last, and the latest case.

    Of that, its queue, the name and author of its post, and when it was opened.
    """

    moderator: str
    shown: int
    since: int
    queue: str = ""
    post: str = ""
    author: str = ""
    opened_at: datetime | None = None

    def waited_since(self, now: datetime) -> datetime:
        """When a case that waited as long as the latest one was opened: a little before that, never the same moment."""
        drawn = int(digest("waited", self.moderator, str(self.shown))[:4], 16)
        return (self.opened_at or now) - timedelta(seconds=1 + drawn % 50, microseconds=drawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An item as one moderator got it: in which case, under which post version; the `number`-th that they got."""

    case: str
    item: str
    moderator: str
    number: int
    post: PostKey
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenResult:
    """How one item went: `answer` is what the moderator decided, with what was right."""

    item: str
    case: str
    moderator: str
    expected: Answer
    answer: Answer
    decided_at: datetime

    @property
    def right(self) -> bool:
        """Whether they found the answer: decision and categories."""
        return self.answer.agrees(self.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenScore:
    """One moderator's golden items: the share found with its interval, and how many violations they let pass."""

    moderator: str
    shown: int
    right: int
    wrong: int
    missed: int
    accuracy: Estimate


def due(pace: Pace, every: int) -> bool:
    """Whether the next case is to be a golden one: after `every` cases on average, from half to one and a half."""
    if every < 1:
        return False
    drawn = int(digest("golden", pace.moderator, str(pace.shown))[:8], 16)
    return pace.since >= every - every // 2 + drawn % (2 * (every // 2) + 1)


def choose(items: Collection[GoldenItem], pace: Pace, queues: Sequence[str]) -> GoldenItem | None:
    """An item for this moderator out of those not shown to them, of the queue that they work in where there is one.

    `queues` has the queue that each of the `items` belongs to.
    """
    at_home = [item for item, queue in zip(items, queues, strict=True) if queue == pace.queue]
    ready = sorted(at_home or items, key=lambda item: digest(item.id, pace.moderator))
    return ready[0] if ready else None


def disguised(item: GoldenItem, pace: Pace, then: datetime) -> Post:
    """The item's post under another id and author of the same form, written `then` if it says when.

    What somebody pasted comes from where the moderator's latest case came from, under names of the form of that one's.
    """
    post = item.post if item.source else _placed(item.post, pace, then)
    names = {name: lookalike(name, f"{item.id}/{pace.moderator}") for name in (post.id, post.author) if name}
    told = {key: _renamed(value, names) for key, value in post.metadata.items()}
    return replace(
        post,
        id=names[post.id],
        author=names.get(post.author, ""),
        created_at=then if post.created_at else None,
        metadata=told,
    )


def _placed(post: Post, pace: Pace, then: datetime) -> Post:
    _, _, name = pace.post.partition("platforms/")
    platform, _, post_id = name.partition("/posts/")
    if not post_id:
        return post
    return replace(post, platform=platform, id=post_id, author=pace.author, created_at=then)


def _renamed(value: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        value = value.replace(old, new)
    return value


def lookalike(name: str, seed: str) -> str:
    """Another name of the same length, with digits for digits and letters for letters; `m-` and the like stay."""
    kept = name.find("-") + 1 if 0 < name.find("-") < 3 else 0
    body = name[kept:]
    alphabets = ("0123456789abcdef",) if body and _HEX.issuperset(body) and not body.isdigit() else _ALPHABETS
    stream = _stream(f"{seed}/{name}", len(body))
    return name[:kept] + "".join(_like(letter, drawn, alphabets) for letter, drawn in zip(body, stream, strict=True))


_ALPHABETS = (digits, ascii_lowercase, ascii_uppercase)


def _like(letter: str, drawn: int, alphabets: Sequence[str]) -> str:
    alphabet = next((each for each in alphabets if letter in each), letter)
    return alphabet[drawn % len(alphabet)]


def _stream(seed: str, length: int) -> bytes:
    blocks = (bytes.fromhex(digest(seed, str(number))) for number in range(length // 16 + 1))
    return b"".join(blocks)[:length]


def scores(shown: Iterable[Shown], results: Iterable[GoldenResult]) -> list[GoldenScore]:
    """How each moderator did, by id."""
    counts: defaultdict[str, int] = defaultdict(int)
    for each in shown:
        counts[each.moderator] += 1
    given: defaultdict[str, list[GoldenResult]] = defaultdict(list)
    for result in results:
        given[result.moderator].append(result)
    return [_score(who, counts[who], given[who]) for who in sorted({*counts, *given})]


def _score(moderator: str, shown: int, results: Sequence[GoldenResult]) -> GoldenScore:
    right = sum(result.right for result in results)
    return GoldenScore(
        moderator=moderator,
        shown=max(shown, len(results)),
        right=right,
        wrong=len(results) - right,
        missed=sum(result.expected.violating and not result.answer.violating for result in results),
        accuracy=share(right, len(results)),
    )
