"""The demo's claims: loaded into the store before the feed is judged, and what was made of the posts about them.

The sample feed says in a post's metadata which claim it was written about and how it was meant to relate to it. Nothing
judges by that; it is what the counts compare with.
"""

import asyncio
import io
import textwrap
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from service.claims.files import ClaimFileError, read
from service.cli.demo.sample_feed import claim_file
from service.cli.views.verdicts import STYLES, matched
from service.domain.claim import DEBUNKED, Claim, Match, Rating, Relation
from service.domain.decision import MISLEADING
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.errors import AssayError, NoWorker

Row = tuple[Post, Verdict]
Matching = Callable[[Sequence[str]], Awaitable[Sequence[Sequence[Match]]]]

_SHOWN = 160  # characters of a post


class Count(NamedTuple):
    """Of `posts` meant in one way, how many were treated `right`, and of how many the intended claim is a match."""

    meant: str
    treatment: str
    posts: int
    right: int
    found: int


def sample_claims() -> list[Claim]:
    """The claims that come with the sample feed. Raises `AssayError` for one that is malformed."""
    file = claim_file()
    items = list(read(io.BufferedReader(io.BytesIO(file.read_bytes())), file.name))
    if errors := [str(item) for item in items if isinstance(item, ClaimFileError)]:
        raise AssayError(f"{file.name} doesn't hold what it should: {errors[:3]}")
    return [item for item in items if isinstance(item, Claim)]


async def until_matched(
    matching: Matching, claims: Sequence[Claim], *, seconds: float = 60.0, pause: float = 0.5
) -> None:
    """Wait until workers know the last of `claims` from its own words. Raises `NoWorker` after `seconds`."""
    last, until = claims[-1], time.monotonic() + seconds
    while True:
        (matches,) = await matching([last.claim])
        if any(match.claim_id == last.id for match in matches):
            return
        if time.monotonic() > until:
            raise NoWorker(f"no worker matches posts with the {len(claims)} claims loaded {seconds:.0f} s ago")
        await asyncio.sleep(pause)


def foremost(verdict: Verdict) -> Match | None:
    """The match that moved the verdict, else the likeliest that isn't unrelated; None if nothing matches."""
    near = [match for match in verdict.matches if match.relation is not Relation.UNRELATED and not match.abstained]
    return max(near, key=lambda match: (match.weight != 0, match.score * match.p_relation), default=None)


def is_flagged(verdict: Verdict) -> bool:
    """Whether the verdict calls the post misinformation, of whatever making."""
    return not MISLEADING.isdisjoint(verdict.ruling.categories)


def claim_table(rows: Iterable[Row], relation: Relation, title: str, most: int) -> Table:
    """The posts that were found to relate to a claim in this way, `most` texts at most; the surest first."""
    found = [(post, verdict, match) for post, verdict in rows if (match := foremost(verdict))]
    found = sorted((row for row in found if row[2].relation is relation), key=lambda row: -row[2].p_relation)
    flagged = sum(is_flagged(verdict) for _, verdict, _ in found)
    title = f"{title}: {len(found)}, of which {flagged} flagged as misinformation"
    table = Table(title=title, title_justify="left", pad_edge=False, box=None, header_style="bold", expand=True)
    table.add_column("decision", no_wrap=True, min_width=8)
    table.add_column("post", overflow="fold", ratio=2)
    table.add_column("the claim, and how it relates to it", overflow="fold", ratio=3)
    once = {post.content_digest: (post, verdict, match) for post, verdict, match in reversed(found)}
    for post, verdict, match in list(reversed(once.values()))[:most]:
        decision = Text(verdict.decision.value, STYLES[verdict.decision])
        table.add_row(decision, Text(textwrap.shorten(post.text, _SHOWN, placeholder=" …")), matched(match)[1:])
    return table


def counts(rows: Iterable[Row], claims: Sequence[Claim]) -> list[Count]:
    """How the posts that were written about a claim fared, by how they were meant to relate to it."""
    ratings = {claim.id: claim.rating for claim in claims}
    meant = [(_meant(post, ratings), post, verdict) for post, verdict in rows if "relation" in post.metadata]
    shown = []
    for name, flagged in _MEANT.items():
        group = [(post, verdict) for each, post, verdict in meant if each == name]
        right = sum(is_flagged(verdict) is flagged for _, verdict in group)
        found = sum(_names(verdict, post.metadata.get("claim", "")) for post, verdict in group)
        shown.append(Count(name, "flagged" if flagged else "left alone", len(group), right, found))
    return shown


def count_table(shown: Iterable[Count]) -> Table:
    """The counts, a line each."""
    table = Table(title="What the posts written about the claims came to", title_justify="left", box=None)
    for heading in ("posts that", "right", "intended claim found"):
        table.add_column(heading)
    for each in shown:
        right = Text(
            f"{each.right} of {each.posts} {each.treatment}", "green" if each.right == each.posts else "yellow"
        )
        table.add_row(each.meant, right, f"{each.found} of {each.posts}")
    return table


_MEANT = {
    "repeat a debunked claim": True,
    "repeat a claim that was checked and is true": False,
    "rebut a claim": False,
    "discuss a claim": False,
    "say something else of the same matter": False,
}
"""How posts are meant to relate to claims, and whether they are to be flagged as misinformation."""

_BY_RELATION = {
    Relation.REBUTS: "rebut a claim",
    Relation.DISCUSSES: "discuss a claim",
    Relation.UNRELATED: "say something else of the same matter",
}


def _meant(post: Post, ratings: Mapping[str, Rating]) -> str:
    relation = Relation(post.metadata["relation"])
    if relation is not Relation.REPEATS:
        return _BY_RELATION[relation]
    debunked = ratings[post.metadata["claim"]] in DEBUNKED
    return "repeat a debunked claim" if debunked else "repeat a claim that was checked and is true"


def _names(verdict: Verdict, claim_id: str) -> bool:
    return any(match.claim_id == claim_id for match in verdict.matches)
