"""What the classifiers say of one text: signals, evidence, by whom. Standard library only.

Probabilities lie in [0, 1], offsets are UTF-8 bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from service.domain.claim import Match
from service.domain.decision import Standing, standing_for
from service.domain.text_signature import NO_SIGNATURE, TextSignature


class Signal(NamedTuple):
    """One named calibrated probability with its logit and 90 % interval."""

    name: str
    probability: float
    raw: float
    low: float
    high: float


class Span(NamedTuple):
    """Bytes [start, end) of the text that moved `signal` by `weight` logits."""

    start: int
    end: int
    signal: str
    weight: float


class TokenSurprise(NamedTuple):
    """Bytes [start, end) of the text and how many bits of surprise the model found in them."""

    start: int
    end: int
    bits: float


class Remainder(NamedTuple):
    """The part of `signal`'s raw score that its spans don't carry: raw = base + rest + their weights.

    `rest` is the part of the words outside the spans, `base` that of no word (biases, how the text reads as a whole).
    """

    signal: str
    base: float
    rest: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why: spans heaviest first, token surprise in reading order, obfuscation undone by kind.

    Each signal that spans explain has one of `remainders`, with which they add up to its raw score; that of
    `misinformation` also includes the weights of `matches`, best first.
    """

    spans: tuple[Span, ...] = ()
    surprise: tuple[TokenSurprise, ...] = ()
    obfuscation: Mapping[str, int] = field(default_factory=dict)
    remainders: tuple[Remainder, ...] = ()
    matches: tuple[Match, ...] = ()


class JudgedBy(NamedTuple):
    """The versions of the bundle and of the claims that judged a text (empty: compared with none)."""

    model: str = ""
    claims: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the classifiers say of one text; shared by every post that carries it.

    Offsets in its evidence count bytes of the canonical text, until `service.domain.evidence` relates them to a post.
    `cluster` names the group of near-duplicate texts that this one belongs to, by the content digest of the first of
    them. `text_signature` finds the group; it does not leave the worker. `standing` holds people's decisions
    on the text, the newest for each post.
    """

    content_digest: str
    model_version: str
    claims_version: str = ""
    signals: Mapping[str, Signal]
    evidence: Evidence = Evidence()
    words: int
    abstained: tuple[str, ...] = ()
    cluster: str = ""
    text_signature: TextSignature = field(default=NO_SIGNATURE, compare=False, repr=False)
    standing: tuple[Standing, ...] = ()

    @property
    def judged_by(self) -> JudgedBy:
        """The bundle and claims that it is based on."""
        return JudgedBy(self.model_version, self.claims_version)

    def standing_for(self, name: str) -> Standing | None:
        """A person's decision on the post of that name or, failing that, on every post with this text."""
        return standing_for(self.standing, name)
