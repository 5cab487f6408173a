"""Letters that look like letters of another script: the part of Unicode TR39 that undoes obfuscation.

TR39's whole skeleton is for comparing names and would garble prose ("rn" becomes "m"), so only single letters are
mapped, only towards the text's dominant script, and only in words that mix scripts. Words wholly in foreign lookalikes
are mapped once one word is, or where all foreign words of a Latin text consist of letters that look exactly like Latin
ones. A Russian post with an English brand in it stays as it is, an English one with "Москва" too. The table is
TR39's `confusables.txt` as carried by the package confusable-homoglyphs; nothing of it is copied here.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import resources

ALPHABETS = ("LATIN", "CYRILLIC", "GREEK")
"""Scripts that lookalikes are mapped to. Others mix within words legitimately (kanji and kana) or have none."""

SOURCES = frozenset({*ALPHABETS, "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "CANADIAN", "DESERET", "GEORGIAN"})

_BASIC = {"LATIN": (0x41, 0x7A), "CYRILLIC": (0x400, 0x45F), "GREEK": (0x391, 0x3C9)}
# Near twins that TR39 pairs only with rare Latin letters (kra, turned w); attacks use them for the plain ones.
_NEAR = {"к": "k", "К": "K", "κ": "k", "м": "m", "в": "b", "н": "h", "т": "t", "τ": "t", "χ": "x", "ε": "e"}
# Identical to Latin letters: a word of these alone can't be distinguished from a Latin one.
_SAME = frozenset("асеорхуіѕјһԁԛԝАВСЕНІЈКМОРЅТХУҮԌԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
_SMALL_CAPITAL = "LATIN LETTER SMALL CAPITAL "


@lru_cache(maxsize=65536)
def script(char: str) -> str:
    """Name the script of a letter or mark: the first word of its Unicode name ("LATIN", "CJK"); "" for none."""
    return unicodedata.name(char, "").partition(" ")[0] if char else ""


@cache
def _twins() -> dict[str, list[str]]:
    """List the confusables of each character, both ways, as TR39 lists them."""
    table = json.loads(resources.files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8"))
    # Right-to-left twins come wrapped in LRM marks.
    return {char: [twin["c"].strip("\u200e") for twin in twins] for char, twins in table.items()}


@lru_cache(maxsize=8192)
def lookalike(char: str, target: str) -> str | None:
    """Find the basic letter of script `target` that `char`, a letter of another script, can be mistaken for."""
    if script(char) not in SOURCES:
        return None
    if target == "LATIN" and char in _NEAR:
        return _NEAR[char]
    low, high = _BASIC[target]
    near = _twins().get(char, [])
    far = [twin for middle in near for twin in _twins().get(middle, [])]
    found = [c for c in (*near, *far) if len(c) == 1 and low <= ord(c) <= high and c.isalpha() and script(c) == target]
    same_case = [c for c in found if c.isupper() == char.isupper()]
    # For some capitals Latin has a twin in the other case ("Ь" for "b"); elsewhere a change of case would be a guess.
    return min(same_case or (found if target == "LATIN" else []), default=None)


@lru_cache(maxsize=8192)
def phonetic(char: str) -> str | None:
    """Find the plain letter behind a Latin small capital ("ᴛ") or script letter ("ɑ", "ɡ") used as a font."""
    if char in "ɑɡ":
        return {"ɑ": "a", "ɡ": "g"}[char]
    name = unicodedata.name(char, "")
    letter = name.removeprefix(_SMALL_CAPITAL)
    return letter.lower() if name.startswith(_SMALL_CAPITAL) and len(letter) == 1 else None


@lru_cache(maxsize=8192)
def _distinct(char: str) -> bool:
    """Whether a letter has no twin in another alphabet, and so identifies the author's script."""
    return not any(lookalike(char, target) for target in ALPHABETS if target != script(char))


def dominant(chars: Sequence[str]) -> str:
    """Name the script a text is written in: the one with most letters that have no twin; "" without letters.

    Counting all letters would name Cyrillic in an English text whose every vowel was swapped for its Cyrillic twin.
    """
    letters = Counter(char for char in chars if char.isalpha())
    totals, distinct = Counter[str](), Counter[str]()
    for char, count in letters.items():
        totals[script(char)] += count
        distinct[script(char)] += count * _distinct(char)
    return max(totals, key=lambda name: (distinct[name], totals[name], name == "LATIN", name), default="")


def undisguise(chars: list[str]) -> int:
    """Replace foreign lookalikes in `chars` (single characters, in place); how many were replaced."""
    changed = 0
    if not any(char > "\u024f" and char.isalpha() for char in set(chars)):
        return changed
    for index, char in enumerate(chars):
        if char > "\u024f" and (plain := phonetic(char)):
            chars[index], changed = plain, changed + 1
    target = dominant(chars)
    if target not in ALPHABETS:
        return changed
    for word in _disguised(chars, target):
        for index in word:
            if script(chars[index]) != target and (twin := lookalike(chars[index], target)):
                chars[index], changed = twin, changed + 1
    return changed


def _disguised(chars: Sequence[str], target: str) -> list[list[int]]:
    """Words, as letter indices, to map to `target`: mixed ones, and under conditions those of lookalikes only."""
    mixed: list[list[int]] = []
    foreign: list[list[int]] = []
    honest = target != "LATIN"
    for word in _words(chars):
        outside = [index for index in word if script(chars[index]) != target]
        twins = [index for index in outside if lookalike(chars[index], target)]
        if twins and len(outside) < len(word):
            mixed.append(word)
        elif outside and len(twins) == len(word):
            foreign.append(word)
            honest = honest or any(chars[index] not in _SAME for index in word)
        else:
            honest = honest or any(script(chars[index]) in ALPHABETS for index in outside)
    return mixed + foreign if mixed or not honest else []


def _words(chars: Sequence[str]) -> list[list[int]]:
    """Letter indices of each run of letters; combining marks, digits and apostrophes don't end a run."""
    words: list[list[int]] = [[]]
    for index, char in enumerate(chars):
        if char.isalpha():
            words[-1].append(index)
        elif words[-1] and not (char.isdigit() or char in "'_" or unicodedata.category(char).startswith("M")):
            words.append([])
    return [word for word in words if word]
