"""Rule-made training pairs for the relation of a post to a claim, from pairs in which the post repeats the claim.

Rebuttals are rare in labelled pairs, so denials are made by rule (`classifiers.training.claims.negation`) and by
frames: what people, fact-checkers, newsrooms and language models put before, after and around a claim when they correct
it, ask about it, or report it. Frames of repeats that sound like rebuttals ("They will tell you this is fake, but ...")
keep a model from relying on single words. The frames are in `frames/`, one a line. Every fifth is held out for tests;
of the denials only pairs can be held out.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from string import Formatter
from typing import NamedTuple

from classifiers.attacks.sentences import capitalised, lowered, split
from classifiers.attacks.social import add_emoji_and_hashtags
from classifiers.claims.relation import DISCUSSES, REBUTS, REPEATS
from classifiers.training.claims.negation import cut, negated

_KINDS = (("rebuts", REBUTS), ("discusses", DISCUSSES), ("guarded", REPEATS), ("repeats", REPEATS))
"""The files of `frames/`, each with the relation that its frames make."""

_HELD_OUT = 5
_MOST_WORDS, _MOST_DENIED = 40, 25
_POST_SHARE, _TAGGED_SHARE, _TAG_RATE = 0.5, 0.15, 0.5
_TAIL = re.compile(r"(?:\s*(?:https?://\S+|pic\.twitter\.com/\S+|— .{1,60}\(@\w+\).*))+\s*$", re.DOTALL)
_STOP = re.compile(r"[.!?…]+([\"'”’)]*)$")
_NEGATIVE = re.compile(r"\b(?:no|not|never|nobody|nothing|none|fake|false|hoax)\b|n['’]t\b", re.IGNORECASE)
_PRONOUN = re.compile(r"(?:i|you|he|she|it|we|they|this|that|these|those|there|here|all|some)$", re.IGNORECASE)


class Frame(NamedTuple):
    """A template and its slots.

    `{text}` is a sentence, of the post or the claim; `{words}` the same without its full stop; `{claim}` the claim with
    a capital and `{clause}` without one, both without full stop; `{negated}` and `{not}` the same of its denial;
    `{subject}` what the claim is about.
    """

    template: str
    slots: frozenset[str]


@cache
def frames(kind: str, held_out: bool = False) -> tuple[Frame, ...]:
    """The frames of a kind, "rebuts", "discusses", "guarded" or "repeats": those to train on, or those held out."""
    text = resources.files("classifiers.training.claims").joinpath(f"frames/{kind}.txt").read_text("utf-8")
    kept = [line for place, line in enumerate(text.splitlines()) if (place % _HELD_OUT == _HELD_OUT - 1) == held_out]
    return tuple(Frame(line, frozenset(name for _, name, _, _ in Formatter().parse(line) if name)) for line in kept)


def corrections(pairs: Sequence[tuple[str, str]], seed: int, held_out: bool = False) -> Iterator[tuple[str, str, str]]:
    """Post, claim and relation, made from pairs of a post and the claim that it repeats.

    Each pair yields a post for every kind of frame, and plain denials of claim and post where a rule is sure of them.
    The same seed yields the same pairs; a frame is reused only after all others of its kind that fit.
    """
    rng = random.Random(seed)  # noqa: S311
    decks = [(_Deck(frames(kind, held_out), rng), relation) for kind, relation in _KINDS]
    for post, claim in pairs:
        for denial in _denials(post, claim, rng):
            yield _tagged(denial, rng), claim, REBUTS
        slots = _slots(post, claim, rng)
        for deck, relation in decks:
            if frame := deck.draw(slots):
                yield _tagged(frame.template.format_map(slots), rng), claim, relation


class _Deck:
    """Frames drawn one by one in random order, shuffled again when none that fits is left."""

    def __init__(self, all_frames: Sequence[Frame], rng: random.Random) -> None:
        self._all, self._rng = all_frames, rng
        self._left: list[Frame] = []

    def draw(self, slots: Mapping[str, str]) -> Frame | None:
        """The next frame whose slots can all be filled, None if there is none at all."""
        for _ in range(2):
            for place, frame in enumerate(self._left):
                if frame.slots <= slots.keys():
                    return self._left.pop(place)
            self._left = self._rng.sample(self._all, len(self._all))
        return None


def _slots(post: str, claim: str, rng: random.Random) -> dict[str, str]:
    """The values for slots; a claim that is a question has no clause, one without a sure verb no denial."""
    said, stated = _said(post), _said(claim)
    usable = bool(said) and (bool(_NEGATIVE.search(stated)) or not _NEGATIVE.search(said))
    text = said if usable and rng.random() < _POST_SHARE else stated
    bare = _STOP.sub(r"\1", stated)
    slots = {"text": text if _STOP.search(text) else f"{text}.", "words": _STOP.sub(r"\1", text)}
    slots["claim"] = capitalised(bare)
    if stated.endswith("?"):
        return slots
    slots["clause"] = lowered(bare)
    if denial := negated(bare, rng):
        slots |= {"negated": capitalised(denial), "not": lowered(denial)}
    clause = cut(bare)
    if clause and not _PRONOUN.match(subject := clause.subject.strip()):
        slots["subject"] = lowered(subject)
    return slots


def _denials(post: str, claim: str, rng: random.Random) -> Iterator[str]:
    """Denials of the claim, and of a short post without negation, which might be irony or a denial."""
    for statement, whole in ((_said(claim), True), (_said(post), False)):
        sure = len(split(statement)) == 1 and not statement.endswith("?")
        plain = whole or (len(statement.split()) <= _MOST_DENIED and not _NEGATIVE.search(statement))
        if sure and plain and (denial := negated(statement, rng)):
            yield denial


def _said(text: str) -> str:
    """The text without the links and attributions at its end; of a long one only the first sentences."""
    words = " ".join(_TAIL.sub("", text).split())
    kept = ""
    for sentence in split(words):
        if kept and len(f"{kept} {sentence}".split()) > _MOST_WORDS:
            break
        kept = f"{kept} {sentence}".strip()
    return kept


def _tagged(text: str, rng: random.Random) -> str:
    """With occasional emoji and hashtags, whatever the relation, so that they don't reveal it."""
    return add_emoji_and_hashtags(text, rng, _TAG_RATE) if rng.random() < _TAGGED_SHARE else text
