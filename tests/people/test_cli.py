"""`assay people` on a database of its own."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli.people import people as commands


def test_people_are_looked_after_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ASSAY_DATABASE_URL", "")
    monkeypatch.setenv("COLUMNS", "160")

    def people(*arguments: str, fails: bool = False) -> str:
        done = CliRunner().invoke(commands, arguments)
        assert done.exit_code == int(fails), done.output
        return done.output

    assert "Nobody yet" in people("list")
    first = people("add", "Änne [x]", "lead", "policy")
    assert re.search(r"One-time password of Änne \[x\]: (\w{5}-){3}\w{5}\n", first)
    people("add", "root", "admin")
    assert "make another person" in people("disable", "root", fails=True)
    assert "already" in people("add", "ROOT", "admin", fails=True)
    people("roles", "änne [x]", "viewer")
    people("disable", "Änne [x]")
    people("enable", "Änne [x]")
    assert people("password", "Änne [x]") != first
    assert "no one called x" in people("disable", "x", fails=True)
    found = [json.loads(line) for line in people("list", "--json").splitlines()]
    assert [(each["name"], each["roles"], each["disabled"]) for each in found] == [
        ("root", ["admin"], False),
        ("Änne [x]", ["viewer"], False),
    ]
    assert "Änne [x]" in people("list")
