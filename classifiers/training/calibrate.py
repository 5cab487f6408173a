"""`assay calibrate`: calibrates a bundle's probabilities and thresholds on a platform's own posts.

Labelled posts, or posts that moderators decided (`labelled`), are split in two by a digest of their text: one half fits
the calibration, the other measures it and makes the certificate (`certificates`), so that nothing was fitted
to the posts of the bounds. Copies of one text share a half and count once. Posts on which the detector abstains are
left out: no rule uses signals there. Weights do not change; the version is a new one.

Posts that came to a moderator because of their score don't show how many positives never came: decisions yield upper
thresholds, never lower ones.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from classifiers.bundle import CARD, STARTER, load_bundle, recalibrate, version_of
from classifiers.calibration.certificates import Certificate, check_rates
from classifiers.calibration.curves import Calibration
from classifiers.data.labelled import LabelledPost, read_decisions, read_posts
from classifiers.detector import Detector, Document
from classifiers.errors import InputError
from classifiers.labels import LABELS
from classifiers.training.certificate_table import certificate_table

FEWEST = 20
"""Fewest posts with and without a label for fitting its calibration; else it keeps the bundle's."""

_CHUNK = 512
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    """The bundle to calibrate, the posts, and the output. `prevalence` is the share of posts, by label."""

    out: Path
    data: Path | None = None
    decisions: Path | None = None
    model: Path | None = None
    heads: Path | None = None
    alpha: float = 0.01
    delta: float = 0.05
    prevalence: Mapping[str, float] | None = None
    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True, slots=True)
class _Judged:
    """Posts with targets [n, L], fused logits [n, L], word counts [n], languages, and a digest of each text [n]."""

    posts: Sequence[LabelledPost]
    truth: NDArray[np.float32]
    logits: NDArray[np.float64]
    words: NDArray[np.int64]
    languages: Sequence[str]
    digest: NDArray[np.str_]

    @property
    def fitting(self) -> NDArray[np.bool_]:
        """The half that calibration is fitted to."""
        return np.array([int(digest[:2], 16) % 2 == 0 for digest in self.digest], dtype=bool)

    def part(self, rows: NDArray[np.bool_]) -> "_Judged":
        kept = np.flatnonzero(rows).tolist()
        posts, languages = [self.posts[row] for row in kept], [self.languages[row] for row in kept]
        return _Judged(posts, self.truth[rows], self.logits[rows], self.words[rows], languages, self.digest[rows])


def calibrate(options: CalibrateOptions, say: Say = print) -> str:
    """Write the calibrated bundle; returns the table of its certificate. Raises InputError."""
    home = options.heads or options.model or STARTER
    posts = _posts(options)
    torch.set_num_threads(options.threads)
    bundle = load_bundle(options.model, options.heads, device=options.device)
    say(f"calibrate: {bundle.manifest.name}, version {bundle.version}, reads {len(posts)} posts")
    judged = _judge(Detector(bundle), posts)
    say(f"calibrate: {len(posts) - len(judged.posts)} posts on which it abstains are left out")
    fitting, certifying = judged.part(judged.fitting), judged.part(~judged.fitting)
    before = bundle.parts.calibration
    after = _corrected(_fit(fitting, before), options.prevalence or {})
    p = after.apply(certifying.logits, certifying.words).p
    certificate = _certificate(certifying, p, options)
    plain = after.apply(certifying.logits, certifying.words, after.prevalence).p
    table = certificate_table(
        certificate,
        certifying.truth,
        certifying.words,
        [post.surface for post in certifying.posts],
        before=before.apply(certifying.logits, certifying.words).p,
        after=plain,
    )
    manifest = recalibrate(home, options.out, after, certificate)
    version = version_of(manifest)
    _note(options.out / CARD, bundle.version, version, table)
    named = f"ASSAY_MODEL={options.model} ASSAY_HEADS={options.out}" if options.heads else f"ASSAY_MODEL={options.out}"
    return f"{table}\n\nVersion {version} is in {options.out}: start service and workers with {named}"


def parse_prevalence(given: Sequence[str]) -> dict[str, float]:
    """Rates by label of `LABEL=RATE` items. Raises InputError."""
    rates = {}
    for item in given:
        label, _, number = item.partition("=")
        if label not in LABELS:
            raise InputError(f"--prevalence {item}: {label!r} is not a label; use {', '.join(LABELS)}")
        try:
            rates[label] = float(number)
        except ValueError:
            raise InputError(f"--prevalence {item}: {number!r} is not a number; write {label}=0.002") from None
        if not 0 < rates[label] < 1:
            raise InputError(f"--prevalence {item}: a share is between 0 and 1; write {label}=0.002 for 0.2 %")
    return rates


