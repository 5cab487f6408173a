"""Sentence embeddings of an existing encoder, for the network to learn beside its own task: training only.

Takes any sentence-transformers directory of a transformer with mean or first-token pooling. What it knows of the world
(that a vaccine and a jab are alike) is more than a small corpus can teach; the network learns to predict the teacher's
embedding of each short text from its own pooled states (Reimers & Gurevych 2020, arXiv:2004.09813, for student and
teacher of other shapes). Nothing of the teacher is shipped. Longer texts are left out: a crop isn't what the teacher
read.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from classifiers.errors import InputError

MOST_WORDS = 40
"""Longer texts aren't taught."""

_MOST_TOKENS = 96
_BATCH = 128
_CHUNK = 8192
Say = Callable[[str], None]
Embeddings = NDArray[np.float16]


class TeacherError(InputError):
    """A directory that can't teach; the message says what is missing."""


def embeddings(
    directory: Path, texts: Sequence[str], work: Path, *, device: str = "cpu", say: Say = print
) -> Embeddings:
    """Unit embeddings [n, D] of texts, zeros for those of over 40 words; kept in `work`, and taken up again there.

    Raises TeacherError for a directory that isn't a sentence-transformers model.
    """
    key = _key(directory, texts)
    done, path = work / "teacher.json", work / "teacher.npy"
    if done.is_file() and json.loads(done.read_text()) == key:
        found: Embeddings = np.load(path, mmap_mode="r")
        return found
    teacher = Teacher(directory, device)
    short = [index for index, text in enumerate(texts) if len(text.split(" ")) <= MOST_WORDS]
    short.sort(key=lambda index: len(texts[index]))
    made = np.zeros((len(texts), teacher.size), np.float16)
    for start in range(0, len(short), _CHUNK):
        chunk = short[start : start + _CHUNK]
        made[chunk] = teacher.embed([texts[index] for index in chunk])
        say(f"teacher: {start + len(chunk)} of {len(short)} short texts")
    np.save(path, made)
    done.write_text(json.dumps(key))
    return made


class Teacher:
    """A sentence encoder, ready to embed."""

    def __init__(self, directory: Path, device: str = "cpu") -> None:
        from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415  (seconds to import, seldom needed)

        self._first = _pools_first_token(directory)
        self._device = device
        self._tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
        self._model = AutoModel.from_pretrained(
            directory, dtype=torch.bfloat16, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
        self._model.to(device).eval()
        self.size: int = self._model.config.hidden_size

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> Embeddings:
        """Unit embeddings [n, D]; texts of like length, side by side, spare padding."""
        parts = [self._batch(list(texts[start : start + _BATCH])) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(parts)

    def _batch(self, texts: list[str]) -> Embeddings:
        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")
        tokens = {name: tensor.to(self._device) for name, tensor in tokens.items()}
        states: Tensor = self._model(**tokens).last_hidden_state.float()  # [n, T, D]
        mask = tokens["attention_mask"][..., None]
        pooled = states[:, 0] if self._first else (states * mask).sum(1) / mask.sum(1)
        unit: Embeddings = torch.nn.functional.normalize(pooled).cpu().numpy().astype(np.float16)
        return unit


def _pools_first_token(directory: Path) -> bool:
    path = directory / "1_Pooling" / "config.json"
    if not path.is_file() or not (directory / "config.json").is_file():
        raise TeacherError(f"{directory}: no sentence-transformers model (config.json and 1_Pooling/config.json)")
    pooling = json.loads(path.read_text())
    first, mean = (bool(pooling.get(f"pooling_mode_{name}")) for name in ("cls_token", "mean_tokens"))
    if first == mean:
        raise TeacherError(f"{path}: only mean or first-token pooling can be taught, one of them")
    return first


def _key(directory: Path, texts: Sequence[str]) -> str:
    digest = hashlib.sha256((directory / "config.json").read_bytes())
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()
