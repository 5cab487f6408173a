"""Rule-based back-translation.

Back-translation expands contractions, picks the plainest word, drifts in articles and prepositions, moves adverbials
to their place in the other language, and simplifies tenses.
"""

import random
import re

from classifiers.attacks.sentences import capitalised, lowered, split
from classifiers.attacks.tables import phrases
from classifiers.attacks.words import replace_synonyms

_WORD = re.compile(r"(?<![\w@#/.])(?:[A-Za-z]+'[a-z]+|[A-Za-z]+)(?![\w@/]|\.\w)")
_CONNECTIVE = r"(?:in (?:addition|conclusion|contrast|fact|general|other|short|summary)|for (?:example|instance))"
_TIME = r"(?:in|on|at|after|before|during|since|last|next|this|every|for)\b"
_ADVERBIAL = rf"(?!{_CONNECTIVE}){_TIME}[^,;:.!?\"()]{{2,40}}"
_FRONTED = re.compile(rf"^({_ADVERBIAL}), ([^,;:!?\"]{{10,}}[^,;:.!?\"])([.!]?)$", re.IGNORECASE)
_TRAILING = re.compile(
    r"^([^,;:!?\"]{15,}\w) ((?:in|on|at|during|since|last|this|every) [^,;:.!?\"() ]+(?: [^,;:.!?\"() ]+){0,2})([.!]?)$"
)
_PERFECT = re.compile(r"\b(?:has|have|had) (?:(already|also|now|just) )?([a-z]{3,}ed)\b")
_CONTINUOUS = re.compile(r"\b(has|have) been ([a-z]{3,}ing)\b")
_MANNER = re.compile(r"\b([a-z]{4,}ly) ([a-z]{3,}(?:ed|s))\b")
_GENITIVE = re.compile(r"\b(?:the|a) ([a-z]{4,})'s ([a-z]{4,})\b")
_ABSTRACT = re.compile(
    r"(?<=\b(?:of|in|on|to) )(?=(?:life|society|nature|history|education|health|technology|science)\b)"
)
_OF_THE = re.compile(r"\b(of|in|for|with) the (?=[a-z]{4,}s\b)")
_WORD_RATE = 0.5
_ORDER_RATE = 0.5
_SYNONYM_RATE = 0.1


def translate_back(text: str, rng: random.Random, rate: float) -> str:
    """Rewrite a share of the sentences as back-translation would."""
    return " ".join(_sentence(part, rng) if rng.random() < rate else part for part in split(text))


def _sentence(sentence: str, rng: random.Random) -> str:
    changed = _WORD.sub(lambda found: _word(found[0], rng), sentence)
    changed = _CONTINUOUS.sub(lambda found: ("is " if found[1] == "has" else "are ") + found[2], changed)
    changed = _PERFECT.sub(lambda found: f"{found[1]} {found[2]}" if found[1] else found[2], changed)
    changed = _GENITIVE.sub(r"the \2 of the \1", changed)
    changed = _MANNER.sub(lambda found: f"{found[2]} {found[1]}" if rng.random() < _ORDER_RATE else found[0], changed)
    changed = _ABSTRACT.sub(lambda _: "the " if rng.random() < _WORD_RATE else "", changed)
    changed = _OF_THE.sub(lambda found: f"{found[1]} " if rng.random() < _WORD_RATE else found[0], changed)
    changed = _move_adverbial(changed) if rng.random() < _ORDER_RATE else changed
    return replace_synonyms(changed, rng, _SYNONYM_RATE)


def _word(word: str, rng: random.Random) -> str:
    """Contractions always in full; the plain word of the table half of the time."""
    low = word.lower()
    if full := phrases("contractions").get(low):
        return capitalised(full[0]) if word[0].isupper() else full[0]
    plain = phrases("translated").get(low)
    if not plain or rng.random() >= _WORD_RATE:
        return word
    return capitalised(plain[0]) if word[0].isupper() else plain[0]


def _move_adverbial(sentence: str) -> str:
    """Rewrite "It rained in May." as "In May, it rained." and the reverse."""
    if fronted := _FRONTED.match(sentence):
        adverbial, clause, stop = fronted.groups()
        return f"{capitalised(clause)} {lowered(adverbial)}{stop}"
    if trailing := _TRAILING.match(sentence):
        clause, adverbial, stop = trailing.groups()
        return f"{capitalised(adverbial)}, {lowered(clause)}{stop}"
    return sentence
