"""Child processes, each in its own session: this process passes a Ctrl-C on.

On Linux they end with the thread that started them, so that none is left when this process is killed.
"""

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import BinaryIO

_SET_PARENT_DEATH_SIGNAL = 1  # prctl(2), PR_SET_PDEATHSIG
_LIBC = ctypes.CDLL(None) if os.uname().sysname == "Linux" else None


def start_child(
    command: Sequence[str], *, log: BinaryIO, env: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start `command` with both outputs in `log`. Call it from the main thread."""
    return subprocess.Popen(  # noqa: S603 - our own commands
        list(command),
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        pass_fds=pass_fds,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, nothing that takes a lock
    )


def _die_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
