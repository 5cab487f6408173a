"""Kill the worker while a new set of claims is loaded: it comes back with that set, and no post is lost."""

import json
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import pytest

from service.claims.sql import SqlClaims
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.records.sql.store import SqlStore
from service.rpc.client.client import Client
from tests.chaos.deployment import Deployment
from tests.processes import Process, assay
from tests.waiting import until

NEW = 10_000
POSTS = 800
NUMBERS = count()


def claim_file(path: Path, numbers: Iterable[int], publisher: str) -> Path:
    """Claims that differ by their number."""
    text = "Warehouse {} of the harbour was emptied by {} pirates."
    claims = [{"id": f"w-{n}", "claim": text.format(n, n + 3), "publisher": publisher} for n in numbers]
    path.write_text("".join(json.dumps(claim) + "\n" for claim in claims))
    return path


def stored(deployment: Deployment) -> dict[str, str]:
    """The settings with which `assay claims` works on the deployment's store."""
    return {"ASSAY_DATABASE_URL": deployment.database_url}


async def verdict_by(client: Client, version: str, text: str) -> Verdict:
    """The verdict on a new post of that text, once verdicts rest on that version of the claims.

    Posts about no claim ask for the version: many that repeat one are a surge, which moves the version once more.
    """

    async def taken_up() -> str:
        claims = (await moderate(client, "It rained all day.")).judged_by.claims
        return claims if claims.split(".")[0] == version else ""

    by = await until(taken_up, within=120, pause=0.2)
    verdict = await moderate(client, text)
    assert verdict.judged_by.claims == by
    return verdict


async def moderate(client: Client, text: str) -> Verdict:
    return await client.moderate(Post(platform="claims", id=f"p-{next(NUMBERS)}", text=text))


@pytest.mark.timeout(300)
async def test_a_worker_killed_while_claims_are_loaded_holds_them_all_when_it_is_back(
    deployment: Deployment, deployed_store: SqlStore
) -> None:
    few = claim_file(deployment.directory / "few.jsonl", range(40), "before")
    assert assay("claims", "load", str(few), **stored(deployment)).returncode == 0
    claims = SqlClaims.beside(deployed_store)
    first = await claims.claims_version()
    text = "Warehouse 7 of the harbour was emptied by 10 pirates."
    async with Client(deployment.address, patience=60.0, timeout=60.0) as client:
        before = await verdict_by(client, first, text)
        assert (before.matches[0].claim_id, before.matches[0].publisher) == ("w-7", "before")

        many = claim_file(deployment.directory / "many.jsonl", range(NEW), "after")
        posts = [Post(platform="chaos", id=str(n), text=f"{n} gulls sat on the harbour wall.") for n in range(POSTS)]
        assert await client.submit(posts) == [True] * POSTS
        loading = Process("claims", "load", str(many), **stored(deployment))
        while await claims.claims_version() == first:
            assert loading.process.poll() is None, loading.output
        deployment.worker.kill()
        assert loading.process.poll() is None, "all was loaded before the kill: this run shows nothing"
        deployment.worker = deployment.start_worker()
        assert loading.process.wait(60) == 0, loading.output

        version = await claims.claims_version()
        after = await verdict_by(client, version, text)
        assert (after.matches[0].claim_id, after.matches[0].publisher) == ("w-7", "after")
        far = await verdict_by(client, version, f"Warehouse {NEW - 5} of the harbour was emptied by {NEW - 2} pirates.")
        assert far.matches[0].claim_id == f"w-{NEW - 5}"

        async def all_are_decided() -> bool:
            return await deployed_store.backlog() == (0, 0.0)

        await until(all_are_decided, within=60, pause=0.2)
        assert all(await deployed_store.find([post.key for post in posts]))
