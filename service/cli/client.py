"""The client commands: `assay check`, `assay author`, `assay submit`, `assay watch`."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from service.cli.terminal import opened
from service.cli.views.verdicts import STYLES, author_json, author_panel, verdict_json, verdict_panel, verdict_table
from service.domain.canonical import digest
from service.domain.post import Post, Surface
from service.domain.validation import MAX_TIMELINE
from service.domain.validation import check as check_limits
from service.domain.verdict import Verdict, VerdictFilter
from service.errors import AssayError, InvalidInput, NotDecided, Unavailable
from service.feeds import FeedError, Pseudonyms, parse
from service.rpc.client.client import Client

_PORTION = 250  # posts per SubmitPosts call
_SHOWN = 40
_PATIENCE = 1.0  # somebody waits at the terminal


async def check(
    text: str, address: str, out: Console, *, surface: str, region: str, locale: str, as_json: bool
) -> None:
    """Ask for the verdict on one text and show it. Raises `AssayError`."""
    if surface not in set(Surface):
        raise InvalidInput("surface", f"{surface!r} is none", f"choose one of {', '.join(Surface)}")
    identity = digest(text, surface, region, locale)
    post = Post(platform="cli", id=identity, text=text, surface=Surface(surface), region=region, locale=locale)
    check_limits(post)
    async with Client(address, patience=_PATIENCE) as client:
        verdict = await client.moderate(post)
    if as_json:
        out.print_json(json.dumps(verdict_json(verdict)))
    else:
        out.print(verdict_panel(text, verdict))


async def author(
    file: Path, address: str, out: Console, err: Console, *, name: str, authors: Pseudonyms, as_json: bool
) -> int:
    """Ask what the posts of a file, all of one author, say together. Gives the exit status: 1 when a line was refused.

    Raises `AssayError`.
    """
    handover = Handover()
    with opened(file) as stream:
        posts = list(islice(_posts(parse("jsonl", stream, authors), handover), MAX_TIMELINE + 1))
    if len(posts) > MAX_TIMELINE:
        raise InvalidInput(str(file), f"holds over {MAX_TIMELINE} posts", f"take the newest: tail -n {MAX_TIMELINE}")
    who = name or next((post.author for post in posts if post.author), "unnamed")
    async with Client(address, patience=_PATIENCE) as client:
        judgement = await client.moderate_author(who, posts)
    _show_refused(handover, err)
    if as_json:
        out.print_json(json.dumps(author_json(judgement)))
    else:
        out.print(author_panel(judgement))
    return 1 if handover.refused else 0


@dataclass
class Handover:
    """What became of a feed: posts accepted by name, items refused with the reason, verdicts as they come."""

    posts: dict[str, Post] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)


async def submit(
    file: Path,
    feed_format: str,
    address: str,
    out: Console,
    err: Console,
    *,
    authors: Pseudonyms,
    wait: bool,
    as_json: bool,
) -> int:
    """Hand a feed over, and wait for its verdicts. Gives the exit status: 1 when an item was refused."""
    handover = Handover()
    async with Client(address, patience=60.0) as client:
        with _progress(err) as progress, opened(file) as stream:
            start = await _now(client)
            accepted = progress.add_task("accepted", total=None)
            for portion in _portions(parse(feed_format, stream, authors), handover):
                await _hand_over(client, portion, handover)
                progress.update(accepted, completed=len(handover.posts))
            progress.update(accepted, total=len(handover.posts), completed=len(handover.posts))
            if wait:
                decided = progress.add_task("decided", total=len(handover.posts))
                async for verdict in _decided(client, start, handover, evidence=as_json):
                    handover.verdicts[verdict.post.name] = verdict
                    progress.advance(decided)
                    if as_json:
                        out.out(json.dumps(verdict_json(verdict)), highlight=False)
    _show_refused(handover, err)
    if not as_json:
        _show(handover, out, wait=wait)
    return 1 if handover.refused else 0


async def watch(address: str, out: Console, err: Console, *, cursor: str, only: VerdictFilter, as_json: bool) -> None:
    """Print verdicts as they are decided, until interrupted."""
    last = cursor
    try:
        async with Client(address, patience=300.0) as client:
            async for last, verdict in client.watch(cursor, only, evidence=as_json):
                if verdict is None:
                    continue
                if as_json:
                    out.out(json.dumps({"cursor": last, **verdict_json(verdict)}), highlight=False)
                else:
                    out.print(_line(verdict), highlight=False)
    finally:
        if last:
            err.print(f"go on from here with [bold]assay watch --cursor {last}[/bold]", highlight=False)


def _line(verdict: Verdict) -> str:
    style = STYLES[verdict.decision]
    why = ", ".join(verdict.ruling.categories) or "-"
    return f"{verdict.decided_at:%H:%M:%S} [{style}]{verdict.decision.value:7}[/{style}] {verdict.post.name}  {why}"


def _portions(items: Iterator[Post | FeedError], handover: Handover) -> Iterator[list[Post]]:
    posts = _posts(items, handover)
    while portion := list(islice(posts, _PORTION)):
        yield portion


def _posts(items: Iterator[Post | FeedError], handover: Handover) -> Iterator[Post]:
    for item in items:
        if isinstance(item, FeedError):
            handover.refused.append(str(item))
        else:
            yield item


async def _hand_over(client: Client, posts: list[Post], handover: Handover) -> None:
    answers = await client.submit(posts, request_id=str(uuid.uuid4()))
    for post, answer in zip(posts, answers, strict=True):
        if isinstance(answer, AssayError):
            handover.refused.append(f"{post.name}: {answer}")
        else:
            handover.posts[post.name] = post
            if not answer:
                handover.known.append(post.name)


async def _now(client: Client) -> str:
    """The cursor of this moment: a watch from here sees all that is recorded later."""
    async with aclosing(client.watch()) as messages:
        async for cursor, _ in messages:
            return cursor
    raise Unavailable("the watch ended before it began; is the server stopping?")


async def _decided(client: Client, cursor: str, handover: Handover, *, evidence: bool) -> AsyncIterator[Verdict]:
    """Verdicts of the accepted posts as they come; those known before are asked for."""
    waiting = set(handover.posts)
    for name in handover.known:
        with suppress(NotDecided):
            yield await client.verdict(name)
            waiting.discard(name)
    if not waiting:
        return
    async with aclosing(client.watch(cursor, evidence=evidence)) as messages:
        async for _, verdict in messages:
            if verdict and verdict.post.name in waiting:
                waiting.discard(verdict.post.name)
                yield verdict
            if not waiting:
                return


def _show(handover: Handover, out: Console, *, wait: bool) -> None:
    new = len(handover.posts) - len(set(handover.known))
    if wait:
        rows = [(handover.posts[name], verdict) for name, verdict in handover.verdicts.items()]
        rows.sort(key=lambda row: -row[1].decision.severity)
        out.print(verdict_table(rows[:_SHOWN], "Verdicts, strictest first"))
        if len(rows) > _SHOWN:
            out.print(f"... and {len(rows) - _SHOWN} more; --json prints all", style="dim")
    out.print(f"{new} accepted, {len(handover.known)} known before, {len(handover.refused)} refused")


def _show_refused(handover: Handover, err: Console) -> None:
    for refusal in handover.refused:
        err.print(f"[red]refused[/red] {refusal}", highlight=False, markup=True)


def _progress(err: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err
    )
