"""Trains low-rank adapters and heads together, for an existing Llama model, on the crops of a feature store.

The heads come trained on the frozen network's features and gain a query pool; then adapters (by the peft library) and
heads take small steps together, since untrained heads would first distort the network's features (Kumar
et al. 2022, arXiv:2202.10054). The token statistics are the store's: of the network without its adapter. Of all
epochs, and of the heads before the first, the one with the least loss on held-out rows is kept.

Resumable: the work directory holds one checkpoint and the best epoch so far, as safetensors with their numbers in the
metadata, so that both are always consistent. Each step has its own random seed.
"""

import json
import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from classifiers.network.backbone import Backbone
from classifiers.network.branch import BUDGET
from classifiers.network.heads import QUERY, Heads
from classifiers.network.lora import ATTENTION, Adapter, AdapterError, AdapterShape
from classifiers.network.packing import pack
from classifiers.training.crops import Crops
from classifiers.training.headfit import loss_of
from classifiers.training.optimiser import Optimiser
from classifiers.training.pace import Pace

if TYPE_CHECKING:
    from peft import PeftModel

_WARM_UP, _LOWEST = 0.05, 0.05
_DROPOUT, _DECAY = 0.05, 0.01
_HEADS, _ADAPTER = "heads.", "adapter."
_CHECKPOINT, _BEST = "checkpoint.safetensors", "best.safetensors"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LoraOptions:
    """Training of adapters: `batch` texts a step, read in packs of `budget` tokens.

    `checkpointing` of gradients needs a third more time and far less memory.
    """

    rank: int
    alpha: int
    targets: tuple[str, ...] = ATTENTION
    epochs: int = 2
    rate: float = 2e-4
    batch: int = 64
    budget: int = BUDGET
    checkpointing: bool = False
    checkpoint_minutes: float = 5.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class _Position:
    """A run's position; `key` identifies the run."""

    key: str
    step: int = 0
    kept: int = 0
    least: float = math.inf


def fit_adapter(
    directory: Path,
    backbone: Backbone,
    heads: Heads,
    options: LoraOptions,
    *,
    learners: Crops,
    judges: Crops,
    say: Say = print,
) -> tuple[Heads, Adapter | None]:
    """Train, or resume training, in a work directory. Returns the best heads and their adapter.

    Without an adapter if no epoch beat the given heads. The backbone is not changed. Raises
    AdapterError if peft isn't installed or the directory holds another run.
    """
    directory.mkdir(parents=True, exist_ok=True)
    run = _Run(backbone, heads, options, learners=learners, judges=judges)
    try:
        run.train(directory, say)
    finally:
        run.end()
    kept = _position(directory / _BEST)
    if kept is None or kept.kept == 0:
        say("adapter: no epoch beat the heads alone; the bundle goes without one")
        return heads, None
    tensors = load_file(directory / _BEST)
    run.heads.load_state_dict(_under(_HEADS, tensors))
    say(f"adapter: kept epoch {kept.kept} of {options.epochs}, held-out loss {kept.least:.4f}")
    shape = AdapterShape(options.rank, options.alpha, options.targets)
    return run.heads.eval(), Adapter(shape, _under(_ADAPTER, tensors))


