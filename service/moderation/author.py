"""What one author's recent posts say together: up to 50 judgements in, one calibrated signal out. Pure.

One short post says little about who wrote it; twenty say much (`service.domain.log_odds` has the formula). Posts of
under five words, in languages that the model does not cover, or that repeat another do not count; below three posts or
forty words in all there is no answer. An account of both kinds gets a middle share of machine-written posts,
and its signal only says which evidence prevails.

The weights are for one version of the model: posts judged by another do not count. Its interval holds the middle
90 % of what fits to resampled data sets say (a percentile bootstrap, Efron 1979), the first fit always within.

Being machine-written is not a violation: nothing here decides anything.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from service.domain.canonical import canonical, digest
from service.domain.judgement import Judgement, Signal
from service.domain.log_odds import Share, Weights, share_of, sigmoid
from service.domain.post import Post
from service.errors import InvalidInput

FILE = "timeline.json"
"""The file name of a fit in its bundle."""

AI_GENERATED = "ai_generated"
FEWEST_WORDS, FEWEST_POSTS, FEWEST_WORDS_IN_ALL = 5, 3, 40

TOO_FEW_POSTS = "ABSTAINED_TOO_FEW_POSTS"
TOO_SHORT = "ABSTAINED_TOO_SHORT"
NOT_FITTED = "ABSTAINED_NOT_FITTED"
NOT_JUDGED = "ABSTAINED_NOT_JUDGED"
DUPLICATE = "DUPLICATE"

_NAMED = re.compile(r"https?://\S+|[@#]\w+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One post's contribution: its own signal (None when it was not judged), and why it does not count, if so."""

    post: str
    signal: Signal | None
    words: int
    excluded: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorJudgement:
    """What an author's posts say together. Signal and share are None where `abstained` says why."""

    author: str
    signal: Signal | None
    share: Share | None
    findings: tuple[Finding, ...]
    abstained: tuple[str, ...]
    model_version: str

    @property
    def counted(self) -> int:
        """How many posts counted."""
        return sum(not finding.excluded for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Weighing:
    """The weights for posts judged by the model of `model_version`: the fit, and fits to resampled data sets."""

    model_version: str
    weights: Weights
    resampled: tuple[Weights, ...]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `assay timelines --fit` wrote. Raises `InvalidInput`."""
        try:
            data = json.loads(text)
            fits = [_weights(fit) for fit in (data["weights"], *data["resampled"])]
            return cls(str(data["model_version"]), fits[0], tuple(fits[1:]))
        except (ValueError, TypeError, LookupError) as error:
            problem, remedy = f"is not a timeline fit ({error!r})", "write it with `assay timelines --fit BUNDLE`"
            raise InvalidInput("ASSAY_TIMELINE", problem, remedy) from error

    def judge(self, author: str, posts: Sequence[Post], judgements: Sequence[Judgement | None]) -> AuthorJudgement:
        """Weigh an author's posts with their judgements (None: it could not be judged); their order does not matter."""
        findings = tuple(self._findings(posts, judgements))
        counted = [finding for finding in findings if not finding.excluded]
        abstained = _abstained(findings, counted)
        version = next((judgement.model_version for judgement in judgements if judgement), "")
        return AuthorJudgement(
            author=author,
            signal=None if abstained else self._signal(counted),
            share=None if abstained else self._share(counted),
            findings=findings,
            abstained=abstained,
            model_version=self.model_version if counted else version,
        )

    def _findings(self, posts: Sequence[Post], judgements: Sequence[Judgement | None]) -> Iterator[Finding]:
        speakers = _one_of_each_text(posts)
        for number, (post, judgement) in enumerate(zip(posts, judgements, strict=True)):
            if judgement is None:
                yield Finding(post.name, None, 0, NOT_JUDGED)
                continue
            excluded = self._excluded(judgement) or ("" if number in speakers else DUPLICATE)
            yield Finding(post.name, judgement.signals.get(AI_GENERATED), judgement.words, excluded)

    def _excluded(self, judgement: Judgement) -> str:
        if judgement.model_version != self.model_version or AI_GENERATED not in judgement.signals:
            return NOT_FITTED
        if judgement.words < FEWEST_WORDS:
            return TOO_SHORT
        others = (reason for reason in judgement.abstained if reason != TOO_SHORT)  # here it is not alone
        return next(others, "")

    def _signal(self, counted: Sequence[Finding]) -> Signal:
        raw, *others = (fit.log_odds(_evidence(fit, counted)) for fit in (self.weights, *self.resampled))
        ordered = sorted((raw, *others))
        outside = round(0.05 * (len(ordered) - 1))
        low, high = min(raw, ordered[outside]), max(raw, ordered[-1 - outside])
        return Signal(AI_GENERATED, sigmoid(raw), raw, sigmoid(low), sigmoid(high))

    def _share(self, counted: Sequence[Finding]) -> Share:
        evidence = _evidence(self.weights, counted)
        return share_of(evidence, self.weights.effective(len(evidence)) / len(evidence))


UNFITTED = Weighing("", Weights(buckets=(), slopes=(1.0,), offsets=(0.0,), correlation=0.0, slope=1.0, bias=0.0), ())
"""Weights for a bundle without a fit: no post counts."""


def _abstained(findings: Sequence[Finding], counted: Sequence[Finding]) -> tuple[str, ...]:
    if len(counted) >= FEWEST_POSTS and sum(finding.words for finding in counted) >= FEWEST_WORDS_IN_ALL:
        return ()
    unfit = any(finding.excluded == NOT_FITTED for finding in findings)
    return (TOO_FEW_POSTS, NOT_FITTED) if unfit else (TOO_FEW_POSTS,)


def _evidence(fit: Weights, counted: Iterable[Finding]) -> list[float]:
    return [fit.evidence(finding.signal.probability, finding.words) for finding in counted if finding.signal]


def _one_of_each_text(posts: Sequence[Post]) -> set[int]:
    """Positions of one post per text: of variants the one of least digest, whatever the order."""
    chosen: dict[str, int] = {}
    for number in sorted(range(len(posts)), key=lambda number: digest(canonical(posts[number].text))):
        chosen.setdefault(_told(posts[number].text), number)
    return set(chosen.values())


def _told(text: str) -> str:
    """A text without its links and mentions, in one form whatever its spacing and capitals."""
    return canonical(_NAMED.sub(" ", text)).casefold() or canonical(text).casefold()


def _weights(data: Mapping[str, Any]) -> Weights:
    return Weights(
        buckets=tuple(map(int, data["buckets"])),
        slopes=tuple(map(float, data["slopes"])),
        offsets=tuple(map(float, data["offsets"])),
        correlation=float(data["correlation"]),
        slope=float(data["slope"]),
        bias=float(data["bias"]),
    )
