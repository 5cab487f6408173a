import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file
from tokenizers import Tokenizer

from classifiers.bundle import BundleError, load_bundle, read_manifest
from classifiers.cli import app
from classifiers.detector import Detector, Document
from classifiers.labels import LABELS
from classifiers.metrics import auroc
from classifiers.network.backbone import Backbone, load_backbone
from classifiers.network.branch import LlamaBranch
from classifiers.network.heads import QUERY, Heads
from classifiers.network.lora import EVERY_LINEAR, Adapter, AdapterError, AdapterShape
from classifiers.network.pack_reading import read_pack
from classifiers.network.packing import pack
from classifiers.network.windows import WindowRule
from classifiers.training.crops import Crops
from classifiers.training.feature_store import extract, first_windows
from classifiers.training.headfit import FitOptions, fit_heads
from classifiers.training.lorafit import LoraOptions, fit_adapter, with_query

RULE = WindowRule(64, 1)
LAYERS = (1, 3, 4)
SEQUENCES = [[1, 20, 30, 40], [1, 50, 60], [1, *range(70, 100)]]
OPTIONS = LoraOptions(4, 8, epochs=2, rate=1e-2, batch=32)
NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
FILLERS = ["lol", "my", "bus", "was", "late", "again", "and", "i", "missed", "the", "you"]


def quiet(_: str) -> None:
    """Say nothing."""


