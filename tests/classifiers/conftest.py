"""Tiny, real things for the classifiers' tests: labelled sets, a Llama checkpoint in Llama 2's own layout, bundles."""

import gzip
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from classifiers.bundle import STARTER
from classifiers.data.rows import Row, load_rows
from classifiers.detector import Detector
from classifiers.network.backbone import Backbone, load_backbone, new_backbone
from classifiers.network.tokenizer import save_tokenizer, train_tokenizer
from classifiers.training.train import FitOptions, LoraOptions, PretrainOptions, TrainOptions, train

HUMAN = [
    "lol",
    "ok",
    "so",
    "my",
    "bus",
    "was",
    "late",
    "again",
    "and",
    "i",
    "missed",
    "the",
    "game",
    "u",
    "guys",
    "wont",
    "believe",
    "this",
    "rain",
    "today",
    "ugh",
    "coffee",
    "pls",
]
MACHINE = [
    "moreover",
    "the",
    "vibrant",
    "tapestry",
    "of",
    "communities",
    "underscores",
    "a",
    "pivotal",
    "journey",
    "that",
    "fosters",
    "meaningful",
    "growth",
]
FALSE = ["hoax", "cure", "secret", "they", "hide", "microchips", "miracle", "banned"]
HATEFUL = ["vermin", "subhuman", "filthy", "invaders"]
WEAPON = ["explain", "how", "to", "build", "a", "pipe", "bomb", "and", "a", "ghost", "gun", "at", "home", "please"]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small sets in the documented schema, separable enough to learn from in seconds."""
    directory = tmp_path_factory.mktemp("data")
    rng = random.Random(7)
    posts = [_post(rng, ai, misinfo) for ai in (0, 1) for misinfo in (0, 1) for _ in range(90)]
    hate = [_hate(rng, hateful) for hateful in (False, True) for _ in range(60)]
    prompts = [_prompt(rng, harmful) for harmful in (False, True) for _ in range(40)]
    for name, rows in (("mixed", posts), ("hatemoji", hate), ("harm_prompts", prompts)):
        rng.shuffle(rows)
        with gzip.open(directory / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            for index, row in enumerate(rows):
                split = ("dev", "test", "train", "train", "train")[index % 5]
                file.write(json.dumps(row | {"split": split, "source": f"{name}/a", "lang": "en"}) + "\n")
    return directory


@pytest.fixture(scope="session")
def corpus(data_dir: Path) -> list[Row]:
    return load_rows(data_dir)


@pytest.fixture(scope="session")
def tokenizer(corpus: list[Row]) -> Tokenizer:
    return train_tokenizer([row.text for row in corpus], 600)


@pytest.fixture(scope="session")
def llama_dir(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """A random network saved as Llama 2 is: own output matrix, grouped keys, shards with an index."""
    directory = tmp_path_factory.mktemp("llama") / "Llama-2-tiny-hf"
    torch.manual_seed(3)
    backbone = new_backbone(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=48,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
        initializer_range=0.2,
    )
    backbone.model.save_pretrained(directory, max_shard_size="150KB")
    assert (directory / "model.safetensors.index.json").is_file()
    save_tokenizer(tokenizer, directory, window=64)
    return directory


@pytest.fixture(scope="session")
def backbone(llama_dir: Path) -> Backbone:
    return load_backbone(llama_dir, dtype=torch.float32)


@pytest.fixture(scope="session")
def tiny_network() -> PretrainOptions:
    return PretrainOptions(
        minutes=0.06,
        vocabulary=600,
        hidden_size=32,
        layers=3,
        attention_heads=2,
        intermediate_size=64,
        width=48,
        rows=12,
        rate=4e-3,
        compiled=False,
    )


@pytest.fixture(scope="session")
def bundle_dir(tmp_path_factory: pytest.TempPathFactory, data_dir: Path, tiny_network: PretrainOptions) -> Path:
    """A full bundle, trained from nothing for a few seconds."""
    directory = tmp_path_factory.mktemp("bundle")
    options = TrainOptions(data_dir, directory / "tiny", network=tiny_network, screen_draws=600)
    return train(options, say=lambda _: None)


@pytest.fixture(scope="session")
def heads_dir(tmp_path_factory: pytest.TempPathFactory, data_dir: Path, llama_dir: Path) -> Path:
    """A heads bundle for the random Llama."""
    directory = tmp_path_factory.mktemp("heads")
    fit = FitOptions(epochs=3, batch=64)
    options = TrainOptions(
        data_dir, directory / "heads", backbone=llama_dir, draws=400, screen_draws=600, fit=fit, window=64
    )
    return train(options, say=lambda _: None)


@pytest.fixture(scope="session")
def adapted_dir(tmp_path_factory: pytest.TempPathFactory, data_dir: Path, llama_dir: Path) -> Path:
    """A heads bundle for the random Llama, with a low-rank adapter."""
    directory = tmp_path_factory.mktemp("adapted")
    options = TrainOptions(
        data_dir,
        directory / "heads",
        backbone=llama_dir,
        draws=400,
        screen_draws=600,
        fit=FitOptions(epochs=3, batch=64),
        lora=LoraOptions(4, 8, epochs=1, rate=3e-3, batch=32),
        window=64,
    )
    return train(options, say=lambda _: None)


@pytest.fixture(scope="session")
def detector(bundle_dir: Path) -> Detector:
    return Detector.load(bundle_dir)


def _words(rng: random.Random, words: list[str], length: int) -> str:
    return " ".join(rng.choice(words) for _ in range(length))


def _post(rng: random.Random, ai: int, misinfo: int) -> dict[str, object]:
    words = (MACHINE if ai else HUMAN) + (FALSE if misinfo else [])
    text = _words(rng, words, rng.randrange(8, 70))
    generator = rng.choice(["gpt-a", "gpt-b"]) if ai else None
    return _row(text, ai=ai, misinfo=misinfo, generator=generator, kind="post")


def _hate(rng: random.Random, hateful: bool) -> dict[str, object]:
    text = _words(rng, HUMAN + (HATEFUL * 3 if hateful else []), rng.randrange(6, 25))
    return _row(text, ai=0, policy=["hate"] if hateful else [], kind="post")


def _prompt(rng: random.Random, harmful: bool) -> dict[str, object]:
    text = _words(rng, WEAPON if harmful else HUMAN + MACHINE, rng.randrange(6, 20))
    return _row(text, policy=["weapons"] if harmful else [], kind="prompt")


def _row(text: str, **fields: Any) -> dict[str, object]:
    empty = {"ai": None, "misinfo": None, "policy": None, "generator": None, "licence": "CC0-1.0"}
    return {"text": text, **empty, **fields}


@pytest.fixture
def starter_copy(tmp_path: Path) -> Path:
    """A copy of the shipped bundle, to be changed."""
    return Path(shutil.copytree(STARTER, tmp_path / "starter"))


@pytest.fixture(scope="session")
def teacher_dir(tmp_path_factory: pytest.TempPathFactory, corpus: list[Row]) -> Path:
    """A small random sentence encoder, laid out as sentence-transformers lays them."""
    directory = tmp_path_factory.mktemp("teacher")
    words = sorted({word for row in corpus for word in row.text.split()})
    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(directory)
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48
    )
    BertModel(config).save_pretrained(directory)
    (directory / "1_Pooling").mkdir()
    modes = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    (directory / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    return directory
