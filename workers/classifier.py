"""The classifiers behind the service's `Classifier` port: posts to documents, readings to judgements."""

from collections.abc import Sequence
from pathlib import Path

from classifiers.detector import Detector, Document, Reading
from service.canonical import canonical
from service.domain import Evidence, Judgement, Post, Remainder, Signal, Span, TokenSurprise


class BundleClassifier:
    """A loaded bundle. Judges the canonical text, so that posts that share a content digest share a judgement."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    @classmethod
    def load(cls, model: Path | None, heads: Path | None, *, device: str, threads: int) -> "BundleClassifier":
        """Load the bundle at `model` (None: the shipped starter)."""
        return cls(Detector.load(model, heads, device=device, threads=threads))

    @property
    def version(self) -> str:
        """Digest of the bundle."""
        return self._detector.version

    def judge(self, posts: Sequence[Post]) -> list[Judgement]:
        """One judgement per post, in order."""
        documents = [Document(canonical(post.text), canonical(post.context.text)) for post in posts]
        readings = self._detector.score(documents)
        return [self._judgement(post, reading) for post, reading in zip(posts, readings, strict=True)]

    def _judgement(self, post: Post, reading: Reading) -> Judgement:
        return Judgement(
            content_digest=post.content_digest,
            model_version=self.version,
            signals={
                name: Signal(name, *_short(signal.probability, signal.raw, signal.low, signal.high))
                for name, signal in reading.signals.items()
            },
            evidence=Evidence(
                tuple(Span(span.start, span.end, span.label, *_short(span.weight)) for span in reading.spans),
                tuple(TokenSurprise(start, end, *_short(bits)) for start, end, bits in reading.surprise),
                dict(reading.obfuscation),
                tuple(Remainder(why.label, *_short(why.base, why.rest)) for why in reading.explanations),
            ),
            words=reading.words,
            abstained=reading.abstain,
        )


def _short(*numbers: float) -> tuple[float, ...]:
    """Four decimals: more would be noise that is stored, sent and parsed again and again."""
    return tuple(round(float(number), 4) for number in numbers)
