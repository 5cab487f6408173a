"""Turns a statement into its denial by rule: "is" becomes "isn't", "causes" "does not cause", and "can't" "can".

It negates the first verb of the main clause and skips statements where it isn't sure to have found it: the words
before it must look like a plain subject. English only.
"""

import random
import re
from collections.abc import Iterator
from importlib import resources
from typing import NamedTuple

from classifiers.attacks.inflection import forms

_AUXILIARIES = {
    "is": "isn't",
    "are": "aren't",
    "was": "wasn't",
    "were": "weren't",
    "will": "won't",
    "can": "can't",
    "could": "couldn't",
    "should": "shouldn't",
    "would": "wouldn't",
    "must": "mustn't",
    "does": "doesn't",
    "do": "don't",
    "did": "didn't",
}
_PLAIN = {short: word for word, short in _AUXILIARIES.items()}
_PERFECT = frozenset({"has", "have", "had"})
_TABLE = [
    line.split()
    for line in resources.files("classifiers.training.claims").joinpath("verbs.txt").read_text().splitlines()
]
_IRREGULAR = {word.rstrip("*"): tuple(bent) for word, *bent in _TABLE}
_NOUNS_TOO = frozenset(word[:-1] for word, *_ in _TABLE if word.endswith("*"))
"""Verbs whose -s form is also a plural, marked by a star."""

_FORMS = {verb: [form for form, _ in forms(verb, "verbs", _IRREGULAR)] for verb in _IRREGULAR}
_THIRD = {bent[1]: verb for verb, bent in _FORMS.items()}
_PAST = {bent[2]: verb for verb, bent in _FORMS.items() if bent[2] != verb}
_PARTICIPLES = frozenset({bent[3] for bent in _FORMS.values()} | {"been", "done", "had", "put", "set"})
_SUBORDINATE = re.compile(
    r"[,;:()\"“”‘?]|(?:^|\s)'|[a-z](?:ed|ing|en)\b|"
    r"\b(?:claims?|reports?|shows?|depicts?|here|who|which|that|whose|where|when|while|if|because|after|before|since|what|"
    r"how|why|as|but|and then|may|might|not|no|never|nobody|none|neither)\b",
    re.IGNORECASE,
)
_DETERMINER = re.compile(
    r"\b(?:the|a|an|his|her|its|their|our|your|my|this|these|those|some|many|\w+'s)$", re.IGNORECASE
)
_PREPOSITION = re.compile(r"(?:by|in|on|at|with|from|to|for|as|of|after|near|during|and|or|dead|guilty)\b|\W*$")
_PLURAL = re.compile(r"(?:[a-z]{2}[^\W\ds'’ui]s|people|children|men|women|they|we|you|police)$", re.IGNORECASE)
_WORD = re.compile(r"[\w'’]+")
_DENIED_LATER = re.compile(r"\s+(?:\w+ly\s+)?(?:not|never|no|nothing|nobody|none)\b", re.IGNORECASE)
_NOT = re.compile(r"\s+not\b")
_ADVERB = re.compile(r"(?:\w+ly|just|also|now|still|already|even|ever|once|soon)$", re.IGNORECASE)
_OBJECT = re.compile(r"\s+(?:an?|the|no|his|her|its|their|any|more|less|[\d$£€])", re.IGNORECASE)
_LONGEST_SUBJECT = 8
_SHORT_SHARE, _PAST_SHARE = 0.5, 0.25


class Clause(NamedTuple):
    """A statement cut at its verb: `subject + verb + rest` is the statement, spaces included."""

    subject: str
    verb: str
    rest: str


def cut(statement: str) -> Clause | None:
    """The statement at the verb of its main clause, or None where that isn't sure."""
    for place, word in enumerate(_WORD.finditer(statement)):
        subject, verb, rest = statement[: word.start()], word[0].replace("’", "'").lower(), statement[word.end() :]
        if place > _LONGEST_SUBJECT or _SUBORDINATE.search(subject):
            return None
        if subject.endswith(" ") and _is_verb(subject.rstrip(), verb, rest.lstrip()):
            return Clause(subject, verb, rest)
    return None


def negated(statement: str, rng: random.Random) -> str | None:
    """The denial of a statement, drawn among its wordings, or None where no rule is sure to make one."""
    clause = cut(statement)
    wordings = list(_wordings(clause, rng)) if clause else []
    return clause.subject + rng.choice(wordings) if clause and wordings else None


def _wordings(clause: Clause, rng: random.Random) -> Iterator[str]:
    _, verb, rest = clause
    if verb in _PLAIN:
        yield _PLAIN[verb] + rest
    elif verb in _AUXILIARIES and _NOT.match(rest):
        yield verb + _NOT.sub("", rest, count=1)
    elif _DENIED_LATER.match(rest):
        return
    elif verb in _AUXILIARIES:
        yield f"{_AUXILIARIES[verb]}{rest}"
        yield f"{verb}{'' if verb == 'can' else ' '}not{rest}"
    elif verb in _PERFECT:
        if _participle(rest):
            yield f"{verb} not{rest}"
        elif _OBJECT.match(rest):
            yield f"{_did(verb)} not have{rest}"
    elif base := _base(verb):
        auxiliary = _did(verb) if verb != _FORMS[base][1] or rng.random() >= _PAST_SHARE else "did"
        yield f"{_AUXILIARIES[auxiliary] if rng.random() < _SHORT_SHARE else auxiliary + ' not'} {base}{rest}"


def _is_verb(subject: str, word: str, rest: str) -> bool:
    if _ADVERB.search(subject):
        return False
    if word in _AUXILIARIES or word in _PLAIN:
        return True
    if word in _PERFECT or _DETERMINER.search(subject):
        return word in _PERFECT
    if word in _THIRD:
        return _THIRD[word] not in _NOUNS_TOO or not rest.startswith(("of ", "for ", "are "))
    if word in _PAST:
        return not _PREPOSITION.match(rest)
    return word in _FORMS and word not in _NOUNS_TOO - {"cause"} and bool(_PLURAL.search(subject))


def _base(verb: str) -> str | None:
    return _THIRD.get(verb) or _PAST.get(verb) or (verb if verb in _FORMS else None)


def _did(verb: str) -> str:
    """The auxiliary that carries this form's tense and number."""
    if verb == "has" or verb in _THIRD:
        return "does"
    return "did" if verb == "had" or verb in _PAST else "do"


def _participle(rest: str) -> bool:
    """Whether "has" is followed by a participle, so that it is an auxiliary itself."""
    word = _WORD.search(rest)
    return word is not None and (word[0] in _PARTICIPLES or word[0].endswith("ed"))
