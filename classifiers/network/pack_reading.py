"""The network's reading of a pack: the hidden states and token series for heads and explanations.

One pass; where the network has an adapter, a second one with it for the states, since the series are the original's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from classifiers.network.backbone import Backbone
from classifiers.network.packing import Pack
from classifiers.network.tokenstats import TokenSeries, summarise, token_series


@dataclass(frozen=True, slots=True)
class PackReading:
    """The result; `follows` [P] are the places of predicted tokens (all but each segment's first)."""

    states: Tensor  # [K, T, H]
    segments: Tensor  # [T]
    follows: Tensor  # [P]
    series: TokenSeries  # of [P]
    statistics: Tensor  # [n, S]


@torch.inference_mode()
def read_pack(backbone: Backbone, pack: Pack, layers: Sequence[int]) -> PackReading:
    """Run the network over a pack and keep the states after `layers`."""
    device = backbone.output_weight.device
    ids, positions, segments = (tensor.to(device) for tensor in (pack.ids, pack.positions, pack.segments))
    states = backbone(ids[None], positions[None], layers, lengths=pack.lengths)
    follows = positions.nonzero()[:, 0]  # [P]
    series = token_series(states.final[0, follows - 1], backbone.output_weight, ids[follows])
    statistics = summarise(series, segments[follows], len(pack.lengths))
    if backbone.has_adapter:
        with backbone.adapted():
            states = backbone(ids[None], positions[None], layers, lengths=pack.lengths)
    return PackReading(torch.cat(states.chosen), segments, follows, series, statistics)
