"""Splits texts into sentences, and adapts the case of their first letters."""

import re

_GAP = re.compile(r"(?<=[.!?])[\"')]? (?=[\"'(]?[A-Z])|(?<=[.!?][\"')]) (?=[\"'(]?[A-Z])")
_KEPT_CAPITAL = re.compile(r"I\b|[A-Z][\w'-]*[A-Z]")
_FUNCTION_WORD = re.compile(
    r"(?:the|a|an|this|that|these|those|it|its|he|she|they|we|you|his|her|their|our|your|my|there|here|in|on|at|by|for|"
    r"from|to|of|with|as|if|when|while|because|although|after|before|since|some|many|most|all|both|each|one|no|not|and|"
    r"but|so|or|what|who|how|where|why|people|once|unless|until|even|just|only)\b",
    re.IGNORECASE,
)


def split(text: str) -> list[str]:
    """Sentences of a text with single spaces; joined by one space they are the text."""
    parts, start = [], 0
    for gap in _GAP.finditer(text):
        parts.append(text[start : gap.end() - 1])
        start = gap.end()
    return [*parts, text[start:]]


def capitalised(clause: str) -> str:
    """With a capital, as at the beginning of a sentence."""
    return clause[:1].upper() + clause[1:]


def lowered(clause: str) -> str:
    """Without a capital, as in the middle of a sentence, unless the first word is or may be a name."""
    if _KEPT_CAPITAL.match(clause) or not _FUNCTION_WORD.match(clause):
        return clause
    return clause[:1].lower() + clause[1:]
