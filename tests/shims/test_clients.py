"""The official Python clients of both APIs, pointed at the shims: nothing of theirs is replaced."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from googleapiclient import discovery
from googleapiclient.errors import HttpError
from openai import OpenAI

from tests.shims.conftest import Serve

KEY = "an-api-key"
CORE = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "THREAT", "SEXUALLY_EXPLICIT")


@pytest.fixture
async def address(serve: Serve) -> AsyncIterator[str]:
    async with serve(KEY) as url:
        yield url


def perspective(url: str, key: str = KEY) -> Any:
    """The client as Perspective's own documentation builds it, with another address."""
    return discovery.build(
        "commentanalyzer",
        "v1alpha1",
        developerKey=key,
        discoveryServiceUrl=f"{url}/$discovery/rest?version=v1alpha1",
        static_discovery=False,
    )


@pytest.fixture
async def comments(address: str) -> Any:
    client = await asyncio.to_thread(perspective, address)
    return client.comments()


@pytest.fixture
def moderations(address: str) -> Iterator[Any]:
    with OpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0) as client:
        yield client.moderations


async def test_perspectives_client_analyzes_a_comment(comments: Any) -> None:
    request = {
        "comment": {"text": "🧪 what an idiot, I will stab you"},
        "requestedAttributes": {name: {} for name in CORE},
        "languages": ["en"],
        "spanAnnotations": True,
        "doNotStore": True,
        "clientToken": "comment-7",
    }
    answer = await asyncio.to_thread(comments.analyze(body=request).execute)
    values = {name: score["summaryScore"]["value"] for name, score in answer["attributeScores"].items()}
    assert set(values) == set(CORE)
    assert {name for name, value in values.items() if value > 0.5} == {
        "TOXICITY",
        "SEVERE_TOXICITY",
        "INSULT",
        "THREAT",
    }
    [span] = answer["attributeScores"]["INSULT"]["spanScores"]
    assert (span["begin"], span["end"]) == (11, 16)
    assert (answer["clientToken"], answer["languages"]) == ("comment-7", ["en"])


async def test_perspectives_client_suggests_a_score(comments: Any) -> None:
    request = {
        "comment": {"text": "get busy living"},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}},
        "clientToken": "comment-8",
    }
    assert await asyncio.to_thread(comments.suggestscore(body=request).execute) == {"clientToken": "comment-8"}


@pytest.mark.parametrize(
    ("text", "attribute", "status", "word"),
    [
        ("", "TOXICITY", 400, "COMMENT_EMPTY"),
        ("some words", "PROFANITY", 400, "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"),
        ("some words", "BEAUTY", 400, "Unknown requested attribute"),
        ("!overload", "TOXICITY", 429, "posts are waiting"),
        ("!noworker", "TOXICITY", 503, "no worker"),
    ],
)
async def test_perspectives_client_raises_its_errors(
    comments: Any, text: str, attribute: str, status: int, word: str
) -> None:
    request = {"comment": {"text": text}, "requestedAttributes": {attribute: {}}}
    with pytest.raises(HttpError) as caught:
        await asyncio.to_thread(comments.analyze(body=request).execute)
    assert caught.value.status_code == status
    assert word in str(caught.value)


async def test_perspectives_client_with_a_wrong_key_is_refused(address: str) -> None:
    client = await asyncio.to_thread(perspective, address, "wrong")
    request = {"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {}}}
    with pytest.raises(HttpError, match="API key not valid"):
        await asyncio.to_thread(client.comments().analyze(body=request).execute)


async def test_openais_client_moderates_a_string(moderations: Any) -> None:
    answer = await asyncio.to_thread(moderations.create, input="I will stab you, idiot, and all of them")
    [result] = answer.results
    assert result.flagged
    assert result.categories.violence
    assert result.categories.harassment_threatening
    assert not result.categories.sexual_minors
    assert result.category_scores.violence > 0.9
    assert result.category_applied_input_types.violence == ["text"]
    assert result.category_applied_input_types.sexual_minors == []
    assert answer.model == "assay/m1"


async def test_openais_client_moderates_lists(moderations: Any) -> None:
    listed = await asyncio.to_thread(
        moderations.create, input=["fine words", "you vermin are not one of us"], model="omni-moderation-latest"
    )
    assert [result.flagged for result in listed.results] == [False, True]
    parts = [{"type": "text", "text": "you vermin are"}, {"type": "text", "text": "not one of us"}]
    joined = await asyncio.to_thread(moderations.create, input=parts, model="text-moderation-latest")
    assert [result.flagged for result in joined.results] == [True]
    assert all(isinstance(value, float) for value in joined.results[0].category_scores.model_dump().values())


@pytest.mark.parametrize(
    ("given", "error", "code"),
    [
        ([], openai.BadRequestError, "empty_array"),
        ([{"type": "image_url", "image_url": {"url": "data:x"}}], openai.BadRequestError, "image_not_supported"),
        ("!overload", openai.RateLimitError, "rate_limit_exceeded"),
        ("!noworker", openai.InternalServerError, "unavailable"),
    ],
)
async def test_openais_client_raises_its_errors(
    moderations: Any, given: Any, error: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(error) as caught:
        await asyncio.to_thread(moderations.create, input=given)
    assert caught.value.code == code


async def test_openais_client_with_a_wrong_key_or_model_is_refused(address: str, moderations: Any) -> None:
    with OpenAI(base_url=f"{address}/v1", api_key="wrong") as client, pytest.raises(openai.AuthenticationError):
        await asyncio.to_thread(client.moderations.create, input="x")
    with pytest.raises(openai.NotFoundError, match="omni-moderation-latest"):
        await asyncio.to_thread(moderations.create, input="x", model="gpt-4")


async def test_openais_asynchronous_client_works_too(address: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key=KEY) as client:
        answer = await client.moderations.create(input="fine words")
    assert not answer.results[0].flagged
