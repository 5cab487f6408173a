"""English word forms by rule, with a table of irregular ones: enough to replace words form by form.

A form says whether it is safe to insert: "showed" is also used for "shown", so it is only recognised.
"""

import re
from collections.abc import Mapping

Form = tuple[str, bool]
_SIBILANT = re.compile(r"(?:s|x|z|ch|sh)$")
_CONSONANT_Y = re.compile(r"[^aeiou]y$")


def forms(word: str, kind: str, irregular: Mapping[str, tuple[str, ...]]) -> tuple[Form, ...]:
    """Forms of a word or phrase (its first word is inflected): of "verbs" five, of "nouns" two, of others one.

    `irregular` holds past, participle and, if need be, -ing form of a verb, or the plural of a noun.
    """
    head, space, rest = word.partition(" ")
    bent = irregular.get(head, ())
    if kind == "verbs":
        found = _verb(head, bent)
    elif kind == "nouns":
        found = ((head, True), (bent[0] if len(bent) == 1 else with_s(head), True))
    else:
        found = ((head, True),)
    return tuple((form + space + rest, safe) for form, safe in found)


def with_s(word: str) -> str:
    """The plural of a noun, the third person of a verb."""
    if _CONSONANT_Y.search(word):
        return word[:-1] + "ies"
    return word + ("es" if _SIBILANT.search(word) else "s")


def _verb(word: str, bent: tuple[str, ...]) -> tuple[Form, ...]:
    past, participle = bent[:2] if len(bent) > 1 else (_with_ed(word), _with_ed(word))
    progressive = bent[2] if len(bent) > 2 else _with_ing(word)
    one = past == participle
    return (word, True), (with_s(word), True), (past, one), (participle, one), (progressive, True)


def _with_ed(word: str) -> str:
    if _CONSONANT_Y.search(word):
        return word[:-1] + "ied"
    return word + ("d" if word.endswith("e") else "ed")


def _with_ing(word: str) -> str:
    return (word[:-1] if word.endswith("e") and not word.endswith(("ee", "ye", "oe")) else word) + "ing"
