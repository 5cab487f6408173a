"""The model card: what a bundle is, how it was made, its data, figures and limits.

Made from the manifest and measured figures alone, so that it can't say what wasn't measured.
"""

from collections.abc import Mapping

from classifiers.bundle import Manifest
from classifiers.calibration.certificates import Certificate
from classifiers.evaluation.figures import Report
from classifiers.evaluation.limitations import limitations
from classifiers.evaluation.report import sections

_FEWEST = 20
_WORST = 6
_MADE = """\
Crops of 5 to 200 words, drawn evenly over sets, labels, domains and generators, lightly disturbed alike in both
classes. Within a set both classes weigh alike, and each set has an intercept of its own while training, so that what
tells one set from another earns nothing (`classifiers/data/weights.py`). Labels that a set didn't annotate are masked,
but rare labels count as absent from kinds of text that can't hold them (`classifiers/data/corpus_labels.py`). The
screen was fitted to {screen_draws:,} draws of the same kind. Texts by generators from before instruction tuning count a
quarter. Fusion, calibration and certificate were fitted to dev rows, a third of the dev texts each (two thirds for
labels with few positives). Rare labels are calibrated as if at least 2 % of texts had them; a platform that knows
better corrects for it. Copies and near-copies of a text, in one set or across sets, were left out of training, held-out
ones kept.
"""


def card(manifest: Manifest, report: Report, certificate: Certificate | None = None) -> str:
    """The card as Markdown."""
    parts = {
        "What it is": _what(manifest),
        "How it was made": _how(manifest.training),
        "Measured on held-out rows": sections.measured(report),
        "By length, set, domain and generator": _titled(sections.slices(report, few=_FEWEST)),
        "On what it never learned from": _titled(sections.grids(report)),
        "Under attack": sections.attacks(report),
        "Whom it wrongs": sections.fairness(report, worst=_WORST),
        "Certified thresholds": sections.certified(certificate),
        "What training choices were worth": sections.ablation(manifest.training),
        "What it can't do": "".join(f"- {sentence}\n" for sentence in limitations(report, manifest.training)),
        "On the committed posts": sections.fixture(report),
        "Data and licences": _sources(manifest.training),
    }
    head = f"# {manifest.name}\n\nModel card of bundle version `{report.version}`, written by `assay evaluate`.\n"
    return "\n".join([head, *(f"## {title}\n\n{text}" for title, text in parts.items() if text)])


def _titled(pairs: sections.Pairs) -> str:
    return "\n".join(f"### {title}\n\n{text}" for title, text in pairs)


def _what(manifest: Manifest) -> str:
    shape, heads = manifest.backbone, manifest.heads
    return (
        f"A Llama-architecture network ({shape.layers} layers, hidden size {shape.hidden_size}, vocabulary "
        f"{shape.vocabulary:,}) with classifier heads on layers {', '.join(map(str, heads.layers))} "
        f"({', '.join(heads.pools)} pooling and token statistics), fused with a screen of hashed n-grams (of the text, "
        "and of its manner, content words blanked) and calibrated by length. "
        f"It reads windows of {manifest.window.tokens} tokens, at most {manifest.window.most} of a text. "
        "Signals: "
        f"{', '.join(f'`{label}`' for label in manifest.labels)}.\n"
    )


def _how(training: Mapping[str, object]) -> str:
    lines = []
    network, progress = training.get("network"), training.get("progress")
    if isinstance(network, dict) and isinstance(progress, dict):
        lines.append(
            f"`assay train --data DIR --out DIR --minutes {network['minutes']:g} --seed {training['seed']}"
            f"{' --start DIR' if network.get('start') else ''}{' --teacher DIR' if network.get('teacher') else ''}`: "
            f"{progress['tokens'] / 1e6:.1f} million tokens in {progress['step']:,} steps and "
            f"{progress['seconds'] / 60:.0f} minutes on {network.get('device', 'cpu')}, language-model loss and heads "
            f"jointly{_taught(network)}; at the end "
            f"{progress['held_out_language_model']:.2f} nats a token on held-out crops.\n"
        )
    else:
        lines.append(f"Heads for `{training.get('backbone')}`, which stayed frozen, seed {training.get('seed')}.\n")
    lines.append(_MADE.format(screen_draws=training["screen_draws"]))
    if training.get("note"):
        lines.append(f"{training['note']}\n")
    return "\n".join(lines)


def _taught(network: Mapping[str, object]) -> str:
    teacher = network.get("teacher")
    return f", with the sentence embeddings of {teacher} to predict beside" if teacher else ""


def _sources(training: Mapping[str, object]) -> str:
    sets = training.get("sets")
    if not isinstance(sets, dict):
        return ""
    lines = ["| set | train | dev | test | licence as stated |", "|---|---|---|---|---|"]
    for name, told in sets.items():
        counts = " | ".join(f"{told[split]:,}" for split in ("train", "dev", "test"))
        lines.append(f"| {name} | {counts} | {'; '.join(told['licences'])} |")
    return "\n".join(lines) + "\n"
