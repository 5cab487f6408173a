"""`assay demo`: the shipped sample feed through the whole stack, in a temporary directory, and what came out."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from service.cli.demo.claims import claim_table, count_table, counts, sample_claims, until_matched
from service.cli.demo.sample_feed import files
from service.cli.views.verdicts import STYLES, verdict_panel, verdict_table
from service.domain.claim import Claim, Relation
from service.domain.decision import Decision
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.errors import AssayError
from service.feeds import FeedError, parse
from service.rpc.client.client import Client
from service.runtime.settings import Settings
from service.runtime.stack import everything

_FLAGGED, _PASSED = 36, 12
_REPEATING, _OTHERS = 16, 10
_ROUNDS, _UNDER_WAY = 8, 64


@dataclass
class Run:
    """One pass of the feed: verdicts with their latencies in seconds, and what went wrong."""

    rows: list[tuple[Post, Verdict]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0


async def demo(out: Console) -> None:
    """Run the demonstration. Raises `AssayError` when the stack does not come up or a post gets no verdict."""
    out.rule("[bold]Assay: a feed, judged from end to end")
    posts, malformed = _sample_feed()
    claims = sample_claims()
    out.print(f"The sample feed: {len(posts)} posts in {len(files())} formats, {len(malformed)} malformed items.\n")
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="assay-"))
        started = time.perf_counter()
        settings = Settings(
            redis_url="", database_url="", data_dir=Path(directory), address="127.0.0.1:0", reflection=True
        )
        with out.status("Starting Redis, SQLite, a Celery worker with the starter model, and the gRPC server ..."):
            serving = await stack.enter_async_context(everything(settings))
        out.print(f"Everything runs after {time.perf_counter() - started:.1f} s (gRPC on port {serving.port}).\n")
        client = await stack.enter_async_context(Client(f"127.0.0.1:{serving.port}"))
        await _load(client, claims, out)
        first = await _stream(client, posts, out)
        again = await _again(client, posts)
        example = await _example(client, first)
    _show(out, first, again, malformed)
    _show_claims(out, first, claims)
    out.print(verdict_panel(*example))
    _next_steps(out)
    if first.errors or again.errors:
        raise AssayError(f"{len(first.errors) + len(again.errors)} posts got no verdict: {first.errors[:3]}")


async def fill(port: int, out: Console) -> None:
    """Hand the sample feed and its claims to the Assay that runs on `port`: for `assay up --demo`.

    The feed may be there already, from an earlier start. Raises `AssayError`.
    """
    posts, _ = _sample_feed()
    async with Client(f"127.0.0.1:{port}") as client:
        await _load(client, sample_claims(), out)
        answers = await client.submit(posts)
    fresh = sum(answer is True for answer in answers)
    out.print(f"The sample feed: {fresh} of {len(posts)} posts are new; those that need a person come to the queue.")


def _sample_feed() -> tuple[list[Post], list[str]]:
    posts: list[Post] = []
    malformed: list[str] = []
    for feed_format, file in files():
        with file.open("rb") as stream:
            for item in parse(feed_format, stream):
                if isinstance(item, FeedError):
                    malformed.append(f"{file.name}, {item}")
                else:
                    posts.append(item)
    return posts, malformed


async def _load(client: Client, claims: list[Claim], out: Console) -> None:
    """The claims into the store, and a worker that knows them."""
    started = time.perf_counter()
    with out.status("Loading fact-checked claims ..."):
        refused = [str(answer) for answer in await client.import_claims(claims) if isinstance(answer, AssayError)]
        if refused:
            raise AssayError(f"{len(refused)} claims were refused: {refused[:3]}")
        await until_matched(client.match_claims, claims)
    seconds = time.perf_counter() - started
    out.print(f"{len(claims)} fact-checked claims loaded, posts are matched with them after {seconds:.1f} s.\n")


async def _stream(client: Client, posts: list[Post], out: Console) -> Run:
    """Each post through StreamModeration; the latency of a post counts from when the stream took it.

    As many are under way as a slow machine, too, judges before their time is up.
    """
    run, sent, room = Run(), {}, asyncio.Semaphore(_UNDER_WAY)

    async def taken() -> AsyncIterator[Post]:
        for number, post in enumerate(posts):
            await room.acquire()
            sent[number] = time.perf_counter()
            yield post

    started = time.perf_counter()
    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("", total=len(posts))
        async with aclosing(client.moderate_stream(taken(), evidence=True)) as answers:
            async for number, answer in answers:
                room.release()
                run.latencies.append(time.perf_counter() - sent[number])
                _keep(run, posts[number], answer)
                progress.advance(task)
    run.seconds = time.perf_counter() - started
    return run


async def _again(client: Client, posts: list[Post]) -> Run:
    """The same posts a few times more, one call each and eight at a time: what a cached verdict costs."""
    run, started = Run(), time.perf_counter()
    turns = iter(posts * _ROUNDS)

    async def caller() -> None:
        for post in turns:
            begun = time.perf_counter()
            answer = await client.moderate(post)
            run.latencies.append(time.perf_counter() - begun)
            _keep(run, post, answer)

    await asyncio.gather(*(caller() for _ in range(8)))
    run.seconds = time.perf_counter() - started
    return run


def _keep(run: Run, post: Post, answer: Verdict | AssayError) -> None:
    if isinstance(answer, AssayError):
        run.errors.append(f"{post.name}: {answer}")
    else:
        run.rows.append((post, answer))


async def _example(client: Client, run: Run) -> tuple[str, Verdict]:
    """The flagged post with the most evidence, as `assay check` would show it."""

    def weight(row: tuple[Post, Verdict]) -> tuple[int, float]:
        signal = row[1].judgement and row[1].judgement.signals.get("misinformation")
        return len(row[1].ruling.categories), signal.probability if signal else 0.0

    post, _ = max(run.rows, key=weight)
    return post.text, await client.moderate(post)


def _show(out: Console, first: Run, again: Run, malformed: list[str]) -> None:
    rows = _to_show(first.rows)
    out.print(verdict_table(rows, f"Verdicts, strictest first ({len(rows)} of {len(first.rows)})"))
    out.print("\n[bold]Malformed items[/bold], reported and skipped:")
    for line in malformed:
        out.print(f"  {line}", style="dim", highlight=False, markup=False)
    out.print()
    out.print(_decisions(first))
    out.print(_speed(first, again))


def _show_claims(out: Console, run: Run, claims: list[Claim]) -> None:
    titles = {
        Relation.REPEATS: ("\nClaims: posts that repeat one", _REPEATING),
        Relation.REBUTS: ("\nClaims: posts that rebut one", _OTHERS),
        Relation.DISCUSSES: ("\nClaims: posts that discuss one", _OTHERS),
    }
    for relation, (title, most) in titles.items():
        out.print(claim_table(run.rows, relation, title, most))
    out.print(count_table(counts(run.rows, claims)))
    out.print()


def _to_show(rows: list[tuple[Post, Verdict]]) -> list[tuple[Post, Verdict]]:
    """What was flagged, and some of what was not, from all over the feed."""
    flagged = sorted((row for row in rows if row[1].ruling.categories), key=lambda row: -row[1].decision.severity)
    passed = [row for row in rows if not row[1].ruling.categories]
    return flagged[:_FLAGGED] + passed[:: max(1, len(passed) // _PASSED)][:_PASSED]


def _decisions(run: Run) -> Table:
    table = Table(title="Decisions", title_justify="left", box=None, show_header=False)
    counts = Counter(verdict.decision for _, verdict in run.rows)
    why = Counter(category for _, verdict in run.rows for category in verdict.ruling.categories)
    for decision in Decision:
        table.add_row(f"[{STYLES[decision]}]{decision.value}[/]", str(counts[decision]))
    table.add_row("categories", ", ".join(f"{category} {count}" for category, count in why.most_common()))
    return table


def _speed(first: Run, again: Run) -> Table:
    table = Table(title="\nSpeed on this machine, one worker", title_justify="left", box=None)
    for heading in ("", "posts", "posts/s", "from cache", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, run in (("first pass, one stream", first), ("seen before, 8 callers", again)):
        cached = sum(verdict.source is Source.CACHE for _, verdict in run.rows)
        quantiles = [f"{1000 * _quantile(run.latencies, share):.1f}" for share in (0.5, 0.95, 0.99)]
        rate = len(run.rows) / run.seconds
        table.add_row(name, str(len(run.rows)), f"{rate:,.0f}", f"{cached / len(run.rows):.0%}", *quantiles)
    return table


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _next_steps(out: Console) -> None:
    out.print("\n[bold]Where to go next[/bold]")
    out.print("  make up                        keep it running, gRPC on 127.0.0.1:50051")
    out.print('  .venv/bin/assay check "..."    the verdict on a text of yours (while it runs)')
    out.print("  .venv/bin/assay submit FILE    a feed of yours")
    out.print("  docs/README.md                 calling it from your backend, policy, your own Llama 2")
