"""Identifies a text's language, and whether a bundle may judge it: an n-gram model (py3langid) for 47 languages.

A text is outside the covered languages only when they have at most a fiftieth of its probability, and some other
language is clear. Abstention can evade a filter, so doubt counts as covered: short slang, names and numbers are
judged, spaced-out letters aren't looked at, and a text must be foreign without its accents too. A mixed text is judged
by its covered part where that makes at least a third of it, in runs of eight words. So hiding an English text requires
twice as much foreign text around it.

Languages not in the list are mostly taken for a related one (Catalan for Spanish, Malay for Indonesian),
which still excludes them; a few that resemble none in the list (Welsh, Haitian Creole) count as doubtful. A language
that is transliterated and mixed with English (Hindi in Latin letters) is detected half of the time.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from classifiers.errors import InputError
from classifiers.text.normalise import word_count

UNKNOWN = "und"
"""ISO 639-2 for a language that isn't determined."""

NAMED = (
    *("am", "ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "gu", "he", "hi", "hu", "hy", "id"),
    *("it", "ja", "ka", "km", "kn", "ko", "lo", "ml", "my", "nl", "no", "or", "pa", "pl", "pt", "ro", "ru", "si"),
    *("sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "vi", "zh"),
)
"""Widely posted languages, and one for each script. Each further one in Latin letters claims some English slang."""

_NOISE = re.compile(r"・|https?://\S+|www\.\S+|[@#]\w+|&\w+;|\bRT\b|(?<!\S)(?:\S\s+){3,}\S(?!\S)")
_ACCENT = re.compile("[\u0300-\u036f]")
_MOST_COVERED = 0.02
_STANDS_OUT = 0.2
_SURE = 0.5
_RUN = 8
_ENOUGH = 1 / 3


@dataclass(frozen=True, slots=True)
class Finding:
    """The likeliest language (ISO 639-1, UNKNOWN if less than half sure) and whether the text may be judged."""

    language: str
    covered: bool


class Languages:
    """Identifies languages. Raises InputError if none is covered, or one that the model doesn't know."""

    def __init__(self, covered: Sequence[str]) -> None:
        self._model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._covered = frozenset(covered)
        unknown = self._covered.difference(self._model.labels)
        if unknown or not covered:
            fault = f"{', '.join(sorted(unknown))} can't be identified" if unknown else "none is given"
            raise InputError(f"languages: {fault}; use some of {', '.join(self._model.labels)}")
        self._model.set_languages([*self._covered.union(NAMED)])

    def find(self, text: str) -> Finding:
        """Identify the language of a normalised text."""
        plain = _NOISE.sub(" ", text)
        language, sure, covered = self._likeliest(plain)
        outside = covered <= _MOST_COVERED and all(map(self._is_outside, {plain, _without_accents(plain)}))
        return Finding(language if sure >= _SURE else UNKNOWN, not outside)

    def _is_outside(self, text: str) -> bool:
        _, sure, covered = self._likeliest(text)
        return covered <= _MOST_COVERED and sure >= _STANDS_OUT and self._covered_part(text) < _ENOUGH

    def _likeliest(self, text: str) -> tuple[str, float, float]:
        """The likeliest language, its probability, and that of the covered ones together."""
        ranked: list[tuple[str, float]] = self._model.rank(text)
        return *ranked[0], sum(probability for language, probability in ranked if language in self._covered)

    def _covered_part(self, text: str) -> float:
        """Share of the words in runs that are likelier in a covered language than not."""
        words = text.split()
        runs = [" ".join(words[start : start + _RUN]) for start in range(0, len(words), _RUN)]
        sizes = [word_count(run) for run in runs]
        covered = sum(size for run, size in zip(runs, sizes, strict=True) if self._likeliest(run)[2] >= _SURE)
        return covered / max(1, sum(sizes))


def _without_accents(text: str) -> str:
    return _ACCENT.sub("", unicodedata.normalize("NFD", text))


@cache
def languages(covered: tuple[str, ...]) -> Languages:
    """The one identifier of a process for these languages: it takes half a second and 70 MB to load."""
    return Languages(covered)
