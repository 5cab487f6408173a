"""Rule-based paraphrasing.

Clauses change places, a passive with its agent becomes active, connectives and words are replaced, long sentences are
split and short ones merged.
"""

import random
import re

from classifiers.attacks.sentences import capitalised, lowered, split
from classifiers.attacks.tables import phrases
from classifiers.attacks.words import replace_synonyms

_CONJUNCTION = (
    r"(?:if|when|while|because|although|though|since|after|before|unless|once|as soon as|even though|whenever)"
)
_FRONT_CLAUSE = re.compile(rf"^({_CONJUNCTION}\b[^,;:!?\"]{{8,}}), ([^;:!?\"]{{8,}})([.!])$", re.IGNORECASE)
_BACK_CLAUSE = re.compile(rf"^([^,;:!?\"]{{12,}}?),? ({_CONJUNCTION} [^,;:!?\"]{{8,}}[^,;:!?\".])([.!])$")
_NOUN = r"(?:(?:The|A|An|This|His|Her|Their|Our|Its) (?:\w+ ){1,3}?|(?:[A-Z]\w+ ){1,2})"
_AGENT = r"(?:the|a|an|his|her|their|our) (?:\w+ )?\w+|[A-Z]\w+(?: [A-Z]\w+)?"
_PASSIVE = re.compile(rf"^({_NOUN})(?:was|were) (\w+ed) by ({_AGENT})(?= (?:in|on|at|and|to)\b|[.,])")
_OPENING = re.compile(r"^([A-Z][a-z]+(?: [a-z]+){0,3})(?=,? )")
_SPLIT = re.compile(r"(?<=\w), (and|but|so|which|while) (?=(?:it|he|she|they|we|I|you|this|that|there|the)\b)")
_LIST = re.compile(r"\b(\w{2,}(s|ly|ing|ity|ion|ed)) and (\w{2,}\2)\b")
_SHORT = 60
_ORDER_RATE = 0.6
_MERGE_RATE = 0.4
_WORD_RATE = 0.2
_JOINTS = (" and ", "; ", ", and ", " - ")


def paraphrase(text: str, rng: random.Random, rate: float) -> str:
    """Rewrite a share of the sentences as a paraphraser would."""
    return " ".join(
        _sentence(part, rng) if rng.random() < rate else part for part in _merge(split(text), rng, rate * _MERGE_RATE)
    )


def _sentence(sentence: str, rng: random.Random) -> str:
    changed = _OPENING.sub(lambda found: _connective(found[0], rng), sentence)
    if rng.random() < _ORDER_RATE:
        changed = _reorder(changed)
    changed = _PASSIVE.sub(lambda found: f"{capitalised(found[3])} {found[2]} {lowered(found[1]).strip()}", changed)
    changed = _LIST.sub(lambda found: f"{found[3]} and {found[1]}" if rng.random() < _ORDER_RATE else found[0], changed)
    changed = _split(changed, rng) if rng.random() < _ORDER_RATE else changed
    return replace_synonyms(changed, rng, _WORD_RATE)


def _connective(opening: str, rng: random.Random) -> str:
    """The opening with its connective, if it is one, replaced: the longest in the table."""
    words = opening.split(" ")
    for length in range(len(words), 0, -1):
        if others := phrases("connectives").get(" ".join(words[:length]).lower()):
            return " ".join([capitalised(rng.choice(others)), *words[length:]])
    return opening


def _reorder(sentence: str) -> str:
    """Swap main and subordinate clause."""
    if front := _FRONT_CLAUSE.match(sentence):
        return f"{capitalised(front[2])} {lowered(front[1])}{front[3]}"
    if back := _BACK_CLAUSE.match(sentence):
        return f"{capitalised(back[2])}, {lowered(back[1])}{back[3]}"
    return sentence


def _split(sentence: str, rng: random.Random) -> str:
    """Split two main clauses into two sentences."""
    parts = _SPLIT.split(sentence, maxsplit=1)
    if len(parts) < 3 or parts[1] == "which":
        return sentence
    link = {"and": "", "but": "However, ", "so": "Therefore, ", "while": "At the same time, "}[parts[1]]
    second = link + parts[2] if link else capitalised(parts[2])
    return (
        f"{parts[0]}. {second}"
        if link == "" or rng.random() < _ORDER_RATE
        else f"{parts[0]}. {capitalised(parts[1])} {parts[2]}"
    )


def _merge(sentences: list[str], rng: random.Random, rate: float) -> list[str]:
    """Join a share of the short neighbouring sentences."""
    merged = sentences[:1]
    for sentence in sentences[1:]:
        last = merged[-1]
        if last.endswith(".") and len(last) < _SHORT and len(sentence) < _SHORT and rng.random() < rate:
            merged[-1] = last[:-1] + rng.choice(_JOINTS) + lowered(sentence)
        else:
            merged.append(sentence)
    return merged
