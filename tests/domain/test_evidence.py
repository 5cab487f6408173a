"""A judgement that many posts share points into each one's own text."""

from dataclasses import replace

from service.domain.evidence import related
from service.domain.judgement import TokenSurprise
from service.domain.verdict import Verdict
from tests.factories import model_verdict, numbered


def quoted(text: str, verdict: Verdict) -> list[str]:
    assert verdict.judgement
    return [text.encode()[span.start : span.end].decode() for span in verdict.judgement.evidence.spans]


def test_spans_point_at_the_same_words_of_a_text_that_is_spaced_otherwise() -> None:
    text = "  Cafe\u0301s   delve\n\ninto a  hoax 👩\u200d🚀"
    assert quoted(text, related(model_verdict(numbered(1, text)), text)) == ["delve", "hoax"]


def test_spans_of_a_canonical_text_stay_where_they_are() -> None:
    verdict = model_verdict(numbered(1, "they delve"))
    assert related(verdict, "they delve") == verdict


def test_surprise_is_related_too() -> None:
    verdict = model_verdict(numbered(1, "a hoax"))
    assert verdict.judgement
    evidence = replace(verdict.judgement.evidence, surprise=(TokenSurprise(2, 6, 9.5),), obfuscation={"homoglyph": 2})
    moved = related(replace(verdict, judgement=replace(verdict.judgement, evidence=evidence)), "a     hoax")
    assert moved.judgement
    assert moved.judgement.evidence.surprise == (TokenSurprise(6, 10, 9.5),)
    assert moved.judgement.evidence.obfuscation == {"homoglyph": 2}


def test_a_verdict_without_evidence_is_left_alone() -> None:
    plain, aside = model_verdict(numbered(1, "nothing")), model_verdict(numbered(1, "nothing"), judgement=None)
    assert related(plain, " nothing") is plain
    assert related(aside, " nothing") is aside


def test_the_shared_judgement_itself_is_not_changed() -> None:
    verdict = model_verdict(numbered(1, "a hoax"))
    before = verdict.judgement
    related(verdict, "a       hoax")
    assert verdict.judgement is before
    assert quoted("a hoax", verdict) == ["hoax"]
