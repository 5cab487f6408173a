"""`assay quality`: how good decisions are, and the golden items by which moderators are measured.

Works with and without a running server: it speaks to the database alone. A running front counts, draws the prevalence
sample and puts golden items among cases.
"""

import json
import secrets
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar

import typer

from service.cli.terminal import OPERATOR, AsJson, answered, on_store, out
from service.cli.views import quality as views
from service.domain.decision import Category, Decision
from service.domain.post import Post, Surface
from service.errors import InvalidInput
from service.quality.golden import GoldenItem
from service.quality.golden_maker import GoldenMaker
from service.quality.measures import Quality
from service.quality.opinions import Answer

quality = typer.Typer(no_args_is_help=True, help="Measure moderators and model, and look after golden items.")
golden = typer.Typer(no_args_is_help=True, help="Texts with known answers, shown among real cases.")
quality.add_typer(golden, name="golden")

Days = Annotated[int, typer.Option(help="How many days to look back.", min=1, max=800)]
By = Annotated[str, typer.Option("--by", help="Who does this, by a pseudonym.", envvar="ASSAY_ACTOR")]
_PASTED = "pasted"  # platform of texts that belong to none
T = TypeVar("T")


@quality.command()
def report(days: Days = 90, as_json: AsJson = False) -> None:
    """Show golden scores, agreement, precision and recall, prevalence and drift."""
    back = timedelta(days=days)
    scores = _with(lambda of, _: of.golden_scores(back))
    agreements = _with(lambda of, _: of.agreements(back))
    accuracy = _with(lambda of, _: of.accuracy(back))
    if as_json:
        told = {
            "golden": [views.score_json(each) for each in scores],
            "agreement": views.agreement_json(agreements),
            "accuracy": views.accuracy_json(accuracy),
        }
        out.out(json.dumps(told), highlight=False)
        return
    out.print(views.score_table(scores) if scores else "No golden items were shown.", "")
    out.print(views.agreement_table(agreements), "")
    out.print(views.accuracy_table(accuracy), "")
    out.print(views.decisions_table(accuracy))


@quality.command()
def prevalence(days: Days = 90, as_json: AsJson = False) -> None:
    """Show how much of what is posted breaks a rule, estimated from the prevalence sample."""
    found = _with(lambda of, _: of.prevalence(timedelta(days=days)))
    if as_json:
        out.out(json.dumps(views.prevalence_json(found)), highlight=False)
    else:
        out.print(views.prevalence_table(found))


@quality.command()
def drift(as_json: AsJson = False) -> None:
    """Show how far the scores of each signal moved: two days against the four weeks before."""
    found = _with(lambda of, _: of.drift())
    if as_json:
        for each in found:
            out.out(json.dumps(views.drift_json(each)), highlight=False)
        return
    out.print(views.drift_table(found) if found else "No scores were counted yet.")


@golden.command("add")
def add_golden(  # noqa: PLR0917 - typer makes options of them
    text: Annotated[str, typer.Argument(help="The text; - reads standard input. None with --case.")] = "",
    case: Annotated[str, typer.Option(help="Make it of this decided case.", metavar="ID")] = "",
    decision: Annotated[Decision | None, typer.Option(help="The right decision. Default: that of the case.")] = None,
    category: Annotated[list[Category] | None, typer.Option(help="A right category; again for several.")] = None,
    surface: Annotated[Surface, typer.Option(help="Where a pasted text appears.")] = Surface.FEED,
    platform: Annotated[str, typer.Option(help="The platform that a pasted text appears on.")] = _PASTED,
    locale: Annotated[str, typer.Option(help="BCP 47 language tag of a pasted text.")] = "",
    note: Annotated[str, typer.Option(help="Why this answer, for colleagues.")] = "",
    by: By = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Add a text with its answer, pasted or of a decided case."""
    answer = Answer(decision, frozenset(category or ())) if decision else None
    if case:
        item = _with(lambda _, maker: maker.from_case(case.removeprefix("cases/"), by=by, answer=answer, note=note))
    else:
        body = sys.stdin.read() if text == "-" else text
        right = answered(lambda: _needed(answer))
        post = Post(platform=platform, id=secrets.token_hex(8), text=body, surface=surface, locale=locale)
        item = _with(lambda of, _: of.add_golden(post, right, by=by, note=note))
    _show(item, as_json)


@golden.command("list")
def list_golden(
    retired: Annotated[bool, typer.Option("--all", help="The retired ones, too.")] = False, as_json: AsJson = False
) -> None:
    """List golden items, newest first. Keep the list from moderators."""
    items = _with(lambda of, _: of.golden_items(retired=retired))
    if as_json:
        for each in items:
            out.out(json.dumps(views.golden_json(each)), highlight=False)
        return
    out.print(views.golden_table(items) if items else "No golden items; `assay quality golden add` adds one.")


@golden.command("retire")
def retire_golden(
    item_id: Annotated[str, typer.Argument(help="The item's id.", metavar="ID")], by: By = OPERATOR
) -> None:
    """Show an item no more. What moderators made of it stays."""
    item = _with(lambda of, _: of.retire_golden(item_id.removeprefix("golden/"), by=by))
    out.print(f"{item.name} is retired.", highlight=False)


def _needed(answer: Answer | None) -> Answer:
    if answer is None:
        raise InvalidInput("decision", "is missing", "say what is right for the text, with --decision and --category")
    return answer


def _show(item: GoldenItem, as_json: bool) -> None:
    if as_json:
        out.out(json.dumps(views.golden_json(item)), highlight=False)
    else:
        out.print(views.golden_table([item]))


def _with(work: Callable[[Quality, GoldenMaker], Awaitable[T]]) -> T:
    """What `work` gives on the quality of what the record store holds. See `on_store`."""
    from service.runtime.wiring.use_cases import golden_maker
    from service.runtime.wiring.use_cases import quality as quality_of

    return on_store(lambda _, store: work(quality_of(store), golden_maker(store)))
