"""Normalises a single character: its plain form, and the kind of obfuscation that it undoes, if any."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from classifiers.text.confusables import script

_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2194-\u21aa\u231a-\u23ff\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55\u3030"
    "\u303d\U0001f000-\U0001f0ff\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f18e\U0001f191-\U0001f19a"
    "\U0001f1e6-\U0001f265\U0001f300-\U0001faff]"
)
_TONE = "[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]"
FILLERS = "\u200b\u2060\ufeff"
"""Invisible characters that an attack puts between the parts of an emoji."""
_FILLER = f"[{FILLERS}]*"
EMOJI = re.compile(
    f"{_PICTURE}(?:{_FILLER}{_TONE})?"
    f"(?:(?<=\U0001f3f4)[\U000e0020-\U000e007e]{{1,16}}\U000e007f)?"
    f"(?:{_FILLER}\u200d{_FILLER}{_PICTURE}(?:{_FILLER}{_TONE})?)*"
    f"|[0-9#*]{_FILLER}\ufe0f?{_FILLER}\u20e3|[\u24c2\u2139\u3297\u3299]{_FILLER}\ufe0f"
)
"""An emoji with its variation selector, skin tone, flag tags and joined parts: kept verbatim (UTS #51's shape)."""

# Windows-1252 read as Latin-1, as HTML reads it; its five holes stay control characters.
_WINDOWS = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}
_QUOTES = {ord(curly): plain for curly, plain in zip("‘’‚‛“”„‟´", "''''\"\"\"\"'", strict=True)}
# Invisible though not of category Cf: grapheme joiner, Hangul fillers, Khmer vowels, variation selectors, blanks.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_FONTS = ("<font>", "<circle>", "<square>", "<wide>", "<super>", "<sub>")
_BADGE = re.compile(r"NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER (\w)")

_SOUTH_INDIC = ("TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA")
_INDIC = ("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", *_SOUTH_INDIC)
_UNSPACED_SCRIPTS = frozenset({"THAI", "LAO", "KHMER", "MYANMAR"})
_JOINED_SCRIPTS = frozenset({*_INDIC, "ARABIC", "SYRIAC", "NKO", "MANDAIC", "MONGOLIAN", "KHMER", "MYANMAR", "TIBETAN"})


class Plain(NamedTuple):
    """The decomposed (NFKD) plain form of a character, and the obfuscation kind undone by it or ""."""

    form: str
    kind: str


_REMOVED = {
    "Cs": Plain("\ufffd", "control_character"),
    "Cc": Plain("", "control_character"),
    "Cf": Plain("", "format_character"),
}


@lru_cache(maxsize=65536)
def plain(char: str) -> Plain:
    """The plain form of a character out of context; that of invisible ones is empty."""
    if char.isspace():
        return Plain(" ", "")
    char = char.translate(_WINDOWS).translate(_QUOTES)
    category = unicodedata.category(char)
    if category in _REMOVED or _IGNORABLE.match(char):
        return _REMOVED.get(category, _REMOVED["Cf"])
    if badge := _BADGE.fullmatch(unicodedata.name(char, "")):
        return Plain(badge[1], "compatibility")
    form = unicodedata.normalize("NFKD", char)
    if form.startswith(" ") and len(form) > 1:  # A spacing accent ("¨"): splitting a word there is useless.
        return Plain(unicodedata.normalize("NFC", char).translate(_QUOTES), "")
    return Plain(form, "compatibility" if _is_font(char, form) else "")


def _is_font(char: str, form: str) -> bool:
    """Whether a compatibility character is a styled plain letter ("𝐚", "Ⓐ"), not a ligature, ™ or ª."""
    dress = unicodedata.decomposition(char).partition(" ")[0]
    return dress in _FONTS and len(form) == 1 and form.isascii() and form.isalpha() and char not in "ªº"


def is_needed(text: str, index: int, base: str) -> bool:
    """Whether the invisible character at `index` is part of a spelling: joiners, Mongolian variants, Thai word breaks.

    `base` is the last letter kept so far, marks skipped. A joiner or break is needed only before a letter or mark.
    """
    char, after = text[index], "".join(plain(char).form for char in text[index + 1 : index + 2])
    if "\u180b" <= char <= "\u180f" and char != "\u180e":
        return script(base) == "MONGOLIAN"
    wanted = _JOINED_SCRIPTS if char in "\u200c\u200d" else _UNSPACED_SCRIPTS if char == "\u200b" else frozenset()
    return script(base) in wanted and after != "" and unicodedata.category(after[0])[0] in "LM"


_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


def is_innocent(text: str, index: int, base: str) -> bool:
    """Whether an invisible character, though removed, is ordinary typing.

    A byte order mark, bidi marks in Hebrew, the selectors of an emoji that a scraper lost, those of Han variants.
    """
    char = text[index]
    if char == "\ufeff":
        return index == 0
    if char in "\u200e\u200f\u061c":
        return bool(_RIGHT_TO_LEFT.search(text))
    return char in "\ufe0e\ufe0f" or (char >= "\U000e0100" and script(base) == "CJK")
