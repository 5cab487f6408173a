"""Trains heads on stored features of a frozen network: minutes, whatever the size of the network.

Heads made here pool by mean and last token; one learned query would need every token's states. A tenth of the rows
judges when to stop.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from classifiers.heads import Heads, HeadsShape
from classifiers.objective import head_loss
from classifiers.store import POOLS, Store

_DECAY = 0.05
_PATIENCE = 3
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Training of heads on stored features."""

    epochs: int = 12
    batch: int = 512
    rate: float = 1e-3
    seed: int = 1


def fit_heads(store: Store, options: FitOptions, say: Say = print) -> Heads:
    """Fit heads to a filled store; returns those of the epoch with the least loss on the rows kept aside."""
    torch.manual_seed(options.seed)
    heads = Heads(HeadsShape(store.state.hidden_size, store.state.layers, POOLS))
    heads.standardise(torch.from_numpy(store.statistics[:]))
    optimiser = torch.optim.AdamW(heads.parameters(), lr=options.rate, weight_decay=_DECAY)
    order = torch.randperm(store.state.rows)
    judges, learners = order[: max(1, len(order) // 10)], order[max(1, len(order) // 10) :]
    best, least, waited = _copy(heads), float("inf"), 0
    for epoch in range(options.epochs):
        heads.train()
        for batch in torch.split(learners[torch.randperm(len(learners))], options.batch):
            optimiser.zero_grad()
            _loss(heads, store, batch).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        heads.eval()
        with torch.no_grad():
            loss = float(
                torch.stack([_loss(heads, store, batch) for batch in torch.split(judges, options.batch)]).mean()
            )
        say(f"heads: epoch {epoch + 1} of {options.epochs}, held-out loss {loss:.4f}")
        waited = 0 if loss < least else waited + 1
        if loss < least:
            best, least = _copy(heads), loss
        if waited >= _PATIENCE:
            break
    heads.load_state_dict(best)
    return heads.eval()


def _loss(heads: Heads, store: Store, rows: Tensor) -> Tensor:
    """Loss of some rows of a store."""
    index = rows.sort().values.numpy()
    pools = torch.from_numpy(store.pools[index]).float()  # [B, K, 2, H]
    mixed = torch.einsum("k,bkph->bph", heads.mix.softmax(0), pools).flatten(1)
    logits = heads.from_pools(mixed, torch.from_numpy(store.statistics[index]))
    return head_loss(logits, torch.from_numpy(store.targets[index]), torch.from_numpy(store.weights[index]))


def _copy(heads: Heads) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in heads.state_dict().items()}
