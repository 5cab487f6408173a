"""Trains a bundle from labelled texts: a whole starter from scratch, or heads for an existing Llama model.

Both end the same way: screen, fusion and calibration are fitted (`assemble`) and everything is written (`bundle`).
Expensive results are kept in the work directory and reused: the network's checkpoint (`pretrain`), the features
of a frozen network (`feature_store`), the screen.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from classifiers.bundle import ADAPTER, HEADS, MODEL_FILES, SCREEN, Manifest, write_bundle
from classifiers.data.rows import Row, load_rows, select
from classifiers.network.backbone import fingerprint, load_backbone
from classifiers.network.branch import BUDGET, LlamaBranch
from classifiers.network.heads import Heads, HeadsShape, default_layers
from classifiers.network.tokenizer import load_tokenizer
from classifiers.network.windows import WindowRule
from classifiers.screen.screen import Screen
from classifiers.training.assemble import SCREEN_DRAWS, assemble, fit_screen
from classifiers.training.crops import Reader
from classifiers.training.headfit import FitOptions, fit_heads
from classifiers.training.lorafit import LoraOptions, fit_adapter
from classifiers.training.pretrain import PretrainOptions, Progress, pretrain

MOST_WINDOWS = 4
_GIBIBYTE = 1 << 30
_LEARNERS_A_JUDGE, _FEWEST_JUDGES = 15, 200
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """A training run. Without `backbone` a network is trained from scratch by the options `network`.

    `work` holds checkpoints (by default next to `out`). With `backbone`, `draws` crops are read by it, in windows of
    `window` tokens, and their features may use `most_gibibytes` of disk; with `lora` it gets an adapter too. `note`
    and the Markdown table `ablation` are added to the model card.
    """

    data: Path
    out: Path
    backbone: Path | None = None
    work: Path | None = None
    licences: tuple[str, ...] | None = None
    seed: int = 1
    network: PretrainOptions = field(default_factory=PretrainOptions)
    fit: FitOptions = field(default_factory=FitOptions)
    lora: LoraOptions | None = None
    draws: int = 60_000
    screen_draws: int = SCREEN_DRAWS
    window: int = 512
    budget: int = BUDGET
    most_gibibytes: float = 8.0
    device: str = "cpu"
    note: str = ""
    ablation: str = ""


def train(options: TrainOptions, say: Say = print) -> Path:
    """Train and write a bundle; returns its directory. Raises DataError, BackboneError or StoreError."""
    corpus = load_rows(options.data, options.licences)
    say(f"data: {len(corpus)} texts, {len(select(corpus, 'train'))} to train on")
    work = options.work or options.out.with_name(options.out.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    if options.backbone is None:
        branch, manifest = _from_nothing(corpus, work, options, say)
    else:
        branch, manifest = _on_backbone(corpus, work, options.backbone, options, say)
    screen = _screen(corpus, work, options, say)
    parts = assemble(branch, screen, corpus, seed=options.seed, say=say)
    write_bundle(options.out, manifest, parts)
    say(f"bundle: {options.out}")
    return options.out


def _from_nothing(corpus: Sequence[Row], work: Path, options: TrainOptions, say: Say) -> tuple[LlamaBranch, Manifest]:
    network = replace(options.network, seed=options.seed)
    progress = pretrain(corpus, work, network, say)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in MODEL_FILES:
        shutil.copyfile(work / name, options.out / name)
    backbone = load_backbone(options.out)
    heads = Heads(HeadsShape(network.hidden_size, default_layers(network.layers)))
    heads.load_state_dict(load_file(work / HEADS))
    rule = WindowRule(network.width, MOST_WINDOWS)
    branch = LlamaBranch(backbone, load_tokenizer(options.out), heads.eval(), rule, options.budget)
    told = asdict(network) | {"teacher": network.teacher and _name(network.teacher), "start": network.start is not None}
    training = _account(corpus, options) | {"network": told, "progress": asdict(progress)}
    return branch, Manifest(options.out.name, heads.shape, backbone.shape, rule, training=training)


def _on_backbone(
    corpus: Sequence[Row], work: Path, model: Path, options: TrainOptions, say: Say
) -> tuple[LlamaBranch, Manifest]:
    backbone, tokenizer, mark = load_backbone(model, device=options.device), load_tokenizer(model), fingerprint(model)
    rule = WindowRule(min(options.window, backbone.config.max_position_embeddings), MOST_WINDOWS)
    most = int(options.most_gibibytes * _GIBIBYTE)
    reader = Reader(backbone, tokenizer, rule, mark, options.budget, most)
    seed, few = options.seed, max(_FEWEST_JUDGES, options.draws // _LEARNERS_A_JUDGE)
    learners = reader.read(work / "features", select(corpus, "train"), draws=options.draws, seed=seed, say=say)
    judges = reader.read(work / "features-dev", select(corpus, "dev"), draws=few, seed=seed, say=say)
    heads, adapter = fit_heads(learners.store, judges.store, replace(options.fit, seed=seed), say), None
    if options.lora:
        lora = replace(options.lora, seed=seed, budget=options.budget)
        heads, adapter = fit_adapter(work / "adapter", backbone, heads, lora, learners=learners, judges=judges, say=say)
    if adapter:
        backbone.adapt(adapter)
        adapter.save(options.out / ADAPTER)
    branch = LlamaBranch(backbone, tokenizer, heads.to(options.device), rule, options.budget)
    account = _account(corpus, options) | {"backbone": model.name, "draws": options.draws, "fit": asdict(options.fit)}
    manifest = Manifest(
        options.out.name,
        heads.shape,
        backbone.shape,
        rule,
        fingerprint=mark,
        adapter=adapter.shape if adapter else None,
        training=account | {"lora": options.lora and asdict(options.lora)},
    )
    return branch, manifest


def _screen(corpus: Sequence[Row], work: Path, options: TrainOptions, say: Say) -> Screen:
    """The work directory's screen, or one fitted now."""
    path = work / SCREEN
    if not path.is_file():
        fit_screen(corpus, seed=options.seed, draws=options.screen_draws, say=say).save(path)
    return Screen.load(path)


def _name(teacher: Path) -> str:
    """A teacher's name in its configuration, or that of its directory."""
    named = json.loads((teacher / "config.json").read_text()).get("_name_or_path")
    return str(named or teacher.name)


def _account(corpus: Sequence[Row], options: TrainOptions) -> dict[str, Any]:
    """The card's summary of the training data, by set: rows by split and licences."""
    sets: dict[str, dict[str, Any]] = {}
    for name in sorted({row.dataset for row in corpus}):
        rows = [row for row in corpus if row.dataset == name]
        counts = {split: len(select(rows, split)) for split in ("train", "dev", "test")}
        sets[name] = {**counts, "licences": sorted({row.licence for row in rows})}
    return {
        "seed": options.seed,
        "licences": options.licences and list(options.licences),
        "sets": sets,
        "screen_draws": options.screen_draws,
        "note": options.note,
        "ablation": options.ablation,
    }


__all__ = ["FitOptions", "LoraOptions", "PretrainOptions", "Progress", "TrainOptions", "train"]
