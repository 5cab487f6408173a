"""`assay calibrate`: a bundle calibrated and certified on labelled posts."""

from pathlib import Path
from typing import Annotated

import typer

from classifiers.commands.options import Device, Heads, Model, Threads, explained, say


def calibrate(
    *,
    out: Annotated[Path, typer.Option(help="Write the calibrated bundle here, a new directory.")],
    data: Annotated[
        Path | None, typer.Option(help="Your labelled posts: JSON lines (`text`, labels), or a directory.", exists=True)
    ] = None,
    from_decisions: Annotated[
        Path | None, typer.Option(help="Your moderators' decisions: JSON lines.", exists=True, dir_okay=False)
    ] = None,
    model: Model = None,
    heads: Heads = None,
    alpha: Annotated[float, typer.Option(help="Largest share of posts that a threshold may get wrong.")] = 0.01,
    delta: Annotated[float, typer.Option(help="Probability that an upper threshold gets more wrong.")] = 0.05,
    prevalence: Annotated[
        list[str] | None,
        typer.Option(help="Share of your posts that a label holds for (repeatable).", metavar="LABEL=RATE"),
    ] = None,
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Fit probabilities and certified thresholds to your own posts: a new bundle, and a table of its guarantees."""
    from classifiers.training.calibrate import CalibrateOptions, parse_prevalence
    from classifiers.training.calibrate import calibrate as run

    with explained():
        options = CalibrateOptions(
            out,
            data,
            from_decisions,
            model,
            heads,
            alpha=alpha,
            delta=delta,
            prevalence=parse_prevalence(prevalence or []),
            device=device,
            threads=threads,
        )
        print(run(options, say=say))
