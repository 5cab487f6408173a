"""The shims over HTTP: statuses, limits, keys, what is kept, and what the log is told."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from service.domain.decision import Decision, Standing
from service.domain.post import Post
from service.errors import NoWorker
from service.shims.discovery import document
from service.shims.endpoint import MAX_BODY
from tests.shims.conftest import FakeJudge, Serve

ANALYZE, SUGGEST, MODERATIONS = "/v1alpha1/comments:analyze", "/v1alpha1/comments:suggestscore", "/v1/moderations"


def comment(text: str, **members: object) -> dict[str, Any]:
    return {"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}, **members}


def texts(*inputs: str) -> dict[str, Any]:
    return {"input": list(inputs)}


async def test_a_comment_is_read_and_not_recorded(http: httpx.AsyncClient, judge: FakeJudge) -> None:
    answer = await http.post(ANALYZE, content=json.dumps(comment("what an idiot you are", clientToken="t\ud83d")))
    assert answer.status_code == 200
    assert answer.json()["attributeScores"]["TOXICITY"]["summaryScore"]["value"] > 0.9
    assert answer.json()["clientToken"] == "t\ud83d"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert judge.read_texts == ["what an idiot you are"]
    assert judge.recorded == []
    assert 9.0 < judge.deadlines[0] <= 10.0


async def test_a_comment_is_recorded_where_the_service_says_so_and_the_call_does_not_forbid_it(
    serve: Serve, judge: FakeJudge
) -> None:
    async with serve(record=True, platform="forum") as url, httpx.AsyncClient(base_url=url) as http:
        labels = {"communityId": "movies\x00", "sessionId": "42", "clientToken": "c1"}
        for _ in range(2):
            assert (await http.post(ANALYZE, json=comment("kept words", **labels))).status_code == 200
        assert (await http.post(ANALYZE, json=comment("lost words", doNotStore=True))).status_code == 200
        assert (await http.post(MODERATIONS, json=texts("other words"))).status_code == 200
    first, second = judge.recorded
    assert first.key == second.key  # a repeated call is one post
    assert (first.platform, first.text, first.surface) == ("forum", "kept words", "comment")
    assert first.metadata == {"communityId": "movies ", "sessionId": "42"}
    assert judge.read_texts == ["lost words", "other words"]


@pytest.mark.parametrize(("text", "status"), [("!setaside", 500), ("!setaside provisional", 504), ("!late", 504)])
async def test_a_recorded_comment_without_a_judgement_has_no_scores(serve: Serve, text: str, status: int) -> None:
    async with serve(record=True) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.post(ANALYZE, json=comment(text))).status_code == status


async def test_a_list_is_judged_at_once_and_answered_in_order(http: httpx.AsyncClient, judge: FakeJudge) -> None:
    inputs = ["fine words", "", "you vermin are not one of us", "fine words"]
    answer = (await http.post(MODERATIONS, json=texts(*inputs))).json()
    assert [result["flagged"] for result in answer["results"]] == [False, False, True, False]
    assert judge.read_texts == ["fine words", "you vermin are not one of us"]  # each text once
    assert answer["id"].startswith("modr-")


async def test_what_a_moderator_decided_counts(http: httpx.AsyncClient, judge: FakeJudge) -> None:
    judge.standing = (Standing("", Decision.ALLOW, (), "satire", "c1"),)
    [result] = (await http.post(MODERATIONS, json=texts("you vermin are not one of us"))).json()["results"]
    assert not result["flagged"]


async def test_a_text_in_a_language_that_is_not_known(serve: Serve, http: httpx.AsyncClient) -> None:
    refused = await http.post(ANALYZE, json=comment("ein deutsch geschriebener Satz"))
    assert refused.json()["error"]["details"][0]["errorType"] == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
    said = await http.post(ANALYZE, json=comment("ein deutsch geschriebener Satz", languages=["en"]))
    assert said.status_code == 200
    assert said.json()["attributeScores"]
    async with serve(drop_unsupported=True) as url, httpx.AsyncClient(base_url=url) as other:
        left = await other.post(ANALYZE, json=comment("ein deutsch geschriebener Satz", clientToken="t"))
        assert left.json() == {"languages": ["und"], "detectedLanguages": ["und"], "clientToken": "t"}
        dropped = await other.post(ANALYZE, json={**comment("x y"), "requestedAttributes": {"SPAM": {}}})
        assert "attributeScores" not in dropped.json()


@pytest.mark.parametrize("path", [ANALYZE, MODERATIONS])
@pytest.mark.parametrize(
    ("text", "status", "retry"),
    [("!overload", 429, "2"), ("!noworker", 503, "5"), ("!late", 504, "5"), ("!setaside", 500, None)],
)
async def test_trouble_is_told_in_the_words_of_each_api(
    http: httpx.AsyncClient, path: str, text: str, status: int, retry: str | None
) -> None:
    answer = await http.post(path, json=comment(text) if path == ANALYZE else texts("fine", text))
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == retry
    assert answer.headers["x-should-retry"] == ("true" if retry else "false")
    error = answer.json()["error"]
    if path == ANALYZE:
        assert error["code"] == status
        assert error["status"] in {"RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL"}
    else:
        assert set(error) == {"message", "type", "param", "code"}


async def test_a_text_that_was_set_aside_is_named(http: httpx.AsyncClient) -> None:
    error = (await http.post(MODERATIONS, json=texts("fine", "!setaside"))).json()["error"]
    assert (error["param"], error["code"]) == ("input[1]", "not_judged")


async def test_when_no_worker_is_there_the_deadline_is_not_to_blame(http: httpx.AsyncClient, judge: FakeJudge) -> None:
    judge.missing = NoWorker("no worker with a loaded model answers; start one with `assay worker`")
    answer = await http.post(MODERATIONS, json=texts("!late"))
    assert answer.status_code == 503
    assert "assay worker" in answer.json()["error"]["message"]


async def test_an_unexpected_error_is_an_incident_and_no_text_or_key_is_logged(http: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        crashed = await http.post(f"{ANALYZE}?key=sesame", json=comment("!crash private words"))
        fine = await http.post(MODERATIONS, json=texts("other private words"))
    assert (crashed.status_code, fine.status_code) == (500, 200)
    error = crashed.json()["error"]["message"]
    told = json.dumps(logs)
    incident = next(event for event in logs if event["event"] == "unexpected error")["incident"]
    assert incident in error
    for secret in ("private words", "secret words", "sesame"):
        assert secret not in told
        assert secret not in error
    assert [event["status"] for event in logs if event["event"] == "shim"] == [500, 200]


@pytest.mark.parametrize("path", [ANALYZE, SUGGEST, MODERATIONS])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1, NaN]", b"[" * 100_000])
async def test_what_is_no_json_is_refused(http: httpx.AsyncClient, path: str, body: bytes) -> None:
    answer = await http.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("The body ")


@pytest.mark.parametrize("path", [ANALYZE, MODERATIONS])
async def test_a_body_over_the_limit_is_refused_announced_or_not(http: httpx.AsyncClient, path: str) -> None:
    async def chunks() -> Any:
        for _ in range(MAX_BODY // (1 << 20) + 1):
            yield b" " * (1 << 20)

    announced = await http.post(path, content=b" " * (MAX_BODY + 1))
    streamed = await http.post(path, content=chunks())
    assert (announced.status_code, streamed.status_code) == (413, 413)
    assert "4 MiB" in streamed.json()["error"]["message"]


async def test_a_body_that_does_not_come_is_not_waited_for(serve: Serve) -> None:
    async with serve(patience=0.1) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(f"POST {MODERATIONS} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{{".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_other_paths_and_methods_are_refused_in_json(http: httpx.AsyncClient) -> None:
    assert (await http.get(MODERATIONS)).json()["error"]["type"] == "invalid_request_error"
    assert (await http.get(MODERATIONS)).status_code == 405
    missing = await http.get("/v1/chat/completions")
    assert (missing.status_code, missing.json()["error"]["message"]) == (
        404,
        "/v1/chat/completions is not served here.",
    )
    assert (await http.get("/elsewhere")).json()["error"]["status"] == "NOT_FOUND"
    assert (await http.get("/$discovery/rest?version=v2")).json()["error"]["status"] == "NOT_FOUND"


async def test_perspectives_key_stands_in_the_address_or_in_a_header(serve: Serve, judge: FakeJudge) -> None:
    async with serve("first", "second") as url, httpx.AsyncClient(base_url=url) as http:
        request = comment("fine words")
        for address, headers in ((f"{ANALYZE}?key=first", {}), (ANALYZE, {"X-Goog-Api-Key": "second"})):
            assert (await http.post(address, json=request, headers=headers)).status_code == 200
        wrong = (await http.post(f"{ANALYZE}?key=third", json=request)).json()["error"]
        missing = (await http.post(ANALYZE, json=request)).json()["error"]
        assert (wrong["code"], missing["code"]) == (400, 403)
        assert (await http.post(SUGGEST, json=request)).status_code == 403
        assert (await http.get("/$discovery/rest")).status_code == 200  # it tells nothing
    assert len(judge.read_texts) == 2


async def test_openais_key_is_a_bearer_token(serve: Serve, judge: FakeJudge) -> None:
    async with serve("first", "second") as url, httpx.AsyncClient(base_url=url) as http:
        for given, status, code in (
            ("Bearer second", 200, None),
            ("bearer  first", 200, None),
            ("Bearer third", 401, "invalid_api_key"),
            ("Basic first", 401, None),
            ("", 401, None),
        ):
            answer = await http.post(MODERATIONS, json=texts("fine"), headers={"Authorization": given})
            assert answer.status_code == status, given
            if status == 401:
                assert answer.json()["error"]["code"] == code
                assert "third" not in answer.text
    assert len(judge.read_texts) == 2


async def test_the_discovery_document_names_the_server_as_the_caller_did(http: httpx.AsyncClient, url: str) -> None:
    found = (await http.get("/$discovery/rest", params={"version": "v1alpha1"})).json()
    assert found == document(f"{url}/")
    assert found["resources"]["comments"]["methods"]["analyze"]["path"] == ANALYZE[1:]
    proxied = (await http.get("/$discovery/rest", headers={"Host": "assay.example"})).json()
    assert proxied["rootUrl"] == "http://assay.example/"


async def test_many_callers_are_answered_at_once(http: httpx.AsyncClient) -> None:
    calls = [http.post(ANALYZE, json=comment(f"words number {n} from an idiot")) for n in range(50)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}


async def test_posts_of_the_shims_keep_the_limits_of_posts(http: httpx.AsyncClient, judge: FakeJudge) -> None:
    answer = await http.post(MODERATIONS, content=json.dumps({"input": "control \x00 and half \ud800 pair"}))
    assert answer.status_code == 200
    assert judge.read_texts == ["control   and half � pair"]
    assert Post(platform="x", id="1", text=judge.read_texts[0]).content_digest
