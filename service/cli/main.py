"""The command line. What needs the classifiers comes from entry points: groups `assay.commands` and `assay.claims`."""

import os
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from service.cli.claims import claims
from service.cli.people import people
from service.cli.policy import policies
from service.cli.quality import quality
from service.cli.review import review
from service.cli.terminal import AsJson, answered, err, out, run_to_end, settings_here
from service.cli.transparency import audit, erase, report, retention, statements
from service.cli.webhooks import webhooks
from service.domain.decision import Decision
from service.domain.verdict import VerdictFilter
from service.feeds import FORMATS
from service.runtime import logs
from service.runtime.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Assay judges the posts of a feed: machine-written misinformation and what a policy forbids.",
    epilog="Settings come from ASSAY_* variables; docs/configuration.md lists them.",
)
app.add_typer(policies, name="policy")
app.add_typer(claims, name="claims", rich_help_panel="Server")
app.add_typer(review, name="review", rich_help_panel="Server")
app.add_typer(webhooks, name="webhooks", rich_help_panel="Server")
app.add_typer(people, name="people", rich_help_panel="Server")
app.add_typer(audit, name="audit", rich_help_panel="Server")
app.add_typer(quality, name="quality", rich_help_panel="Server")
app.add_typer(statements, name="statements", rich_help_panel="Server")
for command in (report, erase, retention):
    app.command(rich_help_panel="Server")(command)

Address = Annotated[
    str, typer.Option(envvar="ASSAY_ADDRESS", help="Where the gRPC server listens.", metavar="HOST:PORT")
]
LOCAL: str = Settings.model_fields["address"].default


@app.command(rich_help_panel="Server")
def up(
    data_dir: Annotated[Path | None, typer.Option(help="Keep SQLite and Redis here.")] = None,
    address: Annotated[str, typer.Option(help="Listen here.", metavar="HOST:PORT", envvar="ASSAY_ADDRESS")] = LOCAL,
    shims: Annotated[
        str | None,
        typer.Option(
            "--shim-address",
            help="Answer Perspective's and OpenAI's calls here, or off. Default: 127.0.0.1:8081 if free.",
            metavar="HOST:PORT",
            envvar="ASSAY_SHIM_ADDRESS",
            show_default=False,
        ),
    ] = None,
    feed: Annotated[
        bool, typer.Option("--demo", help="Hand over the sample feed and its claims, to try it on.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every post.")] = False,
) -> None:
    """Start everything here: Redis, SQLite, one worker, gRPC server and dashboard. Ctrl-C drains and stops."""
    from service.cli.demo.demo import fill
    from service.runtime.http_doors import DASHBOARD, SHIMS, dashboard_if_free, shims_if_free
    from service.runtime.stack import up as run

    given = {"address": address, "shim_address": shims_if_free() if shims is None else shims}
    chosen = settings_here(reflection=True, **given, **({"data_dir": data_dir} if data_dir else {}))
    logs.configure("info" if verbose else "warning", pretty=sys.stderr.isatty())
    if shims is None and not chosen.shim_address:
        err.print(f"{SHIMS} is taken: the shims are off. Put them elsewhere with --shim-address.", highlight=False)
    if dashboard_if_free(chosen.dashboard_address) != chosen.dashboard_address:
        chosen = chosen.model_copy(update={"dashboard_address": "off"})
        err.print(
            f"{DASHBOARD} is taken: there is no dashboard. Put it elsewhere with ASSAY_DASHBOARD_ADDRESS.",
            highlight=False,
        )
    run_to_end(run(chosen, out, (lambda port: fill(port, out)) if feed else None))


@app.command(rich_help_panel="Server")
def serve() -> None:
    """Run the gRPC server alone, against the Redis and the database of the settings."""
    chosen = settings_here().resolved()
    logs.configure(chosen.log_level)
    from service.runtime.serving import serve as run

    run_to_end(run(chosen))


@app.command(rich_help_panel="Server")
def dashboard() -> None:
    """Run the dashboard alone, against the Redis and the database of the settings. `assay up` brings its own."""
    from service.runtime.serving import serve_dashboard
    from service.runtime.stack import tell_of

    chosen = settings_here().resolved()
    logs.configure(chosen.log_level)
    run_to_end(serve_dashboard(chosen, lambda served: tell_of(served, out)))


@app.command(rich_help_panel="Server")
def worker() -> None:
    """Run one worker: it loads the model and judges what is queued. Start one per core or GPU."""
    from service.runtime.stack import worker_command, worker_environment

    environment, command = worker_environment(settings_here().resolved()), worker_command()
    os.execve(command[0], command, environment)  # noqa: S606 - the worker takes this process's place, signals and all


