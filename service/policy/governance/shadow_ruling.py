"""A shadow policy's ruling on a verdict's post, and how often it agreed. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.domain.decision import Category, Decision, Ruling
from service.domain.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRuling:
    """The ruling of the policy `version` on the post of a recorded verdict."""

    version: str
    verdict: Verdict
    ruling: Ruling


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """A post on which the two differ: what was decided, and what the shadow policy says."""

    post: str
    sequence: int
    decided_at: datetime
    live: Decision
    live_categories: tuple[Category, ...]
    shadow: Decision
    categories: tuple[Category, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowComparison:
    """How a shadow policy compares with the live one. `matrix` counts posts by both decisions, the live one first."""

    version: str
    start: datetime | None
    matrix: Mapping[tuple[Decision, Decision], int]
    examples: tuple[Differing, ...]

    @property
    def posts(self) -> int:
        """How many both ruled on."""
        return sum(self.matrix.values())

    @property
    def agreed(self) -> int:
        """On how many they decided the same."""
        return sum(count for (live, shadow), count in self.matrix.items() if live is shadow)
