"""`assay evaluate` and `assay leaveout`: how good a bundle is."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from classifiers.commands.options import Data, Device, Heads, Licences, Model, explained, say


def evaluate(
    *,
    data: Annotated[
        Path | None, typer.Option(help="Directory of labelled *.jsonl.gz sets.", exists=True, file_okay=False)
    ] = None,
    model: Model = None,
    heads: Heads = None,
    split: Annotated[str, typer.Option(help="Measure on this split.")] = "test",
    per_set: Annotated[int, typer.Option(help="At most this many rows of a set.", min=1)] = 1500,
    report: Annotated[Path | None, typer.Option(help="Write report.html, .md and .json into this directory.")] = None,
    card: Annotated[Path | None, typer.Option(help="Write the model card here.")] = None,
    leaveout: Annotated[
        list[Path] | None, typer.Option(help="Include this grid of `assay leaveout` (repeatable).", exists=True)
    ] = None,
    fixture: Annotated[
        Path | None, typer.Option(help="Measure these posts too; alone if there is no --data.", exists=True)
    ] = None,
    expect: Annotated[Path | None, typer.Option(help="Write the fixture's figures here, for tests.")] = None,
    attack_rows: Annotated[int, typer.Option(help="Attack this many texts of each class; 0: none.", min=0)] = 200,
    licences: Licences = None,
    device: Device = "cpu",
) -> None:
    """Measure a bundle on held-out rows: the report as files or, without --report, as JSON; the model card."""
    from classifiers.evaluation.evaluate import EvaluateOptions, evaluate_fixture
    from classifiers.evaluation.evaluate import evaluate as run

    if expect and not fixture:
        raise typer.BadParameter("figures of which posts? give --fixture too", param_hint="--expect")
    with explained():
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
        measured = run(options, say=say)
        if not report:
            print(measured.to_json())


def leaveout(
    *,
    data: Data,
    by: Annotated[Literal["set", "domain", "generator"], typer.Option(help="Leave out each of these in turn.")],
    model: Model = None,
    base: Annotated[
        Path | None, typer.Option(help="Network trained without labels, to take features from.", exists=True)
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the grid here, or resume it.")] = None,
    work: Annotated[Path | None, typer.Option(help="Keep features here. Default: next to --report.")] = None,
    draws: Annotated[int, typer.Option(help="Crops that heads and screen are refitted to.", min=100)] = 12_000,
    per_class: Annotated[int, typer.Option(help="Measure on this many held-out rows of each class.", min=10)] = 100,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    licences: Licences = None,
    device: Device = "cpu",
) -> None:
    """Refit heads and screen without each set, domain or generator in turn, and measure on what was left out."""
    from classifiers.evaluation.leaveout import LeaveOutOptions, leave_out
    from classifiers.evaluation.report.tables import grid, grid_words

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
    with explained():
        found = leave_out(options, say=say)
        print(f"{grid_words(found)}\n{grid(found)}")
