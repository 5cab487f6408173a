"""`assay redteam`: detection under attack."""

from pathlib import Path
from typing import Annotated

import typer

from classifiers.commands.options import Device, Heads, Licences, Model, Threads, explained, say


def redteam(
    *,
    data: Annotated[
        Path, typer.Option(help="Directory of labelled sets, or JSON lines with `text` and `ai` (0 or 1).", exists=True)
    ],
    model: Model = None,
    heads: Heads = None,
    split: Annotated[str, typer.Option(help="Attack this split of a directory's sets.")] = "test",
    per_set: Annotated[int, typer.Option(help="At most this many rows of a set.", min=1)] = 100,
    words: Annotated[int, typer.Option(help="Also measure on this many first words; 0: whole texts only.", min=0)] = 80,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")] = None,
    licences: Licences = None,
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Attack labelled texts at published rates: a table of the remaining detection, and of human texts flagged."""
    from classifiers.evaluation.redteam import RedTeamOptions, table
    from classifiers.evaluation.redteam import redteam as run

    options = RedTeamOptions(
        data,
        model,
        heads,
        split=split,
        per_set=per_set,
        words=words,
        seed=seed,
        licences=tuple(licences) if licences else None,
        report=report,
        device=device,
        threads=threads,
    )
    with explained():
        print(table(run(options, say=say)))
