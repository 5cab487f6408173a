"""The words of Assay as frozen dataclasses and enums. Standard library only.

Times are aware datetimes in UTC, probabilities lie in [0, 1], offsets are UTF-8 bytes into the post's text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from service.canonical import content_digest, fingerprint
from service.claim import Match, Relation
from service.imprint import NO_IMPRINT, Imprint


class Surface(StrEnum):
    """Where in the product a post appears."""

    FEED = "feed"
    STORY = "story"
    REEL = "reel"
    COMMENT = "comment"
    AD = "ad"
    BIO = "bio"


class Decision(StrEnum):
    """What the policy does about a post."""

    ALLOW = "ALLOW"
    LABEL = "LABEL"
    REDUCE = "REDUCE"
    REVIEW = "REVIEW"
    BLOCK = "BLOCK"

    @property
    def severity(self) -> int:
        """0 for ALLOW up to 4 for BLOCK."""
        return _SEVERITY[self]


_SEVERITY = {decision: rank for rank, decision in enumerate(Decision)}


class Category(StrEnum):
    """Why a post was flagged."""

    AI_GENERATED_MISINFORMATION = "AI_GENERATED_MISINFORMATION"
    AI_GENERATED = "AI_GENERATED"
    MISINFORMATION = "MISINFORMATION"
    HATE = "HATE"
    HARASSMENT = "HARASSMENT"
    VIOLENCE = "VIOLENCE"
    SELF_HARM = "SELF_HARM"
    SEXUAL = "SEXUAL"
    WEAPONS = "WEAPONS"
    CBRN = "CBRN"
    FRAUD = "FRAUD"
    TEST = "TEST"


class Source(StrEnum):
    """Where the judgement under a verdict came from; `MODERATOR` when a person decided."""

    MODEL = "MODEL"
    CACHE = "CACHE"
    PROVISIONAL = "PROVISIONAL"
    SET_ASIDE = "SET_ASIDE"
    MODERATOR = "MODERATOR"


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader sees beside a post's text; empty strings where there is nothing."""

    parent_text: str = ""
    link_title: str = ""
    image_alt: str = ""
    image_text: str = ""
    digital_source_type: str = ""

    @property
    def text(self) -> str:
        """The parts that a classifier is given, a line each; empty when there are none. No bundle reads it so far."""
        return "\n".join(filter(None, (self.parent_text, self.shown)))

    @property
    def shown(self) -> str:
        """What the post itself shows beside its text, a line each: of what claims are looked for in."""
        return "\n".join(filter(None, (self.link_title, self.image_alt, self.image_text)))


NO_CONTEXT = Context()


@dataclass(frozen=True, kw_only=True)
class Post:
    """One item of a feed. `author` is a pseudonym, never a name; `metadata` is kept and shown, never judged."""

    platform: str
    id: str
    text: str
    surface: Surface = Surface.FEED
    author: str = ""
    locale: str = ""
    region: str = ""
    created_at: datetime | None = None
    context: Context = NO_CONTEXT
    metadata: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        """Resource name, `platforms/{platform}/posts/{id}`."""
        return f"platforms/{self.platform}/posts/{self.id}"

    @cached_property
    def content_digest(self) -> str:
        """Hex digest of canonical text and context: what the classifiers' answer depends on."""
        return content_digest(self.text, self.context.text)

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of all that the decision depends on. Another fingerprint under the same name is an edit."""
        attributes = self.surface, self.region, self.locale, self.author, self.context.digital_source_type
        return fingerprint(self.content_digest, *attributes)

    @property
    def key(self) -> "PostKey":
        """Name and fingerprint: one version of one post."""
        return PostKey(self.name, self.fingerprint)


@dataclass(frozen=True, slots=True)
class PostKey:
    """One version of one post: what is accepted once and decided once."""

    name: str
    fingerprint: str


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
    """What of `signal`'s raw score its spans don't carry: raw = base + rest + their weights.

    `rest` is what the words outside the spans bring, `base` what no word does (biases, how the text reads as a whole).
    """

    signal: str
    base: float
    rest: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why: spans heaviest first, token surprise in reading order, obfuscation undone by kind.

    Each signal that spans explain has one of `remainders`, with which they add up to its raw score; that of
    `misinformation` has the weights of `matches`, best first, in it too.
    """

    spans: tuple[Span, ...] = ()
    surprise: tuple[TokenSurprise, ...] = ()
    obfuscation: Mapping[str, int] = field(default_factory=dict)
    remainders: tuple[Remainder, ...] = ()
    matches: tuple[Match, ...] = ()


