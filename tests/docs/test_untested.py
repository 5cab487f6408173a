"""Blocks that no test can run (they need Docker, data or hours) say so, are few, and name what exists."""

import re
import shlex

import pytest
import typer

from service.cli.main import commands
from tests.docs.markdown import PAGES, ROOT, Fence, fences

UNTESTED = [fence for page in PAGES for fence in fences(page) if fence.language == "sh"]
MOST = 24
"""So many such blocks at most: before you add one, look whether a test could run it."""


def lines(fence: Fence) -> list[list[str]]:
    """The words of each line, without comments and variables."""
    found = [shlex.split(line, comments=True) for line in fence.text.replace("\\\n", " ").splitlines()]
    return [words[next((n for n, word in enumerate(words) if "=" not in word), 0) :] for words in found if words]


def test_they_say_why_and_are_few() -> None:
    assert len(UNTESTED) <= MOST
    for fence in UNTESTED:
        assert re.match(r"untested \(.+\)", " ".join(fence.words)), f"{fence.where} does not say why it is not tested"


@pytest.mark.parametrize("fence", UNTESTED, ids=lambda fence: fence.where)
def test_commands_options_targets_and_files_exist(fence: Fence) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in lines(fence):
        if words[0] == "assay":
            _check(words[1 : words.index("<")] if "<" in words else words[1:])
        elif words[0] == "make":
            assert words[1] in targets, f"{fence.where}: there is no make {words[1]}"
        for word in words:
            if word.startswith("deploy/") and not word.endswith(".env"):
                assert (ROOT / word).exists(), f"{fence.where}: there is no {word}"


def _check(arguments: list[str]) -> None:
    """Fails for a command or an option that is none."""
    command = typer.main.get_command(commands())
    while inner := getattr(command, "commands", None):
        name = arguments.pop(0)
        assert name in inner, f"there is no command {name}"
        command = inner[name]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in arguments if word.startswith("--")} <= known, f"{command.name} has no such option"


def test_an_option_that_is_none_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no such option"):
        _check(["claims", "load", "--nonsense", "x.csv"])
