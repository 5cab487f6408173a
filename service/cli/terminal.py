"""What every command of the command line shares: where it prints, its settings, and errors as one line."""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from service.errors import AssayError
from service.runtime.settings import Settings

if TYPE_CHECKING:
    from service.records.sql.store import SqlStore

out = Console()
err = Console(stderr=True)
OPERATOR = "operator"
"""Who acts in the audit log unless `--by` names someone."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
T = TypeVar("T")


def settings_here(**values: object) -> Settings:
    """The settings of this environment, with `values` before them; wrong ones are named, with exit status 2."""
    try:
        return Settings(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        for problem in error.errors():
            name = "ASSAY_" + "_".join(map(str, problem["loc"])).upper()
            err.print(f"[red]{name}[/red]: {problem['msg']} (got {problem['input']!r})", highlight=False)
        raise typer.Exit(2) from None


def opened(file: Path) -> AbstractContextManager[io.BufferedReader]:
    """The bytes of a file, or of standard input (which stays open) where it is named -. Raises `OSError`."""
    return nullcontext(cast("io.BufferedReader", sys.stdin.buffer)) if str(file) == "-" else file.open("rb")


def run_to_end(work: Coroutine[None, None, T]) -> T:
    """Run `work` on a loop of its own, as `answered` does."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return answered(lambda: runner.run(work))


def on_store(work: "Callable[[Settings, SqlStore], Awaitable[T]]") -> T:
    """What `work` gives on the record store of the settings; the tables of the embedded one are brought up to date."""
    from service.runtime.wiring.connections import opened_store
    from service.storage.migrate import upgrade

    given = settings_here()
    chosen = given.resolved()

    def prepare() -> None:
        chosen.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        upgrade(chosen.database_url)

    async def run() -> T:
        async with opened_store(chosen) as store:
            return await work(chosen, store)

    if not given.database_url:
        answered(prepare)
    return run_to_end(run())


def answered(work: Callable[[], T]) -> T:
    """Run `work`; what it raises for the caller becomes one line and exit status 1."""
    try:
        return work()
    except (AssayError, OSError) as error:
        err.print(f"[red]error[/red]: {escape(str(error))}", highlight=False, soft_wrap=True)
        if error.__cause__:
            err.print(f"  {str(error.__cause__).splitlines()[0]}", style="dim", highlight=False, markup=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