class _Run:
    """The network with its adapter, the heads, their optimiser, and the place in the stream of batches."""

    def __init__(
        self, backbone: Backbone, heads: Heads, options: LoraOptions, *, learners: Crops, judges: Crops
    ) -> None:
        torch.manual_seed(options.seed)
        self.options, self.learners, self.judges = options, learners, judges
        self._backbone = backbone
        self._device = backbone.output_weight.device
        self.heads = with_query(heads).to(self._device)
        self._network = _peft(backbone, options)
        backbone.checkpointing = options.checkpointing
        trained = [(name, tensor) for name, tensor in backbone.named_parameters() if tensor.requires_grad]
        trained += [(f"{_HEADS}{name}", tensor) for name, tensor in self.heads.named_parameters()]
        self._optimiser = Optimiser(trained, set(), _DECAY)
        self._epoch_steps = math.ceil(len(learners.sequences) / options.batch)
        self._steps = options.epochs * self._epoch_steps
        self._at = _Position(_key(learners, judges, options))

    def train(self, directory: Path, say: Say) -> None:
        """Take the remaining steps."""
        self._restore(directory)
        if not self._at.step:
            self._judge(directory, say)
        pace, saved = Pace(self._steps - self._at.step), time.monotonic()
        while self._at.step < self._steps:
            epoch, step = divmod(self._at.step, self._epoch_steps)
            members = self._order(epoch).split(self.options.batch)[step]  # type: ignore[no-untyped-call]
            loss = self._step(members)
            pace.advance(1, sum(len(self.learners.sequences[member]) for member in members))
            if pace.due:
                say(f"adapter: step {self._at.step} of {self._steps}, loss {loss:.3f}, {pace.line()}")
            ended = self._at.step % self._epoch_steps == 0
            if ended:
                self._judge(directory, say)
            if ended or time.monotonic() - saved > self.options.checkpoint_minutes * 60:
                self._save(directory / _CHECKPOINT, self._optimiser.state())
                saved = time.monotonic()

    def end(self) -> None:
        """Remove the adapter from the network."""
        self._network.unload()
        self._backbone.checkpointing = False
        self._backbone.eval().requires_grad_(requires_grad=False)

    def _step(self, members: Tensor) -> float:
        """One step of the optimiser on some crops; returns the loss."""
        torch.manual_seed(self.options.seed * 1_000_003 + self._at.step)
        self._backbone.train()
        self.heads.train()
        total = 0.0
        for rows, logits in self._logits(self.heads, self.learners, members):
            loss = loss_of(self.learners.store, rows, logits) * (len(rows) / len(members))
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        self._optimiser.step(self._rate())
        self._at = replace(self._at, step=self._at.step + 1)
        return total

    def _rate(self) -> float:
        """Warm-up, then a cosine down."""
        spent = self._at.step / self._steps
        decay = _LOWEST + (1 - _LOWEST) * 0.5 * (1 + math.cos(math.pi * spent))
        return self.options.rate * min(1.0, (self._at.step + 1) / (_WARM_UP * self._steps)) * decay

    def _order(self, epoch: int) -> Tensor:
        """The epoch's order of the learners."""
        dice = torch.Generator().manual_seed(self.options.seed * 1000 + epoch)
        return torch.randperm(len(self.learners.sequences), generator=dice)

    def _logits(self, heads: Heads, crops: Crops, members: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows [n] of a store and their logits [n, L], pack by pack."""
        for packed in pack([crops.sequences[member] for member in members], self.options.budget):
            ids, positions, segments = (
                part.to(self._device) for part in (packed.ids, packed.positions, packed.segments)
            )
            states = self._backbone(ids[None], positions[None], heads.shape.layers, lengths=packed.lengths)
            rows = members[list(packed.members)]
            statistics = torch.from_numpy(crops.store.statistics[rows.numpy()]).to(self._device)
            yield rows, heads(torch.cat(states.chosen), segments, statistics).cpu()

    @torch.no_grad()
    def _judge(self, directory: Path, say: Say) -> None:
        """Measure the finished epoch (or the given heads), and keep it if it is the best so far."""
        epoch = self._at.step // self._epoch_steps
        self._backbone.eval()
        self.heads.eval()
        every = torch.arange(len(self.judges.sequences))
        read = list(self._logits(self.heads, self.judges, every))
        rows, logits = (torch.cat(column) for column in zip(*read, strict=True))
        loss = float(loss_of(self.judges.store, rows, logits))
        name = f"epoch {epoch} of {self.options.epochs}" if epoch else "the heads alone"
        say(f"adapter: {name}, held-out loss {loss:.4f}")
        if loss < self._at.least:
            self._at = replace(self._at, kept=epoch, least=loss)
            self._save(directory / _BEST, self._trained())

    def _trained(self) -> dict[str, Tensor]:
        """Adapter and heads as they are now."""
        from peft import get_peft_model_state_dict  # noqa: PLC0415  (there for training only)

        adapter = {f"{_ADAPTER}{name}": tensor for name, tensor in get_peft_model_state_dict(self._network).items()}
        return adapter | {f"{_HEADS}{name}": tensor for name, tensor in self.heads.state_dict().items()}

    def _save(self, path: Path, tensors: dict[str, Tensor]) -> None:
        """Write tensors with the position, moved into place whole."""
        part = path.with_suffix(".part")
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part, _metadata(self._at))
        part.replace(path)

    def _restore(self, directory: Path) -> None:
        found = _position(directory / _CHECKPOINT) or _position(directory / _BEST)
        if found is None:
            return
        if found.key != self._at.key:
            raise AdapterError(
                f"{directory}: holds a run with other options or texts; remove it or take another --work"
            )
        if (directory / _CHECKPOINT).is_file():
            self._optimiser.restore(load_file(directory / _CHECKPOINT))
            self._at = found


def with_query(heads: Heads) -> Heads:
    """A copy of mean and last heads with a query pool of zero weight."""
    wider = Heads(replace(heads.shape, pools=(*heads.shape.pools, QUERY)))
    state = {name: tensor.clone() for name, tensor in heads.state_dict().items()}
    weight = state["pooled.weight"]
    state["pooled.weight"] = torch.cat([weight, weight.new_zeros(len(weight), heads.shape.hidden_size)], dim=1)
    wider.load_state_dict(state)
    return wider


def _peft(backbone: Backbone, options: LoraOptions) -> "PeftModel":
    try:
        from peft import LoraConfig, get_peft_model  # noqa: PLC0415  (there for training only)
    except ImportError as error:
        raise AdapterError("adapters are trained by the peft package: pip install -e '.[train]'") from error
    config = LoraConfig(
        r=options.rank, lora_alpha=options.alpha, target_modules=list(options.targets), lora_dropout=_DROPOUT
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of names that peft uses in transformers
        return get_peft_model(backbone.model, config)


def _key(learners: Crops, judges: Crops, options: LoraOptions) -> str:
    """A run's key: texts, network and options, except those that only trade memory for time."""
    plain = replace(options, budget=0, checkpointing=False, checkpoint_minutes=0.0)
    return json.dumps([learners.store.state.key, judges.store.state.key, asdict(plain)])


def _metadata(position: _Position) -> dict[str, str]:
    return {"position": json.dumps(asdict(position))}


def _position(path: Path) -> _Position | None:
    """The position in a file's metadata."""
    if not path.is_file():
        return None
    with safe_open(path, "pt") as file:
        return _Position(**json.loads(file.metadata()["position"]))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
