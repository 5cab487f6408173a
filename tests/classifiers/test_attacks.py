"""Attacks: seeded, at their rates, never emptying, harmless where they know nothing; noise for training likewise."""

import random
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.attacks import ATTACKS, RAID, Attack, Family, disturb
from classifiers.attacks.inflection import forms
from classifiers.attacks.noise import CHANGES
from classifiers.attacks.tables import phrases, spellings, synonyms
from classifiers.text.normalise import normalise

ENGLISH = (
    "In 2020, the government's new plan was announced by the minister, but it doesn't help people because the color of "
    "the centre isn't important. However, many children have received 1,234 vaccines since May. We recognize a big "
    "problem in society. If you don't believe the doctors, look at https://a.b/c and ask @bob. It was good. I liked it."
)
PUBLISHED = {
    "alternative spelling": 1.0,
    "article deletion": 0.5,
    "homoglyph": 1.0,
    "misspelling": 0.2,
    "number swap": 0.5,
    "paragraph insertion": 0.5,
    "paraphrase": 1.0,
    "synonym": 0.5,
    "upper-lower swap": 0.05,
    "whitespace": 0.2,
    "zero-width space": 1.0,
}
UNDONE = ("homoglyph", "zero-width space", "whitespace", "paragraph insertion")
EVERY = pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))


def attacked(name: str, text: str, seed: int = 1) -> str:
    return ATTACKS[name](text, random.Random(seed))


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def test_published_rates_are_raids() -> None:
    assert {name: attack.rate for name, attack in ATTACKS.items() if RAID in attack.source} == PUBLISHED
    assert {attack.family for attack in ATTACKS.values()} == set(Family)


@EVERY
def test_an_attack_changes_english_the_same_way_under_a_seed(attack: Attack) -> None:
    text = " ".join([ENGLISH] * 5)
    once, again = (attack(text, random.Random(5)) for _ in range(2))
    assert once == again != text
    assert attack(text, random.Random(6)) != once or attack.rate == 1


@EVERY
@given(text=st.text(), seed=st.integers(0, 99))
def test_any_text_survives_as_valid_text(attack: Attack, text: str, seed: int) -> None:
    changed = attack(text, random.Random(seed))
    assert bool(changed.strip()) == bool(text.strip())
    assert changed.encode().decode() == changed


@pytest.mark.parametrize("text", ["The ", "a ", "the the the ", "...", "A.", "@a", "5", "é", "\n", ""])
@EVERY
def test_no_text_is_emptied(attack: Attack, text: str) -> None:
    for seed in range(20):
        assert bool(attack(text, random.Random(seed)).strip()) == bool(text.strip())


@pytest.mark.parametrize(
    "text", ["Сегодня в Москве идёт дождь.", "今天天气很好。", "اليوم الطقس جميل", "आज मौसम अच्छा है।"]
)
@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.family in ("word", "rewrite")])
def test_other_languages_are_left_alone(name: str, text: str) -> None:
    assert attacked(name, text) == text


@pytest.mark.parametrize("name", UNDONE)
def test_normalisation_undoes_what_can_be_undone(name: str) -> None:
    for seed in range(10):
        assert normalise(attacked(name, ENGLISH, seed)).text == ENGLISH


def test_rates_are_shares_of_eligible_places() -> None:
    text = " ".join(["The result of a test is known in 1984."] * 300)
    deleted = 1 - len(re.findall(r"\b[Tt]he |\ba ", attacked("article deletion", text))) / 600
    assert deleted == pytest.approx(0.5, abs=0.06)
    kept = attacked("number swap", text).count("1984") / 300
    assert kept == pytest.approx(0.5, abs=0.08)
    pairs = zip(text.split(), attacked("upper-lower swap", text).split(), strict=True)
    assert sum(old != new for old, new in pairs) / 2400 == pytest.approx(0.05, abs=0.02)
    misspelt = zip(text.split(), attacked("misspelling", text).split(), strict=True)
    assert sum(old != new for old, new in misspelt) / 2400 == pytest.approx(0.2, abs=0.04)


