"""Trains a small Llama network from scratch: language model, heads, distillation jointly, to a time budget.

Seedable, resumable (a checkpoint of safetensors and JSON every few minutes; call again with the same directory), on CPU
or GPU with one compiled graph in bfloat16 over float32 master weights. The learning rate follows a cosine over the time
spent, not over steps. With `unlabelled` no label is seen, so that heads can later be fitted and measured on any part of
the corpus. Writes into its directory: model.safetensors, config.json, tokenizer files, heads.safetensors,
student.safetensors (with a teacher), progress.jsonl, curves.png.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from classifiers.data.rows import Row, select
from classifiers.network.backbone import ROWS, Backbone, BackboneError, States, new_backbone, save_backbone
from classifiers.network.heads import Heads, HeadsShape, default_layers
from classifiers.network.packing import PADDING
from classifiers.network.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from classifiers.network.tokenstats import summarise
from classifiers.training.bar import training_bar
from classifiers.training.batches import Batch, Batches, next_tokens
from classifiers.training.curves import draw_curves
from classifiers.training.lmloss import compiled_chunk, language_model_loss
from classifiers.training.objective import Intercepts, distillation_loss, head_loss
from classifiers.training.optimiser import Optimiser
from classifiers.training.teacher import Embeddings, embeddings

_WARM_UP, _LOWEST = 0.01, 0.02
_DECAY = 0.05
_HELD_OUT_BATCHES = 3


@dataclass(frozen=True, slots=True)
class PretrainOptions:
    """A network's size and its training. `width` is the longest text in tokens; `rows` x `width` tokens are a step.

    `teacher` names a sentence-transformers directory (see `teacher`), `start` the directory of an earlier run whose
    network and heads are the initial weights instead of random ones; shape and tokenizer must be the same.
    """

    minutes: float = 60.0
    seed: int = 1
    vocabulary: int = 8192
    hidden_size: int = 256
    layers: int = 6
    attention_heads: int = 4
    intermediate_size: int = 688
    width: int = 192
    rows: int = 32
    rate: float = 2e-3
    threads: int = 1
    compiled: bool = True
    checkpoint_minutes: float = 4.0
    device: str = "cpu"
    teacher: Path | None = None
    start: Path | None = None
    unlabelled: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """One line of progress.jsonl; losses are means since the last line: nats, distillation in one less the cosine."""

    step: int
    tokens: int
    seconds: float
    rate: float
    language_model: float
    heads: float
    distillation: float = 0.0
    held_out_language_model: float | None = None
    held_out_heads: float | None = None


Say = Callable[[str], None]
Losses = tuple[float, float, float]
"""Of the language model, the heads and the distillation."""


def pretrain(corpus: Sequence[Row], directory: Path, options: PretrainOptions, say: Say = print) -> Progress:
    """Train until `minutes` are spent (those of earlier calls count), and save. Returns the last progress."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    directory.mkdir(parents=True, exist_ok=True)
    done = _progress(directory)
    if done and done.seconds >= options.minutes * 60:
        return done
    distillation_targets = _distillation_targets(corpus, directory, options, say)
    trainer = Trainer(corpus, _tokenizer(corpus, directory, options), options, distillation_targets)
    if done:
        trainer.restore(directory)
    return trainer.run(directory, say)