def ordered_pairs(count: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Texts in which "rain" stands before "game" (label 1) or after it: the words alone don't tell the label."""
    rng = random.Random(seed)
    truth = np.arange(count) % 2
    texts = []
    for label in truth:
        words: list[str] = []
        for _ in range(rng.randrange(3, 7)):
            words += ["rain", "game"] if label else ["game", "rain"]
            words += [rng.choice(FILLERS) for _ in range(rng.randrange(1, 3))]
        texts.append(" ".join(words))
    return texts, truth


def crops(home: Path, backbone: Backbone, tokenizer: Tokenizer, count: int, seed: int) -> Crops:
    texts, truth = ordered_pairs(count, seed)
    goals = np.full((count, len(LABELS)), np.nan, np.float32)
    goals[:, 0] = truth
    store = extract(
        home,
        backbone,
        tokenizer,
        texts,
        targets=goals,
        weights=np.ones_like(goals),
        layers=LAYERS,
        rule=RULE,
        budget=1024,
        most_bytes=1 << 24,
        key=str(seed),
        say=quiet,
    )
    return Crops(store, first_windows(texts, tokenizer, RULE))


class Bench:
    """A network of one's own with crops to learn from, crops to judge by, and heads that know the frozen network."""

    def __init__(
        self,
        home: Path,
        llama_dir: Path,
        tokenizer: Tokenizer,
        *,
        count: int = 96,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        self.home, self.tokenizer = home, tokenizer
        self.backbone = load_backbone(llama_dir, dtype=dtype, device=device)
        self.learners = crops(home / "learners", self.backbone, tokenizer, count, seed=1)
        self.judges = crops(home / "judges", self.backbone, tokenizer, 64, seed=2)
        self.heads = fit_heads(self.learners.store, self.judges.store, FitOptions(epochs=8, batch=64), quiet)
        self.auroc_alone = self.auroc(self.heads)

    def fit(self, name: str, options: LoraOptions, say: Callable[[str], None] = quiet) -> tuple[Heads, Adapter | None]:
        home = self.home / name
        return fit_adapter(
            home, self.backbone, self.heads, options, learners=self.learners, judges=self.judges, say=say
        )

    def auroc(self, heads: Heads) -> float:
        texts, truth = ordered_pairs(200, seed=3)
        branch = LlamaBranch(self.backbone, self.tokenizer, heads.to(self.backbone.output_weight.device), RULE)
        return auroc(truth, branch.logits(texts)[:, 0])


def random_adapter(backbone: Backbone, shape: AdapterShape) -> tuple[Adapter, Backbone]:
    """An adapter with random weights, and the network with it merged in; both by peft."""
    torch.manual_seed(5)
    config = LoraConfig(r=shape.rank, lora_alpha=shape.alpha, target_modules=list(shape.targets))
    network = get_peft_model(backbone.model, config)
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if "lora_B" in name:
                tensor.normal_(std=0.1)
    adapter = Adapter(shape, get_peft_model_state_dict(network))
    network.merge_and_unload()
    return adapter, backbone


def test_an_adapter_learns_what_heads_alone_can_t(tmp_path: Path, llama_dir: Path, tokenizer: Tokenizer) -> None:
    bench = Bench(tmp_path, llama_dir, tokenizer, count=480)
    said: list[str] = []
    heads, adapter = bench.fit("adapter", replace(OPTIONS, rank=8, alpha=16, epochs=3), said.append)
    assert adapter is not None
    assert QUERY in heads.shape.pools
    bench.backbone.adapt(adapter)
    adapted = bench.auroc(heads)
    assert bench.auroc_alone < 0.9
    assert adapted > max(0.95, bench.auroc_alone + 0.1)
    assert any("tokens/s" in line and "left" in line for line in said)


@pytest.mark.parametrize("targets", [("q_proj", "v_proj"), EVERY_LINEAR])
def test_states_are_those_of_peft_s_merged_network(llama_dir: Path, targets: tuple[str, ...]) -> None:
    adapter, merged = random_adapter(load_backbone(llama_dir, dtype=torch.float32), AdapterShape(3, 6, targets))
    own = load_backbone(llama_dir, dtype=torch.float32)
    own.adapt(adapter)
    (packed,) = pack(SEQUENCES, 100)
    with own.adapted():
        found = own(packed.ids[None], packed.positions[None], LAYERS, lengths=packed.lengths)
    expected = merged(packed.ids[None], packed.positions[None], LAYERS, lengths=packed.lengths)
    for mine, theirs in zip(found.chosen, expected.chosen, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_statistics_are_the_original_network_s(backbone: Backbone, llama_dir: Path) -> None:
    adapter, _ = random_adapter(load_backbone(llama_dir, dtype=torch.float32), AdapterShape(2, 4))
    adapted = load_backbone(llama_dir, dtype=torch.float32)
    adapted.adapt(adapter)
    (packed,) = pack(SEQUENCES, 100)
    plain, found = read_pack(backbone, packed, LAYERS), read_pack(adapted, packed, LAYERS)
    torch.testing.assert_close(found.statistics, plain.statistics, rtol=0, atol=0)
    torch.testing.assert_close(found.series.log_prob, plain.series.log_prob, rtol=0, atol=0)
    assert not torch.allclose(found.states, plain.states, atol=1e-2)


def test_an_adapter_of_another_network_is_refused(llama_dir: Path, tmp_path: Path) -> None:
    adapter, _ = random_adapter(load_backbone(llama_dir, dtype=torch.float32), AdapterShape(2, 4))
    fresh = load_backbone(llama_dir, dtype=torch.float32)
    for shape in (AdapterShape(3, 4), AdapterShape(2, 4, ("q_proj", "k_proj"))):
        with pytest.raises(AdapterError, match=r"layers\.0.*train it again"):
            fresh.adapt(replace(adapter, shape=shape))
    (tmp_path / "adapter.safetensors").write_bytes(b"\x80\x04 pickled")
    with pytest.raises(AdapterError, match="not safetensors"):
        Adapter.load(tmp_path / "adapter.safetensors", adapter.shape)
    assert not fresh.has_adapter


def test_training_goes_on_where_it_was_killed(tmp_path: Path, llama_dir: Path, tokenizer: Tokenizer) -> None:
    bench = Bench(tmp_path, llama_dir, tokenizer)
    _, whole = bench.fit("whole", OPTIONS)

    def killed(line: str) -> None:
        if "epoch 1" in line:
            raise KeyboardInterrupt

    often = replace(OPTIONS, checkpoint_minutes=0.0)
    with pytest.raises(KeyboardInterrupt):
        bench.fit("part", often, killed)
    done = json.loads(_metadata(tmp_path / "part" / "checkpoint.safetensors"))["step"]
    assert 0 < done < 3, "one epoch is three steps"
    _, again = bench.fit("part", often)
    assert whole is not None
    assert again is not None
    for name, tensor in whole.tensors.items():
        torch.testing.assert_close(again.tensors[name], tensor, rtol=1e-4, atol=1e-6)
    with pytest.raises(AdapterError, match="other options"):
        bench.fit("part", replace(often, rank=2))
    assert not bench.backbone.has_adapter
    assert {type(layer).__name__ for layer in bench.backbone.modules()} & {"LoraModel", "LowRank"} == set()


def test_checkpointing_changes_memory_not_the_result(tmp_path: Path, llama_dir: Path, tokenizer: Tokenizer) -> None:
    bench = Bench(tmp_path, llama_dir, tokenizer)
    _, kept = bench.fit("kept", replace(OPTIONS, epochs=1))
    _, again = bench.fit("again", replace(OPTIONS, epochs=1, checkpointing=True))
    assert kept is not None
    assert again is not None
    for name, tensor in kept.tensors.items():
        torch.testing.assert_close(again.tensors[name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NO_GPU])])
def test_a_bfloat16_network_gets_an_adapter_that_fits_it(
    tmp_path: Path, llama_dir: Path, tokenizer: Tokenizer, device: str
) -> None:
    bench = Bench(tmp_path, llama_dir, tokenizer, dtype=torch.bfloat16, device=device)
    heads, adapter = bench.fit("adapter", OPTIONS)
    assert adapter is not None
    assert {tensor.dtype for tensor in adapter.tensors.values()} == {torch.float32}
    bench.backbone.adapt(adapter)
    assert bench.auroc(heads) > bench.auroc_alone


def test_heads_that_no_epoch_beats_stay_without_an_adapter(
    tmp_path: Path, llama_dir: Path, tokenizer: Tokenizer
) -> None:
    bench = Bench(tmp_path, llama_dir, tokenizer)
    said: list[str] = []
    heads, adapter = bench.fit("adapter", replace(OPTIONS, epochs=1, rate=0.0), said.append)
    assert heads is bench.heads
    assert adapter is None
    assert "goes without one" in said[-1]


def test_a_query_pool_starts_without_a_say(tmp_path: Path, llama_dir: Path, tokenizer: Tokenizer) -> None:
    bench = Bench(tmp_path, llama_dir, tokenizer)
    states, segments, statistics = torch.randn(3, 9, 48), torch.tensor([0] * 4 + [1] * 5), torch.randn(2, 13)
    wider = with_query(bench.heads).eval()
    torch.testing.assert_close(wider(states, segments, statistics), bench.heads(states, segments, statistics))


def test_a_bundle_with_an_adapter_scores_alike_after_loading(adapted_dir: Path, llama_dir: Path) -> None:
    manifest = read_manifest(adapted_dir)
    assert manifest.adapter == AdapterShape(4, 8)
    assert set(load_file(adapted_dir / "adapter.safetensors")) == {
        f"base_model.model.model.layers.{layer}.self_attn.{name}.lora_{side}.weight"
        for layer in range(4)
        for name in ("q_proj", "v_proj")
        for side in "AB"
    }
    documents = [Document("moreover the vibrant tapestry of communities"), Document("lol my bus was late again ugh")]
    first, second = (Detector.load(llama_dir, heads=adapted_dir).score(documents) for _ in range(2))
    assert first == second
    machine, human = (reading.signals["ai_generated"].raw for reading in first)
    assert machine > human
    assert load_bundle(llama_dir, adapted_dir).backbone.has_adapter


def test_an_adapter_is_vouched_for_and_bound_to_its_model(adapted_dir: Path, llama_dir: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(llama_dir, tmp_path / "other"))
    shard = min(other.glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x01")
    with pytest.raises(BundleError, match="give that model"):
        load_bundle(other, adapted_dir)
    copy = Path(shutil.copytree(adapted_dir, tmp_path / "copy"))
    written = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(written | {"adapter": {**written["adapter"], "alpha": 64}}))
    with pytest.raises(BundleError, match="made for version"):
        load_bundle(llama_dir, copy)
    (copy / "manifest.json").write_text(json.dumps(written))
    content = bytearray((copy / "adapter.safetensors").read_bytes())
    content[-2] ^= 1
    (copy / "adapter.safetensors").write_bytes(bytes(content))
    with pytest.raises(BundleError, match=r"adapter\.safetensors: its SHA-256"):
        load_bundle(llama_dir, copy)


def test_an_adapter_runs_where_peft_isn_t_installed(adapted_dir: Path, llama_dir: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.modules['peft'] = None\n"
        "from classifiers.detector import Detector, Document\n"
        "detector = Detector.load(Path(sys.argv[1]), Path(sys.argv[2]), threads=1)\n"
        "print(detector.score([Document('lol my bus was late again')], explain=False)[0].words)"
    )
    command = [sys.executable, "-c", program, str(llama_dir), str(adapted_dir)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "6\n"


def test_an_adapter_without_a_model_is_refused(data_dir: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, ["train", "--data", str(data_dir), "--out", str(tmp_path / "out"), "--lora", "8"])
    assert result.exit_code == 2
    assert "--backbone" in result.output


def _metadata(path: Path) -> str:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return str(file.metadata()["position"])
