"""`assay review`: the state of the queues, and what moderators decided, for `assay calibrate --from-decisions`.

Works with and without a running server: it speaks to the database alone. Decisions are made in the dashboard or through
ReviewService.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import typer
from rich.table import Table

from service.cli.terminal import AsJson, err, on_store, out
from service.records.ports import Archive
from service.review.case import QueueState
from service.review.exporting import decision_lines
from service.review.ports import DecisionLog

review = typer.Typer(no_args_is_help=True, help="Look at what waits for moderators, and export what they decided.")

Since = Annotated[
    datetime | None,
    typer.Option(help="Only decisions since then (UTC).", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], metavar="TIME"),
]
Out = Annotated[Path | None, typer.Option("--out", help="Write here, not to standard output.", metavar="FILE")]
T = TypeVar("T")


class ReviewReader(DecisionLog, Protocol):
    """What these commands read."""

    async def queues(self) -> list[QueueState]:
        """See `CaseStore.queues`."""
        ...


@review.command()
def queues(as_json: AsJson = False) -> None:
    """Show what waits in each queue: open cases, how many are held, how many are severe, the oldest one's age."""
    found = with_review(lambda store, _: store.queues())
    if as_json:
        for state in found:
            out.out(json.dumps(_json(state)), highlight=False)
        return
    out.print(_table(found, datetime.now(UTC)) if found else "No case waits.")


@review.command("export-decisions")
def export_decisions(since: Since = None, file: Out = None) -> None:
    """Print one JSON line for each text that a person decided, as `assay calibrate --from-decisions` takes it.

    The last decision on a text counts: an appeal overrides what it overturned, and what was undone is left out.
    """
    start = since.replace(tzinfo=UTC) if since else None
    count = with_review(lambda store, archive: _export(store, archive, start, file))
    err.print(f"{count:,} decided texts", highlight=False)


def with_review(work: Callable[[ReviewReader, Archive], Awaitable[T]]) -> T:
    """What `work` gives on the cases of the record store, and on the store. See `on_store`."""
    from service.review.sql.store import SqlReview

    return on_store(lambda _, store: work(SqlReview.beside(store), store))


async def _export(store: DecisionLog, archive: Archive, since: datetime | None, file: Path | None) -> int:
    count = 0
    with file.open("w", encoding="utf-8") if file else nullcontext(sys.stdout) as stream:
        async for line in decision_lines(store, archive, since):
            stream.write(f"{json.dumps(line)}\n")
            count += 1
    return count


def _json(state: QueueState) -> dict[str, object]:
    oldest = state.oldest_at and state.oldest_at.isoformat()
    return {"queue": state.queue, "open": state.open, "held": state.held, "severe": state.severe, "oldest": oldest}


def _table(states: list[QueueState], now: datetime) -> Table:
    table = Table("queue", box=None)
    for title in ("open", "held", "severe", "oldest"):
        table.add_column(title, justify="right")
    for state in states:
        waits = str(now - state.oldest_at).split(".")[0] if state.oldest_at else ""
        table.add_row(state.queue, f"{state.open:,}", f"{state.held:,}", f"{state.severe:,}", waits)
    return table
