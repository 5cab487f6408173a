"""The table of `assay calibrate`: a certificate's thresholds and the calibration error, cell by cell."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from classifiers.calibration.certificates import ANY_SURFACE, FIRST_CERTAIN, Cell, Certificate
from classifiers.calibration.curves import BUCKETS, bucket_of
from classifiers.labels import LABELS
from classifiers.metrics import ece

WORDS = ("10 or fewer", *(f"{low + 1}-{high}" for low, high in pairwise(BUCKETS)), "over 80")
"""Names of the word buckets."""

_HEAD = ("label", "surface", "words", "with", "without", "lower", "upper", "ECE before", "ECE after")
Floats = NDArray[np.float32]


def certificate_table(
    certificate: Certificate,
    truth: Floats,
    words: NDArray[np.int64],
    surfaces: Sequence[str],
    *,
    before: Floats,
    after: Floats,
) -> str:
    """A Markdown table of cells that have rows, and of each label in all, with the thresholds.

    `truth`, and the probabilities `before` and `after` calibration, are [n, L]; `words` and `surfaces` [n].
    """
    bucket, surface = bucket_of(words), np.array([name or ANY_SURFACE for name in surfaces])
    lines: list[tuple[str, ...]] = [_HEAD]
    for column, label in enumerate(LABELS):
        known = ~np.isnan(truth[:, column])
        columns = truth[:, column], before[:, column], after[:, column]
        if known.any():
            hits = int((columns[0][known] == 1).sum())
            lines.append(
                (label, "all", "all", str(hits), str(int(known.sum()) - hits), "", "", *_errors(known, *columns))
            )
        for cell in certificate.cells:
            rows = known & (bucket == cell.bucket) & (surface == cell.surface)
            if cell.label == label and rows.any():
                lines.append(
                    (label, cell.surface, WORDS[cell.bucket], *_shown(cell, certificate), *_errors(rows, *columns))
                )
    return "\n".join([*_aligned(lines), "", promise(certificate)])


def promise(certificate: Certificate) -> str:
    """The thresholds' guarantees, in two sentences."""
    share, sure = f"{certificate.alpha:.3g}", f"{1 - certificate.delta:.3g}"
    return (
        f"Below `lower` is on average at most a share of {share} of the posts with the label: they may pass unseen.\n"
        f"At or above `upper` is at most a share of {share} of the posts without it, with confidence {sure}: there a "
        "policy may act by itself."
    )


def _shown(cell: Cell, certificate: Certificate) -> tuple[str, str, str, str]:
    """Rows and thresholds of a cell, or why one is missing."""
    lower = f"needs {certificate.positives_needed}" if cell.lower is None else f"{cell.lower:.4f}"
    upper = "none" if cell.upper is None else f"{cell.upper:.4f}"
    if cell.bucket < FIRST_CERTAIN:
        upper = "never"
    elif cell.negatives < certificate.negatives_needed:
        upper = f"needs {certificate.negatives_needed}"
    return str(cell.positives), str(cell.negatives), lower, upper


def _errors(rows: NDArray[np.bool_], truth: Floats, before: Floats, after: Floats) -> tuple[str, str]:
    return f"{ece(truth[rows], before[rows]):.3f}", f"{ece(truth[rows], after[rows]):.3f}"


def _aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(text) for text in column) for column in zip(*lines, strict=True)]
    ruled = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    return ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in ruled]
