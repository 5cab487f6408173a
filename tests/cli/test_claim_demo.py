"""The demo's claims: that they are whole, waited for, shown and counted honestly."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from service.cli.demo.claims import claim_table, count_table, counts, foremost, is_flagged, sample_claims, until_matched
from service.domain.claim import Claim, Match, Rating, Relation
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Evidence
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.errors import NoWorker
from tests.factories import model_verdict, numbered

FLAGGED = Ruling(Decision.REVIEW, (Category.MISINFORMATION,), ("repeats-claim",))
CLAIMS = [
    Claim(id="moon", claim="The moon is cheese.", rating=Rating.FALSE),
    Claim(id="bus", claim="The bus runs in winter.", rating=Rating.TRUE),
]


def match(claim_id: str = "moon", relation: Relation = Relation.REPEATS, **changes: Any) -> Match:
    fields = claim_id, "The moon is cheese.", "Pants on fire", Rating.FALSE, "Example Check", "https://c.example/1"
    return Match(*fields, score=0.9, relation=relation, p_relation=0.8)._replace(**changes)


def with_matches(verdict: Verdict, *matches: Match) -> Verdict:
    assert verdict.judgement
    return replace(verdict, judgement=replace(verdict.judgement, evidence=Evidence(matches=matches)))


def printed(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=160, color_system=None)
    console.print(renderable)
    return " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]


def test_the_sample_claims_are_forty_with_mixed_ratings() -> None:
    claims = sample_claims()
    assert len(claims) == len({claim.id for claim in claims}) == 40
    assert {claim.rating for claim in claims} == set(Rating)
    assert sum(claim.rating is Rating.FALSE for claim in claims) > 20
    assert all(claim.date and claim.title and claim.publisher for claim in claims)
    assert all(".example." in claim.url for claim in claims)


async def test_it_waits_until_a_worker_knows_the_last_claim() -> None:
    answers: list[list[tuple[Match, ...]]] = [[()], [(match("moon"),)], [(match("moon"), match("bus"))]]
    asked: list[Sequence[str]] = []

    async def matching(texts: Sequence[str]) -> Sequence[Sequence[Match]]:
        asked.append(texts)
        return answers[len(asked) - 1]

    await until_matched(matching, CLAIMS, pause=0.001)
    assert asked == [["The bus runs in winter."]] * 3


async def test_it_gives_up_with_a_clear_error() -> None:
    async def matching(_: Sequence[str]) -> Sequence[Sequence[Match]]:
        return [()]

    with pytest.raises(NoWorker, match="2 claims"):
        await until_matched(matching, CLAIMS, seconds=0.01, pause=0.001)


def test_the_foremost_match_is_the_one_that_weighs() -> None:
    unsure = match("a", score=0.99, abstained=True)
    unrelated = match("b", Relation.UNRELATED, score=0.99)
    likely, weighing = match("c", score=0.95), match("d", score=0.6, weight=1.5)
    verdict = model_verdict(numbered())
    assert foremost(with_matches(verdict, unsure, unrelated, likely, weighing)) == weighing
    assert foremost(with_matches(verdict, unsure, unrelated, likely)) == likely
    assert foremost(with_matches(verdict, unsure, unrelated)) is None
    assert foremost(replace(verdict, judgement=None)) is None


def test_a_table_shows_one_relation_with_claim_and_link() -> None:
    one, other = numbered(1, "so the moon is cheese"), numbered(2, "the moon is no cheese")
    rows = [
        (one, with_matches(model_verdict(one, ruling=FLAGGED), match())),
        (other, with_matches(model_verdict(other), match(relation=Relation.REBUTS))),
    ]
    repeats, rebuts = (
        printed(claim_table(rows, relation, "Found", 9)) for relation in (Relation.REPEATS, Relation.REBUTS)
    )
    assert "Found: 1, of which 1 flagged" in repeats
    assert "so the moon is cheese" in repeats
    assert "no cheese" not in repeats
    assert all(word in repeats for word in ("REVIEW", "Pants on fire", "Example Check", "https://c.example/1"))
    assert "Found: 1, of which 0 flagged" in rebuts
    assert "no cheese" in rebuts
    assert "ALLOW" in rebuts


def test_a_table_shows_each_text_once_the_surest_first() -> None:
    said = [(numbered(1, "cheese, they say"), 0.6), (numbered(2, "all cheese"), 0.9), (numbered(3, "all cheese"), 0.9)]
    rows = [(each, with_matches(model_verdict(each), match(p_relation=sure))) for each, sure in said]
    shown = printed(claim_table(rows, Relation.REPEATS, "Found", 2))
    assert "Found: 3" in shown
    assert shown.count("all cheese") == 1
    assert shown.index("all cheese") < shown.index("cheese, they say")
    assert "cheese, they say" not in printed(claim_table(rows, Relation.REPEATS, "Found", 1))


def test_counts_compare_with_what_was_meant() -> None:
    def row(number: int, claim: str, relation: str, verdict: Verdict, *matches: Match) -> tuple[Post, Verdict]:
        return numbered(number, metadata={"claim": claim, "relation": relation}), with_matches(verdict, *matches)

    flagged, left = model_verdict(numbered(), ruling=FLAGGED), model_verdict(numbered())
    rows = [
        row(1, "moon", "repeats", flagged, match("moon")),
        row(2, "moon", "repeats", flagged, match("bus")),
        row(3, "moon", "repeats", left),
        row(4, "bus", "repeats", left, match("bus")),
        row(5, "moon", "rebuts", flagged, match("moon")),
        row(6, "moon", "rebuts", left, match("moon", Relation.REBUTS)),
        row(7, "moon", "discusses", left),
        row(8, "moon", "unrelated", left),
        (numbered(9), flagged),
    ]
    assert [tuple(each)[1:] for each in counts(rows, CLAIMS)] == [
        ("flagged", 3, 2, 1),
        ("left alone", 1, 1, 1),
        ("left alone", 2, 1, 2),
        ("left alone", 1, 1, 0),
        ("left alone", 1, 1, 0),
    ]
    shown = printed(count_table(counts(rows, CLAIMS)))
    assert "repeat a debunked claim 2 of 3 flagged 1 of 3" in shown
    assert "rebut a claim 1 of 2 left alone 2 of 2" in shown


@pytest.mark.parametrize(
    ("category", "expected"),
    [(Category.MISINFORMATION, True), (Category.AI_GENERATED_MISINFORMATION, True), (Category.AI_GENERATED, False)],
)
def test_machine_written_is_not_flagged_as_false(category: Category, expected: bool) -> None:
    assert is_flagged(model_verdict(numbered(), ruling=Ruling(Decision.LABEL, (category,)))) is expected
