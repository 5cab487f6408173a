"""Perspective's JSON, read, answered and refused: without HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from service.domain.judgement import Judgement
from service.shims import perspective
from service.shims.perspective import Analysis
from service.shims.perspective_scores import analyzed
from service.shims.refusals import Refused

JudgementOf = Callable[..., Judgement]
ENGLISH = frozenset({"en"})
Json = dict[str, Any]


def body(text: str = "what an idiot you are", *attributes: str, **members: Any) -> Json:
    asked: Json = {name: {} for name in attributes or ("TOXICITY",)}
    return {"comment": {"text": text}, "requestedAttributes": asked, **members}


def read(request: object, *, drop: bool = False, languages: frozenset[str] = ENGLISH) -> Analysis:
    return perspective.read_analysis(request, languages=languages, drop=drop)


def refused(request: object, **options: Any) -> Json:
    with pytest.raises(Refused) as caught:
        read(request, **options)
    error: Json = perspective.error(caught.value)["error"]
    assert error["code"] == 400
    assert error["status"] == "INVALID_ARGUMENT"
    return error


def kind(error: Json) -> str:
    [detail] = error["details"]
    assert detail["@type"] == "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
    return str(detail["errorType"])


def test_a_plain_call_is_read() -> None:
    asked = read(body("what an idiot", "TOXICITY", "INSULT"))
    assert asked.text == "what an idiot"
    assert list(asked.attributes) == ["TOXICITY", "INSULT"]
    assert (asked.spans, asked.store, asked.token, dict(asked.labels)) == (False, True, "", {})


def test_every_member_is_read_in_either_spelling() -> None:
    members: Json = {
        "doNotStore": True,
        "clientToken": "t",
        "sessionId": "s",
        "communityId": "c",
        "spanAnnotations": True,
    }
    snake: Json = {
        "do_not_store": True,
        "client_token": "t",
        "session_id": "s",
        "community_id": "c",
        "span_annotations": True,
    }
    parameters = {"TOXICITY": {"score_threshold": 0.5, "score_type": "PROBABILITY"}}
    assert read(body(**members)) == read(body(**snake))
    one = {"comment": {"text": "some words", "type": "PLAIN_TEXT"}, "requested_attributes": parameters}
    asked = read(one)
    assert asked.thresholds == {"TOXICITY": 0.5}
    assert not read(body(**members)).store
    assert dict(read(body(**members)).labels) == {"communityId": "c", "sessionId": "s"}


def test_null_is_as_if_left_out() -> None:
    asked = read({"comment": {"text": "a b"}, "requestedAttributes": {"THREAT": None}, "languages": None})
    assert asked == read(body("a b", "THREAT"))


@pytest.mark.parametrize("text", ["", " \n", "\u200b"])
def test_an_empty_comment_is_refused(text: str) -> None:
    error = refused(body(text))
    assert kind(error) == "COMMENT_EMPTY"
    assert error["message"] == "Comment must be non-empty."


def test_a_comment_that_is_too_long_is_refused() -> None:
    assert kind(refused(body("x" * 20_001))) == "COMMENT_TOO_LONG"
    assert read(body("x" * 20_000))


@pytest.mark.parametrize("attributes", [{}, None])
def test_a_call_without_attributes_is_refused(attributes: object) -> None:
    assert kind(refused({**body(), "requestedAttributes": attributes})) == "NO_REQUESTED_ATTRIBUTES"


@pytest.mark.parametrize(
    ("request_body", "said"),
    [
        ([], "not a JSON object"),
        ("text", "not a JSON object"),
        (body("x", "BEAUTY"), "Unknown requested attribute: BEAUTY"),
        ({**body(), "comment": "x"}, "'comment' is not a JSON object"),
        ({**body(), "comment": {"text": 5}}, "'comment.text': not a string"),
        ({**body(), "comment": {"text": "x", "type": "HTML"}}, "only 'PLAIN_TEXT'"),
        ({**body(), "comment": {"text": "x", "type": "RTF"}}, "Unknown text type"),
        ({**body(), "requestedAttributes": ["TOXICITY"]}, "'requestedAttributes' is not a JSON object"),
        ({**body(), "requestedAttributes": {"TOXICITY": 1}}, "'requestedAttributes.TOXICITY' is not a JSON object"),
        ({**body(), "requestedAttributes": {"TOXICITY": {"scoreType": "RAW"}}}, "score type RAW is not supported"),
        ({**body(), "requestedAttributes": {"TOXICITY": {"scoreThreshold": "x"}}}, "scoreThreshold': not a number"),
        ({**body(), "requestedAttributes": {"TOXICITY": {"scoreThreshold": 10**400}}}, "not a number"),
        ({**body(), "requestedAttributes": {"TOXICITY": {"scoreThreshold": True}}}, "not a number"),
        (body(languages="en"), "'languages': not a list of strings"),
        (body(languages=[1]), "'languages': not a list of strings"),
        (body(doNotStore="yes"), "'doNotStore': not true or false"),
        (body(clientToken=7), "'clientToken': not a string"),
        (body(context={"entries": [], "articleAndParentComment": {}}), "both fields were populated"),
    ],
)
def test_what_is_malformed_is_refused_by_name(request_body: object, said: str) -> None:
    error = refused(request_body)
    assert said in error["message"]
    assert kind(error) == "INVALID_REQUEST"


@pytest.mark.parametrize("name", ["PROFANITY", "FLIRTATION", "SPAM", "AFFINITY_EXPERIMENTAL", "PROFANITY@2"])
def test_an_attribute_without_a_signal_is_refused_as_clients_know_it(name: str) -> None:
    error = refused(body("some words", "TOXICITY", name))
    assert kind(error) == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
    inner = error["details"][0]["languageNotSupportedByAttributeError"]
    assert inner == {"requestedLanguages": ["en"], "attribute": name}
    assert error["message"].startswith(f"Attribute {name} does not support request languages: en (")
    assert "dropUnsupportedAttributes" in error["message"]


def test_an_attribute_without_a_signal_is_left_out_where_the_call_or_the_service_says_so() -> None:
    asked = body("some words", "TOXICITY", "PROFANITY")
    assert list(read(asked, drop=True).attributes) == ["TOXICITY"]
    assert list(read({**asked, "dropUnsupportedAttributes": True}).attributes) == ["TOXICITY"]
    assert kind(refused(body("x", "BEAUTY"), drop=True)) == "INVALID_REQUEST"


def test_languages_that_the_bundle_does_not_know_are_refused() -> None:
    error = refused(body(languages=["en", "de"]))
    inner = error["details"][0]["languageNotSupportedByAttributeError"]
    assert inner == {"requestedLanguages": ["en", "de"], "attribute": "TOXICITY"}
    assert read(body(languages=["en-GB", "EN", "en_US"])).languages == ("en-GB", "EN", "en_US")
    assert read(body(languages=["de"]), languages=frozenset({"en", "de"})).languages == ("de",)
    assert not read(body(languages=["de"]), drop=True).attributes


def test_a_foreign_text_names_a_language_that_is_not_determined() -> None:
    error = perspective.error(perspective.foreign_language(read(body("x", "INSULT"))))["error"]
    inner = error["details"][0]["languageNotSupportedByAttributeError"]
    assert inner == {"detectedLanguages": ["und"], "attribute": "INSULT"}


def test_an_answer_has_each_score_and_one_span_over_the_whole(judged: JudgementOf) -> None:
    text = "🧪 what an idiot you are"
    answer = analyzed(read(body(text, "TOXICITY", "THREAT")), judged(text), ENGLISH)
    toxicity = answer["attributeScores"]["TOXICITY"]
    assert toxicity["summaryScore"] == {"value": 0.989, "type": "PROBABILITY"}
    assert toxicity["spanScores"] == [{"begin": 0, "end": 24, "score": {"value": 0.989, "type": "PROBABILITY"}}]
    assert answer["attributeScores"]["THREAT"]["summaryScore"]["value"] < 0.01
    assert answer["languages"] == answer["detectedLanguages"] == ["en"]
    assert "clientToken" not in answer


def test_span_annotations_come_from_the_evidence_in_utf16_units(judged: JudgementOf) -> None:
    text = "🧪 idiot,  I say 🧪 idiot"
    answer = analyzed(read(body(text, "INSULT", spanAnnotations=True)), judged(text), ENGLISH)
    spans = answer["attributeScores"]["INSULT"]["spanScores"]
    encoded = text.encode("utf-16-le")
    assert [encoded[2 * s["begin"] : 2 * s["end"]].decode("utf-16-le") for s in spans] == ["idiot", "idiot"]
    summary = answer["attributeScores"]["INSULT"]["summaryScore"]["value"]
    assert all(0.5 < span["score"]["value"] < summary for span in spans)  # each alone says less than both


def test_without_evidence_one_span_covers_the_comment(judged: JudgementOf) -> None:
    text = "have a lovely day all of you"
    answer = analyzed(read(body(text, spanAnnotations=True)), judged(text), ENGLISH)
    [span] = answer["attributeScores"]["TOXICITY"]["spanScores"]
    assert (span["begin"], span["end"]) == (0, len(text))


def test_scores_below_the_threshold_are_not_returned(judged: JudgementOf) -> None:
    request = body("what an idiot you are", "TOXICITY", "THREAT")
    request["requestedAttributes"] = {"TOXICITY": {"scoreThreshold": 0.9}, "THREAT": {"scoreThreshold": 0.9}}
    answer = analyzed(read(request), judged("what an idiot you are"), ENGLISH)
    assert list(answer["attributeScores"]) == ["TOXICITY"]
    request["requestedAttributes"] = {"THREAT": {"scoreThreshold": 0.9}}
    assert "attributeScores" not in analyzed(read(request), judged("what an idiot you are"), ENGLISH)


def test_languages_and_token_are_echoed(judged: JudgementOf) -> None:
    request = read(body(languages=["en-GB"], clientToken="\ud800 token"))
    answer = analyzed(request, judged("x"), ENGLISH)
    assert (answer["languages"], answer["clientToken"]) == (["en-GB"], "\ud800 token")
    assert "detectedLanguages" not in answer
    unsure = analyzed(read(body()), judged("x"), frozenset({"en", "de"}))
    assert unsure["detectedLanguages"] == ["und"]


def test_a_suggestion_is_answered_and_a_bad_one_refused() -> None:
    scores = {"TOXICITY": {"summaryScore": {"value": 0}}}
    suggestion = {"comment": {"text": "fine words"}, "attributeScores": scores, "clientToken": "comment-1"}
    assert perspective.read_suggestion(suggestion) == {"clientToken": "comment-1"}
    assert perspective.read_suggestion({**suggestion, "languages": ["en"]})["requestedLanguages"] == ["en"]
    faults: list[Json] = [{"attributeScores": {}}, {"attributeScores": {"BEAUTY": {}}}, {"comment": {}}]
    for wrong in faults:
        with pytest.raises(Refused):
            perspective.read_suggestion({**suggestion, **wrong})


@pytest.mark.parametrize(("status", "name"), [(429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE"), (500, "INTERNAL")])
def test_statuses_have_googles_names(status: int, name: str) -> None:
    assert perspective.error(Refused(status, "x")) == {"error": {"code": status, "message": "x", "status": name}}


def test_a_refused_key_says_so_as_google_does() -> None:
    wrong = perspective.error(perspective.key_refused(given=True))["error"]
    assert (wrong["code"], wrong["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    missing = perspective.error(perspective.key_refused(given=False))["error"]
    assert (missing["code"], missing["status"]) == (403, "PERMISSION_DENIED")
