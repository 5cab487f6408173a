"""`assay audit`, `statements`, `report`, `erase`, `retention`: reports on moderation, and deletion of records.

Works with and without a running server: it speaks to the database, and `erase` to Redis as well.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.table import Table

from service.audit.chain import ChainReport
from service.audit.entry import AuditEntry, AuditFilter
from service.cli.terminal import OPERATOR, AsJson, answered, err, on_store, out, settings_here
from service.runtime.settings import Settings
from service.transparency.batches import Batch
from service.transparency.erasing import ErasureReport
from service.transparency.publishing import Publishing
from service.transparency.report import ReportFormat
from service.transparency.retention import Keeper, Kind
from service.transparency.subject import Found, Subject

if TYPE_CHECKING:
    from service.records.sql.store import SqlStore

audit = typer.Typer(no_args_is_help=True, help="Read the audit log and check that it is whole.")
statements = typer.Typer(no_args_is_help=True, help="Export statements of reasons (Digital Services Act).")

By = Annotated[str, typer.Option("--by", help="Who does this, by a pseudonym.", envvar="ASSAY_ACTOR")]
Start = Annotated[datetime, typer.Option("--from", help="First day, in UTC.", formats=["%Y-%m-%d"])]
End = Annotated[datetime, typer.Option("--until", help="Day after the last, in UTC.", formats=["%Y-%m-%d"])]
T = TypeVar("T")


@audit.command("list")
def list_entries(  # noqa: PLR0917 - typer makes options of them
    actor: Annotated[str, typer.Option(help="Only by this person.")] = "",
    action: Annotated[str, typer.Option(help="Only this action; case. takes all that begin so.")] = "",
    subject: Annotated[str, typer.Option(help="Only on this resource.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 50,
    by: By = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """List entries, newest first. That somebody looked is an entry, too."""
    only = AuditFilter(actor=actor, action=action, subject=subject)
    found = _published(lambda publishing: publishing.entries(only, before=None, limit=limit, actor=by))
    if as_json:
        for entry in found:
            out.out(json.dumps(_entry_json(entry)), highlight=False)
        return
    table = Table("number", "when", "who", "what", "to what", "detail", box=None)
    for entry in found:
        when = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(entry.number), when, entry.actor, entry.action, entry.subject, json.dumps(dict(entry.detail)))
    out.print(table if found else "No such entries.")


@audit.command()
def verify(
    expect: Annotated[str, typer.Option(help="Digest of a head that was noted earlier.", metavar="DIGEST")] = "",
) -> None:
    """Check the whole chain. Note the head's digest elsewhere; --expect it the next time."""
    report = _published(lambda publishing: publishing.verify(expect))
    _tell_chain(report)
    raise typer.Exit(0 if report.whole else 1)


@audit.command()
def head() -> None:
    """Print the digest of the last entry, to be noted elsewhere."""
    found = _published(lambda publishing: publishing.head())
    out.out(f"{found.digest} {found.number}", highlight=False)


@statements.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Where to write the batches; made if missing.", file_okay=False)],
    start: Start,
    end: End,
    by: By = OPERATOR,
) -> None:
    """Write statements for the DSA Transparency Database: JSON files of up to 100, each to be POSTed as it is.

    Statements that it would refuse are left out and told of in rejected.jsonl; the exit status is 1 then.
    """

    async def write(publishing: Publishing) -> tuple[int, int, int]:
        directory.mkdir(parents=True, exist_ok=True)
        files = statements_written = rejected = 0
        async for batch in publishing.statements(_utc(start), _utc(end), actor=by):
            if batch.statements:
                files += 1
                name = f"statements-{start:%Y%m%d}-{end:%Y%m%d}-{files:05}.json"
                _write(directory / name, json.dumps(batch.body, ensure_ascii=False, indent=1) + "\n")
            statements_written += len(batch.statements)
            rejected += len(batch.rejected)
            _write_rejected(directory / "rejected.jsonl", batch)
        return files, statements_written, rejected

    files, count, rejected = _published(write)
    out.print(f"{count:,} statements in {files:,} files below {directory}; left out: {rejected:,}", highlight=False)
    raise typer.Exit(1 if rejected else 0)


def report(
    start: Start,
    end: End,
    as_format: Annotated[ReportFormat, typer.Option("--format", help="json, csv or markdown.")] = ReportFormat.MARKDOWN,
    by: By = OPERATOR,
) -> None:
    """Print a transparency report: the numbers of the Santa Clara Principles."""
    made = _published(lambda publishing: publishing.report(_utc(start), _utc(end), actor=by))
    out.out(made.written(as_format), highlight=False, end="")


