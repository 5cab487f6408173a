"""What the commands share: options, and how errors and progress are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    Path | None,
    typer.Option(help="Bundle, or Llama directory with --heads. Default: the shipped starter.", envvar="ASSAY_MODEL"),
]
Heads = Annotated[Path | None, typer.Option(help="Heads bundle made for --model.", envvar="ASSAY_HEADS")]
Encoder = Annotated[
    Path | None,
    typer.Option(help="Sentence-transformers directory instead of the bundle's encoder.", envvar="ASSAY_CLAIM_ENCODER"),
]
Data = Annotated[Path, typer.Option(help="Directory of labelled *.jsonl.gz sets.", exists=True, file_okay=False)]
Licences = Annotated[list[str] | None, typer.Option(help="Use rows of these licences only (patterns, repeatable).")]
Device = Annotated[str, typer.Option(help="Torch device of the network.")]
Threads = Annotated[int, typer.Option(help="Threads of one pass.", min=1)]


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors that a user can mend into one line and exit status 2."""
    from classifiers.errors import InputError

    try:
        yield
    except (InputError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


def say(line: str) -> None:
    """Tell how far a long run is, on standard error."""
    typer.echo(line, err=True)
