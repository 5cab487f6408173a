"""Trains heads on stored features of a frozen network: minutes, whatever the size of the network.

Heads made here pool by mean and last token (see `store`). Held-out rows decide when to stop.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from classifiers.network.heads import Heads, HeadsShape
from classifiers.training.feature_store import POOLS, Store
from classifiers.training.objective import head_loss

_DECAY = 0.05
_PATIENCE = 3
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Training of heads on stored features."""

    epochs: int = 40
    batch: int = 512
    rate: float = 1e-3
    seed: int = 1


def fit_heads(learners: Store, judges: Store, options: FitOptions, say: Say = print) -> Heads:
    """Fit heads to the rows of a filled store; returns those of the epoch with the least held-out loss."""
    torch.manual_seed(options.seed)
    heads = Heads(HeadsShape(learners.state.hidden_size, learners.state.layers, POOLS))
    heads.standardise(torch.from_numpy(learners.statistics[:]))
    optimiser = torch.optim.AdamW(heads.parameters(), lr=options.rate, weight_decay=_DECAY)
    best, least, waited = _copy(heads), float("inf"), 0
    for epoch in range(options.epochs):
        heads.train()
        for batch in torch.split(torch.randperm(learners.state.rows), options.batch):
            optimiser.zero_grad()
            rows = batch.sort().values
            loss_of(learners, rows, stored_logits(heads, learners, rows)).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        loss = _judge(heads, judges, options.batch)
        say(f"heads: epoch {epoch + 1} of {options.epochs}, held-out loss {loss:.4f}")
        waited = 0 if loss < least else waited + 1
        if loss < least:
            best, least = _copy(heads), loss
        if waited >= _PATIENCE:
            break
    heads.load_state_dict(best)
    return heads.eval()


def loss_of(store: Store, rows: Tensor, logits: Tensor) -> Tensor:
    """Loss of logits [n, L] of some rows [n] of a store."""
    index = rows.numpy()
    return head_loss(logits, torch.from_numpy(store.targets[index]), torch.from_numpy(store.weights[index]))


@torch.no_grad()
def _judge(heads: Heads, judges: Store, batch: int) -> float:
    heads.eval()
    rows = torch.arange(judges.state.rows)
    return float(
        loss_of(judges, rows, torch.cat([stored_logits(heads, judges, part) for part in torch.split(rows, batch)]))
    )


def stored_logits(heads: Heads, store: Store, rows: Tensor) -> Tensor:
    """Logits [n, L] of some rows [n] of a store."""
    index = rows.numpy()
    pools = torch.from_numpy(store.pools[index]).float()  # [n, K, 2, H]
    mixed = torch.einsum("k,nkph->nph", heads.mix.softmax(0), pools).flatten(1)
    return heads.from_pools(mixed, torch.from_numpy(store.statistics[index]))


def _copy(heads: Heads) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in heads.state_dict().items()}