class Standing(NamedTuple):
    """What a person decided on a text until they take it back: for the post named `post`, or (empty) all that carry it.

    `reason` names the policy reason, `case` the case in which it was decided.
    """

    post: str
    decision: Decision
    categories: tuple[Category, ...]
    reason: str
    case: str


class JudgedBy(NamedTuple):
    """What a text was judged by: the bundle's version, and that of the claims it was compared with (empty: none)."""

    model: str = ""
    claims: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the classifiers say of one text; shared by every post that carries it.

    Offsets in its evidence count bytes of the canonical text, until `service.evidence` relates them to a post.
    `cluster` names the group of near-duplicate texts that this one belongs to, by the content digest of the first of
    them. `imprint` is what the group is found by; it goes no further than the worker. `standing` is what people decided
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
    imprint: Imprint = field(default=NO_IMPRINT, compare=False, repr=False)
    standing: tuple[Standing, ...] = ()

    @property
    def judged_by(self) -> JudgedBy:
        """Bundle and claims that it rests on."""
        return JudgedBy(self.model_version, self.claims_version)

    def standing_for(self, name: str) -> Standing | None:
        """What a person decided on the post of that name or, failing that, on every post with this text."""
        found = {standing.post: standing for standing in self.standing}
        return found.get(name) or found.get("")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is made of one post: the decision, why, and the names of the rules that matched.

    `case` and `reason` are set when a person decided: in which case, and for which of the policy's reasons.
    """

    decision: Decision
    categories: tuple[Category, ...] = ()
    rules: tuple[str, ...] = ()
    reason: str = ""
    case: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """A stage that was not run, and why."""

    stage: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A judgement decided for one post.

    `judgement` is None for provisional and set-aside verdicts. `sequence` is the record store's cursor, 0 while the
    verdict is not recorded. `revision` counts from 0, the first verdict on the post; people make the later ones.
    `latency` holds seconds by stage.
    """

    post: PostKey
    content_digest: str
    surface: Surface
    ruling: Ruling
    policy_version: str
    source: Source
    decided_at: datetime
    judgement: Judgement | None = None
    skipped: tuple[Skip, ...] = ()
    latency: Mapping[str, float] = field(default_factory=dict)
    sequence: int = 0
    revision: int = 0

    @property
    def decision(self) -> Decision:
        """The ruling's decision."""
        return self.ruling.decision

    @property
    def model_version(self) -> str:
        """The judging bundle's version; empty when no model judged."""
        return self.judged_by.model

    @property
    def judged_by(self) -> JudgedBy:
        """What judged the text; empty when no model did."""
        return self.judgement.judged_by if self.judgement else JudgedBy()

    @property
    def cluster(self) -> str:
        """The cluster of the post's text; empty when no model read it."""
        return self.judgement.cluster if self.judgement else ""

    @property
    def matches(self) -> tuple[Match, ...]:
        """The claims that the post's text comes near to; none when no model read it."""
        return self.judgement.evidence.matches if self.judgement else ()

    @property
    def claim_ids(self) -> frozenset[str]:
        """The ids of the claims that the post repeats, discusses or rebuts."""
        return frozenset(match.claim_id for match in self.matches if match.relation is not Relation.UNRELATED)


def verdict_on(
    post: Post,
    ruling: Ruling,
    *,
    policy_version: str,
    source: Source,
    judgement: Judgement | None = None,
    skipped: tuple[Skip, ...] = (),
    latency: Mapping[str, float] | None = None,
) -> Verdict:
    """The verdict that `ruling` gives on `post` now; not recorded yet. A person's ruling is its own source."""
    return Verdict(
        post=post.key,
        content_digest=post.content_digest,
        surface=post.surface,
        ruling=ruling,
        policy_version=policy_version,
        source=Source.MODERATOR if ruling.case else source,
        decided_at=datetime.now(UTC),
        judgement=judgement,
        skipped=skipped,
        latency=latency or {},
    )


@dataclass(frozen=True, slots=True)
class VerdictFilter:
    """Which verdicts; an empty tuple, an empty string or None does not narrow. The time range is [start, end).

    `claim_id`: posts that repeat, discuss or rebut that claim. `cluster`: posts whose texts are near-duplicates.
    `text` is found anywhere in a post's text, in any case (in SQLite only ASCII letters have two).
    """

    decisions: tuple[Decision, ...] = ()
    categories: tuple[Category, ...] = ()
    surfaces: tuple[Surface, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    claim_id: str = ""
    cluster: str = ""
    author: str = ""
    text: str = ""
