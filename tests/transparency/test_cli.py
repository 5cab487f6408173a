"""The commands on a SQLite file: what they print, what they write, and what their exit status says."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.main import app
from service.domain.decision import Category, Decision, Ruling
from service.domain.post import Post
from service.records.sql.store import SqlStore
from tests.factories import verdict_of

PERIOD = ("--from", "2026-03-01", "--until", "2026-03-02")
Assay = Callable[..., Result]


@pytest.fixture
def assay(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Assay:
    """Runs a command on a store that holds two restricted posts; one has no good statement."""
    monkeypatch.setenv("ASSAY_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("ASSAY_REDIS_URL", f"unix://{tmp_path}/nowhere.sock")
    monkeypatch.setenv("COLUMNS", "200")
    notice = {"dsa_source_type": "SOMEBODY"}
    posts = [Post(platform="x", id="1", text="one"), Post(platform="x", id="2", text="two", metadata=notice)]
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    ruling = Ruling(Decision.BLOCK, (Category.FRAUD,), ("fraud",))

    async def record() -> None:
        store = await SqlStore.connect(sqlite_url)
        await store.record(posts, [replace(verdict_of(post), decided_at=at, ruling=ruling) for post in posts])
        await store.close()

    asyncio.run(record())
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_statements_are_written_in_batches_and_bad_ones_told(assay: Assay, tmp_path: Path) -> None:
    found = assay("statements", "export", str(tmp_path / "out"), *PERIOD)
    assert found.exit_code == 1
    assert "1 statements in 1 files" in found.output
    [batch] = (tmp_path / "out").glob("statements-*.json")
    [statement] = json.loads(batch.read_text())["statements"]
    assert statement["category"] == "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"
    [rejected] = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()]
    assert rejected["post"] == "platforms/x/posts/2"
    assert rejected["problems"][0].startswith("source_type")
    assert not list((tmp_path / "out").glob("*.part"))


def test_the_chain_is_checked_against_a_head_that_was_noted(assay: Assay) -> None:
    assert assay("audit", "list", "--by", "m-1").exit_code == 0
    noted = assay("audit", "head").output.split()[0]
    assert assay("audit", "verify", "--expect", noted).exit_code == 0
    assert assay("audit", "verify", "--expect", "a" * 64).exit_code == 1
    assert assay("audit", "verify", "--expect", "noted").exit_code == 1
    [entry] = [json.loads(line) for line in assay("audit", "list", "--actor", "m-1", "--json").output.splitlines()]
    assert (entry["action"], entry["actor"]) == ("audit.read", "m-1")


def test_a_report(assay: Assay) -> None:
    rows = list(csv.DictReader(io.StringIO(assay("report", *PERIOD, "--format", "csv").output)))
    values = {(row["section"], row["group"], row["measure"]): row["value"] for row in rows}
    assert values["categories", "FRAUD", "block"] == "2"
    assert "| BLOCK | 2 |" in assay("report", *PERIOD).output


def test_erasing_asks_first_and_needs_redis(assay: Assay) -> None:
    assert assay("erase").exit_code == 1
    asked = assay("erase", "--post", "platforms/x/posts/1")
    assert (asked.exit_code, "for good" in asked.output) == (1, True)
    away = assay("erase", "--post", "platforms/x/posts/1", "--yes")
    assert (away.exit_code, "Redis does not answer" in away.output) == (1, True)


def test_what_would_go(assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_RETAIN_FLAGGED", "184")
    lines = assay("retention").output.splitlines()
    [flagged] = [line.split() for line in lines if "flagged" in line]
    assert flagged[:3] == ["flagged", "184", "days"]
    monkeypatch.setenv("ASSAY_RETAIN_FLAGGED", "30")
    assert "six months" in assay("retention").output
