"""`assay webhooks` on a real SQLite file, as people use it and what they do wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.webhooks import webhooks
from tests.processes import assay

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def command(*arguments: str, **values: str) -> Result:
        return CliRunner().invoke(webhooks, arguments, env={"ASSAY_DATA_DIR": str(tmp_path / "data"), **values})

    return command


def test_it_is_part_of_the_command_line(tmp_path: Path) -> None:
    done = assay("webhooks", "list", ASSAY_DATA_DIR=str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (0, "There are no endpoints.\n")


def test_an_endpoint_from_add_to_remove(run: Run) -> None:
    added = run("add", "https://127.0.0.1:1/hook", "--decision", "BLOCK", "--json", ASSAY_WEBHOOK_ALLOW_PRIVATE="true")
    assert added.exit_code == 0, added.stderr
    made = json.loads(added.stdout)
    assert made["secret"].startswith("whsec_")
    assert (made["events"], made["created_by"]) == (["verdict.decided", "verdict.revised"], "operator")
    endpoint = made["id"]
    assert endpoint in run("list").stdout
    refused = run("test", endpoint)
    assert (refused.exit_code, "loopback" in refused.stdout) == (1, True)
    rotated = run("rotate", endpoint, "--overlap", "1", "--by", "m-1")
    assert "whsec_" in rotated.stdout
    assert made["secret"] not in rotated.stdout
    assert "disabled" in run("disable", endpoint).stdout
    assert json.loads(run("list", "--json").stdout)["enabled"] is False
    assert "No such deliveries" in run("deliveries", endpoint, "--state", "dead", "--since", "2026-01-01").stdout
    assert "0 deliveries" in run("replay", endpoint, "--state", "dead").stdout
    assert run("remove", endpoint).exit_code == 0
    assert "no endpoints" in run("list").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "https://10.0.0.1/"), "private"),
        (("add", "https://x.example/", "--event", "verdict.lost"), "verdict.lost"),
        (("replay", "wh-1"), "are missing"),
        (("replay", "wh-1", "3", "--state", "dead"), "beside a delivery"),
        (("test", "wh-1"), "no webhooks/wh-1"),
    ],
)
def test_mistakes_are_one_line(run: Run, arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