@app.command(rich_help_panel="Server")
def migrate() -> None:
    """Bring the database's tables up to date."""
    from service.storage.migrate import current, upgrade

    chosen = settings_here().resolved()
    if chosen.database_url.startswith("sqlite"):
        chosen.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    answered(lambda: upgrade(chosen.database_url))
    out.print(f"The database is at revision {current(chosen.database_url)}.")


@app.command(rich_help_panel="Server")
def settings() -> None:
    """Show every setting: its variable, the value it has here, and what it does."""
    table = Table("variable", "value", "what it does", box=None)
    found = settings_here()
    for name, field in Settings.model_fields.items():
        table.add_row(f"ASSAY_{name.upper()}", escape(str(getattr(found, name))), field.description)
    out.print(table)


@app.command(rich_help_panel="Client")
def check(  # noqa: PLR0917 - typer makes options of them
    text: Annotated[str, typer.Argument(help="The post's text; - reads standard input.")],
    address: Address = LOCAL,
    surface: Annotated[str, typer.Option(help="feed, story, reel, comment, ad or bio.")] = "feed",
    region: Annotated[str, typer.Option(help="ISO 3166-1 region, such as DE.")] = "",
    locale: Annotated[str, typer.Option(help="BCP 47 language tag.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask a running Assay for the verdict on one text, and show why."""
    from service.cli.client import check as run

    body = sys.stdin.read() if text == "-" else text
    run_to_end(run(body, address, out, surface=surface, region=region, locale=locale, as_json=as_json))


@app.command(rich_help_panel="Client")
def author(
    file: Annotated[Path, typer.Argument(help="JSON lines of one author's posts, 50 at most; - reads standard input.")],
    address: Address = LOCAL,
    name: Annotated[str, typer.Option(help="A pseudonym of the author. Default: the one that the posts name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask a running Assay whether a machine writes an author's posts: together they say what one cannot."""
    from service.cli.client import author as run
    from service.runtime.wiring.use_cases import pseudonyms

    authors = pseudonyms(settings_here())
    raise typer.Exit(run_to_end(run(file, address, out, err, name=name, authors=authors, as_json=as_json)))


@app.command(rich_help_panel="Client")
def submit(
    file: Annotated[Path, typer.Argument(help="The feed; - reads standard input.")],
    feed_format: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.", metavar="FORMAT")
    ] = "jsonl",
    address: Address = LOCAL,
    wait: Annotated[bool, typer.Option(help="Wait for the verdicts.")] = True,
    as_json: AsJson = False,
) -> None:
    """Hand a feed over for judging; accepted posts are decided even if everything is killed now."""
    from service.cli.client import submit as run
    from service.runtime.wiring.use_cases import pseudonyms

    authors = pseudonyms(settings_here())
    raise typer.Exit(run_to_end(run(file, feed_format, address, out, err, authors=authors, wait=wait, as_json=as_json)))


@app.command(rich_help_panel="Client")
def watch(  # noqa: PLR0917 - see above
    address: Address = LOCAL,
    cursor: Annotated[str, typer.Option(help="Go on after this cursor; 0 is the beginning.")] = "",
    decision: Annotated[list[Decision] | None, typer.Option(help="Only these decisions.")] = None,
    claim: Annotated[str, typer.Option(help="Only posts that repeat, discuss or rebut this claim.", metavar="ID")] = "",
    cluster: Annotated[str, typer.Option(help="Only near-duplicates, by their cluster's name.", metavar="NAME")] = "",
    as_json: AsJson = False,
) -> None:
    """Follow verdicts as they are decided. Ctrl-C ends it and prints the cursor to go on from."""
    from service.cli.client import watch as run

    only = VerdictFilter(decisions=tuple(decision or ()), claim_id=claim, cluster=cluster)
    run_to_end(run(address, out, err, cursor=cursor, only=only, as_json=as_json))


@app.command(rich_help_panel="Server")
def demo() -> None:
    """Judge the shipped sample feed from end to end in a temporary directory, and show what came out."""
    from service.cli.demo.demo import demo as run

    logs.configure("error", pretty=sys.stderr.isatty())
    run_to_end(run(out))


@cache
def commands() -> typer.Typer:
    """Every command: the service's own, and those that entry points name."""
    for group, those in (("assay.commands", app), ("assay.claims", claims)):
        for plugin in sorted(entry_points(group=group), key=lambda plugin: plugin.name):
            those.command(plugin.name, rich_help_panel="Model")(plugin.load())
    return app


def main() -> None:
    """Entry point of the `assay` command."""
    commands()()
