import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from classifiers.data.rows import Row
from classifiers.network.sentence_encoder import EncoderError, SentenceEncoder
from classifiers.training.objective import distillation_loss
from classifiers.training.pretrain import PretrainOptions, pretrain
from classifiers.training.teacher import MOST_WORDS, embeddings

TEXTS = ["the bus was late", "late again and again", " ".join(["rain"] * (MOST_WORDS + 1))]


def _pooling(directory: Path, *, mean: bool, first: bool = False) -> None:
    (directory / "1_Pooling").mkdir(exist_ok=True)
    modes = {"pooling_mode_mean_tokens": mean, "pooling_mode_cls_token": first}
    (directory / "1_Pooling" / "config.json").write_text(json.dumps(modes))


def test_embeddings_are_unit_and_long_texts_have_none(teacher_dir: Path, tmp_path: Path) -> None:
    found = embeddings(teacher_dir, TEXTS, tmp_path, say=lambda _: None)
    assert found.shape == (3, 24)
    np.testing.assert_allclose(np.linalg.norm(found[:2].astype(float), axis=1), 1, atol=1e-2)
    assert not found[2].any()


def test_padding_does_not_change_an_embedding(teacher_dir: Path) -> None:
    teacher = SentenceEncoder(teacher_dir)
    alone, beside = teacher.embed(TEXTS[:1]), teacher.embed([TEXTS[0], " ".join(["coffee"] * 30)])
    assert float((alone[0].astype(float) * beside[0]).sum()) > 0.999


def test_kept_embeddings_are_taken_up_only_for_the_same_texts(teacher_dir: Path, tmp_path: Path) -> None:
    said: list[str] = []
    embeddings(teacher_dir, TEXTS, tmp_path, say=said.append)
    first = len(said)
    embeddings(teacher_dir, TEXTS, tmp_path, say=said.append)
    assert len(said) == first
    embeddings(teacher_dir, TEXTS[:2], tmp_path, say=said.append)
    assert len(said) > first


def test_directories_that_cannot_teach_are_refused(teacher_dir: Path, llama_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no sentence-transformers model"):
        SentenceEncoder(llama_dir)
    (tmp_path / "config.json").write_text("{}")
    _pooling(tmp_path, mean=True, first=True)
    with pytest.raises(EncoderError, match="one of them"):
        SentenceEncoder(tmp_path)


def test_lessons_are_learned(
    teacher_dir: Path, corpus: list[Row], tiny_network: PretrainOptions, tmp_path: Path
) -> None:
    taught = replace(tiny_network, teacher=teacher_dir, minutes=0.08, checkpoint_minutes=0.02)
    pretrain(corpus, tmp_path, taught, lambda _: None)
    lines = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert 0 < lines[-1]["distillation"] < 0.8 * lines[0]["distillation"]
    assert (tmp_path / "student.safetensors").is_file()


def test_without_labels_the_heads_learn_nothing(
    corpus: list[Row], tiny_network: PretrainOptions, tmp_path: Path
) -> None:
    done = pretrain(corpus, tmp_path, replace(tiny_network, unlabelled=True), lambda _: None)
    assert done.heads == 0
    assert done.language_model > 0


def test_texts_without_a_target_do_not_count() -> None:
    distillation_targets = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    guesses = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert float(distillation_loss(guesses, distillation_targets)) == pytest.approx(0)
    assert float(distillation_loss(-guesses, distillation_targets)) == pytest.approx(2)
    assert float(distillation_loss(guesses, torch.zeros(2, 2))) == 0
