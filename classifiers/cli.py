"""The commands that need the classifiers: score, train, evaluate. The `assay` command line finds them by entry point.

This module is imported at every start of `assay`, so it imports nothing heavy itself.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Score, train and evaluate Assay's models.")

Model = Annotated[
    Path | None,
    typer.Option(help="Bundle, or Llama directory with --heads. Default: the shipped starter.", envvar="ASSAY_MODEL"),
]
Heads = Annotated[Path | None, typer.Option(help="Heads bundle made for --model.", envvar="ASSAY_HEADS")]
Data = Annotated[Path, typer.Option(help="Directory of labelled *.jsonl.gz sets.", exists=True, file_okay=False)]
Licences = Annotated[list[str] | None, typer.Option(help="Use rows of these licences only (patterns, repeatable).")]
Device = Annotated[str, typer.Option(help="Torch device of the network.")]
Threads = Annotated[int, typer.Option(help="Threads of one pass.", min=1)]


@app.command()
def score(model: Model = None, heads: Heads = None, threads: Threads = 1, device: Device = "cpu") -> None:
    """Score JSON lines (`text`, optional `id`) from standard input: one JSON object a line out, in order.

    A line that can't be scored is answered by its number and what is wrong; the exit status is then 1.
    """
    from classifiers.detector import Detector
    from classifiers.score import score_lines

    with _explained():
        detector = Detector.load(model, heads, device=device, threads=threads)
    try:
        clean = score_lines(detector, sys.stdin.buffer, sys.stdout)
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(1) from None
    raise typer.Exit(0 if clean else 1)


@app.command()
def train(
    *,
    data: Data,
    out: Annotated[Path, typer.Option(help="Write the bundle here.")],
    backbone: Annotated[Path | None, typer.Option(help="Train heads for this Llama directory.", exists=True)] = None,
    work: Annotated[Path | None, typer.Option(help="Keep checkpoints here. Default: beside --out.")] = None,
    minutes: Annotated[float, typer.Option(help="Train the network so long (without --backbone).", min=0.0)] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    licences: Licences = None,
    draws: Annotated[int, typer.Option(help="Crops that --backbone reads.", min=100)] = 60_000,
    screen_draws: Annotated[int, typer.Option(help="Crops that the screen is fitted to.", min=100)] = 90_000,
    threads: Threads = 1,
    device: Device = "cpu",
    note: Annotated[str, typer.Option(help="Say this in the model card.")] = "",
) -> None:
    """Train a starter from nothing, or heads for a Llama model. Run again to go on where it stopped."""
    from classifiers.train import PretrainOptions, TrainOptions
    from classifiers.train import train as run

    options = TrainOptions(
        data,
        out,
        backbone=backbone,
        work=work,
        licences=tuple(licences) if licences else None,
        seed=seed,
        network=PretrainOptions(minutes=minutes, threads=threads),
        draws=draws,
        screen_draws=screen_draws,
        device=device,
        note=note,
    )
    with _explained():
        run(options, say=_say)


@app.command()
def evaluate(
    *,
    data: Data,
    model: Model = None,
    heads: Heads = None,
    split: Annotated[str, typer.Option(help="Measure on this split.")] = "test",
    per_set: Annotated[int, typer.Option(help="At most so many rows of a set.", min=1)] = 1500,
    card: Annotated[Path | None, typer.Option(help="Write the model card here.")] = None,
    licences: Licences = None,
    device: Device = "cpu",
) -> None:
    """Measure a bundle on held-out rows: the report as JSON on standard output, and the model card if asked."""
    from classifiers.evaluate import EvaluateOptions
    from classifiers.evaluate import evaluate as run

    options = EvaluateOptions(
        data,
        model,
        heads,
        split=split,
        per_set=per_set,
        licences=tuple(licences) if licences else None,
        card=card,
        device=device,
    )
    with _explained():
        print(run(options, say=_say).to_json())


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the errors that a user can mend into one line and exit status 2."""
    from classifiers.errors import InputError

    try:
        yield
    except (InputError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


def _say(line: str) -> None:
    typer.echo(line, err=True)


if __name__ == "__main__":
    app()
