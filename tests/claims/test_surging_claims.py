"""Clusters and surges through the real wiring: Redis, SQLite, two worker processes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.claims.sql import SqlClaims
from service.domain.canonical import content_digest
from service.domain.claim import Claim, ClaimState, Rating
from service.records.sql.store import SqlStore

JudgeLines = Callable[[list[list[str]]], list[Any]]

CLAIM = Claim(id="moon", claim="The moon is made of cheese.", verdict="False", rating=Rating.FALSE)
OFFER = "This cheap watch makes you rich within a week, doctors hate it, order it here today"


@pytest.fixture
def judge_lines(redis_url: str, sqlite_url: str) -> JudgeLines:
    """Judges batches of texts in a worker process of their own; cluster and quarantined matches of each text."""

    def run(batches: list[list[str]]) -> list[Any]:
        command = [sys.executable, str(Path(__file__).parent / "judge_lines.py")]
        settings = {"ASSAY_REDIS_URL": redis_url, "ASSAY_DATABASE_URL": sqlite_url, "ASSAY_SURGE_POSTS": "20"}
        lines = "".join(json.dumps(batch) + "\n" for batch in batches)
        environment = {**os.environ, **settings, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(command, input=lines, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_workers_agree_on_the_cluster_of_near_texts(judge_lines: JudgeLines) -> None:
    other = "Something else altered on the river bank this morning, herons mostly"
    [[(first, _), (apart, _)]] = judge_lines([[OFFER, other]])
    [[(again, _), (near, _)], [(late, _)]] = judge_lines([[OFFER, OFFER + "!!"], ["RT @you: " + OFFER.upper()]])
    assert {first, again, near, late} == {content_digest(OFFER, "")}
    assert apart == content_digest(other, "")


async def test_a_claim_that_surges_over_two_workers_is_quarantined_in_the_store(
    judge_lines: JudgeLines, sqlite_url: str
) -> None:
    store = SqlClaims.beside(await SqlStore.connect(sqlite_url))
    await store.put([CLAIM])
    before = await store.claims_version()
    batches = [[f"cheese {number}, {batch}" for number in range(5)] for batch in range(6)]
    told = [line for half in (batches[:3], batches[3:]) for line in judge_lines(half)]
    assert [line[0][1] for line in told] == [[False]] * 3 + [[True]] * 3
    record = await store.find_claim("moon")
    assert record.state is ClaimState.QUARANTINED
    assert await store.claims_version() != before
    await store.close()
