"""`assay policy`: check documents, keep versions, see what a change would do, promote it and take it back.

Works with and without a running server: it speaks to the database alone, and fronts and workers take a promoted version
up by themselves.
"""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from rich.markup import escape

from service.cli.terminal import OPERATOR, AsJson, answered, err, on_store, out, settings_here
from service.cli.views.policy import (
    backtest_json,
    category_table,
    change_json,
    change_table,
    comparison_json,
    example_lines,
    matrix_table,
    version_json,
    version_table,
)
from service.errors import InvalidInput, PolicyInvalid
from service.policy.governance.governing import Governing
from service.policy.governance.policy_version import PolicyChange, PolicyVersion
from service.runtime.settings import Settings

if TYPE_CHECKING:
    from service.records.sql.store import SqlStore

policies = typer.Typer(no_args_is_help=True, help="Look after policies: files, versions, what a change would do.")

File = Annotated[Path, typer.Argument(help="A policy file.", exists=True, dir_okay=False)]
Version = Annotated[str, typer.Argument(help="The version, or its beginning; live: the one that decides.")]
By = Annotated[str, typer.Option("--by", help="Who does this, by a pseudonym.", envvar="ASSAY_ACTOR")]
Why = Annotated[str, typer.Option("--note", help="Why, for the history.")]
T = TypeVar("T")


