"""Attacks on detection, at published rates, and light noise for training.

Every attack is a pure function of a text and a random generator. English words are its target; unknown words
and other languages are left alone. The rates are RAID's where RAID has the attack: the share of eligible places that
is changed, of words for synonyms and misspellings.
"""

from collections.abc import Mapping
from types import MappingProxyType

from classifiers.attacks.attack import RAID, Attack, Family
from classifiers.attacks.layout import insert_paragraphs, insert_spaces
from classifiers.attacks.letters import homoglyphs, swap_case, zero_width
from classifiers.attacks.noise import disturb
from classifiers.attacks.paraphrase import paraphrase
from classifiers.attacks.social import add_emoji_and_hashtags
from classifiers.attacks.translation import translate_back
from classifiers.attacks.words import delete_articles, misspell, replace_synonyms, swap_numbers, swap_spelling

__all__ = ["ATTACKS", "RAID", "Attack", "Family", "disturb"]

_OWN = "none published; Assay's own"

_ALL = (
    Attack("homoglyph", Family.CHARACTER, 1.0, RAID, homoglyphs),
    Attack("zero-width space", Family.CHARACTER, 1.0, RAID, zero_width),
    Attack("upper-lower swap", Family.CHARACTER, 0.05, RAID, swap_case),
    Attack("misspelling", Family.CHARACTER, 0.2, RAID, misspell),
    Attack("number swap", Family.CHARACTER, 0.5, RAID, swap_numbers),
    Attack("article deletion", Family.WORD, 0.5, RAID, delete_articles),
    Attack("alternative spelling", Family.WORD, 1.0, RAID, swap_spelling),
    Attack("synonym", Family.WORD, 0.5, RAID, replace_synonyms),
    Attack("whitespace", Family.LAYOUT, 0.2, RAID, insert_spaces),
    Attack("paragraph insertion", Family.LAYOUT, 0.5, RAID, insert_paragraphs),
    Attack("emoji and hashtags", Family.SOCIAL, 0.5, _OWN, add_emoji_and_hashtags),
    Attack("translation", Family.REWRITE, 1.0, _OWN, translate_back),
    Attack("paraphrase", Family.REWRITE, 1.0, f"{RAID}, there by a model", paraphrase),
)

ATTACKS: Mapping[str, Attack] = MappingProxyType({attack.name: attack for attack in _ALL})
"""Every attack by its name."""
