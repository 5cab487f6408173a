"""The model card: what a bundle is, how it was made, from what, how good it is and what it can't do.

Made of the manifest and of measured figures alone, so that it can't say what wasn't measured.
"""

from collections.abc import Iterable, Mapping, Sequence

from classifiers.bundle import Manifest
from classifiers.figures import BRANCHES, FUSION, Figure
from classifiers.labels import AI_GENERATED, MISINFORMATION

_LIMITS = """\
- It is a small model trained for about an hour on a CPU, on research sets of 2016-2024. A generator, topic, platform or
  language that they lack is judged worse than the figures above say, often much worse. Try it on your own posts first.
- `misinformation` knows style and topics of its training sets, not facts. It says nothing of a claim it hasn't seen,
  and is near chance where true and false are told in one style (see the sets above). Use it to order a queue, never to
  decide.
- On posts that claim nothing at all `misinformation` stays near its prior of one half, since no training set holds such
  posts: read nothing into values below .9. `harassment` and `hate` too were calibrated on sets rich in them.
- `ai_generated` on fewer than 20 words is weak. Polished, paraphrased or translated text, and non-native writers, are
  known hard cases for every detector of this kind.
- `weapons`, `cbrn` and `fraud` were learned from a few dozen requests to a chatbot, not from posts. Posts of that kind
  may be missed; talk about weapons counts as benign only as far as ordinary tweets and news taught it.
- `self_harm` was labelled by the forum that a post stood in; `harassment` is mostly offensive language.
- Almost all texts are English.
- Context (parent post, link title, text in images) isn't read.
"""
_MEASURED = """\
## Measured on held-out rows

AUROC, of the fusion with its 95 % interval; TPR at 1 % false positives in brackets. ECE (15 bins) of the fused,
calibrated probability, and the share of negatives that it flags at .5; both with presumed negatives
(`classifiers/evaluate.py`). At most {per_set:,} rows of a set.
"""
_MADE = """\
Crops of 5 to 200 words, drawn evenly over sets, labels, domains and generators, lightly disturbed alike in both
classes. Labels that a set didn't annotate are masked, but rare labels count as absent from kinds of text that can't
hold them (`classifiers/corpus_labels.py`). The screen was fitted to {screen_draws:,} draws of the same kind; fusion and
calibration to dev rows, half the dev texts each (all of them for labels with few positives). Rare labels are calibrated
as if at least 5 % of texts had them; a platform that knows better corrects for it. Copies of a text across sets were
removed, held-out copies kept.
"""


def card(manifest: Manifest, version: str, figures: Sequence[Figure], *, per_set: int) -> str:
    """The card as Markdown."""
    parts = [
        f"# {manifest.name}\n\nModel card of bundle version `{version}`, written by `assay evaluate`.\n",
        _what(manifest),
        _how(manifest.training),
        _MEASURED.format(per_set=per_set),
        _table("label", [figure for figure in figures if figure.part == "all"], key="label", calibration=True),
        *(_slices(figures, label) for label in (AI_GENERATED, MISINFORMATION)),
        "## What it can't do\n\n" + _LIMITS,
        _sources(manifest.training),
    ]
    return "\n".join(part for part in parts if part)


def _what(manifest: Manifest) -> str:
    shape, heads = manifest.backbone, manifest.heads
    return (
        "## What it is\n\n"
        f"A Llama-architecture network ({shape.layers} layers, hidden size {shape.hidden_size}, vocabulary "
        f"{shape.vocabulary:,}) with classifier heads on layers {', '.join(map(str, heads.layers))} "
        f"({', '.join(heads.pools)} pooling and token statistics), fused with a hashed n-gram screen and calibrated by "
        f"length. It reads windows of {manifest.window.tokens} tokens, at most {manifest.window.most} of a text. "
        "Signals: "
        f"{', '.join(f'`{label}`' for label in manifest.labels)}.\n"
    )


def _how(training: Mapping[str, object]) -> str:
    lines = ["## How it was made\n"]
    network, progress = training.get("network"), training.get("progress")
    if isinstance(network, dict) and isinstance(progress, dict):
        lines.append(
            f"`assay train --data DIR --out DIR --minutes {network['minutes']:g} --seed {training['seed']}`: "
            f"{progress['tokens'] / 1e6:.1f} million tokens in {progress['step']:,} steps and "
            f"{progress['seconds'] / 60:.0f} minutes on {network['threads']} CPU thread, language-model loss and heads "
            f"jointly; at the end {progress['held_out_language_model']:.2f} nats a token on held-out crops.\n"
        )
    else:
        lines.append(f"Heads for `{training.get('backbone')}`, which stayed frozen, seed {training.get('seed')}.\n")
    lines.append(_MADE.format(screen_draws=training["screen_draws"]))
    if training.get("note"):
        lines.append(f"{training['note']}\n")
    return "\n".join(lines)


def _slices(figures: Iterable[Figure], label: str) -> str:
    chosen = [figure for figure in figures if figure.label == label and figure.part != "all"]
    if not chosen:
        return ""
    return f"### `{label}` by length and by set\n\n" + _table("slice", chosen, key="part", calibration=False)


def _table(title: str, figures: Sequence[Figure], *, key: str, calibration: bool) -> str:
    head = [title, "rows (positive)", *BRANCHES, *(["ECE", "flagged"] if calibration else [])]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for name in dict.fromkeys(getattr(figure, key) for figure in figures):
        of_name = {figure.branch: figure for figure in figures if getattr(figure, key) == name}
        fused = of_name[FUSION]
        cells = [name, f"{fused.positives + fused.negatives:,} ({fused.positives:,}), {fused.split}"]
        cells += [_cell(of_name[branch]) for branch in BRANCHES]
        cells += [f"{value:.3f}" for value in (fused.ece, fused.flagged) if value is not None] if calibration else []
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(figure: Figure) -> str:
    interval = f" [{figure.low:.3f}, {figure.high:.3f}]" if figure.low is not None else ""
    return f"{figure.auroc:.3f}{interval} ({figure.tpr:.2f})"


def _sources(training: Mapping[str, object]) -> str:
    sets = training.get("sets")
    if not isinstance(sets, dict):
        return ""
    lines = ["## Data and licences\n", "| set | train | dev | test | licence as stated |", "|---|---|---|---|---|"]
    for name, told in sets.items():
        counts = " | ".join(f"{told[split]:,}" for split in ("train", "dev", "test"))
        lines.append(f"| {name} | {counts} | {'; '.join(told['licences'])} |")
    return "\n".join(lines) + "\n"
