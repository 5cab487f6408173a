"""`assay quality` on a SQLite file of its own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.quality import quality

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command; the data directory is the test's."""
    environment = {"ASSAY_DATA_DIR": str(tmp_path), "ASSAY_DATABASE_URL": "", "COLUMNS": "160"}

    def call(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(quality, list(arguments), env=environment, input=stdin)

    return call


def test_golden_items_are_added_listed_and_retired(run: Run) -> None:
    added = run("golden", "add", "-", "--decision", "BLOCK", "--category", "FRAUD", "--json", stdin="Send your PIN")
    assert added.exit_code == 0, added.output
    item = json.loads(added.stdout)
    assert (item["text"], item["decision"], item["categories"]) == ("Send your PIN", "BLOCK", ["FRAUD"])
    assert item["state"] == "not read yet"
    again = run("golden", "add", "Send your PIN", "--decision", "ALLOW")
    assert again.exit_code == 1
    assert "golden item already" in again.output
    assert item["id"] in run("golden", "list").stdout
    assert run("golden", "retire", f"golden/{item['id']}").exit_code == 0
    assert "No golden items" in run("golden", "list").stdout
    assert "retired" in run("golden", "list", "--all").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("golden", "add", "x"), "--decision"),
        (("golden", "add", "x", "--decision", "REVIEW"), "no person decides"),
        (("golden", "add", "x", "--decision", "BLOCK"), "categories"),
        (("golden", "add", "", "--decision", "ALLOW"), "text"),
        (("golden", "add", "--case", "nope"), "nope"),
        (("golden", "retire", "nope"), "nope"),
    ],
)
def test_mistakes_are_named(run: Run, arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 1
    assert words in done.output
    assert "Traceback" not in done.output


def test_with_nothing_measured_everything_says_so(run: Run) -> None:
    report = run("report")
    assert report.exit_code == 0, report.output
    assert "No golden items were shown" in report.stdout
    assert "too little data" in report.stdout
    assert json.loads(run("report", "--json").stdout)["accuracy"]["cases"] == 0
    assert "0 posts, 0 drawn" in run("prevalence").stdout
    assert json.loads(run("prevalence", "--json", "--days", "7").stdout)["violating"]["value"] is None
    assert "No scores" in run("drift").stdout
    assert run("drift", "--json").stdout == ""
