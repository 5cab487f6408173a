"""`assay score`: JSON lines in, signals out."""

import sys

import typer

from classifiers.commands.options import Device, Heads, Model, Threads, explained


def score(model: Model = None, heads: Heads = None, threads: Threads = 1, device: Device = "cpu") -> None:
    """Score JSON lines (`text`, optional `id`) from standard input: one JSON object a line out, in order.

    A line that can't be scored is answered by its number and what is wrong; the exit status is then 1.
    """
    from classifiers.detector import Detector
    from classifiers.score import score_lines

    with explained():
        detector = Detector.load(model, heads, device=device, threads=threads)
    try:
        clean = score_lines(detector, sys.stdin.buffer, sys.stdout)
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(1) from None
    raise typer.Exit(0 if clean else 1)