def _posts(options: CalibrateOptions) -> list[LabelledPost]:
    """The input, checked before anything slow begins."""
    try:
        check_rates(options.alpha, options.delta)
    except ValueError as error:
        raise InputError(f"--{error}") from error
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        raise InputError(f"{options.out}: exists already; name a new directory for the calibrated bundle")
    posts = [
        *(read_posts(options.data) if options.data else []),
        *(read_decisions(options.decisions) if options.decisions else []),
    ]
    if not posts:
        raise InputError("no posts: give --data or --from-decisions a file with labelled posts")
    return posts


def _judge(detector: Detector, posts: Sequence[LabelledPost]) -> _Judged:
    readings = [reading for part in _chunks(posts) for reading in detector.score(part, explain=False)]
    judged = [(post, reading) for post, reading in zip(posts, readings, strict=True) if not reading.abstain]
    if not judged:
        raise InputError(
            f"the detector abstains on all {len(posts)} posts: give longer ones, in languages that it reads"
        )
    return _Judged(
        [post for post, _ in judged],
        np.stack([post.targets for post, _ in judged]),
        np.array([[reading.signals[label].raw for label in LABELS] for _, reading in judged]),
        np.array([reading.words for _, reading in judged]),
        [post.lang or reading.language for post, reading in judged],
        np.array([hashlib.sha256(post.text.encode()).hexdigest() for post, _ in judged]),
    )


def _chunks(posts: Sequence[LabelledPost]) -> Iterator[list[Document]]:
    for start in range(0, len(posts), _CHUNK):
        yield [Document(post.text) for post in posts[start : start + _CHUNK]]


def _fit(rows: _Judged, before: Calibration) -> Calibration:
    """Calibration of the labels with enough rows; the others unchanged."""
    fitted = Calibration.fit(rows.logits, rows.truth, rows.words)
    hits, misses = (rows.truth == 1).sum(axis=0), (rows.truth == 0).sum(axis=0)
    enough = np.minimum(hits, misses) >= FEWEST
    if not enough.any():
        had = "; ".join(
            f"{label} has {hit} with it and {miss} without"
            for label, hit, miss in zip(LABELS, hits, misses, strict=True)
            if hit + miss
        )
        raise InputError(
            f"too few posts to fit any label: half of them is used for that, and a label needs {FEWEST} posts with it "
            f"and {FEWEST} without in that half, so label about {3 * FEWEST} of each. There {had or 'is no post'}"
        )
    return Calibration(
        tuple(fitted.curves[c] if enough[c] else before.curves[c] for c in range(len(LABELS))),
        tuple(fitted.prevalence[c] if enough[c] else before.prevalence[c] for c in range(len(LABELS))),
        feed=before.feed and tuple(fitted.prevalence[c] if enough[c] else before.feed[c] for c in range(len(LABELS))),
    )


def _corrected(calibration: Calibration, prevalence: Mapping[str, float]) -> Calibration:
    """The calibration, corrected for the given prevalence."""
    if not prevalence:
        return calibration
    known = calibration.feed or calibration.prevalence
    rates = (prevalence.get(label, rate) for label, rate in zip(LABELS, known, strict=True))
    return replace(calibration, feed=tuple(rates))


def _certificate(rows: _Judged, p: NDArray[np.float32], options: CalibrateOptions) -> Certificate:
    sources = [path.name for path in (options.data, options.decisions) if path]
    return Certificate.fit(
        p,
        rows.truth,
        rows.words,
        data=" and ".join(sources) + (", the latter moderators' decisions" if options.decisions else ""),
        surfaces=[post.surface for post in rows.posts],
        languages=rows.languages,
        groups=rows.digest,
        selected=[post.decided for post in rows.posts],
        alpha=options.alpha,
        delta=options.delta,
    )


def _note(card: Path, before: str, after: str, table: str) -> None:
    """Note in the card that its figures are those of the original bundle."""
    text = card.read_text() if card.is_file() else ""
    said = f"Version `{after}` is version `{before}`, recalibrated by `assay calibrate`. Its probabilities differ."
    card.write_text(f"{text.rstrip()}\n\n## Recalibrated\n\n{said}\n\n{table}\n".lstrip())
