import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from classifiers.network.backbone import PACKED, ROWS, Backbone, BackboneError, fingerprint, load_backbone
from classifiers.network.packing import pack, rows

SEQUENCES = [[1, 20, 30, 40], [1], [1, 50, 60], [1, *range(70, 100)]]
LAYERS = (0, 2, 4)


def alone(directory: Path, ids: list[int]) -> list[torch.Tensor]:
    """Hidden states by transformers' own forward pass and attention."""
    model = LlamaForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        found = model.model(torch.tensor([ids]), output_hidden_states=True)
    return [found.hidden_states[layer][0] for layer in LAYERS]


def test_packed_states_are_those_of_each_sequence_alone(backbone: Backbone, llama_dir: Path) -> None:
    (packed,) = pack(SEQUENCES, 100)
    states = backbone(packed.ids[None], packed.positions[None], LAYERS, lengths=packed.lengths)
    for kept, layer in zip(states.chosen, range(len(LAYERS)), strict=True):
        parts = torch.split(kept[0], list(packed.lengths))
        for member, part in zip(packed.members, parts, strict=True):
            torch.testing.assert_close(part, alone(llama_dir, SEQUENCES[member])[layer], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(states.final, states.chosen[-1])


def test_rows_give_the_states_that_packs_give(backbone: Backbone, llama_dir: Path) -> None:
    laid, placed = rows(SEQUENCES, width=36, count=2)
    backbone.attention(ROWS)
    try:
        states = backbone(laid.ids, laid.positions, LAYERS, mask=laid.mask())
    finally:
        backbone.attention(PACKED)
    for segment, index in enumerate(placed):
        found = states.final[laid.segments == segment]
        torch.testing.assert_close(found, alone(llama_dir, SEQUENCES[index])[-1], rtol=1e-4, atol=1e-4)


def test_a_network_with_llama_3_s_rope_scaling_gives_its_states(llama_dir: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(llama_dir, tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text())
    scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    scaling["original_max_position_embeddings"] = 32
    config = {name: value for name, value in config.items() if name != "rope_parameters"}
    (copy / "config.json").write_text(json.dumps(config | {"rope_scaling": scaling, "rope_theta": 500000.0}))
    (packed,) = pack(SEQUENCES[-1:], 100)
    states = load_backbone(copy, dtype=torch.float32)(
        packed.ids[None], packed.positions[None], LAYERS, lengths=packed.lengths
    )
    torch.testing.assert_close(states.final[0], alone(copy, SEQUENCES[-1])[-1], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(states.final[0], alone(llama_dir, SEQUENCES[-1])[-1], atol=1e-2)


def test_shape_is_the_configuration(backbone: Backbone) -> None:
    assert (backbone.shape.hidden_size, backbone.shape.layers) == (48, 4)
    assert len(backbone.output_weight) == backbone.shape.vocabulary


def test_fingerprint_tells_models_apart(llama_dir: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(llama_dir, tmp_path / "copy"))
    assert fingerprint(copy) == fingerprint(llama_dir)
    shard = min(copy.glob("*.safetensors"))
    altered = bytearray(shard.read_bytes())
    altered[-1] ^= 1
    shard.write_bytes(bytes(altered))
    assert fingerprint(copy) != fingerprint(llama_dir)


def test_no_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"no config\.json"):
        load_backbone(tmp_path)


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(BackboneError, match="'gpt2'"):
        load_backbone(tmp_path)


def test_pickled_weights_are_refused(llama_dir: Path, tmp_path: Path) -> None:
    shutil.copy(llama_dir / "config.json", tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(BackboneError, match="never loaded"):
        load_backbone(tmp_path)


def test_weights_that_leave_a_gap_are_refused(tmp_path: Path, llama_dir: Path) -> None:
    copy = Path(shutil.copytree(llama_dir, tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 5}))
    with pytest.raises(BackboneError, match="weights lack"):
        load_backbone(copy)
