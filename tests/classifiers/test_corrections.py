"""Rule-made pairs for the relation of post and claim: denials, frames, what is held out."""

import random
import re
from collections import Counter
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.training.claims.corrections import corrections, frames
from classifiers.training.claims.negation import cut, negated

LEAST = {"rebuts": 60, "discusses": 40, "guarded": 30, "repeats": 30}
SLOTS = {"text", "words", "claim", "clause", "negated", "not", "subject"}
CLAIM = "A new copper drink cures diabetes in nine days."
POST = "My aunt swears by this copper drink, diabetes gone in nine days https://t.co/abc"
PAIRS = [(POST, CLAIM)] * 200


def wordings(statement: str) -> set[str | None]:
    return {negated(statement, random.Random(seed)) for seed in range(40)}


@pytest.mark.parametrize(
    ("statement", "denials"),
    [
        ("The bridge is closed.", {"The bridge isn't closed.", "The bridge is not closed."}),
        ("The town will ban dogs", {"The town won't ban dogs", "The town will not ban dogs"}),
        ("The lamp can cure colds", {"The lamp can't cure colds", "The lamp cannot cure colds"}),
        ("The mayor has resigned", {"The mayor has not resigned"}),
        ("The mayor has been seen", {"The mayor has not been seen"}),
        ("The mayor has a horse", {"The mayor does not have a horse"}),
        ("Kettles cause fires", {"Kettles don't cause fires", "Kettles do not cause fires"}),
        ("The mayor sold the park.", {"The mayor didn't sell the park.", "The mayor did not sell the park."}),
        ("The mayor didn't sell it", {"The mayor did sell it"}),
        ("The mayor won’t go", {"The mayor will go"}),
        ("The bridge is not safe", {"The bridge is safe"}),
    ],
)
def test_a_statement_is_denied_at_its_verb(statement: str, denials: set[str]) -> None:
    assert wordings(statement) == denials


def test_a_present_verb_is_denied_in_either_tense() -> None:
    auxiliaries = "doesn't", "does not", "didn't", "did not"
    assert wordings("Copper cures colds") == {f"Copper {auxiliary} cure colds" for auxiliary in auxiliaries}


@pytest.mark.parametrize(
    "statement",
    [
        "The man who is ill went home",
        "A photo posted on Monday is old",
        "If it rains, the road is closed",
        "The bridge is definitely not safe",
        "Nobody is safe",
        "The causes of the fire",
        "Body found in the river",
        "The mayor has spoken",
        "Shocking news",
        "Is it true",
        "",
    ],
)
def test_where_no_rule_is_sure_nothing_is_denied(statement: str) -> None:
    assert wordings(statement) == {None}


@given(st.text())
def test_a_cut_statement_is_whole(statement: str) -> None:
    if clause := cut(statement):
        found = clause.subject + clause.verb + clause.rest
        assert found.casefold() == statement.replace("’", "'").casefold() or len(found) == len(statement)


@pytest.mark.parametrize(("kind", "least"), LEAST.items())
def test_frames_are_many_valid_and_one_in_five_is_held_out(kind: str, least: int) -> None:
    shown, held = frames(kind), frames(kind, True)
    assert len(shown) >= least
    assert len(held) >= len(shown) // 4 - 1
    templates = [frame.template for frame in shown + held]
    assert len({re.sub(r"\W", "", template.lower()) for template in templates}) == len(templates)
    for frame in shown + held:
        names = [name for _, name, _, _ in Formatter().parse(frame.template) if name is not None]
        assert names
        assert set(names) == frame.slots <= SLOTS


def test_a_pair_gives_every_relation_and_keeps_its_claim() -> None:
    made = list(corrections([(POST, CLAIM)], 1))
    assert {claim for _, claim, _ in made} == {CLAIM}
    assert Counter(relation for _, _, relation in made) == {"rebuts": 2, "discusses": 1, "repeats": 2}
    assert all(post not in (POST, CLAIM) and "{" not in post and "https" not in post for post, _, _ in made)


def test_the_seed_decides() -> None:
    assert list(corrections(PAIRS, 1)) == list(corrections(PAIRS, 1))
    assert list(corrections(PAIRS, 1)) != list(corrections(PAIRS, 2))


def test_every_frame_is_used_and_none_twice_before_the_others() -> None:
    made = [post for post, _, relation in corrections(PAIRS, 3) if relation == "discusses"]
    count = len(frames("discusses"))
    openings = Counter(used(post, "discusses", held_out=False) for post in made[:count])
    assert len(openings) == count


def test_held_out_frames_are_never_trained_on() -> None:
    for post, _, relation in corrections(PAIRS, 4, held_out=True):
        if relation == "discusses":
            assert used(post, relation, held_out=True)
    trained = {frame.template for kind in LEAST for frame in frames(kind)}
    assert not trained & {frame.template for kind in LEAST for frame in frames(kind, True)}


def test_a_post_that_denies_is_not_taken_for_a_repeat() -> None:
    made = list(corrections([("No, copper isn't a cure for anything", CLAIM)] * 100, 5))
    assert not any("anything" in post for post, _, relation in made if relation == "repeats")


def test_a_claim_that_is_a_question_is_put_into_no_clause() -> None:
    made = [post for post, _, _ in corrections([("Copper cures", "Does copper cure diabetes?")] * 100, 6)]
    assert made
    assert not any("that does copper" in post.lower() for post in made)


def test_emoji_and_hashtags_tell_no_relation() -> None:
    shares = {}
    for relation in ("rebuts", "repeats"):
        posts = [post for post, _, found in corrections(PAIRS * 10, 7) if found == relation]
        shares[relation] = sum(bool(re.search(r"#\w+$", post)) for post in posts) / len(posts)
    assert abs(shares["rebuts"] - shares["repeats"]) < 0.08


def used(post: str, kind: str, *, held_out: bool) -> str | None:
    """The frame that a post was made by: the longest whose fixed words all stand in it, emoji and hashtags aside."""
    letters = _letters(post)
    fitting = [
        frame.template
        for frame in frames(kind, held_out)
        if all(_letters(part) in letters for part, _, _, _ in Formatter().parse(frame.template))
    ]
    return max(fitting, key=lambda template: len(_letters(template)), default=None)


def _letters(text: str) -> str:
    return re.sub(r"#\w+|\W", "", text).lower()
