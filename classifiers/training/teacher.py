"""Sentence embeddings of an existing encoder, for the network to learn with its own task: training only.

Takes any sentence-transformers directory of a transformer with mean or first-token pooling. Its world knowledge
(that a vaccine and a jab are the same) exceeds a small corpus; the network learns to predict the teacher's
embedding of each short text from its own pooled states (Reimers & Gurevych 2020, arXiv:2004.09813, for student and
teacher of other shapes). Nothing of the teacher is shipped. Longer texts are left out: the teacher reads no
crops.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.network.sentence_encoder import SentenceEncoder

MOST_WORDS = 40
"""Longer texts aren't taught."""

_CHUNK = 8192
Say = Callable[[str], None]
Embeddings = NDArray[np.float16]


def embeddings(
    directory: Path, texts: Sequence[str], work: Path, *, device: str = "cpu", say: Say = print
) -> Embeddings:
    """Unit embeddings [n, D] of texts, zeros for those of over 40 words; kept in `work`, and reused.

    Raises EncoderError for a directory that isn't a sentence-transformers model.
    """
    key = _key(directory, texts)
    done, path = work / "teacher.json", work / "teacher.npy"
    if done.is_file() and json.loads(done.read_text()) == key:
        found: Embeddings = np.load(path, mmap_mode="r")
        return found
    teacher = SentenceEncoder(directory, device)
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


def _key(directory: Path, texts: Sequence[str]) -> str:
    digest = hashlib.sha256((directory / "config.json").read_bytes())
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()
