"""`assay up`, its commands and its API over a real socket, with the shipped model."""

import json
from typing import Any

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from service.domain.decision import Category, Decision
from service.domain.post import Post
from service.domain.verdict import Source
from service.errors import NotFound
from service.rpc.client.client import Client
from tests.processes import Up, assay

TEXT = (
    "BREAKING!!! Government documents PROVE that the vaccine was designed to make you ill. Share before they delete it!"
)


async def test_a_post_gets_a_full_verdict_and_the_same_text_comes_from_the_cache(up_client: Client) -> None:
    first = await up_client.moderate(Post(platform="e2e", id="first", text=TEXT))
    twin = await up_client.moderate(Post(platform="e2e", id="twin", text=TEXT.replace(" ", "  ")))
    assert first.source is Source.MODEL
    assert twin.source is Source.CACHE
    assert first.judgement
    assert twin.judgement
    assert first.judgement.signals == twin.judgement.signals
    assert {"ai_generated", "misinformation", "hate", "cbrn", "fraud"} <= set(first.judgement.signals)
    assert all(0 <= signal.low <= signal.high <= 1 for signal in first.judgement.signals.values())
    assert first.model_version
    assert first.policy_version


async def test_evidence_counts_bytes_of_the_text_as_it_was_sent(up_client: Client) -> None:
    text = "Ärzte  warnen:\r\n" + TEXT
    verdict = await up_client.moderate(Post(platform="e2e", id="offsets", text=text))
    assert verdict.judgement
    encoded = text.encode()
    surprise = verdict.judgement.evidence.surprise
    assert surprise
    assert all(0 <= token.start < token.end <= len(encoded) for token in surprise)
    for token in surprise:
        encoded[token.start : token.end].decode()


@pytest.mark.parametrize("decision", list(Decision))
async def test_the_test_string_gets_the_decision_it_asks_for(up_client: Client, decision: Decision) -> None:
    text = f"staging check ASSAY*STANDARD*TEST*POST*{decision}"
    verdict = await up_client.moderate(Post(platform="e2e", id=f"magic-{decision}", text=text))
    assert verdict.decision is decision
    assert verdict.ruling.categories == (Category.TEST,)


async def test_a_verdict_can_be_read_later_and_a_missing_one_is_not_found(up_client: Client) -> None:
    given = await up_client.moderate(Post(platform="e2e", id="later", text=TEXT + " Pass it on."))
    read = await up_client.verdict("platforms/e2e/posts/later")
    assert read.decision == given.decision
    assert read.content_digest == given.content_digest
    with pytest.raises(NotFound):
        await up_client.verdict("platforms/e2e/posts/never")


async def test_health_and_reflection_answer(up: Up) -> None:
    async with grpc.aio.insecure_channel(up.address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("", "assay.v1.ModerationService", "assay.v1.VerdictService"):
            async for answer in health.Watch(health_pb2.HealthCheckRequest(service=service), timeout=10):
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    break
            else:
                pytest.fail(f"{service} does not serve")
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        reflection: Any = reflection_pb2_grpc.ServerReflectionStub
        call = reflection(channel).ServerReflectionInfo(iter([request]))
        async for message in call:
            names = {service.name for service in message.list_services_response.service}
            assert {"assay.v1.ModerationService", "assay.v1.VerdictService"} <= names
            break


def test_check_prints_a_readable_verdict_and_json(up: Up) -> None:
    readable = assay("check", TEXT, "--address", up.address)
    assert readable.returncode == 0, readable.stderr
    assert "misinformation" in readable.stdout
    assert "█" in readable.stdout or "░" in readable.stdout
    verdict = json.loads(assay("check", TEXT, "--address", up.address, "--json").stdout)
    assert verdict["decision"] in list(Decision)
    assert 0 <= verdict["signals"]["ai_generated"]["probability"] <= 1


def test_check_says_what_is_wrong_with_the_text_or_the_address(up: Up) -> None:
    blank = assay("check", "   ", "--address", up.address)
    assert blank.returncode == 1
    assert "text" in blank.stderr
    assert "Traceback" not in blank.stderr


def test_submit_waits_for_verdicts_and_a_second_run_finds_them_known(up: Up) -> None:
    feed = "\n".join(
        [json.dumps({"id": f"s{number}", "text": f"Post number {number} about the weather."}) for number in range(30)]
        + ["not json"]
    )
    first = assay("submit", "-", "--address", up.address, "--json", stdin=feed)
    verdicts = [json.loads(line) for line in first.stdout.splitlines()]
    assert len({verdict["post"] for verdict in verdicts}) == 30, first.stderr
    assert first.returncode == 1  # one item was refused
    assert "line 31" in first.stderr
    again = assay("submit", "-", "--address", up.address, stdin=feed)
    assert "0 accepted, 30 known before, 1 refused" in again.stdout


async def test_a_watch_from_the_beginning_sees_each_verdict_once(up_client: Client) -> None:
    await up_client.moderate(Post(platform="e2e", id="watched", text="Something to watch for, said once."))
    seen: list[str] = []
    async for _, verdict in up_client.watch("0"):
        if verdict is None:
            break
        seen.append(verdict.post.name + verdict.post.fingerprint)
        if verdict.post.name == "platforms/e2e/posts/watched":
            break
    assert len(seen) == len(set(seen))
    assert any("watched" in name for name in seen)
