"""Kill what can be killed during `assay submit`: every accepted post gets its verdict, none gets two."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.domain.verdict import VerdictFilter
from service.records.sql.store import SqlStore
from tests.chaos.deployment import Deployment
from tests.processes import Process
from tests.waiting import until

POSTS = 500


def feed(directory: Path) -> Path:
    """A file of posts, all of them different."""
    file = directory / "feed.jsonl"
    text = "Report {}: the harbour was calm, the boats stayed in and {} gulls sat on the wall."
    file.write_text("\n".join(json.dumps({"id": f"p{n}", "text": text.format(n, n)}) for n in range(POSTS)))
    return file


async def recorded(store: SqlStore) -> list[str]:
    """Names of all recorded verdicts."""
    names: list[str] = []
    cursor: int | None = 0
    while True:
        verdicts, cursor = await store.after(cursor, VerdictFilter(), 500)
        if not verdicts:
            return names
        names += [verdict.post.name for verdict in verdicts]


async def wait_for_verdicts(store: SqlStore, least: int) -> int:
    """Wait until so many verdicts are recorded; how many there are."""

    async def enough() -> int:
        count = len(await recorded(store))
        return count if count >= least else 0

    return await until(enough, within=60, pause=0.5)  # reading them all costs a core that the worker could use


def kill_worker(deployment: Deployment) -> None:
    deployment.worker.kill()
    deployment.worker = deployment.start_worker()


def kill_front(deployment: Deployment) -> None:
    deployment.front.kill()
    deployment.front = deployment.start_front()


def restart_redis(deployment: Deployment) -> None:
    deployment.redis.stop()
    time.sleep(1.0)
    deployment.redis.start()


def lose_what_redis_holds(deployment: Deployment) -> None:
    deployment.redis.stop()
    logs = [file for file in (deployment.directory / "redis").rglob("appendonly*") if file.is_file()]
    assert logs  # in a folder of their own since Redis 7
    for file in logs:
        file.unlink()
    deployment.redis.start()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kill", [kill_worker, kill_front, restart_redis, lose_what_redis_holds])
async def test_every_post_is_decided_exactly_once(
    deployment: Deployment, deployed_store: SqlStore, kill: Callable[[Deployment], None]
) -> None:
    submission = Process("submit", str(feed(deployment.directory)), "--json", "--address", deployment.address)
    before = await wait_for_verdicts(deployed_store, POSTS // 10)
    assert before < POSTS, "all was decided before anything was killed: this run shows nothing"
    kill(deployment)
    assert submission.process.wait(200) == 0, submission.output[-2000:]
    names = await recorded(deployed_store)
    assert len(names) == POSTS
    assert len(set(names)) == POSTS
    assert await deployed_store.backlog() == (0, 0.0)
