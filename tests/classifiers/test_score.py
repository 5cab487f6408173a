import io
import json
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO, cast

from classifiers.detector import Detector
from classifiers.labels import POLICY_LABELS
from classifiers.score import score_lines
from tests.processes import assay_here

GOOD = '{"id": 7, "text": "moreover the vibrant tapestry of communities underscores growth"}'
BAD = [
    "not json",
    "[1]",
    '{"id": 1}',
    '{"text": 5}',
    '{"text": " \\n"}',
    '{"text": "\\ud800 half"}',
    "",
    '{"text": null}',
]


def score(model: Path, lines: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "classifiers.cli", "score", "--model", str(model), "--threads", "1", *options]
    return subprocess.run(command, input=lines, capture_output=True, timeout=100, check=False)


def test_lines_are_scored_in_order_as_a_command(bundle_dir: Path) -> None:
    lines = [GOOD, *BAD, json.dumps({"text": "x" * 20_001}), '{"id": "Z\\u00fc", "text": "hi"}']
    done = score(bundle_dir, "\n".join(lines).encode())
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert done.returncode == 1, done.stderr.decode()
    assert len(answers) == len(lines)
    first, *refused, last = answers
    assert list(first) == [
        "id", "ai_generated", "misinformation", "policy", "obfuscation", "words", "language", "abstain",
        "model_version",
    ]  # fmt: skip
    assert first["id"] == 7
    assert tuple(first["policy"]) == POLICY_LABELS
    assert 0 <= first["ai_generated"] <= 1
    assert [answer["line"] for answer in refused] == list(range(2, len(lines)))
    assert all(answer["error"] for answer in refused)
    assert last["id"] == "Zü"
    assert last["abstain"] == ["ABSTAINED_TOO_SHORT"]
    assert first["language"] == "en"


def test_a_missing_model_is_one_line_and_status_2(tmp_path: Path) -> None:
    done = assay_here("score", "--model", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_clean_lines_leave_status_0(detector: Detector) -> None:
    sink = io.StringIO()
    assert score_lines(detector, io.BytesIO((GOOD + "\n").encode() * 600), sink)
    answers = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert len(answers) == 600
    assert max(answer["ai_generated"] for answer in answers) - min(answer["ai_generated"] for answer in answers) < 0.01


def test_an_endless_line_is_refused_without_being_kept(detector: Detector) -> None:
    sink = io.StringIO()
    source = io.BytesIO(b'{"text": "' + b"a" * (3 << 20) + b'"}\n' + GOOD.encode())
    assert not score_lines(detector, source, sink)
    refused, scored = (json.loads(line) for line in sink.getvalue().splitlines())
    assert refused["line"] == 1
    assert "over" in refused["error"]
    assert scored["id"] == 7


def test_a_stream_is_answered_before_it_ends(detector: Detector) -> None:
    sink = io.StringIO()

    class Slow(io.RawIOBase):
        """Gives 300 lines, then checks that answers to the first chunk are out."""

        def __init__(self) -> None:
            self.given = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            self.given += 1
            if self.given > 300:
                assert sink.getvalue().count("\n") == 256
                return b""
            return GOOD.encode() + b"\n"

    assert score_lines(detector, cast("BinaryIO", Slow()), sink)
    assert sink.getvalue().count("\n") == 300
