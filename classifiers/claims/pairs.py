"""The network's reading of a claim and a post as one sequence: the claim first, so that the post is read by it."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifiers.network.backbone import Backbone
from classifiers.network.heads import unit
from classifiers.network.packing import Pack, pack
from classifiers.network.tokenizer import begin_of

_CLAIM_TOKENS, _POST_TOKENS = 60, 110
_BUDGET = 2048


class PairReader:
    """Reads pairs with a bundle's network; `layers` are the layers that its heads read."""

    def __init__(self, backbone: Backbone, tokenizer: Tokenizer, layers: Sequence[int]) -> None:
        self._backbone, self._tokenizer, self._layers = backbone, tokenizer, tuple(layers)
        self._begin = begin_of(tokenizer)
        self._break = self._tokenizer.encode("\n", add_special_tokens=False).ids

    def read(self, posts: Sequence[str], claims: Sequence[str]) -> NDArray[np.float32]:
        """Pools [n, 3 H] of normalised texts: means over the claim's and the post's tokens, and the last token's state.

        States are scaled to unit root mean square and averaged over the layers.
        """
        made = np.zeros((len(posts), 3 * self._backbone.shape.hidden_size), np.float32)
        heads = [[self._begin, *self._ids(claim, _CLAIM_TOKENS), *self._break] for claim in claims]
        sequences = [head + self._ids(post, _POST_TOKENS) for head, post in zip(heads, posts, strict=True)]
        for packed in pack(sequences, _BUDGET):
            made[list(packed.members)] = self._pools(packed, [len(heads[member]) for member in packed.members])
        return made

    def _ids(self, text: str, most: int) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids[:most]

    @torch.inference_mode()
    def _pools(self, packed: Pack, claims: Sequence[int]) -> NDArray[np.float32]:
        """Pools [n, 3 H]; `claims` are the tokens of each claim with its frame."""
        device = self._backbone.output_weight.device
        ids, positions = packed.ids.to(device), packed.positions.to(device)
        chosen = self._backbone(ids[None], positions[None], self._layers, lengths=packed.lengths).chosen
        states = unit(torch.cat(chosen)).mean(dim=0)  # [T, H]
        rows = []
        for segment, claim in zip(torch.split(states, list(packed.lengths)), claims, strict=True):
            post = segment[claim:] if len(segment) > claim else segment[-1:]
            rows.append(torch.cat([segment[:claim].mean(dim=0), post.mean(dim=0), segment[-1]]))
        pools: NDArray[np.float32] = torch.stack(rows).cpu().numpy()
        return pools
