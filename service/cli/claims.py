"""`assay claims`: load files of fact-checked claims into the record store, look through them, quarantine them.

Works with and without a running server: it speaks to the database alone, and workers take a change up by themselves.
"""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from service.claims.files import Item, read
from service.claims.limits import MAX_CLAIMS, check_reason
from service.claims.loading import Tally
from service.claims.loading import load as load_items
from service.claims.ports import ClaimStore
from service.cli.terminal import AsJson, answered, err, on_store, opened, out, run_to_end
from service.cli.views.claims import claim_json, claim_panel, claim_table
from service.domain.claim import Change, ClaimFilter, ClaimRecord, ClaimState, Rating
from service.domain.codec import encode_claim
from service.errors import InvalidInput

claims = typer.Typer(no_args_is_help=True, help="Look after the fact-checked claims that posts are compared with.")

ClaimId = Annotated[str, typer.Argument(help="The claim's id.", metavar="ID")]
T = TypeVar("T")


@claims.command()
def load(
    files: Annotated[
        list[Path],
        typer.Argument(help="ClaimReview JSON-LD, CSV or JSON lines, .gz too; - reads standard input.", metavar="FILE"),
    ],
    file_format: Annotated[
        str, typer.Option("--format", help="csv, jsonl or jsonld. Default: the file tells.", metavar="FORMAT")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the files; store nothing.")] = False,
) -> None:
    """Store the claims of files: new ones are added, known ones (by id) brought up to date. Bad rows are named."""
    answered(lambda: _check_there(files))
    tally = Tally()
    if dry_run:
        run_to_end(_load(files, file_format, None, tally))
    else:
        with_store(lambda store: _load(files, file_format, store, tally))
    raise typer.Exit(1 if tally.bad else 0)


@claims.command("list")
def list_claims(
    state: Annotated[ClaimState | None, typer.Option(help="Only claims in this state.", case_sensitive=False)] = None,
    publisher: Annotated[str, typer.Option(help="Only claims of this publisher, letter for letter.")] = "",
    query: Annotated[str, typer.Option(help="Only claims with this in statement or title, in any case.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List claims in the order of their ids."""
    only = ClaimFilter(state=state, publisher=publisher, query=query)
    found = with_store(lambda store: _first(store, only, limit + 1))
    if as_json:
        for record in found[:limit]:
            out.out(json.dumps(claim_json(record)), highlight=False)
        return
    out.print(claim_table(found[:limit]) if found else "No such claims.")
    if len(found) > limit:
        out.print(f"... and more; --limit says how many are shown ({limit})", style="dim")


@claims.command()
def show(claim_id: ClaimId, as_json: AsJson = False) -> None:
    """Show one claim."""
    record = with_store(lambda store: store.find_claim(claim_id))
    if as_json:
        out.out(json.dumps(claim_json(record)), highlight=False)
    else:
        out.print(claim_panel(record))


@claims.command()
def quarantine(claim_id: ClaimId, reason: Annotated[str, typer.Option(help="Why.")]) -> None:
    """Take a claim out of enforcement: it is still matched and shown, and moves no signal."""
    answered(lambda: check_reason(reason))
    out.print(claim_panel(with_store(lambda store: store.quarantine(claim_id, reason))))


@claims.command()
def release(claim_id: ClaimId) -> None:
    """Put a quarantined claim back into enforcement."""
    out.print(claim_panel(with_store(lambda store: store.quarantine(claim_id, ""))))


@claims.command()
def export() -> None:
    """Print all claims as JSON lines that `assay claims load` takes back. States and counts do not travel."""
    with_store(_export)


def with_store(work: Callable[[ClaimStore], Awaitable[T]]) -> T:
    """What `work` gives on the claims of the record store. See `on_store`."""
    from service.claims.sql import SqlClaims

    return on_store(lambda _, store: work(SqlClaims.beside(store)))


def _check_there(files: list[Path]) -> None:
    """Raise `InvalidInput` for a file that is missing, before any is loaded."""
    if missing := [str(file) for file in files if str(file) != "-" and not file.is_file() and not file.is_fifo()]:
        raise InvalidInput(", ".join(missing), "is no file", "look for a slip in the name")


async def _load(files: list[Path], file_format: str, store: ClaimStore | None, tally: Tally) -> None:
    columns = TextColumn("{task.description}"), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        for file in files:
            await _load_file(file, file_format, store, tally, progress)
    _report(tally, await store.claims_version() if store else None)


async def _load_file(file: Path, file_format: str, store: ClaimStore | None, tally: Tally, progress: Progress) -> None:
    name = "standard input" if str(file) == "-" else str(file)

    def say(what: object) -> None:
        err.print(f"{name}, {what}", markup=False, highlight=False, soft_wrap=True)

    with opened(file) as stream:
        items = read(stream, file.name, file_format, note=say)
        await load_items(_counted(items, progress, name), store, tally, say)


def _counted(items: Iterator[Item], progress: Progress, name: str) -> Iterator[Item]:
    """`items`, with a line that counts them."""
    task = progress.add_task(name, total=None)
    while portion := list(islice(items, 200)):
        yield from portion
        progress.advance(task, len(portion))


def _report(tally: Tally, version: str | None) -> None:
    changes = ", ".join(f"{tally.changes[change]:,} {change.lower()}" for change in Change)
    done = changes if version is not None else "only checked, none stored"
    out.print(f"{tally.claims:,} claims: {done}; bad rows: {tally.bad:,}", highlight=False)
    if tally.twice:
        shown = ", ".join(islice(tally.twice, 5)) + (", ..." if len(tally.twice) > 5 else "")
        out.print(
            f"ids that came again: {len(tally.twice):,} ({shown}); of each the last claim counts",
            markup=False,
            highlight=False,
        )
    if unrated := tally.ratings[Rating.UNRATED]:
        share = f"{unrated / tally.claims:.1%}"
        out.print(
            f"unrated: {unrated:,} ({share}), whose verdicts are missing or say neither true nor false", highlight=False
        )
    if version:
        out.print(f"claim set version: {version}", highlight=False)


async def _first(store: ClaimStore, only: ClaimFilter, limit: int) -> list[ClaimRecord]:
    found: list[ClaimRecord] = []
    async for page in _pages(store, only):
        found += page
        if len(found) >= limit:
            break
    return found[:limit]


async def _export(store: ClaimStore) -> None:
    async for page in _pages(store, ClaimFilter()):
        sys.stdout.writelines(f"{json.dumps(encode_claim(record.claim))}\n" for record in page)


async def _pages(store: ClaimStore, only: ClaimFilter) -> AsyncIterator[list[ClaimRecord]]:
    """Claims in the order of their ids."""
    after = ""
    while page := await store.claims(only, after=after, limit=MAX_CLAIMS):
        yield page
        after = page[-1].claim.id
