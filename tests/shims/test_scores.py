"""How foreign scores are made of signals."""

from collections.abc import Callable

import pytest

from service.domain.decision import SIGNALS, Category
from service.domain.judgement import Judgement
from service.shims.attributes import ATTRIBUTES, attribute
from service.shims.categories import CATEGORIES
from service.shims.scores import Fit, Mapped, nearest, nothing, same, table

JudgementOf = Callable[..., Judgement]


@pytest.mark.parametrize("mapping", [ATTRIBUTES, CATEGORIES])
def test_every_score_is_made_of_signals_that_each_bundle_answers_and_says_why(mapping: dict[str, Mapped]) -> None:
    for name, mapped in mapping.items():
        assert set(mapped.signals) <= set(SIGNALS), name
        assert (mapped.fit is Fit.NONE) is (not mapped.signals), name
        assert mapped.reason, name


def test_the_strongest_signal_is_the_score(judged: JudgementOf) -> None:
    signal = nearest("harassment", "hate", because="x").signal_in(judged("such an idiot I do say"))
    assert signal
    assert (signal.name, signal.probability) == ("harassment", 0.989)


def test_both_at_once_is_the_weakest(judged: JudgementOf) -> None:
    both = nearest("harassment", "violence", because="x", together=True)
    one = both.signal_in(judged("such an idiot I do say"))
    two = both.signal_in(judged("I will stab you, such an idiot"))
    assert one
    assert two
    assert one.probability < 0.01
    assert two.probability > 0.9


def test_a_judgement_without_the_signals_has_no_score(judged: JudgementOf) -> None:
    bare = judged("such an idiot", signals={"hate": judged("vermin").signals["hate"]})
    assert same("harassment", "x").signal_in(bare) is None
    assert nearest("hate", "violence", because="x", together=True).signal_in(bare) is None
    assert nearest("hate", "violence", because="x").signal_in(bare) == bare.signals["hate"]
    assert nothing("x").signal_in(bare) is None


def test_a_score_is_flagged_by_the_categories_of_its_signals() -> None:
    threat = CATEGORIES["harassment/threatening"]
    assert not threat.flagged({Category.HARASSMENT})
    assert threat.flagged({Category.HARASSMENT, Category.VIOLENCE})
    assert CATEGORIES["illicit"].flagged({Category.FRAUD})
    assert not CATEGORIES["sexual/minors"].flagged(set(Category))


def test_an_attribute_may_carry_a_version() -> None:
    assert attribute("TOXICITY@6") is ATTRIBUTES["TOXICITY"]
    assert attribute("TOXICITY_EXPERIMENTAL") is ATTRIBUTES["TOXICITY"]
    assert attribute("BEAUTY") is None


def test_the_mapping_is_documented_as_a_table() -> None:
    lines = list(table("category", CATEGORIES))
    assert len(lines) == 2 + len(CATEGORIES)
    assert "| `hate/threatening` | min(`hate`, `violence`) | nearest |" in "\n".join(lines)
    assert "| `sexual/minors` | not answered | none |" in "\n".join(lines)
