"""OpenAI's JSON, read, answered and refused: without HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Judgement
from service.policy.policy import Policy
from service.shims import openai_moderation as openai
from service.shims.categories import CATEGORIES
from service.shims.openai_moderation import Found
from service.shims.refusals import Refused, refusal
from service.shims.texts import post

JudgementOf = Callable[..., Judgement]
Json = dict[str, Any]


def refused(body: object) -> Json:
    with pytest.raises(Refused) as caught:
        openai.read_inputs(body)
    error: Json = openai.error(caught.value)["error"]
    assert error["type"] == "invalid_request_error"
    return error


def found(policy: Policy, judgement: Judgement, text: str) -> Found:
    return Found(judgement, policy.decide(post("openai", text), judgement))


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ("one", ["one"]),
        (["one", "", "two\x00"], ["one", "", "two "]),
        ([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], ["one\ntwo"]),
        ("  ", [""]),
        ("half \ud83d", ["half �"]),
    ],
)
def test_inputs_of_each_form_are_read(given: object, texts: list[str]) -> None:
    assert openai.read_inputs({"input": given}) == texts


@pytest.mark.parametrize(
    "model",
    [
        "omni-moderation-latest",
        "omni-moderation-2024-09-26",
        "text-moderation-latest",
        "text-moderation-stable",
        "assay",
    ],
)
def test_models_for_moderation_are_accepted(model: str) -> None:
    assert openai.read_inputs({"input": "x", "model": model}) == ["x"]


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ([], None, "invalid_type"),
        ({}, "input", "missing_required_parameter"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": 5}, "input", "invalid_type"),
        ({"input": {"text": "x"}}, "input", "invalid_type"),
        ({"input": []}, "input", "empty_array"),
        ({"input": ["x"] * 1_001}, "input", "array_above_max_length"),
        ({"input": ["x", 5]}, "input[1]", "invalid_type"),
        ({"input": ["x", {"type": "text", "text": "y"}]}, "input[1]", "invalid_type"),
        ({"input": "x" * 20_001}, "input", "string_above_max_length"),
        ({"input": ["x", "x" * 20_001]}, "input[1]", "string_above_max_length"),
        ({"input": [{"type": "text"}]}, "input[0].text", "invalid_type"),
        ({"input": [{"type": "sound"}]}, "input[0].type", "invalid_value"),
        ({"input": [{}]}, "input[0].type", "invalid_value"),
        ({"input": "x", "model": 5}, "model", "invalid_type"),
        ({"input": "x", "model": "gpt-4"}, "model", "model_not_found"),
    ],
)
def test_what_is_malformed_is_refused_by_name(body: object, param: str | None, code: str) -> None:
    error = refused(body)
    assert (error["param"], error["code"]) == (param, code)


def test_images_are_refused_clearly() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    error = refused({"input": [{"type": "text", "text": "x"}, image]})
    assert (error["param"], error["code"]) == ("input[1]", "image_not_supported")
    assert "does not look at images" in error["message"]
    assert "example.org" not in error["message"]


def test_an_answer_has_every_category_and_the_model_that_judged(policy: Policy, judged: JudgementOf) -> None:
    text = "you vermin, I will stab all of you"
    answer = openai.moderated("abc", [found(policy, judged(text), text)])
    assert (answer["id"], answer["model"]) == ("modr-abc", "assay/m1")
    [result] = answer["results"]
    assert result["flagged"]
    flagged = {name for name, flag in result["categories"].items() if flag}
    assert flagged == {"hate", "hate/threatening", "violence"}
    assert set(result["category_scores"]) == set(result["categories"]) == set(CATEGORIES)
    assert result["category_scores"]["hate/threatening"] == 0.989
    assert result["category_scores"]["harassment/threatening"] < 0.01


def test_what_nobody_looked_for_has_no_applied_input_types(policy: Policy, judged: JudgementOf) -> None:
    [result] = openai.moderated("a", [found(policy, judged("naked as can be"), "naked as can be")])["results"]
    applied = result["category_applied_input_types"]
    unlooked = {name for name, types in applied.items() if not types}
    assert unlooked == {"sexual/minors", "violence/graphic", "self-harm/instructions"}
    assert all(result["category_scores"][name] == 0 and not result["categories"][name] for name in unlooked)
    assert applied["sexual"] == ["text"]


def test_flags_come_from_the_policy_not_from_the_scores(policy: Policy, judged: JudgementOf) -> None:
    text = "such an idiot"  # three words: the classifiers abstain, and the policy hears no signal
    [result] = openai.moderated("a", [found(policy, judged(text), text)])["results"]
    assert result["category_scores"]["harassment"] > 0.9
    assert not result["flagged"]


def test_what_openai_has_no_category_for_is_not_flagged(policy: Policy, judged: JudgementOf) -> None:
    text = "they delve into a hoax that is a hoax as the hoax was always there, I tell you all about it today"
    one = found(policy, judged(text), text)
    assert Category.AI_GENERATED_MISINFORMATION in one.ruling.categories
    assert not openai.moderated("a", [one])["results"][0]["flagged"]


@pytest.mark.parametrize(
    ("ruling", "flagged"),
    [
        (Ruling(Decision.BLOCK, (Category.TEST,), ("test_string",)), True),
        (Ruling(Decision.ALLOW, (Category.TEST,), ("test_string",)), False),
        (Ruling(Decision.BLOCK, (), ("moderator",), "spam", "c1"), True),
        (Ruling(Decision.ALLOW, (Category.HATE,), ("moderator",), "fine", "c1"), False),
        (Ruling(Decision.LABEL, (Category.SEXUAL,)), True),
        (Ruling(Decision.REVIEW), False),
    ],
)
def test_only_what_the_decision_is_about_is_flagged(ruling: Ruling, flagged: bool, judged: JudgementOf) -> None:
    [result] = openai.moderated("a", [Found(judged("some words"), ruling)])["results"]
    assert result["flagged"] is flagged
    if ruling.decision is Decision.ALLOW:
        assert not any(result["categories"].values())


def test_a_blank_text_is_answered_with_nothing() -> None:
    answer = openai.moderated("a", [Found()])
    assert answer["model"] == "assay"
    assert not any(answer["results"][0]["category_scores"].values())


def test_errors_of_ours_become_openais() -> None:
    from service.errors import NoWorker, Overloaded

    busy = openai.error(refusal(Overloaded("busy", 2.0)))["error"]
    assert (busy["type"], busy["code"], busy["param"]) == ("requests", "rate_limit_exceeded", None)
    assert openai.error(refusal(NoWorker("none")))["error"]["type"] == "server_error"


def test_a_refused_key_is_never_repeated() -> None:
    assert openai.error(openai.key_refused(given=True))["error"]["code"] == "invalid_api_key"
    assert "Bearer" in openai.key_refused(given=False).message
