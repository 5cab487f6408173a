import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers.data.rows import DataError, Row
from classifiers.labels import LABELS
from classifiers.network.backbone import Backbone
from classifiers.network.tokenizer import load_tokenizer
from classifiers.network.windows import WindowRule
from classifiers.training.crops import Reader
from classifiers.training.feature_store import Store, StoreError, extract
from classifiers.training.headfit import FitOptions, fit_heads
from classifiers.training.pace import Pace

COUNT = 300
GOALS = np.zeros((COUNT, len(LABELS)), np.float32)


def quiet(_: str) -> None:
    """Say nothing."""


def fill(directory: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row], **changes: Any) -> Store:
    options: dict[str, Any] = {
        "targets": GOALS,
        "weights": np.ones_like(GOALS),
        "layers": (2, 4),
        "rule": WindowRule(64, 1),
        "budget": 512,
        "most_bytes": 1 << 20,
        "key": "test",
        "say": quiet,
    }
    texts = [row.text for row in corpus[:COUNT]]
    return extract(directory, backbone, load_tokenizer(llama_dir), texts, **(options | changes))


def test_an_extraction_that_was_killed_ends_as_if_it_hadn_t_been(
    tmp_path: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row]
) -> None:
    whole = fill(tmp_path / "whole", backbone, llama_dir, corpus)

    class Killed(Backbone):
        """A network whose second chunk of texts is never read."""

        def forward(self, *of: Any, **more: Any) -> Any:
            found = tmp_path / "part" / "store.json"
            if found.is_file() and json.loads(found.read_text())["done"]:
                raise KeyboardInterrupt
            return super().forward(*of, **more)

    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "part", Killed(backbone.model).eval(), llama_dir, corpus)
    part = Store(tmp_path / "part", whole.state, new=False)
    done = json.loads((tmp_path / "part" / "store.json").read_text())["done"]
    assert 0 < done < COUNT
    assert not part.pools[done:].any()
    part.pools[done:], part.statistics[done:] = 7, 7
    again = fill(tmp_path / "part", backbone, llama_dir, corpus)
    assert again.state == whole.state
    for name in ("pools", "statistics", "targets", "weights"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))


def test_a_full_store_isn_t_extracted_again_but_takes_new_labels(
    tmp_path: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row]
) -> None:
    fill(tmp_path, backbone, llama_dir, corpus)
    before = (tmp_path / "pools.npy").stat().st_mtime_ns
    relabelled = fill(tmp_path, backbone, llama_dir, corpus, targets=GOALS + 1)
    assert (tmp_path / "pools.npy").stat().st_mtime_ns == before
    assert (relabelled.targets[:] == 1).all()


def test_a_store_of_something_else_is_refused(
    tmp_path: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row]
) -> None:
    fill(tmp_path, backbone, llama_dir, corpus)
    with pytest.raises(StoreError, match="other texts or of another model; remove it"):
        fill(tmp_path, backbone, llama_dir, corpus, key="another")
    with pytest.raises(StoreError, match="other texts or of another model; remove it"):
        fill(tmp_path, backbone, llama_dir, corpus[::-1])
    with pytest.raises(StoreError, match=r"holds layers \(2, 4\), not \(1, 4\); remove it"):
        fill(tmp_path, backbone, llama_dir, corpus, layers=(1, 4))


def test_disk_is_bounded_and_reserved(tmp_path: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row]) -> None:
    with pytest.raises(StoreError, match="over 1,000; use fewer"):
        fill(tmp_path / "big", backbone, llama_dir, corpus, most_bytes=1000)
    assert not (tmp_path / "big").exists()
    store = fill(tmp_path / "fits", backbone, llama_dir, corpus)
    files = list((tmp_path / "fits").glob("*.npy"))
    assert sum(path.stat().st_blocks * 512 for path in files) >= store.state.size
    assert sum(path.stat().st_size for path in files) - store.state.size < 1024


def test_a_damaged_store_is_named(tmp_path: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row]) -> None:
    fill(tmp_path, backbone, llama_dir, corpus)
    (tmp_path / "statistics.npy").unlink()
    with pytest.raises(StoreError, match=r"statistics\.npy.*extract again"):
        fill(tmp_path, backbone, llama_dir, corpus)
    (tmp_path / "store.json").write_text('{"key": ')
    with pytest.raises(StoreError, match=r"store\.json: unreadable"):
        fill(tmp_path, backbone, llama_dir, corpus)


def test_throughput_and_time_left_are_said(
    tmp_path: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row]
) -> None:
    said: list[str] = []
    fill(tmp_path, backbone, llama_dir, corpus, say=said.append)
    assert f"{COUNT} of {COUNT} texts" in said[-1]
    assert "tokens/s" in said[-1]


def test_a_split_without_rows_is_named(tmp_path: Path, backbone: Backbone, llama_dir: Path) -> None:
    reader = Reader(backbone, load_tokenizer(llama_dir), WindowRule(64, 1), "mark", 512, 1 << 20)
    with pytest.raises(DataError, match="features-dev: no rows"):
        reader.read(tmp_path / "features-dev", [], draws=10, seed=1, say=quiet)


def test_pace_counts_from_where_it_began() -> None:
    now = [100.0]
    pace = Pace(40, every=10.0, clock=lambda: now[0])
    now[0] += 5.0
    pace.advance(10, 2000)
    assert not pace.due
    now[0] += 5.0
    assert pace.due
    assert pace.line() == "200 tokens/s, 0.5 min left"
    assert not pace.due
    pace.advance(30, 0)
    assert pace.due


def test_heads_learn_from_stored_features(
    tmp_path: Path, backbone: Backbone, llama_dir: Path, corpus: list[Row]
) -> None:
    goals = np.full_like(GOALS, np.nan)
    goals[:, 0] = [row.text.startswith(("lol", "ok", "so", "my")) for row in corpus[:COUNT]]
    filled = fill(tmp_path, backbone, llama_dir, corpus, targets=goals)
    said: list[str] = []
    fit_heads(filled, filled, FitOptions(epochs=5, batch=64), said.append)
    losses = [float(line.rsplit(" ", 1)[1]) for line in said]
    assert len(losses) >= 4
    assert min(losses) < 0.6