class Trainer:
    """The network, its heads, their optimiser and the stream of batches."""

    def __init__(
        self,
        corpus: Sequence[Row],
        tokenizer: Tokenizer,
        options: PretrainOptions,
        distillation_targets: Embeddings | None = None,
    ) -> None:
        self.options = options
        self.backbone = _network(tokenizer, options)
        self.heads = Heads(HeadsShape(options.hidden_size, default_layers(options.layers))).to(options.device)
        if options.start:
            _load(options.start, self.backbone, self.heads)
        training = select(corpus, "train")
        self.intercepts = Intercepts(len({row.dataset for row in training})).to(options.device)
        size = 0 if distillation_targets is None else distillation_targets.shape[1]
        self.student = nn.Linear(options.hidden_size, size, bias=False).to(options.device) if size else None
        parameters = [*self.backbone.named_parameters(), *_named(self.heads, "heads")]
        parameters += _named(self.intercepts, "intercepts")
        parameters += _named(self.student, "student") if self.student else []
        inner = {name for name, parameter in self.backbone.named_parameters() if parameter.ndim == 2}
        inner = {name for name in inner if ".layers." in name}
        self.optimiser = Optimiser(parameters, inner, _DECAY)
        width, count, seed = options.width, options.rows, options.seed
        self.batches = Batches(
            training, tokenizer, width=width, count=count, seed=seed, distillation_targets=distillation_targets
        )
        held_out = Batches(select(corpus, "dev"), tokenizer, width=width, count=count, seed=seed)
        self.held_out = [held_out.next() for _ in range(_HELD_OUT_BATCHES)]
        self.done = Progress(0, 0, 0.0, 0.0, 0.0, 0.0)
        forward: Callable[..., States] = self.backbone.forward
        self._forward = torch.compile(forward, dynamic=False) if options.compiled else forward
        self._fused = compiled_chunk() if options.compiled else None
        self._blend = torch.compile(self.heads.blend, dynamic=False) if options.compiled else self.heads.blend

    def run(self, directory: Path, say: Say) -> Progress:
        """Step until the time is spent."""
        budget, saved = self.options.minutes * 60, time.monotonic()
        self._compile()
        since: list[Losses] = []
        with training_bar(budget) as tick:
            while self.done.seconds < budget:
                started = time.monotonic()
                since.append(self._step(self.done.seconds / budget))
                self._advance(time.monotonic() - started, since)
                tick(self.done.seconds, self.done.tokens)
                if time.monotonic() - saved > self.options.checkpoint_minutes * 60 or self.done.seconds >= budget:
                    self._report(directory, say)
                    since, saved = [], time.monotonic()
        draw_curves(directory)
        return self.done

    def save(self, directory: Path) -> None:
        """Write the input of a bundle: weights, configuration, heads."""
        save_backbone(self.backbone, directory)
        save_file(dict(self.heads.state_dict()), directory / "heads.safetensors")
        if self.student:
            save_file(dict(self.student.state_dict()), directory / "student.safetensors")

    def restore(self, directory: Path) -> None:
        """Resume the checkpoint in a directory."""
        saved = json.loads((directory / "checkpoint.json").read_text())
        self.done = Progress(**saved["progress"])
        self.batches.sampler.restore(saved["sampler"])
        state = load_file(directory / "checkpoint.safetensors")
        for buffer in ("center", "scale"):
            getattr(self.heads, buffer).copy_(state.pop(buffer))
        self.optimiser.restore(state)

    def _compile(self) -> None:
        """Run forward and backward once for their compilation, whose time isn't training."""
        sum(self._losses(self.held_out[0], learn=True)).backward()  # type: ignore[union-attr]
        for module in (self.backbone, self.heads, self.intercepts, self.student):
            if module:
                module.zero_grad()

    def _step(self, spent: float) -> Losses:
        """One optimiser step with `spent` of the time gone; returns the losses."""
        losses = self._losses(self.batches.next(), learn=True)
        sum(losses).backward()  # type: ignore[union-attr]
        self.optimiser.step(self._rate(spent))
        language, heads, distillation = (float(loss.detach()) for loss in losses)
        return language, heads, distillation

    def _rate(self, spent: float) -> float:
        decay = _LOWEST + (1 - _LOWEST) * 0.5 * (1 + math.cos(math.pi * min(1.0, spent)))
        return self.options.rate * min(1.0, spent / _WARM_UP + 0.02) * decay

    def _losses(self, batch: Batch, *, learn: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Language-model loss and weighted loss of the heads, in nats, and of the distillation."""
        batch = batch.to(self.options.device)
        laid, layers = batch.rows, self.heads.shape.layers
        with torch.set_grad_enabled(learn):
            states = self._forward(laid.ids, laid.positions, layers, mask=laid.mask())
            places, following, texts = next_tokens(laid)
            final = states.final.flatten(0, 1)[places]
            language, series = language_model_loss(final, self.backbone.output_weight, following, self._fused)
            statistics = summarise(series, texts, len(batch.targets))
            if learn:
                self.heads.standardise(statistics[statistics[:, 0] != 0], max(0.01, 1 / (self.done.step + 1)))
            flat = laid.segments.flatten()
            there = flat != PADDING
            blended = self._blend(torch.stack(states.chosen).flatten(1, 2))[there]
            pools = self.heads.pool(blended, flat[there], len(statistics))
            return language, self._head_loss(pools, statistics, batch, learn=learn), self._teaching_loss(pools, batch)

    def _head_loss(self, pools: Tensor, statistics: Tensor, batch: Batch, *, learn: bool) -> Tensor:
        if self.options.unlabelled:
            return pools.new_zeros(())
        logits = self.heads.from_pools(pools, statistics)
        if learn:
            logits = logits + self.intercepts(batch.intercepts)
        return head_loss(logits, batch.targets, batch.weights)

    def _teaching_loss(self, pools: Tensor, batch: Batch) -> Tensor:
        """How far the mean of the states is from the teacher's embedding."""
        if self.student is None or not batch.distillation_targets.shape[1]:
            return pools.new_zeros(())
        return distillation_loss(self.student(pools[:, : self.options.hidden_size]), batch.distillation_targets)

    def _advance(self, seconds: float, since: Sequence[Losses]) -> None:
        language, heads, distillation = (sum(column) / len(since) for column in zip(*since, strict=True))
        tokens = self.done.tokens + self.options.rows * self.options.width
        total = self.done.seconds + seconds
        rate = self._rate(total / (self.options.minutes * 60))
        self.done = Progress(self.done.step + 1, tokens, total, rate, language, heads, distillation)

    def _report(self, directory: Path, say: Say) -> None:
        """Measure on held-out batches, write a line, save everything, report progress."""
        self.heads.eval()
        measured = [self._losses(batch, learn=False) for batch in self.held_out]
        self.heads.train()
        language, heads, _ = (float(torch.stack(column).mean()) for column in zip(*measured, strict=True))
        self.done = replace(self.done, held_out_language_model=language, held_out_heads=heads)
        with (directory / "progress.jsonl").open("a") as file:
            file.write(json.dumps(asdict(self.done)) + "\n")
        self._checkpoint(directory)
        done, left = self.done, max(0.0, self.options.minutes - self.done.seconds / 60)
        say(
            f"step {done.step}: {done.tokens / 1e6:.1f} M tokens at {done.tokens / max(1.0, done.seconds):,.0f}/s, "
            f"loss {done.language_model:.3f} + {done.heads:.3f} + {done.distillation:.3f}, "
            f"held out {language:.3f} + {heads:.3f}, {left:.1f} min left"
        )

    def _checkpoint(self, directory: Path) -> None:
        """Save both the weights and the optimiser, each file moved into place whole."""
        self.save(directory)
        state = {**self.optimiser.state(), "center": self.heads.center, "scale": self.heads.scale}
        save_file(state, directory / "checkpoint.part")
        saved = {"progress": asdict(self.done), "sampler": self.batches.sampler.state()}
        (directory / "checkpoint.json.part").write_text(json.dumps(saved))
        (directory / "checkpoint.part").replace(directory / "checkpoint.safetensors")
        (directory / "checkpoint.json.part").replace(directory / "checkpoint.json")


def _progress(directory: Path) -> Progress | None:
    """The progress of the checkpoint in a directory."""
    path = directory / "checkpoint.json"
    return Progress(**json.loads(path.read_text())["progress"]) if path.is_file() else None


def _network(tokenizer: Tokenizer, options: PretrainOptions) -> Backbone:
    backbone = new_backbone(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=options.hidden_size,
        num_hidden_layers=options.layers,
        intermediate_size=options.intermediate_size,
        num_attention_heads=options.attention_heads,
        num_key_value_heads=options.attention_heads,
        max_position_embeddings=options.width,
        rms_norm_eps=1e-5,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=True,
    )
    backbone.attention(ROWS)
    return backbone.to(options.device, torch.bfloat16)


def _load(directory: Path, backbone: Backbone, heads: Heads) -> None:
    """Load the weights of an earlier run. Raises BackboneError where they don't fit."""
    try:
        saved = load_file(directory / "model.safetensors")
        saved.setdefault("lm_head.weight", saved["model.embed_tokens.weight"])  # tied
        backbone.model.load_state_dict(saved)
        heads.load_state_dict(load_file(directory / "heads.safetensors"))
    except (KeyError, FileNotFoundError, RuntimeError) as error:
        raise BackboneError(f"{directory}: no run to start from with a network of this shape: {error}") from error


def _distillation_targets(
    corpus: Sequence[Row], directory: Path, options: PretrainOptions, say: Say
) -> Embeddings | None:
    """The teacher's embeddings of the training texts."""
    if options.teacher is None:
        return None
    texts = [row.text for row in select(corpus, "train")]
    return embeddings(options.teacher, texts, directory, device=options.device, say=say)


def _tokenizer(corpus: Sequence[Row], directory: Path, options: PretrainOptions) -> Tokenizer:
    """The directory's own tokenizer, or one trained now on the training texts."""
    home = directory if (directory / "tokenizer.json").is_file() else options.start
    if home:
        tokenizer = load_tokenizer(home)
        save_tokenizer(tokenizer, directory, window=options.width)
        return tokenizer
    tokenizer = train_tokenizer((row.text for row in select(corpus, "train")), options.vocabulary)
    save_tokenizer(tokenizer, directory, window=options.width)
    return tokenizer


def _named(module: nn.Module, prefix: str) -> list[tuple[str, nn.Parameter]]:
    return [(f"{prefix}.{name}", parameter) for name, parameter in module.named_parameters()]
