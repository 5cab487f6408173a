"""The commands that need the classifiers. The `assay` command line finds them by entry point.

This module is imported at every start of `assay`, so it imports nothing heavy itself.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

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
    hidden_size: Annotated[int, typer.Option(help="Width of the network.", min=16)] = 256,
    layers: Annotated[int, typer.Option(help="Layers of the network.", min=1)] = 6,
    attention_heads: Annotated[
        int, typer.Option(help="Attention heads of the network; they share its width.", min=1)
    ] = 4,
    rows: Annotated[int, typer.Option(help="Rows of 192 tokens in a step: 32 suit a CPU, 512 a GPU.", min=1)] = 32,
    teacher: Annotated[
        Path | None,
        typer.Option(help="Sentence-transformers directory whose embeddings the network learns too.", exists=True),
    ] = None,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="Show the network no label: a base for `leaveout`.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    licences: Licences = None,
    draws: Annotated[int, typer.Option(help="Crops that --backbone reads.", min=100)] = 60_000,
    lora: Annotated[
        int, typer.Option(help="Rank of a low-rank adapter for --backbone, at twice the cost a text. 0: none.", min=0)
    ] = 0,
    lora_alpha: Annotated[
        int | None, typer.Option(help="Scale of the adapter. Default: twice its rank.", min=1)
    ] = None,
    lora_epochs: Annotated[int, typer.Option(help="Times that the adapter's training sees --draws.", min=1)] = 2,
    lora_rate: Annotated[float, typer.Option(help="Learning rate of adapter and heads.", min=0.0)] = 2e-4,
    lora_every_layer: Annotated[
        bool, typer.Option("--lora-every-layer", help="Adapt every linear layer, not queries and values only.")
    ] = False,
    lora_checkpointing: Annotated[
        bool, typer.Option("--lora-checkpointing", help="Save memory: compute activations again, a third slower.")
    ] = False,
    screen_draws: Annotated[int, typer.Option(help="Crops that the screen is fitted to.", min=100)] = 90_000,
    threads: Threads = 1,
    device: Device = "cpu",
    note: Annotated[str, typer.Option(help="Say this in the model card.")] = "",
) -> None:
    """Train a starter from nothing, or heads for a Llama model. Run again to go on where it stopped."""
    from classifiers.lora import ATTENTION, EVERY_LINEAR
    from classifiers.train import LoraOptions, PretrainOptions, TrainOptions
    from classifiers.train import train as run

    if lora and not backbone:
        raise typer.BadParameter("an adapter needs the model that it adapts: give --backbone too", param_hint="--lora")
    adapter = LoraOptions(
        lora,
        lora_alpha or 2 * lora,
        targets=EVERY_LINEAR if lora_every_layer else ATTENTION,
        epochs=lora_epochs,
        rate=lora_rate,
        checkpointing=lora_checkpointing,
    )
    options = TrainOptions(
        data,
        out,
        backbone=backbone,
        work=work,
        licences=tuple(licences) if licences else None,
        seed=seed,
        network=PretrainOptions(
            minutes=minutes,
            hidden_size=hidden_size,
            layers=layers,
            attention_heads=attention_heads,
            intermediate_size=_wide(hidden_size),
            rows=rows,
            threads=threads,
            device=device,
            teacher=teacher,
            unlabelled=unlabelled,
        ),
        lora=adapter if lora else None,
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
    data: Annotated[
        Path | None, typer.Option(help="Directory of labelled *.jsonl.gz sets.", exists=True, file_okay=False)
    ] = None,
    model: Model = None,
    heads: Heads = None,
    split: Annotated[str, typer.Option(help="Measure on this split.")] = "test",
    per_set: Annotated[int, typer.Option(help="At most so many rows of a set.", min=1)] = 1500,
    report: Annotated[Path | None, typer.Option(help="Write report.html, .md and .json into this directory.")] = None,
    card: Annotated[Path | None, typer.Option(help="Write the model card here.")] = None,
    leaveout: Annotated[
        list[Path] | None, typer.Option(help="Put this grid of `assay leaveout` in (repeatable).", exists=True)
    ] = None,
    fixture: Annotated[
        Path | None, typer.Option(help="Measure these posts too; alone if there is no --data.", exists=True)
    ] = None,
    expect: Annotated[Path | None, typer.Option(help="Write the fixture's figures here, for tests.")] = None,
    attack_rows: Annotated[int, typer.Option(help="Attack so many texts of either class; 0: none.", min=0)] = 200,
    licences: Licences = None,
    device: Device = "cpu",
) -> None:
    """Measure a bundle on held-out rows: the report as files or, without --report, as JSON; the model card."""
    from classifiers.evaluate import EvaluateOptions, evaluate_fixture
    from classifiers.evaluate import evaluate as run

    if expect and not fixture:
        raise typer.BadParameter("figures of which posts? give --fixture too", param_hint="--expect")
    with _explained():
        if data is None:
            if fixture is None:
                raise typer.BadParameter("give labelled sets, or posts (--fixture FILE)", param_hint="--data")
            print(evaluate_fixture(fixture, model, heads, expect=expect, device=device).to_json())
            return
        options = EvaluateOptions(
            data,
            model,
            heads,
            split=split,
            per_set=per_set,
            licences=tuple(licences) if licences else None,
            card=card,
            report=report,
            leaveout=tuple(leaveout or ()),
            fixture=fixture,
            expect=expect,
            attack_rows=attack_rows,
            device=device,
        )
        measured = run(options, say=_say)
        if not report:
            print(measured.to_json())


@app.command()
def leaveout(
    *,
    data: Data,
    by: Annotated[Literal["set", "domain", "generator"], typer.Option(help="Leave out each of these in turn.")],
    model: Model = None,
    base: Annotated[
        Path | None, typer.Option(help="Network trained without labels, to take features from.", exists=True)
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the grid here, and go on where it stands.")] = None,
    work: Annotated[Path | None, typer.Option(help="Keep features here. Default: beside --report.")] = None,
    draws: Annotated[int, typer.Option(help="Crops that heads and screen are refitted to.", min=100)] = 12_000,
    per_class: Annotated[int, typer.Option(help="Measure on so many held-out rows of either class.", min=10)] = 100,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    licences: Licences = None,
    device: Device = "cpu",
) -> None:
    """Refit heads and screen without each set, domain or generator in turn, and measure on what was left out."""
    from classifiers.leaveout import LeaveOutOptions, leave_out
    from classifiers.report.tables import grid, grid_words

    options = LeaveOutOptions(
        data,
        by,
        model,
        base=base,
        report=report,
        work=work,
        licences=tuple(licences) if licences else None,
        draws=draws,
        per_class=per_class,
        seed=seed,
        device=device,
    )
    with _explained():
        found = leave_out(options, say=_say)
        print(f"{grid_words(found)}\n{grid(found)}")


@app.command()
def redteam(
    *,
    data: Annotated[
        Path, typer.Option(help="Directory of labelled sets, or JSON lines with `text` and `ai` (0 or 1).", exists=True)
    ],
    model: Model = None,
    heads: Heads = None,
    split: Annotated[str, typer.Option(help="Attack this split of a directory's sets.")] = "test",
    per_set: Annotated[int, typer.Option(help="At most so many rows of a set.", min=1)] = 100,
    words: Annotated[int, typer.Option(help="Also on the first so many words; 0: whole texts only.", min=0)] = 80,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")] = None,
    licences: Licences = None,
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Attack labelled texts at published rates: a table of what detection is left, and of people flagged."""
    from classifiers.redteam import RedTeamOptions, table
    from classifiers.redteam import redteam as run

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
    with _explained():
        print(table(run(options, say=_say)))