def erase(  # noqa: PLR0917 - see above
    author: Annotated[str, typer.Option(help="Pseudonym of the person.")] = "",
    post: Annotated[list[str] | None, typer.Option(help="Name of a post; may be given again.")] = None,
    platform: Annotated[str, typer.Option(help="Only on this platform.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    by: By = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Erase a person, or posts, from record store, cache and queues, and prove it. There is no way back."""
    subject = Subject(author=author, posts=tuple(post or ()), platform=platform)
    answered(subject.check)
    if not yes:
        typer.confirm("Erase for good what is known of this person or these posts?", abort=True)
    made = _published(lambda publishing: publishing.erase(subject, actor=by))
    if as_json:
        out.out(json.dumps(_erasure_json(made)), highlight=False)
    else:
        _tell_erasure(made)
    raise typer.Exit(0 if made.complete else 1)


def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Let them go now, instead of only counting them.")] = False,
) -> None:
    """Say how many records of each kind are older than they are kept; a server lets them go by itself every hour."""
    from service.runtime.wiring.use_cases import keeper
    from service.transparency.telemetry import TransparencyObserver

    silent = TransparencyObserver(registry=None)
    due, went = on_store(lambda settings, store: _kept(keeper(settings, store, silent), apply=apply))
    chosen = settings_here()
    table = Table("kind", "kept for", "would go" if not apply else "were due", *(("went",) if apply else ()), box=None)
    for kind in Kind:
        days = getattr(chosen, f"retain_{kind.value}")
        row = [kind.value, f"{days:,} days" if days else "ever", f"{due.get(kind, 0):,}"]
        table.add_row(*row, *((f"{went.get(kind, 0):,}",) if apply else ()))
    out.print(table)


async def _kept(keeper: Keeper, *, apply: bool) -> tuple[dict[Kind, int], dict[Kind, int]]:
    now = datetime.now(UTC)
    due = await keeper.due(now)
    return due, await keeper.once(now) if apply else {}


def _published(work: Callable[[Publishing], Awaitable[T]]) -> T:
    """What `work` gives on the use cases over the record store. Only erasing needs Redis. See `on_store`."""
    from service.runtime.wiring.connections import live_policy, opened_redis
    from service.runtime.wiring.use_cases import publishing

    async def run(settings: Settings, store: "SqlStore") -> T:
        live = await live_policy(settings, store)
        async with opened_redis(settings) as redis:
            return await work(publishing(settings, store, redis, lambda: live.current))

    return on_store(run)


def _utc(day: datetime) -> datetime:
    return datetime.combine(date(day.year, day.month, day.day), time(), UTC)


def _write(file: Path, text: str) -> None:
    """Whole or not at all: a half-written batch would be refused."""
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def _write_rejected(file: Path, batch: Batch) -> None:
    for rejected in batch.rejected:
        told = {"post": rejected.post, "sequence": rejected.sequence, "problems": list(map(str, rejected.problems))}
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(told, ensure_ascii=False) + "\n")
        err.print(f"{rejected.post}: {rejected.problems[0]}", markup=False, highlight=False, soft_wrap=True)


def _tell_chain(report: ChainReport) -> None:
    if report.broken:
        out.print(f"[red]broken[/red] at entry {report.broken:,}: it {report.problem}", highlight=False)
    elif report.expected is False:
        out.print("[red]cut off[/red]: the expected entry is not there (or retention let it go)", highlight=False)
    else:
        out.print(f"whole: {report.entries:,} entries", highlight=False)
    if report.start.number:
        out.print(f"begins after entry {report.start.number:,}: retention let the earlier ones go", highlight=False)
    out.print(f"head: {report.head.digest} (entry {report.head.number:,})", highlight=False, soft_wrap=True)


def _tell_erasure(made: ErasureReport) -> None:
    table = Table("store", "what", "erased", box=None)
    for store, gone in made.erased.items():
        for kind, count in gone.items():
            table.add_row(store, kind, f"{count:,}")
    out.print(table)
    for found in made.kept:
        out.print(f"kept: {_trace(found)}: {found.kept}", highlight=False, markup=False, soft_wrap=True)
    for found in made.remaining:
        out.print(f"REMAINS: {_trace(found)}", style="red", highlight=False, markup=False, soft_wrap=True)
    if made.shared_texts:
        out.print(f"{made.shared_texts:,} texts stay, as posts of others carry them too", highlight=False)
    verdict = "nothing remains" if made.complete else "not complete: look at what remains, then erase again"
    out.print(f"{made.posts:,} posts, {made.passes} passes, {verdict}", highlight=False)
    out.print(f"audit entry {made.entry:,}, digest {made.digest}, salt {made.salt}", highlight=False, soft_wrap=True)


def _trace(found: Found) -> str:
    return f"{found.count:,} x {found.what} in {found.store}, {found.place}"


def _erasure_json(made: ErasureReport) -> dict[str, object]:
    return {
        "complete": made.complete,
        "posts": made.posts,
        "erased": made.erased,
        "remaining": [_trace(found) for found in made.remaining],
        "kept": [_trace(found) for found in made.kept],
        "shared_texts": made.shared_texts,
        "audit_entry": made.entry,
        "digest": made.digest,
        "salt": made.salt,
    }


def _entry_json(entry: AuditEntry) -> dict[str, object]:
    return {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": dict(entry.detail),
        "previous": entry.previous,
        "digest": entry.digest,
    }
