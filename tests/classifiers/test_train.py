import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from classifiers.backbone import Backbone
from classifiers.batches import Batches, label_weights, next_tokens
from classifiers.data import Row
from classifiers.evaluate import EvaluateOptions, evaluate
from classifiers.headfit import FitOptions, fit_heads
from classifiers.labels import LABELS
from classifiers.optimiser import Optimiser, orthogonal
from classifiers.packing import PADDING
from classifiers.pretrain import PretrainOptions, pretrain
from classifiers.store import Store, StoreError, extract
from classifiers.tokenizer import load_tokenizer
from classifiers.windows import WindowRule


def quiet(_: str) -> None:
    """Say nothing."""


def store(directory: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row], **changes: object) -> Store:
    texts = [row.text for row in corpus[:60]]
    options: dict[str, object] = {
        "targets": np.zeros((60, len(LABELS)), np.float32),
        "weights": np.ones((60, len(LABELS)), np.float32),
        "layers": (2, 4),
        "rule": WindowRule(64, 1),
        "budget": 256,
        "most_bytes": 1 << 20,
        "key": "test",
        "say": quiet,
    }
    return extract(directory, backbone, load_tokenizer(llama_dir), texts, **(options | changes))


def test_training_learns_saves_and_goes_on(corpus: list[Row], tmp_path: Path, tiny_network: PretrainOptions) -> None:
    first = pretrain(corpus, tmp_path, tiny_network, quiet)
    untrained = torch.log(torch.tensor(float(tiny_network.vocabulary)))
    assert first.held_out_language_model < untrained
    more = pretrain(corpus, tmp_path, replace(tiny_network, minutes=0.1), quiet)
    assert more.step > first.step
    assert more.tokens > first.tokens
    lines = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert lines[0]["step"] == first.step
    assert lines[-1]["step"] == more.step
    assert pretrain(corpus, tmp_path, tiny_network, quiet) == more, "its time is spent, so nothing is done"
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_batches_fill_rows_with_whole_texts(corpus: list[Row], llama_dir: Path) -> None:
    batches = Batches(corpus, load_tokenizer(llama_dir), width=48, count=6, seed=1)
    for _ in range(3):
        batch = batches.next()
        assert (batch.rows.segments == PADDING).float().mean() < 0.15
        segments = batch.rows.segments[batch.rows.segments != PADDING]
        assert int(segments.max()) + 1 == len(batch.targets)
        assert (segments.diff() >= 0).all()
        places, following, texts = next_tokens(batch.rows)
        ids, numbers = batch.rows.ids.flatten(), batch.rows.segments.flatten()
        assert (ids[places + 1] == following).all()
        assert (numbers[places] == texts).all()


def test_one_sided_sets_weigh_less_for_authorship(corpus: list[Row]) -> None:
    weights = label_weights(corpus)
    for row, found in zip(corpus, weights, strict=True):
        assert (found[0] < 1) == (row.dataset == "hatemoji")
        assert (found[1:] == 1).all()


def test_muon_s_steps_are_nearly_orthogonal() -> None:
    values = torch.linalg.svdvals(orthogonal(torch.randn(40, 96)))
    assert 0.5 < float(values.min()) < float(values.max()) < 1.4


def test_optimiser_finds_a_minimum_and_restores() -> None:
    torch.manual_seed(1)
    matrix, vector = torch.nn.Parameter(torch.randn(6, 8)), torch.nn.Parameter(torch.randn(8))
    goal = torch.randn(6, 8)
    optimiser = Optimiser([("matrix", matrix), ("vector", vector)], {"matrix"}, decay=0.0)
    for step in range(300):
        loss = (matrix - goal).pow(2).mean() + (vector - 1).pow(2).mean()
        loss.backward()
        optimiser.step(0.2 * (1 - step / 300))
    assert float(loss.detach()) < 0.01
    copies = [torch.nn.Parameter(torch.zeros(6, 8)), torch.nn.Parameter(torch.zeros(8))]
    other = Optimiser(zip(("matrix", "vector"), copies, strict=True), {"matrix"}, decay=0.0)
    other.restore(optimiser.state())
    torch.testing.assert_close(copies[0], matrix)


def test_features_are_extracted_once_and_taken_up_again(
    tmp_path: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row]
) -> None:
    whole = store(tmp_path / "whole", backbone, llama_dir, corpus)
    part = store(tmp_path / "part", backbone, llama_dir, corpus)
    part.pools[:], part.statistics[:] = 0, 0
    part.advance(0)
    again = store(tmp_path / "part", backbone, llama_dir, corpus)
    assert again.state.done == 60
    np.testing.assert_allclose(again.pools[:], whole.pools[:])
    np.testing.assert_allclose(again.statistics[:], whole.statistics[:])
    before = (tmp_path / "whole" / "pools.npy").stat().st_mtime_ns
    store(tmp_path / "whole", backbone, llama_dir, corpus)
    assert (tmp_path / "whole" / "pools.npy").stat().st_mtime_ns == before


def test_a_store_of_something_else_is_refused(
    tmp_path: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row]
) -> None:
    store(tmp_path, backbone, llama_dir, corpus)
    with pytest.raises(StoreError, match="other texts or of another model"):
        store(tmp_path, backbone, llama_dir, corpus, key="another")
    with pytest.raises(StoreError, match="take fewer rows"):
        store(tmp_path / "big", backbone, llama_dir, corpus, most_bytes=1000)


def test_heads_learn_from_stored_features(
    tmp_path: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row]
) -> None:
    goals = np.full((60, len(LABELS)), np.nan, np.float32)
    goals[:, 0] = [row.text.startswith(("lol", "ok", "so", "my")) for row in corpus[:60]]
    filled = store(tmp_path, backbone, llama_dir, corpus, targets=goals)
    said: list[str] = []
    fit_heads(filled, FitOptions(epochs=5, batch=16), said.append)
    losses = [float(line.rsplit(" ", 1)[1]) for line in said]
    assert len(losses) >= 4
    assert min(losses) < 0.7


def test_evaluation_measures_and_writes_the_card(data_dir: Path, bundle_dir: Path, tmp_path: Path) -> None:
    card = tmp_path / "MODEL_CARD.md"
    report = evaluate(EvaluateOptions(data_dir, bundle_dir, card=card), quiet)
    found = {(figure.label, figure.part, figure.branch): figure for figure in report.figures}
    fused = found["ai_generated", "all", "fusion"]
    assert fused.auroc > 0.9
    assert fused.low <= fused.auroc <= fused.high
    assert fused.ece is not None
    assert {branch for label, part, branch in found if (label, part) == ("hate", "all")} == {
        "fusion",
        "screen",
        "llama",
    }
    assert ("fraud", "all", "fusion") not in found, "no row knows of fraud"
    assert ("ai_generated", "first 20 words", "fusion") in found
    text = card.read_text()
    assert report.version in text
    assert f"{fused.auroc:.3f}" in text
    assert "CC0-1.0" in text
    assert json.loads(report.to_json())["rows"] == report.rows