@app.command()
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
    alpha: Annotated[float, typer.Option(help="Most of the posts that a threshold may get wrong.")] = 0.01,
    delta: Annotated[float, typer.Option(help="Chance that an upper threshold gets more wrong.")] = 0.05,
    prevalence: Annotated[
        list[str] | None,
        typer.Option(help="Share of your posts that a label holds for (repeatable).", metavar="LABEL=RATE"),
    ] = None,
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Fit probabilities and certified thresholds to your own posts: a new bundle, and a table of what it promises."""
    from classifiers.calibrate import CalibrateOptions, parse_prevalence
    from classifiers.calibrate import calibrate as run

    with _explained():
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
        print(run(options, say=_say))


@app.command()
def timelines(
    *,
    data: Data,
    model: Model = None,
    heads: Heads = None,
    fit: Annotated[Path | None, typer.Option(help="Write the weighing here, for ASSAY_TIMELINE.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    licences: Licences = None,
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Fit how an author's posts are weighed together, and measure it by number of posts, on simulated accounts."""
    from classifiers.timelines import TimelineOptions
    from classifiers.timelines import timelines as run

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
    with _explained():
        print(run(options, say=_say))


def _wide(hidden_size: int) -> int:
    """Llama's inner width: 8/3 of the outer, in whole multiples of 16."""
    return round(hidden_size * 8 / 3 / 16) * 16


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
