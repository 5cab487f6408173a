"""The picture of a training run: losses against tokens, from progress.jsonl."""

import json
from pathlib import Path


def draw_curves(directory: Path) -> Path:
    """Draw curves.png from the progress.jsonl of a directory."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (there for training only)

    lines = [json.loads(line) for line in (directory / "progress.jsonl").read_text().splitlines()]
    tokens = [line["tokens"] / 1e6 for line in lines]
    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, name, title in zip(
        figure.subplots(1, 2), ("language_model", "heads"), ("Language model", "Heads"), strict=True
    ):
        axes.plot(tokens, [line[name] for line in lines], label="training")
        axes.plot(tokens, [line[f"held_out_{name}"] for line in lines], label="held out")
        axes.set(title=title, xlabel="million tokens", ylabel="loss (nats)")
        axes.legend()
    path = directory / "curves.png"
    figure.savefig(path, dpi=110)
    return path
