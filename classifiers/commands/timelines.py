"""`assay timelines`: weights for posts of one author."""

from pathlib import Path
from typing import Annotated

import typer

from classifiers.commands.options import Data, Device, Heads, Licences, Model, Threads, explained, say


def timelines(
    *,
    data: Data,
    model: Model = None,
    heads: Heads = None,
    fit: Annotated[Path | None, typer.Option(help="Write the weights into this bundle, or file.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    licences: Licences = None,
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Fit how an author's posts are weighed together, and measure it by number of posts, on simulated accounts."""
    from classifiers.evaluation.timelines import TimelineOptions
    from classifiers.evaluation.timelines import timelines as run

    options = TimelineOptions(
        data,
        model,
        heads,
        fit=fit,
        licences=tuple(licences) if licences else None,
        seed=seed,
        device=device,
        threads=threads,
    )
    with explained():
        print(run(options, say=say))
