"""`assay policy` on a real SQLite file, as people use it and what they do wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.policy import policies

Run = Callable[..., Result]
MakeDocument = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, document_of: MakeDocument) -> Run:
    file = tmp_path / "file.yaml"
    file.write_text(document_of(0.9), encoding="utf-8")
    settings = {"ASSAY_DATA_DIR": str(tmp_path / "data"), "ASSAY_POLICY": str(file), "COLUMNS": "200"}

    def command(*arguments: str, **values: str) -> Result:
        return CliRunner().invoke(policies, arguments, env={**settings, **values})

    return command


@pytest.fixture
def strict(tmp_path: Path, document_of: MakeDocument) -> str:
    """The path of a stricter document."""
    path = tmp_path / "strict.yaml"
    path.write_text(document_of(0.8, name="strict"), encoding="utf-8")
    return str(path)


def test_from_a_file_to_promotion_and_back(run: Run, strict: str, document_of: MakeDocument) -> None:
    assert "is valid: strict" in run("validate", strict).stdout
    made = run("create", strict, "--by", "m-1", "--note", "less hate")
    assert made.exit_code == 0, made.stderr
    version = made.stdout.split()[0].removeprefix("policies/")
    listed = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert [(each["title"], each["author"], each["live"]) for each in listed] == [
        ("strict", "m-1", False),
        ("test", "system", True),
    ]
    assert run("show", version[:6]).stdout == document_of(0.8, name="strict")
    assert run("show").stdout == document_of(0.9)
    assert "Rule hate: hate at least falls from 0.90 to 0.80." in run("diff", version).stdout
    assert "flips none of 0 posts" in run("backtest", version).stdout
    assert json.loads(run("backtest", version, "--json").stdout)["flips"] == []
    assert "runs in shadow" in run("shadow", version).stdout
    assert "agrees on 0 of 0 posts" in run("compare").stdout
    assert json.loads(run("compare", "--json").stdout)["version"] == version
    assert run("promote", version, "--by", "m-2", "--expected", "live").exit_code == 0
    assert "strict" in run("list").stdout
    again = run("promote", version)
    assert (again.exit_code, "live already" in again.stderr) == (1, True)
    assert "the policy file of the settings is live again" in run("rollback", "--by", "m-2").stdout
    acts = [json.loads(line)["act"] for line in run("history", "--json").stdout.splitlines()]
    assert acts == ["ROLL_BACK", "PROMOTE", "SHADOW", "CREATE", "CREATE"]
    assert "roll_back" in run("history").stdout
    assert "Nothing runs in shadow." in run("shadow").stdout


def test_a_wrong_file_is_refused_with_every_mistake(run: Run, tmp_path: Path, document_of: MakeDocument) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(document_of(7, then="BLOK") + "harms: {HATE: 9}\n", encoding="utf-8")
    for command in ("validate", "create"):
        done = run(command, str(path))
        assert done.exit_code == 1
        assert "line 7, rules[0].when.signals.hate.at_least" in done.stderr.replace("\n", "")
        assert "line 12, harms.HATE" in done.stderr.replace("\n", "")
    path.write_bytes(b"name: \xff")
    assert "not UTF-8" in run("create", str(path)).stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "0123"), "there is no policies/0123"),
        (("diff", "0123"), "there is no policies/0123"),
        (("promote", "0123"), "there is no policies/0123"),
        (("rollback",), "nothing was promoted"),
        (("compare",), "nothing runs in shadow"),
        (("backtest", "live", "--days", "400"), "out of bounds"),
    ],
)
def test_what_is_wrong_is_one_line(run: Run, arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 1
    assert told in done.stderr


def test_a_beginning_that_several_share(run: Run, strict: str) -> None:
    run("create", strict)
    assert "begins several names" in run("show", "").stderr
