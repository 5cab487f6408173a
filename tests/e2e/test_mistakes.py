"""What people do wrong at the command line gets one clear message and a non-zero exit, never a traceback."""

import subprocess
from pathlib import Path

import pytest

from tests.processes import Up, assay

NOBODY = "127.0.0.1:9"


def refused(run: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that `run` failed and said so in these words."""
    said = run.stdout + run.stderr
    assert run.returncode != 0
    assert "Traceback" not in said
    for word in words:
        assert word in said


def test_nobody_answers_at_the_address() -> None:
    refused(assay("check", "hello", "--address", NOBODY), NOBODY, "assay up")


def test_a_surface_that_is_none() -> None:
    refused(assay("check", "hello", "--surface", "billboard", "--address", NOBODY), "billboard", "story")


def test_a_text_without_words() -> None:
    refused(assay("check", " \n ", "--address", NOBODY), "text", "white space")


def test_a_file_that_is_not_there(up: Up) -> None:
    refused(assay("submit", "nothing.jsonl", "--address", up.address), "nothing.jsonl")


def test_a_format_that_is_none(up: Up, tmp_path: Path) -> None:
    feed = tmp_path / "feed"
    feed.write_text("{}")
    refused(assay("submit", str(feed), "--format", "rss", "--address", up.address), "rss", "activitystreams")


def test_a_cursor_that_is_none(up: Up) -> None:
    refused(assay("watch", "--cursor", "yesterday", "--address", up.address), "cursor", "yesterday")


def test_a_model_that_is_not_there(up: Up) -> None:
    redis = f"unix://{up.directory}/redis/redis.sock"
    refused(assay("worker", ASSAY_MODEL="/no/such/model", ASSAY_REDIS_URL=redis), "/no/such/model")


def test_a_database_that_was_never_migrated(tmp_path: Path) -> None:
    refused(assay("serve", ASSAY_DATABASE_URL=f"sqlite:///{tmp_path}/new.db"), "assay migrate")


def test_a_database_that_is_none_of_ours() -> None:
    refused(assay("migrate", ASSAY_DATABASE_URL="mysql://localhost/assay"), "postgresql://")


def test_an_address_that_is_taken(up: Up, tmp_path: Path) -> None:
    refused(assay("up", "--address", up.address, "--data-dir", str(tmp_path)), up.address)


@pytest.mark.parametrize("content", ["rules: [", "schema: 1\nnme: x\n"])
def test_a_policy_with_mistakes(tmp_path: Path, content: str) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(content)
    refused(assay("policy", "validate", str(policy)), "line", str(policy.name))
