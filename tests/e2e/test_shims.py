"""The official clients of Perspective and OpenAI before a real `assay up`: shipped model, default policy."""

import asyncio

import pytest
from googleapiclient import discovery
from openai import AsyncOpenAI

from service.domain.post import Surface
from service.errors import NotFound
from service.rpc.client.client import Client
from service.shims.texts import post
from tests.processes import Up

RUDE = "You are a stupid, worthless idiot and everybody hates you, you ugly moron."
KIND = "Thank you all for the lovely afternoon in the garden, the cake was wonderful."


@pytest.fixture
def url(up: Up) -> str:
    assert up.process
    return up.process.wait_for(r"shims on (http://127\.0\.0\.1:\d+)").group(1)


def insult(url: str, text: str, *, store: bool) -> tuple[float, list[dict[str, int]]]:
    client = discovery.build(
        "commentanalyzer",
        "v1alpha1",
        developerKey="k2",
        discoveryServiceUrl=f"{url}/$discovery/rest?version=v1alpha1",
        static_discovery=False,
    )
    request = {
        "comment": {"text": text},
        "requestedAttributes": {"INSULT": {}},
        "spanAnnotations": True,
        "doNotStore": not store,
    }
    answer = client.comments().analyze(body=request).execute()
    assert answer["languages"] == ["en"]
    found = answer["attributeScores"]["INSULT"]
    return found["summaryScore"]["value"], found["spanScores"]


async def test_perspectives_client_gets_scores_and_only_what_may_be_stored_is(url: str, up_client: Client) -> None:
    rude, spans = await asyncio.to_thread(insult, url, RUDE, store=True)
    kind, _ = await asyncio.to_thread(insult, url, KIND, store=False)
    assert kind < 0.1
    assert rude > 0.5
    assert all(0 <= span["begin"] < span["end"] <= len(RUDE) for span in spans)
    assert (await asyncio.to_thread(insult, url, RUDE, store=False))[0] == rude
    stored = await up_client.verdict(post("perspective", RUDE, "").name)
    assert stored.surface is Surface.COMMENT
    with pytest.raises(NotFound):
        await up_client.verdict(post("perspective", KIND, "").name)


async def test_openais_client_gets_flags_of_the_default_policy(url: str) -> None:
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="k1", max_retries=0) as openai:
        answer = await openai.moderations.create(input=[RUDE, KIND, "", "test ASSAY*STANDARD*TEST*POST*BLOCK"])
    rude, kind, blank, test = answer.results
    assert rude.category_scores.harassment > 0.5
    assert test.flagged
    assert not kind.flagged
    assert not blank.flagged
    assert answer.model.startswith("assay/")
