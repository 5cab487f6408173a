"""Runs texts through the Llama branch: windows, packs, one pass each, heads, and the mean of a text's windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from classifiers.network.backbone import Backbone
from classifiers.network.heads import Heads
from classifiers.network.pack_reading import PackReading, read_pack
from classifiers.network.packing import pack
from classifiers.network.windows import Window, WindowRule, windows

BUDGET = 2048
_CHUNK = 256
_BITS = 1 / np.log(2)


@dataclass(frozen=True, slots=True)
class TokenFinding:
    """For each token of a window after the begin token: its share of the logits [t, L], its surprise in bits [t].

    Shares are those of `Heads.token_shares`. Biases, the begin token's part and that of
    the window's statistics belong to no token.
    """

    shares: NDArray[np.float32]
    bits: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WindowFinding:
    """The branch's result for one window: logits [L], and its tokens if requested."""

    window: Window
    logits: NDArray[np.float32]
    tokens: TokenFinding | None


@dataclass(frozen=True, slots=True)
class LlamaBranch:
    """A network with heads and the rule that splits texts into windows."""

    backbone: Backbone
    tokenizer: Tokenizer
    heads: Heads
    rule: WindowRule
    budget: int = BUDGET

    def find(self, texts: Sequence[str], *, tokens: bool = True) -> list[list[WindowFinding]]:
        """Results of each window of each normalised text, by default with those of its tokens."""
        cut = windows(texts, self.tokenizer, self.rule)
        flat = [window for of_text in cut for window in of_text]
        found: dict[int, WindowFinding] = {}
        for packed in pack([window.ids for window in flat], self.budget):
            read = read_pack(self.backbone, packed, self.heads.shape.layers)
            members = [flat[member] for member in packed.members]
            found.update(zip(packed.members, self._findings(read, members, tokens=tokens), strict=True))
        ordered = iter(range(len(flat)))
        return [[found[next(ordered)] for _ in of_text] for of_text in cut]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Logits [n, L] of normalised texts, a few hundred at a time."""
        chunks = (texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK))
        return np.stack([joined(findings) for chunk in chunks for findings in self.find(chunk, tokens=False)])

    @torch.inference_mode()
    def _findings(self, read: PackReading, members: Sequence[Window], *, tokens: bool) -> Iterator[WindowFinding]:
        blended = self.heads.blend(read.states)  # [T, H]
        logits = self.heads.from_pools(self.heads.pool(blended, read.segments, len(members)), read.statistics)
        found = self._tokens(read, blended, members) if tokens else [None] * len(members)
        for window, window_logits, of_tokens in zip(members, _array(logits), found, strict=True):
            yield WindowFinding(window, window_logits, of_tokens)

    def _tokens(self, read: PackReading, blended: Tensor, members: Sequence[Window]) -> list[TokenFinding]:
        shares = self.heads.token_shares(blended, read.segments, len(members))[read.follows]
        bits = -read.series.log_prob * _BITS
        sizes = [len(window.characters) for window in members]
        return [TokenFinding(*of) for of in zip(_split(shares, sizes), _split(bits, sizes), strict=True)]


def joined(findings: Sequence[WindowFinding]) -> NDArray[np.float32]:
    """Logits [L] of a text: the mean of its windows', each weighted by its tokens."""
    mean: NDArray[np.float32] = np.average([finding.logits for finding in findings], axis=0, weights=weights(findings))
    return mean.astype(np.float32)


def weights(findings: Sequence[WindowFinding]) -> list[float]:
    """The weight of each window's logits in those of its text; they sum to one."""
    sizes = [max(1, len(finding.window.characters)) for finding in findings]
    return [size / sum(sizes) for size in sizes]


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.float().cpu().numpy()
    return array


def _split(tensor: Tensor, sizes: Sequence[int]) -> list[NDArray[np.float32]]:
    return [_array(part) for part in torch.split(tensor, list(sizes))]
