"""What the commands share: options, and the output of errors and progress."""

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
    """Turn errors that a user can fix into one line and exit status 2."""
    from classifiers.errors import InputError

    try:
        yield
    except (InputError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


def say(line: str) -> None:
    """Print the progress of a long run on standard error."""
    typer.echo(line, err=True)
