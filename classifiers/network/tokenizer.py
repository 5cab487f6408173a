"""The starter's tokenizer: byte-fallback BPE like Llama 2's, trained on the corpus.

Like Llama 2's: `<unk> <s> </s>` and 256 bytes come first, a space is written as "▁" and one is put before the text,
digits stand alone, and a character outside the vocabulary becomes its UTF-8 bytes. Unlike it, a merge never crosses a
word or joins a letter with punctuation, which keeps a small vocabulary useful. `load` reads any Llama-architecture
directory's.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from classifiers.errors import InputError

UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"
SPECIAL = (UNKNOWN, BEGIN, END)
_BEGINS = (BEGIN, "<|begin_of_text|>")  # of Llama 2, of Llama 3
_BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
_PIECE = r"▁?\p{L}[\p{L}\p{M}]*|▁?\p{N}|▁?[^\p{L}\p{N}▁]{1,4}|▁+"
_ALPHABET = 512


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Train on normalised texts; the result has exactly `vocabulary` entries if the texts are rich enough."""
    draft = Tokenizer(models.BPE(unk_token=UNKNOWN))
    draft.pre_tokenizer = _split()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(_BYTES), limit_alphabet=_ALPHABET, special_tokens=list(SPECIAL), show_progress=False
    )
    draft.train_from_iterator(texts, trainer)
    return _with_bytes(draft)


def save_tokenizer(tokenizer: Tokenizer, directory: Path, *, window: int) -> None:
    """Write tokenizer.json and the tokenizer_config.json that transformers' AutoTokenizer needs."""
    tokenizer.save(str(directory / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BEGIN,
        "eos_token": END,
        "unk_token": UNKNOWN,
        "model_max_length": window,
        "clean_up_tokenization_spaces": False,
    }
    (directory / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


def load_tokenizer(directory: Path) -> Tokenizer:
    """The tokenizer of a model directory: tokenizer.json, or else tokenizer.model as converted by transformers.

    Raises FileNotFoundError if neither is there, InputError if the latter can't be read.
    """
    if (directory / "tokenizer.json").is_file():
        return Tokenizer.from_file(str(directory / "tokenizer.json"))
    if not (directory / "tokenizer.model").is_file():
        raise FileNotFoundError(f"{directory}: neither tokenizer.json nor tokenizer.model; copy the model's own there")
    from transformers import AutoTokenizer  # noqa: PLC0415  (seconds to import, seldom needed)

    try:
        loaded = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"{directory}: tokenizer.model alone needs the sentencepiece package; install it, or put the model's own "
            "tokenizer.json next to it"
        ) from error
    backend: Tokenizer = loaded.backend_tokenizer
    return backend


def begin_of(tokenizer: Tokenizer) -> int:
    """Id of the begin token. Raises InputError for a tokenizer without one."""
    found = [begin for begin in map(tokenizer.token_to_id, _BEGINS) if begin is not None]
    if not found:
        raise InputError(f"the tokenizer has no begin token ({' or '.join(_BEGINS)}); a Llama's tokenizer has one")
    return int(found[0])


def _split() -> pre_tokenizers.PreTokenizer:
    words = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return pre_tokenizers.Sequence([words, pre_tokenizers.Split(Regex(_PIECE), behavior="isolated")])


def _with_bytes(draft: Tokenizer) -> Tokenizer:
    """The trained merges with the 256 byte pieces after the special ones, which the trainer can't do itself."""
    learned = json.loads(draft.to_str())["model"]
    ranked = sorted(learned["vocab"], key=learned["vocab"].__getitem__)
    pieces = [*SPECIAL, *_BYTES, *(piece for piece in ranked if piece not in SPECIAL)]
    model = models.BPE(
        vocab={piece: index for index, piece in enumerate(pieces)},
        merges=[tuple(merge) for merge in learned["merges"]],
        unk_token=UNKNOWN,
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = _split()
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer
