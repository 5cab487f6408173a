"""Classifier heads on one Llama pass: pooled hidden states and token statistics in, a logit a label out.

Hidden states of a few layers, each token's scaled to unit root mean square, are mixed by learned weights and pooled
over the tokens of a segment: their mean, the last one, and an average by one learned query. A linear layer on the
pools makes the logits, so that each token's share of a logit is exact; a small network on the standardised token
statistics adds its part. In training whole branches are dropped at random, so that neither depends on the other.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from classifiers.labels import LABELS
from classifiers.network.tokenstats import STATISTICS

MEAN, LAST, QUERY = "mean", "last", "query"
_DROP_STATISTICS, _DROP_POOLS = 0.25, 0.1
_WIDTH = 32
_NARROWEST = 1e-3
_MOST_DEVIATIONS = 5.0


@dataclass(frozen=True, slots=True)
class HeadsShape:
    """The shape of heads: the backbone's width, the layers they read, and how they pool."""

    hidden_size: int
    layers: tuple[int, ...]
    pools: tuple[str, ...] = (MEAN, LAST, QUERY)


def default_layers(count: int) -> tuple[int, ...]:
    """A third, two thirds and all of the way up."""
    return tuple(dict.fromkeys(max(1, round(count * part / 3)) for part in (1, 2, 3)))


class Heads(nn.Module):
    """Logits [n, L] in the order of LABELS."""

    def __init__(self, shape: HeadsShape) -> None:
        super().__init__()
        self.shape = shape
        self.mix = nn.Parameter(torch.zeros(len(shape.layers)))
        self.query = nn.Parameter(torch.zeros(shape.hidden_size))
        self.pooled = nn.Linear(len(shape.pools) * shape.hidden_size, len(LABELS))
        self.statistics = nn.Sequential(
            nn.Linear(len(STATISTICS), _WIDTH), nn.SiLU(), nn.Linear(_WIDTH, len(LABELS), bias=False)
        )
        self.center: Tensor
        self.scale: Tensor
        self.register_buffer("center", torch.zeros(len(STATISTICS)))
        self.register_buffer("scale", torch.ones(len(STATISTICS)))

    def forward(self, states: Tensor, segments: Tensor, statistics: Tensor) -> Tensor:
        """`states` [K, T, H], `segments` [T] rising 0..n-1, `statistics` [n, S] -> [n, L]."""
        return self.from_pools(self.pool(self.blend(states), segments, len(statistics)), statistics)

    def blend(self, states: Tensor) -> Tensor:
        """The learned mix [T, H] of unit-size states [K, T, H]."""
        return torch.einsum("k,kth->th", self.mix.softmax(0), unit(states))

    def pool(self, blended: Tensor, segments: Tensor, count: int) -> Tensor:
        """Pools [n, pools x H] of each segment."""
        lengths = torch.bincount(segments, minlength=count)
        shares = self.shares(blended, segments, count)  # [P, T]
        pools = [
            blended[lengths.cumsum(0) - 1] if pool == LAST else segment_reduce(blended * share[:, None], lengths)
            for pool, share in zip(self.shape.pools, shares, strict=True)
        ]
        return torch.cat(pools, dim=-1)

    def shares(self, blended: Tensor, segments: Tensor, count: int) -> Tensor:
        """Weight of each token in each pool [P, T]; they sum to one over a segment."""
        ones = torch.ones_like(segments, dtype=torch.float32)
        lengths = ones.new_zeros(count).index_add(0, segments, ones)
        by_pool = {MEAN: 1.0 / lengths[segments], LAST: _is_last(segments).float()}
        if QUERY in self.shape.pools:
            score = (blended @ self.query) / self.shape.hidden_size**0.5  # [T]
            peak = torch.full_like(lengths, -torch.inf).scatter_reduce(0, segments, score.detach(), "amax")
            mass = (score - peak[segments]).exp()
            by_pool[QUERY] = mass / torch.zeros_like(lengths).index_add(0, segments, mass)[segments]
        return torch.stack([by_pool[pool] for pool in self.shape.pools])

    def from_pools(self, pools: Tensor, statistics: Tensor) -> Tensor:
        """Logits [n, L] from pools [n, pools x H] and statistics [n, S]."""
        standard = ((statistics - self.center) / self.scale).clamp(-_MOST_DEVIATIONS, _MOST_DEVIATIONS)
        extra = self.statistics(standard)
        if self.training:
            pools = pools * _keep(pools, _DROP_POOLS)
            extra = extra * _keep(extra, _DROP_STATISTICS)
        logits: Tensor = self.pooled(pools) + extra
        return logits

    def token_shares(self, blended: Tensor, segments: Tensor, count: int) -> Tensor:
        """Each token's share of its segment's logits in the pooled branch: [T, L]. Exact, as pools are sums."""
        weights = self.pooled.weight.view(len(LABELS), len(self.shape.pools), -1)  # [L, P, H]
        shares = self.shares(blended, segments, count)
        return torch.einsum("pt,th,lph->tl", shares, blended, weights)

    @torch.no_grad()
    def standardise(self, statistics: Tensor, momentum: float = 1.0) -> None:
        """Move centre and scale of the statistics towards those of a batch [n, S]."""
        self.center.lerp_(statistics.mean(0), momentum)
        self.scale.lerp_(statistics.std(0).clamp_min(_NARROWEST), momentum)


def unit(states: Tensor) -> Tensor:
    """States scaled to a root mean square of one, in float32."""
    states = states.float()
    return states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + 1e-6)


def segment_reduce(values: Tensor, lengths: Tensor) -> Tensor:
    """Sums [n, H] over runs of the given lengths of values [T, H]."""
    return torch.segment_reduce(values, "sum", lengths=lengths, axis=0)


def _is_last(segments: Tensor) -> Tensor:
    last = torch.ones_like(segments, dtype=torch.bool)
    last[:-1] = segments[1:] != segments[:-1]
    return last


def _keep(branch: Tensor, rate: float) -> Tensor:
    return (torch.rand(len(branch), 1, device=branch.device) >= rate).float()
