"""`assay train`: a starter from scratch, or heads for a Llama model."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifiers.commands.options import Data, Device, Licences, Threads, explained, say

if TYPE_CHECKING:
    from classifiers.training.train import LoraOptions, PretrainOptions

Out = Annotated[Path, typer.Option(help="Write the bundle here.")]
Work = Annotated[Path | None, typer.Option(help="Keep checkpoints here. Default: next to --out.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Note = Annotated[str, typer.Option(help="Add this to the model card.")]
Ablation = Annotated[
    Path | None, typer.Option(help="Add this Markdown table of ablations to the model card.", exists=True)
]
ScreenDraws = Annotated[int, typer.Option(help="Crops that the screen is fitted to.", min=100)]

Minutes = Annotated[float, typer.Option(help="Train the network for this long (without --backbone).", min=0.0)]
HiddenSize = Annotated[int, typer.Option(help="Width of the network.", min=16)]
Layers = Annotated[int, typer.Option(help="Layers of the network.", min=1)]
AttentionHeads = Annotated[int, typer.Option(help="Attention heads of the network; they share its width.", min=1)]
Rows = Annotated[int, typer.Option(help="Rows of 192 tokens in a step: 32 suit a CPU, 512 a GPU.", min=1)]
Rate = Annotated[float, typer.Option(help="Learning rate of the network.", min=0.0)]
Start = Annotated[
    Path | None, typer.Option(help="Begin with the weights in this --work of an earlier run.", exists=True)
]
Teacher = Annotated[
    Path | None,
    typer.Option(help="Sentence-transformers directory whose embeddings the network learns too.", exists=True),
]
Unlabelled = Annotated[bool, typer.Option("--unlabelled", help="Show the network no label: a base for `leaveout`.")]

Base = Annotated[Path | None, typer.Option("--backbone", help="Train heads for this Llama directory.", exists=True)]
Draws = Annotated[int, typer.Option(help="Crops that --backbone reads.", min=100)]
LoraRank = Annotated[
    int, typer.Option("--lora", help="Rank of a low-rank adapter for --backbone; doubles the cost. 0: none.", min=0)
]
LoraAlpha = Annotated[int | None, typer.Option(help="Scale of the adapter. Default: twice its rank.", min=1)]
LoraEpochs = Annotated[int, typer.Option(help="Passes of the adapter's training over --draws.", min=1)]
LoraRate = Annotated[float, typer.Option(help="Learning rate of adapter and heads.", min=0.0)]
LoraEveryLayer = Annotated[
    bool, typer.Option("--lora-every-layer", help="Adapt every linear layer, not queries and values only.")
]
LoraCheckpointing = Annotated[
    bool, typer.Option("--lora-checkpointing", help="Save memory: compute activations again, a third slower.")
]


def train(
    *,
    data: Data,
    out: Out,
    backbone: Base = None,
    work: Work = None,
    minutes: Minutes = 60.0,
    hidden_size: HiddenSize = 256,
    layers: Layers = 6,
    attention_heads: AttentionHeads = 4,
    rows: Rows = 32,
    rate: Rate = 2e-3,
    start: Start = None,
    teacher: Teacher = None,
    unlabelled: Unlabelled = False,
    seed: Seed = 1,
    licences: Licences = None,
    draws: Draws = 60_000,
    lora_rank: LoraRank = 0,
    lora_alpha: LoraAlpha = None,
    lora_epochs: LoraEpochs = 2,
    lora_rate: LoraRate = 2e-4,
    lora_every_layer: LoraEveryLayer = False,
    lora_checkpointing: LoraCheckpointing = False,
    screen_draws: ScreenDraws = 90_000,
    threads: Threads = 1,
    device: Device = "cpu",
    note: Note = "",
    ablation: Ablation = None,
) -> None:
    """Train a starter from scratch, or heads for a Llama model. Run again to resume."""
    from classifiers.training.train import PretrainOptions, TrainOptions
    from classifiers.training.train import train as run

    network = PretrainOptions(minutes=minutes, rows=rows, rate=rate, threads=threads, device=device)
    network = replace(network, teacher=teacher, start=start, unlabelled=unlabelled)
    network = _shaped(network, hidden_size, layers, attention_heads)
    if lora_rank and not backbone:
        raise typer.BadParameter("an adapter needs the model that it adapts: give --backbone too", param_hint="--lora")
    adapter = _adapter(lora_rank, lora_alpha, everywhere=lora_every_layer) if lora_rank else None
    if adapter:
        adapter = replace(adapter, epochs=lora_epochs, rate=lora_rate, checkpointing=lora_checkpointing)
    options = TrainOptions(data, out, backbone=backbone, work=work, seed=seed, network=network, lora=adapter)
    options = replace(options, draws=draws, screen_draws=screen_draws, device=device, note=note)
    options = replace(options, licences=tuple(licences) if licences else None)
    with explained():
        run(replace(options, ablation=ablation.read_text() if ablation else ""), say=say)


def _adapter(rank: int, alpha: int | None, *, everywhere: bool) -> "LoraOptions":
    from classifiers.network.lora import ATTENTION, EVERY_LINEAR
    from classifiers.training.train import LoraOptions

    return LoraOptions(rank, alpha or 2 * rank, targets=EVERY_LINEAR if everywhere else ATTENTION)


def _shaped(network: "PretrainOptions", hidden_size: int, layers: int, attention_heads: int) -> "PretrainOptions":
    """The network in that shape. The inner width is Llama's: 8/3 of the outer, in whole multiples of 16."""
    if hidden_size % (2 * attention_heads):
        problem = f"must be a multiple of {2 * attention_heads} for its heads"
        raise typer.BadParameter(problem, param_hint="--hidden-size")
    inner = round(hidden_size * 8 / 3 / 16) * 16
    network = replace(network, hidden_size=hidden_size, intermediate_size=inner)
    return replace(network, layers=layers, attention_heads=attention_heads)
