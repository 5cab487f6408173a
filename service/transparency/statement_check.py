"""Checks a statement of reasons as the DSA Transparency Database does, field by field.

One bad statement has the database refuse all hundred of its batch, so each is checked before it joins one. Whether the
database knows a `puid` already, only the database can say; within one export this says it.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from service.transparency import statement_words as words

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field of a statement, and what to do."""

    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}; {self.remedy}"


_Problems = Iterator[Problem]
_PUID = re.compile(r"[A-Za-z0-9_-]{1,500}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LATEST = date(2038, 1, 1)

_ONE_OF: Mapping[str, tuple[Collection[str], bool]] = {  # words, and whether it must be there
    "decision_monetary": (words.MONETARY, False),
    "decision_provision": (words.PROVISION, False),
    "decision_account": (words.ACCOUNT, False),
    "account_type": (words.ACCOUNT_TYPES, False),
    "decision_ground": (words.GROUNDS, True),
    "incompatible_content_illegal": (words.YES_NO, False),
    "category": (words.CATEGORIES, True),
    "content_language": (words.LANGUAGES, False),
    "source_type": (words.SOURCE_TYPES, True),
    "automated_detection": (words.YES_NO, True),
    "automated_decision": (words.AUTOMATED, True),
}
_SOME_OF: Mapping[str, tuple[Collection[str], bool]] = {
    "decision_visibility": (words.VISIBILITY, False),
    "category_addition": (words.CATEGORIES, False),
    "category_specification": (words.KEYWORDS, False),
    "content_type": (words.CONTENT_TYPES, True),
    "territorial_scope": (words.ECONOMIC_AREA, True),
}
_LENGTHS: Mapping[str, int] = {
    "decision_visibility_other": 500,
    "decision_monetary_other": 500,
    "illegal_content_legal_ground": 500,
    "illegal_content_explanation": 2000,
    "incompatible_content_ground": 500,
    "incompatible_content_explanation": 2000,
    "content_type_other": 500,
    "category_specification_other": 500,
    "decision_ground_reference_url": 500,
    "decision_facts": 5000,
    "source_identity": 500,
}
_WHEN: tuple[tuple[str, str, str], ...] = (  # field, the field that asks for it, and by which word
    ("decision_visibility_other", "decision_visibility", "DECISION_VISIBILITY_OTHER"),
    ("decision_monetary_other", "decision_monetary", "DECISION_MONETARY_OTHER"),
    ("content_type_other", "content_type", "CONTENT_TYPE_OTHER"),
    ("illegal_content_legal_ground", "decision_ground", words.ILLEGAL),
    ("illegal_content_explanation", "decision_ground", words.ILLEGAL),
    ("incompatible_content_ground", "decision_ground", words.INCOMPATIBLE),
    ("incompatible_content_explanation", "decision_ground", words.INCOMPATIBLE),
)
_ONLY_WHEN: tuple[tuple[str, str, str], ...] = (
    *_WHEN,
    ("incompatible_content_illegal", "decision_ground", words.INCOMPATIBLE),
    ("category_specification_other", "category_specification", "KEYWORD_OTHER"),
)
_DATES: Mapping[str, tuple[date, bool]] = {  # earliest, and whether it must be there
    "content_date": (date(2000, 1, 1), True),
    "application_date": (date(2020, 1, 1), True),
    **{
        f"end_date_{what}_restriction": (date(2020, 1, 1), False)
        for what in ("account", "monetary", "service", "visibility")
    },
}
_DECISIONS = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")
FIELDS = frozenset({"puid", *_ONE_OF, *_SOME_OF, *_LENGTHS, *_DATES})
"""All fields that a statement may have. (`content_id`, of products, is not among them: posts have none.)"""


def problems(statement: Statement) -> list[Problem]:
    """All that is wrong with a statement; nothing where the database would take it."""
    return [problem for look in _LOOKS for problem in look(statement)]


def _unknown(statement: Statement) -> _Problems:
    for field in sorted(set(map(str, statement)) - FIELDS):
        yield Problem(field, "is no field of a statement", "leave it out")


def _puid(statement: Statement) -> _Problems:
    value = statement.get("puid")
    if not isinstance(value, str) or not _PUID.fullmatch(value):
        yield Problem("puid", "is missing or no identifier", "give 1 to 500 letters, digits, hyphens and underscores")


def _words(statement: Statement) -> _Problems:
    for field, (known, required) in _ONE_OF.items():
        value = statement.get(field)
        if value is None:
            if required:
                yield Problem(field, "is missing", f"give one of {_listed(known)}")
        elif not isinstance(value, str) or value not in known:
            yield Problem(field, f"{_shown(value)} is none of its words", f"give one of {_listed(known)}")


def _lists(statement: Statement) -> _Problems:
    for field, (known, required) in _SOME_OF.items():
        value = statement.get(field)
        if value is None or value == []:
            if required:
                yield Problem(field, "is empty", f"give at least one of {_listed(known)}")
        elif not isinstance(value, list):
            yield Problem(field, f"{_shown(value)} is no list", "give a list of words")
        else:
            for each in value:
                if not isinstance(each, str) or each not in known:
                    yield Problem(field, f"{_shown(each)} is none of its words", f"give some of {_listed(known)}")
            if len({*map(str, value)}) < len(value):
                yield Problem(field, "holds a word twice", "give each once")


def _texts(statement: Statement) -> _Problems:
    for field, most in _LENGTHS.items():
        value = statement.get(field)
        if value is None:
            continue
        if not isinstance(value, str) or not value.strip():
            yield Problem(field, "is no text or an empty one", "give some words, or leave the field out")
        elif len(value) > most:
            yield Problem(field, f"holds {len(value):,} characters, over {most:,}", "shorten it")
    if not statement.get("decision_facts"):
        yield Problem("decision_facts", "is missing", "say what the decision rests on, without personal data")


def _conditional(statement: Statement) -> _Problems:
    for field, asker, word in _WHEN:
        if _holds(statement.get(asker), word) and not statement.get(field):
            yield Problem(field, f"is missing where {asker} is {word}", "give it")
    for field, asker, word in _ONLY_WHEN:
        if statement.get(field) is not None and not _holds(statement.get(asker), word):
            yield Problem(field, f"is given where {asker} is not {word}", "leave it out")


def _some_decision(statement: Statement) -> _Problems:
    if not any(statement.get(field) for field in _DECISIONS):
        yield Problem("decision_visibility", "is missing as are all other decisions", "say what was restricted")


def _dates(statement: Statement) -> _Problems:
    for field, (earliest, required) in _DATES.items():
        value = statement.get(field)
        if value is None:
            if required:
                yield Problem(field, "is missing", "give a day as YYYY-MM-DD")
            continue
        day = _day(value)
        if day is None:
            yield Problem(field, f"{_shown(value)} is no day", "give a day as YYYY-MM-DD")
        elif not earliest <= day <= _LATEST:
            yield Problem(field, f"{value} is before {earliest} or after {_LATEST}", "give the day on which it was")
    began = _day(statement.get("application_date"))
    for field in _DATES:
        ends = _day(statement.get(field)) if field.startswith("end_date") else None
        if began and ends and ends < began:
            yield Problem(field, f"{ends} is before application_date", "give the day on which it ends, or leave it out")


def _url(statement: Statement) -> _Problems:
    value = statement.get("decision_ground_reference_url")
    if isinstance(value, str) and value.strip():
        try:
            parts = urlsplit(value)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in {"http", "https"} or not parts.hostname or any(map(str.isspace, value)):
            remedy = "give the http(s) address of the terms or the law"
            yield Problem("decision_ground_reference_url", f"{_shown(value)} is no address", remedy)


def _addition(statement: Statement) -> _Problems:
    more = statement.get("category_addition")
    if isinstance(more, list) and statement.get("category") in more:
        yield Problem("category_addition", "holds the category itself", "leave it out there")


_LOOKS: tuple[Callable[[Statement], _Problems], ...] = (
    _unknown,
    _puid,
    _words,
    _lists,
    _texts,
    _conditional,
    _some_decision,
    _dates,
    _url,
    _addition,
)


def _holds(value: object, word: str) -> bool:
    return value == word or (isinstance(value, list) and word in value)


def _day(value: object) -> date | None:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _shown(value: object) -> str:
    return repr(value)[:60]


def _listed(known: Collection[str]) -> str:
    some = sorted(known)
    return ", ".join(some) if len(some) < 9 else f"{', '.join(some[:3])}, ... ({len(some)} words)"
