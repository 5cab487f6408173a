from importlib.util import find_spec
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer
from transformers.convert_slow_tokenizer import import_protobuf

from classifiers.errors import InputError
from classifiers.network.tokenizer import begin_of, load_tokenizer, save_tokenizer
from classifiers.network.windows import WindowRule, windows

TEXTS = ["lol ok so my bus was late", "Zürich 🙃 2024, “漢字”!", "a  b", "☃"]


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids) == text


def test_layout_is_llama_s(tokenizer: Tokenizer) -> None:
    assert [tokenizer.id_to_token(number) for number in (0, 1, 2, 3, 258)] == [
        "<unk>",
        "<s>",
        "</s>",
        "<0x00>",
        "<0xFF>",
    ]
    assert begin_of(tokenizer) == 1
    assert tokenizer.encode("bus late", add_special_tokens=False).tokens[0].startswith("▁")


def test_llama_3_s_begin_token_is_known_and_none_is_named() -> None:
    other = Tokenizer(models.BPE(vocab={"a": 0}, merges=[]))
    with pytest.raises(InputError, match="no begin token"):
        begin_of(other)
    other.add_special_tokens(["<|begin_of_text|>"])
    assert begin_of(other) == 1


def test_transformers_reads_it_alike(tokenizer: Tokenizer, tmp_path: Path) -> None:
    save_tokenizer(tokenizer, tmp_path, window=64)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        ours = load_tokenizer(tmp_path).encode(text, add_special_tokens=False).ids
        assert theirs(text, add_special_tokens=False)["input_ids"] == ours
    assert theirs.bos_token_id == 1


def test_no_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"neither tokenizer\.json nor"):
        load_tokenizer(tmp_path)


def test_sentencepiece_models_load_or_say_what_they_need(tmp_path: Path) -> None:
    proto = import_protobuf().ModelProto()
    kinds = [("<unk>", 2), ("<s>", 3), ("</s>", 3), *((f"<0x{byte:02X}>", 6) for byte in range(256))]
    for rank, (piece, kind) in enumerate(
        [*kinds, *((piece, 1) for piece in ("▁a", "▁b", "in", "▁", "a", "b", "i", "n"))]
    ):
        proto.pieces.add(piece=piece, type=kind, score=-rank)
    proto.trainer_spec.model_type = 2
    proto.trainer_spec.byte_fallback = True
    (tmp_path / "tokenizer.model").write_bytes(proto.SerializeToString())
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    if find_spec("sentencepiece"):
        assert load_tokenizer(tmp_path).encode("a bin", add_special_tokens=False).tokens == ["▁a", "▁b", "in"]
    else:
        with pytest.raises(InputError, match="sentencepiece"):
            load_tokenizer(tmp_path)


def test_windows_cover_a_text_evenly(tokenizer: Tokenizer) -> None:
    text = " ".join(["lol ok so my bus was late again"] * 4)
    count = len(tokenizer.encode(text, add_special_tokens=False).ids)
    ((*cut,),) = windows([text], tokenizer, WindowRule(12, 9))
    assert sum(len(window.ids) - 1 for window in cut) == count
    assert all(window.ids[0] == 1 and len(window.ids) <= 12 for window in cut)
    assert cut[0].characters[0][0] == 0
    assert cut[-1].characters[-1][1] == len(text)


def test_windows_of_a_long_text_are_spread_from_end_to_end(tokenizer: Tokenizer) -> None:
    text = " ".join(f"word{number}" for number in range(500))
    ((*cut,),) = windows([text], tokenizer, WindowRule(12, 3))
    assert [len(window.ids) for window in cut] == [12, 12, 12]
    assert cut[0].characters[0][0] == 0
    assert cut[-1].characters[-1][1] == len(text)


def test_an_empty_text_is_its_begin_token(tokenizer: Tokenizer) -> None:
    (((window),),) = windows([""], tokenizer, WindowRule(12, 3))
    assert window.ids == (1,)
    assert window.characters == ()
