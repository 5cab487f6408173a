"""Assay's own processes, as tests start, kill and stop them: `assay up`, `assay serve`, `assay worker`."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Self
from unittest import mock

from service.cli.main import commands
from service.cli.terminal import err, out

ASSAY = [sys.executable, "-m", "service.cli"]
_START = 90.0


def environment(**values: str) -> dict[str, str]:
    """This environment without settings of Assay but these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    ours = {"ASSAY_DASHBOARD_ADDRESS": "127.0.0.1:0", "PYTHONUNBUFFERED": "1", "COLUMNS": "160"}
    return {**inherited, **ours, **values}


def assay(*arguments: str, stdin: str | None = None, **values: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*ASSAY, *arguments],
        env=environment(**values),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_START,
        check=False,
    )


def assay_here(*arguments: str, stdin: str | None = None, **values: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end in this process, which has torch and the rest of it loaded already."""
    given = io.TextIOWrapper(io.BufferedReader(io.BytesIO((stdin or "").encode())))
    printed, said, code = io.StringIO(), io.StringIO(), 0
    given_environment = environment(**values)
    environ = mock.patch.dict(os.environ, given_environment, clear=True)
    out.width = err.width = int(given_environment["COLUMNS"])  # else they are as wide as when they were first imported
    with environ, mock.patch("sys.stdin", given), redirect_stdout(printed), redirect_stderr(said):
        try:
            commands()(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(arguments, code, printed.getvalue(), said.getvalue())


class Process:
    """A command that runs until it is stopped; what it prints is kept."""

    def __init__(self, *arguments: str, **values: str) -> None:
        self.process = subprocess.Popen(
            [*ASSAY, *arguments],
            env=environment(**values),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""
        self._grown = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the output matches."""
        with self._grown:
            self._grown.wait_for(lambda: re.search(pattern, self.output) or self.process.poll() is not None, _START)
            found = re.search(pattern, self.output)
        assert found, f"no {pattern!r} in:\n{self.output}"
        return found

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal the process and wait for its end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(_START)
        self._reader.join(5.0)
        return code

    def kill(self) -> None:
        """Kill the process group, no questions asked."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_START)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._grown:
                self.output += line
                self._grown.notify_all()
        with self._grown:
            self._grown.notify_all()


class Up:
    """`assay up` in a directory of its own; may be stopped and started again on the same data."""

    def __init__(self, **values: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="assay-"))
        self._values = values
        self.address = ""
        self.process: Process | None = None

    def start(self) -> None:
        """Start, and wait until it is ready."""
        self.process = Process("up", "--data-dir", str(self.directory), "--address", "127.0.0.1:0", **self._values)
        self.address = self.process.wait_for(r"gRPC on (127\.0\.0\.1:\d+)").group(1)

    def stop(self) -> int:
        """Stop with Ctrl-C."""
        assert self.process
        return self.process.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)
