"""Runs texts through the Llama branch: windows, packs, one pass each, heads, and the windows' logits joined by text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from classifiers.backbone import Backbone
from classifiers.heads import Heads
from classifiers.packing import pack
from classifiers.reading import PackReading, read_pack
from classifiers.windows import Window, WindowRule, windows

BUDGET = 2048
_CHUNK = 256
_BITS = 1 / np.log(2)


@dataclass(frozen=True, slots=True)
class WindowFinding:
    """What the branch found of one window: logits [L], each token's share of them [t, L] and its surprise in bits [t].

    Shares and surprise are of the tokens after the begin token, whose own share falls to none of them.
    """

    window: Window
    logits: NDArray[np.float32]
    shares: NDArray[np.float32]
    bits: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LlamaBranch:
    """A network with heads and the rule by which texts become windows."""

    backbone: Backbone
    tokenizer: Tokenizer
    heads: Heads
    rule: WindowRule
    budget: int = BUDGET

    def find(self, texts: Sequence[str]) -> list[list[WindowFinding]]:
        """Findings of each window of each normalised text."""
        cut = windows(texts, self.tokenizer, self.rule)
        flat = [window for of_text in cut for window in of_text]
        found: dict[int, WindowFinding] = {}
        for packed in pack([window.ids for window in flat], self.budget):
            read = read_pack(self.backbone, packed, self.heads.shape.layers)
            members = [flat[member] for member in packed.members]
            found.update(zip(packed.members, self._findings(read, members), strict=True))
        ordered = iter(range(len(flat)))
        return [[found[next(ordered)] for _ in of_text] for of_text in cut]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Logits [n, L] of normalised texts, a few hundred at a time."""
        chunks = (texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK))
        return np.stack([joined(findings) for chunk in chunks for findings in self.find(chunk)])

    @torch.inference_mode()
    def _findings(self, read: PackReading, members: Sequence[Window]) -> Iterator[WindowFinding]:
        blended = self.heads.blend(read.states)  # [T, H]
        logits = self.heads.from_pools(self.heads.pool(blended, read.segments, len(members)), read.statistics)
        shares = self.heads.token_shares(blended, read.segments, len(members))[read.follows]
        bits = -read.series.log_prob * _BITS
        sizes = [len(window.characters) for window in members]
        parts = zip(members, _array(logits), _split(shares, sizes), _split(bits, sizes), strict=True)
        for window, window_logits, window_shares, window_bits in parts:
            yield WindowFinding(window, window_logits, window_shares, window_bits)


def joined(findings: Sequence[WindowFinding]) -> NDArray[np.float32]:
    """Logits [L] of a text: the mean of its windows', each counting by its tokens."""
    sizes = [max(1, len(finding.window.characters)) for finding in findings]
    mean: NDArray[np.float32] = np.average([finding.logits for finding in findings], axis=0, weights=sizes)
    return mean.astype(np.float32)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.float().cpu().numpy()
    return array


def _split(tensor: Tensor, sizes: Sequence[int]) -> list[NDArray[np.float32]]:
    return [_array(part) for part in torch.split(tensor, list(sizes))]
