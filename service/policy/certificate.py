"""A bundle's certificate: the probability from which a rule may act without a person.

`classifiers.calibration.certificates` writes it and explains its figures. Standard library only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.domain.canonical import digest
from service.domain.post import Surface
from service.errors import InvalidInput

ANY_SURFACE = "any"
FILE = "certificate.json"
"""Its name in a bundle."""

_FORMAT = 1
_REMEDY = "name a certificate.json that `assay calibrate` wrote, and copy it again if it was damaged"


@dataclass(frozen=True, slots=True)
class WordSpan:
    """Word counts `first` to `last`, inclusive; None: without end."""

    first: int
    last: int | None

    def __str__(self) -> str:
        return f"{self.first} or more words" if self.last is None else f"{self.first} to {self.last} words"


@dataclass(frozen=True, slots=True)
class Bound:
    """The bound of one label on one surface and span of words; thresholds are None where rows were too few."""

    positives: int
    negatives: int
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """For posts like its sample, at most a share of `alpha` of negatives reaches an upper threshold.

    That holds with confidence 1 - `delta`, for judgements of `model_version`. `bounds` are by label, surface and span.
    """

    model_version: str
    alpha: float
    delta: float
    data: str
    made: str
    languages: tuple[str, ...]
    surfaces: tuple[str, ...]
    negatives_needed: int
    spans: tuple[WordSpan, ...]
    bounds: Mapping[tuple[str, str, WordSpan], Bound]

    @property
    def version(self) -> str:
        """Digest of everything that a decision may depend on."""
        return digest(self.model_version, repr(sorted(self.bounds.items(), key=repr)))

    def bound(self, label: str, surface: Surface, span: WordSpan) -> Bound | None:
        """The bound of the surface or, if the certificate doesn't cover it, that of posts from any."""
        return self.bounds.get((label, surface.value if surface in self.surfaces else ANY_SURFACE, span))

    def why_not(self, label: str, surface: Surface, span: WordSpan, threshold: float) -> str:
        """Why a rule may not act at `threshold`, in words; empty where it may."""
        where, bound = f"{label} on surface {surface} with {span}", self.bound(label, surface, span)
        if bound is None:
            return f"it does not cover {where} (its surfaces: {', '.join(self.surfaces)})"
        if bound.upper is not None:
            return (
                "" if threshold >= bound.upper else f"{where} is certified from {bound.upper:g} on, not {threshold:g}"
            )
        if bound.negatives < self.negatives_needed:
            return f"{where} was seen on {bound.negatives} posts without it, of {self.negatives_needed} needed"
        return f"{where} has no threshold that flags few enough"


def load(path: Path) -> Certificate:
    """The certificate in the file. Raises `InvalidInput` if there is none."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput("ASSAY_CERTIFICATE", f"{path} can't be read: {error.strerror}", _REMEDY) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput("ASSAY_CERTIFICATE", f"{path} is not a certificate ({error!r})", _REMEDY) from error


def parse(text: str) -> Certificate:
    """The certificate in the text. Raises ValueError, KeyError, TypeError or AttributeError where it isn't one."""
    found = json.loads(text)
    if found["format"] != _FORMAT:
        raise ValueError(f"format {found['format']}, not {_FORMAT}")
    lasts = [int(last) for last in found["buckets"]]
    spans = tuple(map(WordSpan, [0, *(last + 1 for last in lasts)], [*lasts, None]))
    return Certificate(
        model_version=str(found["model_version"]),
        alpha=float(found["alpha"]),
        delta=float(found["delta"]),
        data=str(found["data"]),
        made=str(found["made"]),
        languages=tuple(map(str, found["languages"])),
        surfaces=tuple(map(str, found["surfaces"])),
        negatives_needed=int(found["negatives_needed"]),
        spans=spans,
        bounds={
            (str(cell["label"]), str(cell["surface"]), spans[cell["bucket"]]): Bound(
                int(cell["positives"]), int(cell["negatives"]), _threshold(cell["lower"]), _threshold(cell["upper"])
            )
            for cell in found["cells"]
        },
    )


def _threshold(value: float | None) -> float | None:
    if value is None:
        return None
    if not 0 <= value <= 1:
        raise ValueError(f"threshold {value} is not within 0 to 1")
    return float(value)
