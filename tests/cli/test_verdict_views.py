"""How verdicts look to people and to programs."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from service.cli.views.verdicts import (
    author_json,
    author_panel,
    marked,
    signal_bars,
    verdict_json,
    verdict_panel,
    verdict_table,
)
from service.domain.claim import Match, Rating, Relation
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Evidence, Signal, Span, TokenSurprise
from service.domain.log_odds import Share
from service.domain.verdict import Skip, Source, Verdict
from service.moderation.author import DUPLICATE, TOO_FEW_POSTS, AuthorJudgement, Finding
from tests.factories import model_verdict, numbered

LABELLED = Ruling(Decision.LABEL, (Category.AI_GENERATED,), ("machine-written",))


def printed(renderable: RenderableType, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def styled(text: str, verdict: Verdict, style: str) -> list[str]:
    shown = marked(text, verdict.judgement)
    return [shown.plain[span.start : span.end] for span in shown.spans if span.style == style]


def with_evidence(verdict: Verdict, **evidence: Any) -> Verdict:
    assert verdict.judgement
    return replace(verdict, judgement=replace(verdict.judgement, evidence=Evidence(**evidence)))


def test_json_holds_the_whole_verdict_and_is_json() -> None:
    verdict = model_verdict(numbered(1, "they delve"), ruling=LABELLED, skipped=(Skip("claims", "NO_INDEX"),))
    shown = json.loads(json.dumps(verdict_json(verdict)))
    assert shown["post"] == "platforms/example/posts/1"
    assert (shown["decision"], shown["categories"], shown["rules"]) == ("LABEL", ["AI_GENERATED"], ["machine-written"])
    assert shown["signals"]["ai_generated"] == {"probability": 0.97, "raw": 0.0, "low": 0.95, "high": 0.99}
    assert shown["evidence"]["spans"] == [{"start": 5, "end": 10, "signal": "ai_generated", "weight": 3.0}]
    assert shown["skipped"] == [{"stage": "claims", "reason": "NO_INDEX"}]
    assert (shown["source"], shown["model_version"], shown["words"]) == ("MODEL", "keywords-1", 2)


def test_json_of_a_verdict_without_a_judgement_says_so() -> None:
    shown = verdict_json(model_verdict(numbered(1), judgement=None, source=Source.SET_ASIDE))
    assert (shown["signals"], shown["evidence"], shown["words"], shown["model_version"]) == ({}, {}, None, "")


def test_the_panel_names_post_decision_signals_rules_and_what_was_skipped() -> None:
    verdict = model_verdict(numbered(1, "they delve"), ruling=LABELLED, skipped=(Skip("claims", "NO_INDEX"),))
    assert verdict.judgement
    verdict = replace(verdict, judgement=replace(verdict.judgement, abstained=("ABSTAINED_TOO_SHORT",)))
    shown = printed(verdict_panel("they delve", verdict))
    for part in (
        "platforms/example/posts/1",
        "LABEL  AI_GENERATED",
        "they delve",
        "ai_generated",
        "0.95 to 0.99",
        "rule machine-written",
        "abstained: ABSTAINED_TOO_SHORT",
        "skipped claims: NO_INDEX",
        "source model",
    ):
        assert part in shown


def test_markup_in_a_post_is_shown_and_not_obeyed() -> None:
    text = "[bold]they[/bold] delve [/]"
    verdict = model_verdict(numbered(1, text))
    assert text in printed(verdict_panel(text, verdict))
    assert text in printed(verdict_table([(numbered(1, text), verdict)], "verdicts"))


def test_spans_that_raised_a_signal_are_underlined_whatever_script_comes_before() -> None:
    text = "👩\u200d🚀 café delve"
    assert styled(text, model_verdict(numbered(1, text)), "underline") == ["delve"]


def test_spans_that_lowered_a_signal_are_not_underlined() -> None:
    verdict = with_evidence(model_verdict(numbered(1, "plain words")), spans=(Span(0, 5, "ai_generated", -2.0),))
    assert styled("plain words", verdict, "underline") == []


def test_only_surprising_tokens_are_in_italics() -> None:
    surprise = (TokenSurprise(0, 5, 3.0), TokenSurprise(6, 12, 11.0))
    assert styled("plain quokka", with_evidence(model_verdict(numbered(1)), surprise=surprise), "italic") == ["quokka"]


@pytest.mark.parametrize(("start", "end"), [(1, 3), (0, 99), (4, 4)])
def test_offsets_that_fit_no_character_do_not_break_the_output(start: int, end: int) -> None:
    verdict = with_evidence(model_verdict(numbered(1)), spans=(Span(start, end, "ai_generated", 1.0),))
    assert marked("🚀x", verdict.judgement).plain == "🚀x"


@pytest.mark.parametrize(("probability", "filled"), [(0.0, 0), (0.5, 12), (1.0, 24)])
def test_bars_are_filled_up_to_the_probability(probability: float, filled: int) -> None:
    line = printed(signal_bars([Signal("hate", probability, 0.0, 0.0, 1.0)]))
    assert (line.count("█"), line.count("░")) == (filled, 24 - filled)
    assert f"{probability:.2f}" in line


def test_the_table_has_a_line_for_each_post() -> None:
    rows = [
        (numbered(1, "they delve"), model_verdict(numbered(1, "they delve"), ruling=LABELLED)),
        (numbered(2), model_verdict(numbered(2), judgement=None, source=Source.SET_ASIDE)),
    ]
    lines = printed(verdict_table(rows, "verdicts"), width=200).splitlines()
    assert lines[0].strip() == "verdicts"
    assert all(part in lines[2] for part in ("LABEL", "AI-generated", "97%", "model", "they delve"))
    assert all(part in lines[3] for part in ("ALLOW", "-", "set_aside", "what post 2"))


def test_a_row_stays_on_one_line_of_a_narrow_terminal() -> None:
    long = "two\n lines and many more words than one line of a narrow terminal can hold"
    lines = printed(
        verdict_table([(numbered(1, long), model_verdict(numbered(1, long)))], "verdicts"), width=80
    ).splitlines()
    assert len(lines) == 3
    assert "ALLOW" in lines[2]
    assert "two lines" in lines[2]
    assert lines[2].rstrip().endswith("…")


MATCH = Match(
    claim_id="c-1",
    claim="Bananas [glow] in the dark",
    verdict="Pants on fire",
    rating=Rating.FALSE,
    publisher="Example Facts",
    url="https://example.org/bananas",
    score=0.91,
    relation=Relation.REPEATS,
    p_relation=0.84,
    weight=2.345,
)


def test_the_panel_shows_matched_claims_with_link_and_probabilities() -> None:
    shown = printed(
        verdict_panel("they delve", with_evidence(model_verdict(numbered(1, "they delve")), matches=(MATCH,)))
    )
    for part in (
        "repeats  “Bananas [glow] in the dark”",
        "Pants on fire · Example Facts · https://example.org/bananas",
        "about it: 91% · repeats, if so: 84% · misinformation +2.35 logits",
    ):
        assert part in shown


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"quarantined": True, "weight": 0.0}, "quarantined: not weighed"),
        ({"abstained": True, "weight": 0.0}, "abstained: relation uncertain, not weighed"),
        ({"relation": Relation.REBUTS, "weight": -1.2}, "misinformation -1.20 logits"),
        ({"relation": Relation.DISCUSSES, "weight": 0.0}, "discusses, if so: 84% · not weighed"),
    ],
)
def test_the_panel_says_whether_a_match_weighs(change: dict[str, Any], says: str) -> None:
    verdict = with_evidence(model_verdict(numbered(1)), matches=(MATCH._replace(**change),))
    assert says in printed(verdict_panel("text", verdict))


def test_a_claim_whose_publisher_gave_no_words_is_shown_by_its_rating() -> None:
    bare = MATCH._replace(verdict="", publisher="", url="", rating=Rating.MISLEADING)
    lines = printed(verdict_panel("text", with_evidence(model_verdict(numbered(1)), matches=(bare,)))).splitlines()
    assert any(line.strip("│ ") == "misleading" for line in lines)


def test_json_holds_matches_the_claims_version_and_the_cluster() -> None:
    verdict = with_evidence(model_verdict(numbered(1)), matches=(MATCH,))
    assert verdict.judgement
    verdict = replace(verdict, judgement=replace(verdict.judgement, claims_version="v7", cluster="abc"))
    shown = json.loads(json.dumps(verdict_json(verdict)))
    assert (shown["claims_version"], shown["cluster"]) == ("v7", "abc")
    assert "claims v7 " in printed(verdict_panel("text", verdict))
    [match] = shown["evidence"]["matches"]
    assert (match["claim_id"], match["relation"], match["rating"]) == ("c-1", "repeats", "FALSE")
    assert (match["score"], match["p_relation"], match["weight"]) == (0.91, 0.84, 2.345)
    assert (match["url"], match["abstained"], match["quarantined"]) == ("https://example.org/bananas", False, False)


SIGNAL = Signal("ai_generated", 0.92, 2.4, 0.85, 0.97)
AUTHOR = AuthorJudgement(
    author="a-1",
    signal=SIGNAL,
    share=Share(0.8, 0.5, 1.0),
    findings=(Finding("platforms/x/posts/1", SIGNAL, 12), Finding("platforms/x/posts/2", None, 0, DUPLICATE)),
    abstained=(),
    model_version="m1",
)


def test_an_author_is_shown_by_signal_share_and_what_was_left_out() -> None:
    shown = printed(author_panel(AUTHOR))
    for words in (
        "a-1",
        "0.92",
        "80% of these posts (50% to 100%)",
        "1 of 2 posts count",
        f"left out: 1 x {DUPLICATE}",
    ):
        assert words in shown


def test_an_author_of_whom_nothing_can_be_said_gets_no_bar() -> None:
    shown = printed(author_panel(replace(AUTHOR, signal=None, share=None, abstained=(TOO_FEW_POSTS,))))
    assert TOO_FEW_POSTS in shown
    assert "█" not in shown
    assert "%" not in shown


def test_an_author_as_json_keeps_everything() -> None:
    data = json.loads(json.dumps(author_json(AUTHOR)))
    assert data["ai_generated"] == {"probability": 0.92, "raw": 2.4, "low": 0.85, "high": 0.97}
    assert data["share_machine_written"] == {"share": 0.8, "low": 0.5, "high": 1.0}
    assert [post["excluded"] for post in data["posts"]] == ["", DUPLICATE]
    assert author_json(replace(AUTHOR, share=None, signal=None))["share_machine_written"] is None
