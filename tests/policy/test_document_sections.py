"""The sections of a policy document about people: queues, harms, reasons, budget."""

import pytest

from service.domain.decision import Category
from service.domain.post import Post, Surface
from service.errors import PolicyInvalid
from service.policy.document import load, parse
from service.policy.routing import HARMS, Reason

BASE = """\
schema: 1
name: small
description: For tests.
defaults: {abstained: ALLOW}
rules:
  - {name: ads, when: {surfaces: [ad]}, then: ALLOW, reason: So.}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyInvalid) as caught:
        parse(BASE + text)
    return [str(caught.value), *getattr(caught.value, "__notes__", ())]


def test_documents_without_them_are_as_before() -> None:
    policy = parse(BASE)
    assert policy.budget is None
    assert policy.routing.queues == ("general",)
    assert (policy.routing.harms, policy.routing.reasons) == (HARMS, ())


def test_the_shipped_policy_has_reasons_for_the_keys_1_to_9() -> None:
    policy = load()
    assert policy.budget
    assert len(policy.routing.reasons) >= 9
    told = {reason.category for reason in policy.routing.reasons}
    assert told == {None, *Category} - {Category.TEST}
    assert policy.routing.harms == HARMS
    assert policy.routing.queues[-1] == "general"


def test_queues_take_what_all_their_conditions_fit_in_order() -> None:
    routing = parse(
        BASE
        + """
queues:
  - {queue: urgent, least_severity: 5}
  - {queue: german-ads, surfaces: [ad], languages: [de]}
  - {queue: hate, categories: [HATE, HARASSMENT], regions: [DE, NO]}
  - {queue: german-ads, surfaces: [story]}
harms: {HATE: 4, FRAUD: 5}
"""
    ).routing
    assert routing.queues == ("urgent", "german-ads", "hate", "general")
    ad, feed = (Post(platform="p", id="1", text="t", surface=s, locale="de-AT") for s in (Surface.AD, Surface.FEED))
    assert routing.queue_of(ad, [Category.FRAUD]) == "urgent"
    assert routing.queue_of(ad, [Category.HATE]) == "german-ads"
    assert routing.queue_of(feed, [Category.HATE]) == "general"
    norwegian = Post(platform="p", id="1", text="t", region="NO")
    assert routing.queue_of(norwegian, [Category.HATE]) == "hate"
    assert routing.severity([Category.HATE, Category.SEXUAL]) == 4
    assert routing.harms[Category.SEXUAL] == HARMS[Category.SEXUAL]


def test_reasons_keep_their_order() -> None:
    reasons = parse(
        BASE
        + """
reasons:
  - {name: hate, text: It attacks people., category: HATE, rationale: required}
  - {name: fine, text: Nothing is wrong., rationale: optional}
"""
    ).routing.reasons
    assert reasons == (
        Reason(name="hate", text="It attacks people.", category=Category.HATE, needs_rationale=True),
        Reason(name="fine", text="Nothing is wrong."),
    )


@pytest.mark.parametrize(("words", "budget"), [("0", 0), ("1000", 1000), ("1e6", 1_000_000)])
def test_a_budget(words: str, budget: int) -> None:
    assert parse(BASE + f"budget: {{automatic_actions_per_day: {words}}}").budget == budget


def test_each_of_them_is_part_of_the_version() -> None:
    sections = ("harms: {HATE: 4}", "budget: {automatic_actions_per_day: 1}", "queues: [{queue: a, surfaces: [ad]}]")
    versions = {parse(BASE + section).version for section in ("", *sections, "reasons: [{name: a, text: b}]")}
    assert len(versions) == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("queues: [{queue: ads}]", "line 7, queues[0]: takes every case"),
        ("queues: [{surfaces: [ad]}]", "line 7, queues[0].queue: is missing"),
        ("queues: [{queue: Ads, surfaces: [ad]}]", "line 7, queues[0].queue: 'Ads' does not have the expected form"),
        ("queues: [{queue: a, surfaces: [adds]}]", "did you mean ad?"),
        ("queues: [{queue: a, least_severity: 6}]", "6 is out of range; write a number from 1 to 5"),
        ("queues: [{queue: a, regions: [Germany]}]", "ISO 3166-1"),
        ("queues: [{queue: a, categories: [TEST]}]", "'TEST' is not known here"),
        ("queues: {}", "queues: holds keys and values"),
        ("harms: {HATE: 0}", "line 7, harms.HATE: 0 is out of range"),
        ("harms: {HATRED: 1}", "did you mean HATE?"),
        ("harms: {HATE: 1.5}", "1.5 is not whole"),
        ("reasons: [{name: a}]", "text: is missing"),
        ("reasons: [{name: a, text: b, rationale: maybe}]", "'maybe' is not known here"),
        ("reasons: [{name: a, text: b}, {name: a, text: c}]", "'a' names an earlier reason too"),
        ("budget: 5", "budget: holds '5' where keys and values are needed"),
        ("budget: {automatic_actions_per_day: -1}", "-1 is out of range"),
        ("budget: {per_day: 1}", "automatic_actions_per_day"),
    ],
)
def test_what_is_wrong_is_told_with_line_key_and_remedy(text: str, told: str) -> None:
    [problem] = problems(text)
    assert told in problem
    assert problem.startswith("line 7, ")


def test_each_entry_is_told_of_once() -> None:
    text = "harms: {HATE: 9, FRAUD: 8}\nqueues: [{queue: A, surfaces: [ad]}, {queue: b}]\nbudget: {}\n"
    assert [problem.split(":")[0] for problem in problems(text)] == [
        "line 7, harms.HATE",
        "line 7, harms.FRAUD",
        "line 8, queues[0].queue",
        "line 8, queues[1]",
        "line 9, budget.automatic_actions_per_day",
    ]


@pytest.mark.parametrize("name", ["moderator", "test_string"])
def test_rules_are_not_called_what_verdicts_say_of_others(name: str) -> None:
    with pytest.raises(PolicyInvalid, match="reserved for verdicts"):
        parse(BASE.replace("name: ads", f"name: {name}"))
