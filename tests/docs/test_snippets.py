"""Every command and snippet on a page does what the page says, in the order in which they stand there.

How blocks are read, by what follows their language:

    ```console           `$ ` commands, with a record store of the page's own; their output is what is printed
    ```console running   the same against a running Assay's record store, Redis and dashboard
    ```console fails     the last command exits with another status than 0
    ```console eventually   commands are run again until they print that, as work in the background takes a moment
    ```python            runs; what it prints stands in the ```text right after it
    ```... file=NAME     is written to that file before the next block runs

README.md and docs/ name the addresses of `make up`; here it listens elsewhere.
"""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs import terminal
from tests.docs.expected import same
from tests.docs.markdown import PAGES, Fence, fences
from tests.processes import Up

_PATIENCE = 15.0
RUN = [page for page in PAGES if any(fence.language in {"console", "python"} for fence in fences(page))]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_a_pages_snippets_do_what_it_says(page: Path, directory: Path, stack: Up) -> None:
    here, wrong = _addresses(stack), list[str]()
    for fence, following in pairwise([*fences(page), None]):
        assert fence
        if fence.file:
            Path(directory, fence.file).write_text(fence.text)
        elif fence.language == "console":
            wrong += _console(fence, directory, stack, here)
        elif fence.language == "python":
            wrong += _python(fence, following, here)
    assert not wrong, "\n\n".join(wrong)


def _addresses(stack: Up) -> Callable[[str], str]:
    """Puts the addresses where the stack listens for those that the pages name."""
    assert stack.process
    shims = stack.process.wait_for(r"shims on http://(127\.0\.0\.1:\d+)").group(1)
    dashboard = stack.process.wait_for(r"dashboard is on http://(127\.0\.0\.1:\d+)").group(1)
    named = {"127.0.0.1:50051": stack.address, "127.0.0.1:8081": shims, "127.0.0.1:8080": dashboard}

    def here(text: str) -> str:
        for shown, real in named.items():
            text = text.replace(shown, real)
        return text

    return here


def _console(fence: Fence, directory: Path, stack: Up, here: Callable[[str], str]) -> Iterator[str]:
    """What is wrong with each command."""
    data = stack.directory if "running" in fence.words else directory / "data"
    values = {"ASSAY_ADDRESS": stack.address, "ASSAY_DATA_DIR": str(data), "COLUMNS": "100"}
    status, until = 0, time.monotonic() + ("eventually" in fence.words) * _PATIENCE
    for command, expected in terminal.commands(fence.text):
        printed, status = terminal.run(here(command), directory, **values)
        while not same(here(expected), printed) and time.monotonic() < until:
            time.sleep(0.2)
            printed, status = terminal.run(here(command), directory, **values)
        if not same(here(expected), printed):
            yield f"{fence.where}: `{command}` prints\n{printed}"
        if status and "fails" not in fence.words:
            yield f"{fence.where}: `{command}` exits with {status}:\n{printed}"
    if "fails" in fence.words and not status:
        yield f"{fence.where}: `{command}` does not fail"


def _python(fence: Fence, following: Fence | None, here: Callable[[str], str]) -> Iterator[str]:
    """What is wrong with what the snippet prints."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(here(fence.text), fence.where, "exec"), {"__name__": fence.where})
    expected = following.text if following and following.language == "text" else ""
    if not same(here(expected), printed.getvalue()):
        yield f"{fence.where} prints\n{printed.getvalue()}"
