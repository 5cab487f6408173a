import json
from dataclasses import replace
from pathlib import Path

import torch

from classifiers.data.rows import Row
from classifiers.evaluation.evaluate import EvaluateOptions, evaluate
from classifiers.network.packing import PADDING
from classifiers.network.tokenizer import load_tokenizer
from classifiers.training.batches import Batches, next_tokens
from classifiers.training.optimiser import Optimiser, orthogonal
from classifiers.training.pretrain import PretrainOptions, pretrain


def quiet(_: str) -> None:
    """Say nothing."""


def test_training_learns_saves_and_goes_on(corpus: list[Row], tmp_path: Path, tiny_network: PretrainOptions) -> None:
    first = pretrain(corpus, tmp_path, tiny_network, quiet)
    untrained = torch.log(torch.tensor(float(tiny_network.vocabulary)))
    assert first.held_out_language_model is not None
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


def test_evaluation_measures_and_writes_the_card(data_dir: Path, bundle_dir: Path, tmp_path: Path) -> None:
    card = tmp_path / "MODEL_CARD.md"
    report = evaluate(EvaluateOptions(data_dir, bundle_dir, card=card), quiet)
    found = {(figure.label, figure.part, figure.branch): figure for figure in report.figures}
    fused = found["ai_generated", "all", "fusion"]
    assert fused.auroc > 0.9
    assert fused.auroc_interval is not None
    assert fused.auroc_interval[0] <= fused.auroc <= fused.auroc_interval[1]
    assert fused.ece is not None
    assert {branch for label, part, branch in found if (label, part) == ("hate", "all")} == {
        "fusion",
        "screen",
        "llama",
    }
    assert ("ai_generated", "first 20 words", "fusion") in found
    text = card.read_text()
    assert report.version in text
    assert f"{fused.auroc:.3f}" in text
    assert "CC0-1.0" in text
    assert json.loads(report.to_json())["rows"] == report.rows
