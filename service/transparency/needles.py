"""Finds a person's pseudonym, post names and texts in whatever a store holds, as plain text or as JSON.

A name is found as a whole: `posts/12` does not hold `posts/1`. Short pseudonyms and short texts would
be found in anyone's words; these count only between quotes, as JSON has values, or fill a value.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping

AUTHOR, NAME, TEXT = "author", "post name", "text"
_SHORT_AUTHOR, _SHORT_TEXT = 8, 16
_END = r"(?![A-Za-z0-9_~@%+=-]|[.:][A-Za-z0-9])"


class Needles:
    """What to look for."""

    def __init__(self, author: str, names: Iterable[str], texts: Iterable[str]) -> None:
        self._whole: dict[str, str] = {}
        self._parts: dict[str, str] = {}
        self._bounded: dict[str, tuple[str, re.Pattern[str]]] = {}
        if author:
            self._whole[author] = AUTHOR
            if len(author) < _SHORT_AUTHOR:
                self._add_quoted(author, AUTHOR)
            else:
                self._add_bounded(author, AUTHOR)
        for name in names:
            self._add_bounded(name, NAME)
        for text in texts:
            self._whole[text] = TEXT
            self._add_quoted(text, TEXT) if len(text) < _SHORT_TEXT else self._add_text(text)

    def within(self, values: Iterable[str]) -> Mapping[str, int]:
        """In how many of the values there is an author, a name, a text."""
        found: Counter[str] = Counter()
        held = list(values)
        if not self._any("\n".join(held)):
            return found
        for value in held:
            found.update(self.of(value))
        return found

    def of(self, value: str) -> set[str]:
        """What of `author`, `post name` and `text` is in the value."""
        found = {what for part, what in self._parts.items() if part in value}
        if value in self._whole:
            found.add(self._whole[value])
        for part, (what, pattern) in self._bounded.items():
            if what not in found and part in value and pattern.search(value):
                found.add(what)
        return found

    def _any(self, joined: str) -> bool:
        """Whether it is worth looking closer: most of what a store holds is about others."""
        return any(part in joined for group in (self._parts, self._bounded, self._whole) for part in group)

    def _add_bounded(self, value: str, what: str) -> None:
        pattern = re.compile(rf"(?<![A-Za-z0-9_-]){re.escape(value)}{_END}")
        for form in {value, *_escaped(value)}:
            self._bounded[form] = (what, pattern if form == value else re.compile(re.escape(form)))

    def _add_text(self, text: str) -> None:
        for form in {text, *_escaped(text)}:
            self._parts[form] = TEXT

    def _add_quoted(self, value: str, what: str) -> None:
        for form in {value, *_escaped(value)}:
            self._parts[f'"{form}"'] = what
            self._parts[f'\\"{form}\\"'] = what


def _escaped(value: str) -> set[str]:
    """Its form within JSON, and within JSON in JSON, with letters of other scripts escaped or not."""
    once = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return once | {json.dumps(form, ensure_ascii=letters)[1:-1] for form in once for letters in (True, False)}
