"""Clusters of near-duplicate texts in the memory of one process: the twin of those in Redis."""

import time
from collections import Counter
from collections.abc import Callable, Sequence

from cachetools import TTLCache

from service.domain.judgement import Judgement
from service.domain.text_signature import TextSignature
from service.moderation.clustering import Known, assigned

_SIZE = 10_000


class MemoryClusters:
    """A `Clusters` of at most 10,000 texts. A cluster lives for `window` seconds after its last text."""

    def __init__(self, *, window: float = 86_400.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clusters: TTLCache[str, str] = TTLCache(_SIZE, window, clock)  # by text
        self._signatures: TTLCache[str, TextSignature] = TTLCache(_SIZE, window, clock)  # of representatives

    async def assign(self, judgements: Sequence[Judgement]) -> list[str]:
        """See `Clusters`."""
        clusters = assigned(judgements, [self._known(judgement) for judgement in judgements])
        for judgement, cluster in zip(judgements, clusters, strict=True):
            if judgement.text_signature.bands:
                self._hold(judgement, cluster)
        return clusters

    def _hold(self, judgement: Judgement, cluster: str) -> None:
        self._clusters[judgement.content_digest] = cluster
        founded = judgement.content_digest == cluster
        if representative := judgement.text_signature if founded else self._signatures.get(cluster):
            self._signatures[cluster] = representative

    def _known(self, judgement: Judgement) -> Known:
        bands = frozenset(judgement.text_signature.bands)
        shared = Counter({name: len(bands.intersection(other.bands)) for name, other in self._signatures.items()})
        candidates = {name: self._signatures[name] for name, count in shared.most_common() if count}
        return Known(self._clusters.get(judgement.content_digest, ""), candidates)
