"""`assay people` on a database of its own."""

import json
import re
from pathlib import Path

from tests.processes import assay


def test_people_are_looked_after_on_the_command_line(tmp_path: Path) -> None:
    def people(*arguments: str, fails: bool = False) -> str:
        done = assay("people", *arguments, ASSAY_DATA_DIR=str(tmp_path))
        assert done.returncode == int(fails), done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if fails else done.stdout

    assert "Nobody yet" in people("list")
    first = people("add", "Änne [x]", "lead", "policy")
    assert re.search(r"One-time password of Änne \[x\]: (\w{5}-){3}\w{5}\n", first)
    assert "make somebody else" in people("disable", "Änne [x]", fails=True)
    people("add", "root", "admin")
    assert "already" in people("add", "ROOT", "admin", fails=True)
    people("roles", "änne [x]", "viewer")
    people("disable", "Änne [x]")
    people("enable", "Änne [x]")
    assert people("password", "Änne [x]") != first
    assert "nobody called x" in people("disable", "x", fails=True)
    found = [json.loads(line) for line in people("list", "--json").splitlines()]
    assert [(each["name"], each["roles"], each["disabled"]) for each in found] == [
        ("root", ["admin"], False),
        ("Änne [x]", ["viewer"], False),
    ]
    assert "Änne [x]" in people("list")