def test_synonyms_keep_form_case_article_names_and_handles() -> None:
    text = "Important children received an answer; @children and https://a.b/children saw Fox News announce it."
    seen = {attacked("synonym", text, seed) for seed in range(60)}
    assert all("@children and https://a.b/children" in variant and "Fox News" in variant for variant in seen)
    assert any(variant.startswith("Significant ") for variant in seen)
    assert any("obtained" in variant or "acquired" in variant for variant in seen)
    assert any("a reply" in variant or "a response" in variant for variant in seen)
    assert not any("an reply" in variant or "an response" in variant for variant in seen)


def test_tables_reach_far_and_never_answer_with_the_word_itself() -> None:
    assert len(synonyms()) > 2000
    assert len(phrases("misspellings")) > 300
    assert len(spellings()) > 400
    for table in (synonyms(), spellings(), phrases("misspellings"), phrases("connectives"), phrases("translated")):
        assert all(others and word not in others and all(others) for word, others in table.items())


@pytest.mark.parametrize(
    ("word", "kind", "expected"),
    [
        ("carry out", "verbs", ["carry out", "carries out", "carried out", "carried out", "carrying out"]),
        ("chase", "verbs", ["chase", "chases", "chased", "chased", "chasing"]),
        ("box", "nouns", ["box", "boxes"]),
        ("day", "nouns", ["day", "days"]),
        ("quick", "adjectives", ["quick"]),
    ],
)
def test_forms_by_rule(word: str, kind: str, expected: list[str]) -> None:
    assert [form for form, safe in forms(word, kind, {}) if safe] == expected


def test_a_form_that_is_only_sometimes_right_is_never_put_in() -> None:
    table = {"show": ("showed", "shown")}
    assert forms("show", "verbs", table)[2:4] == (("showed", False), ("shown", False))
    assert "shown" in synonyms()
    assert not any(other in ("shown", "showed") for others in synonyms().values() for other in others)


def test_spelling_goes_both_ways() -> None:
    assert (
        attacked("alternative spelling", "The colour of the Center, we ORGANIZE")
        == "The color of the Centre, we ORGANISE"
    )


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("translation", "They don't know it, we've waited.", {"They do not know it, we waited."}),
        ("translation", "In May, the ginger cat sneezed at us.", {"The ginger cat sneezed at us in May."}),
        ("paraphrase", "If it rains on us, we sing in the pub.", {"We sing in the pub if it rains on us."}),
        ("paraphrase", "The apple was snatched by the squirrel.", {"The squirrel snatched the apple."}),
        ("paraphrase", "It was dusk. He slept.", {"It was dusk; he slept."}),
    ],
)
def test_rewrites_do_what_they_say(name: str, text: str, wanted: set[str]) -> None:
    assert wanted & {attacked(name, text, seed) for seed in range(200)}


def test_emoji_and_hashtags_are_added_to_the_text() -> None:
    noisy = attacked("emoji and hashtags", ENGLISH)
    assert set(ENGLISH.split()) <= set(noisy.split())
    assert "#" in noisy
    assert normalise(noisy).text == noisy


def test_noise_comes_at_its_rate_and_never_when_told_not_to() -> None:
    rng = random.Random(3)
    changed = Counter(disturb(ENGLISH, rng, 0.3) != ENGLISH for _ in range(1000))
    assert 200 < changed[True] < 350
    assert all(disturb(ENGLISH, rng, 0.0) == ENGLISH for _ in range(50))


@pytest.mark.parametrize("change", CHANGES, ids=lambda pair: f"{pair[0].__name__}-{pair[1]}")
def test_noise_keeps_a_text_normalised_and_most_of_its_words(change: tuple[object, float]) -> None:
    alter, rate = change
    assert callable(alter)
    for seed in range(30):
        noisy = alter(ENGLISH, random.Random(seed), rate)
        assert normalise(noisy).text == noisy
        assert len(set(words(ENGLISH)) & set(words(noisy))) > 0.6 * len(set(words(ENGLISH)))


@given(text=st.text(min_size=1), seed=st.integers(0, 999))
def test_noise_never_empties_a_text(text: str, seed: int) -> None:
    assert disturb(text, random.Random(seed), 1.0).strip() or not text.strip()
