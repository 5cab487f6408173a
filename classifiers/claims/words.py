"""The words by which claims and posts are compared: lower case, without links, hashtags and handles split.

"#StopTheSteal2020" becomes "stop the steal 2020". Texts are normalised first (`classifiers.text`), so that obfuscated
words are compared in their plain form.
"""

import re

from classifiers.text.normalise import normalise

_LINK = re.compile(r"(?:https?://|www\.|pic\.twitter\.com/|t\.co/)\S+")
_TAG = re.compile(r"[#@](\w+)")
_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])|_")
_WORD = re.compile(r"\w+(?:'\w+)?")
_TOKEN = re.compile(r"\w+(?:'\w+)?|[?!\"]")


def plain(text: str) -> str:
    """The text normalised, without links, its hashtags and handles as words."""
    tidy = normalise(text).text.replace("\u2019", "'")
    return _TAG.sub(lambda tag: f" {_SEAM.sub(' ', tag[1])} ", _LINK.sub(" ", tidy))


def words(text: str) -> list[str]:
    """Words of a `plain` text in lower case, without a genitive's ending."""
    return [word.removesuffix("'s") for word in _WORD.findall(text.lower())]


def tokens(text: str) -> list[str]:
    """Words of a `plain` text in lower case, unchanged, and its question, exclamation and quotation marks."""
    return _TOKEN.findall(text.lower())