@policies.command()
def validate(
    file: Annotated[
        Path | None, typer.Argument(help="A policy file; none: the shipped default.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Check a policy file, with the certificate of the settings: every mistake with its line and key."""
    from service.policy.document import load
    from service.runtime.wiring.connections import certificate

    try:
        policy = load(file, answered(lambda: certificate(settings_here())))
    except PolicyInvalid as error:
        _refuse(error, str(file or "default policy"))
    out.print(
        f"{file or 'the shipped default policy'} is valid: {policy.name}, version {policy.version}", soft_wrap=True
    )


@policies.command("list")
def list_versions(
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50, as_json: AsJson = False
) -> None:
    """List the versions, newest first, and which of them decides."""

    async def work(governing: Governing) -> tuple[list[PolicyVersion], str, str]:
        live, slots = await governing.live(), await governing.slots()
        return await governing.versions(limit=limit), live.version, slots.shadow

    found, live, shadow = _governed(work)
    if not as_json:
        return out.print(version_table(found, live, shadow))
    for each in found:
        _print_json(version_json(each, live=each.version == live, shadow=each.version == shadow))
    return None


@policies.command()
def show(version: Version = "live") -> None:
    """Print a version's document."""
    out.out(_governed(lambda governing: _found(governing, version)).document.rstrip("\n"), highlight=False)


@policies.command()
def history(limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50, as_json: AsJson = False) -> None:
    """List who did what, newest first."""
    found = _governed(lambda governing: governing.changes(limit=limit))
    if not as_json:
        return out.print(change_table(found) if found else "Nothing was done yet.")
    for each in found:
        _print_json(change_json(each))
    return None


@policies.command()
def diff(
    candidate: Version, base: Annotated[str, typer.Option(help="The version before; live when not said.")] = "live"
) -> None:
    """Say in plain words what changes from one version to another."""

    async def work(governing: Governing) -> list[str]:
        versions = [(await _found(governing, each)).version for each in (base, candidate)]
        return [difference.words for difference in await governing.difference(*versions)]

    for words in _governed(work) or ["Nothing changes: it is the same version."]:
        out.print(words, markup=False, highlight=False, soft_wrap=True)


@policies.command()
def create(file: File, by: By = OPERATOR, note: Why = "") -> None:
    """Keep a policy file as a version. It decides nothing until it is promoted."""
    document = answered(lambda: _text(file))

    async def work(governing: Governing) -> PolicyVersion | PolicyInvalid:
        try:
            return await governing.create(document, author=by, note=note)
        except PolicyInvalid as error:
            return error

    made = _governed(work)
    if isinstance(made, PolicyInvalid):
        _refuse(made, str(file))
    out.print(f"{made.name} is kept: {escape(made.title)}", highlight=False, soft_wrap=True)


@policies.command()
def backtest(
    candidate: Version,
    base: Annotated[str, typer.Option(help="The version to compare with; live when not said.")] = "live",
    days: Annotated[float, typer.Option(help="How many days to go back.")] = 7.0,
    limit: Annotated[int, typer.Option(help="At most so many verdicts, the newest.")] = 100_000,
    as_json: AsJson = False,
) -> None:
    """Say which recorded verdicts a version would have given otherwise."""

    async def work(governing: Governing) -> None:
        versions = [(await _found(governing, each)).version for each in (candidate, base)]
        found = await governing.backtest(versions[0], base=versions[1], days=days, limit=limit)
        if as_json:
            return _print_json(backtest_json(found))
        out.print(found.summary, highlight=False, soft_wrap=True)
        notes = f"{found.recategorised:,} keep their decision under other categories; {found.by_people:,} were"
        out.print(f"{notes} decided by people, and {found.unjudged:,} by no model.", highlight=False, soft_wrap=True)
        actions = "Automatic actions: {:,} before, {:,} after.".format(*found.automatic)
        out.print(actions, highlight=False)
        if found.categories:
            out.print(category_table(found.categories))
        examples = [
            (f.post, f.before.decision, f.after.decision, ", ".join(f.after.rules or f.before.rules))
            for f in found.examples
        ]
        return _print_lines(example_lines(examples))

    _governed(work)


@policies.command()
def promote(
    version: Version,
    by: By = OPERATOR,
    note: Why = "",
    expected: Annotated[str, typer.Option(help="Only if this version is live now.")] = "",
) -> None:
    """Have a version decide from now on; fronts and workers take it up within seconds."""

    async def work(governing: Governing) -> PolicyChange:
        seen = (await _found(governing, expected)).version if expected else None
        found = await _found(governing, version)
        return await governing.promote(found.version, actor=by, note=note, expected=seen)

    change = _governed(work)
    out.print(f"policies/{change.version} is live.", highlight=False, soft_wrap=True)


@policies.command("rollback")
def roll_back(by: By = OPERATOR, note: Why = "") -> None:
    """Take the last promotion back; once more, the one before it."""
    change = _governed(lambda governing: governing.roll_back(actor=by, note=note))
    live = f"policies/{change.version}" if change.version else "the policy file of the settings"
    out.print(f"{live} is live again.", highlight=False, soft_wrap=True)


@policies.command()
def shadow(
    version: Annotated[str, typer.Argument(help="The version, or its beginning; none: end the shadow run.")] = "",
    by: By = OPERATOR,
    note: Why = "",
) -> None:
    """Have a version rule on every verdict beside the live one, or end that. `compare` shows how it did."""

    async def work(governing: Governing) -> PolicyChange:
        found = (await _found(governing, version)).version if version else ""
        return await governing.set_shadow(found, actor=by, note=note)

    change = _governed(work)
    says = f"policies/{change.version} runs in shadow." if change.version else "Nothing runs in shadow."
    out.print(says, highlight=False, soft_wrap=True)


@policies.command()
def compare(
    version: Annotated[str, typer.Argument(help="The version, or its beginning; none: that in shadow.")] = "",
    days: Annotated[float, typer.Option(help="How many days to go back; 0: for as long as it ran.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Say how often a shadow policy agreed with what was decided, and where it differs."""

    async def work(governing: Governing) -> None:
        wanted = (await _found(governing, version)).version if version else ""
        found = await governing.compare_shadow(wanted, days=days or None)
        if as_json:
            return _print_json(comparison_json(found))
        share = f" ({found.agreed / found.posts:.1%})" if found.posts else ""
        out.print(f"It agrees on {found.agreed:,} of {found.posts:,} posts{share}.", highlight=False)
        out.print(matrix_table(found.matrix))
        return _print_lines(example_lines([(e.post, e.live, e.shadow, ", ".join(e.rules)) for e in found.examples]))

    _governed(work)


def _governed(work: Callable[[Governing], Awaitable[T]]) -> T:
    """What `work` gives on the policies of the record store. See `on_store`."""
    from service.runtime.wiring.use_cases import governing

    async def run(settings: Settings, store: "SqlStore") -> T:
        use_cases = governing(settings, store)
        await use_cases.enrol()
        return await work(use_cases)

    return on_store(run)


async def _found(governing: Governing, version: str) -> PolicyVersion:
    """The version of that name, of that beginning, or (`live`) the one that decides."""
    wanted = version.removeprefix("policies/")
    if wanted == "live":
        return await governing.live()
    likely = [each for each in await governing.versions(limit=1_000) if each.version.startswith(wanted)]
    if len(likely) > 1:
        raise InvalidInput("version", f"{wanted!r} begins several names", "write more of it")
    return likely[0] if likely else await governing.find(wanted)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(str(file), f"is not UTF-8 at byte {error.start}", "save it as UTF-8 text") from error


def _refuse(error: PolicyInvalid, file: str) -> NoReturn:
    for problem in (str(error), *getattr(error, "__notes__", ())):
        err.print(f"[red]{escape(file)}[/red]: {escape(problem)}", highlight=False)
    raise typer.Exit(1) from None


def _print_json(value: object) -> None:
    out.out(json.dumps(value), highlight=False)


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
