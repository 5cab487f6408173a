"""Light, label-blind noise for training texts: what people, platforms and evaders do without changing the sense.

Texts come normalised and go straight to a tokenizer, so what normalisation undoes (homoglyphs, invisible characters,
runs of spaces) is left out. The noise is the same for machine-written and human texts: it never reveals the
label.
"""

import random
from itertools import accumulate

from classifiers.attacks import layout, letters, social, words
from classifiers.attacks.attack import Change, changed
from classifiers.attacks.paraphrase import paraphrase
from classifiers.attacks.translation import translate_back

_MIX: tuple[tuple[Change, float, float], ...] = (
    (social.lower, 1.0, 1.0),
    (social.drop_final_punctuation, 1.0, 1.0),
    (social.mask_handles, 1.0, 0.5),
    (social.drop_handles, 1.0, 0.5),
    (social.add_emoji_and_hashtags, 0.3, 0.7),
    (social.tag_words, 0.05, 0.5),
    (layout.split_punctuation, 1.0, 1.0),
    (layout.split_words, 0.05, 0.5),
    (layout.join_words, 0.03, 0.5),
    (letters.swap_case, 0.08, 1.0),
    (words.delete_articles, 0.5, 1.0),
    (words.misspell, 0.05, 1.0),
    (words.misspell, 0.2, 1.0),
    (words.replace_synonyms, 0.1, 1.0),
    (words.replace_synonyms, 0.4, 1.0),
    (words.swap_spelling, 1.0, 0.5),
    (words.swap_numbers, 0.5, 0.5),
    (paraphrase, 0.5, 1.0),
    (translate_back, 0.5, 1.0),
)
"""A change, its rate, and how often it is drawn relative to the others."""

CHANGES = tuple((change, rate) for change, rate, _ in _MIX)
"""The changes that noise is drawn from, each with its rate."""

_CUMULATIVE = tuple(accumulate(weight for _, _, weight in _MIX))


def disturb(text: str, rng: random.Random, rate: float) -> str:
    """One change at a light rate, with probability `rate`; the text stays normalised and is never emptied."""
    if rng.random() >= rate:
        return text
    ((change, light),) = rng.choices(CHANGES, cum_weights=_CUMULATIVE)
    return changed(change, text, rng, light)
