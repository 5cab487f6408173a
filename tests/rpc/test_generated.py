"""The committed code is what the .proto files generate."""

import subprocess
import sys
from pathlib import Path

GENERATE = Path(__file__).parents[2] / "proto" / "generate.py"


def test_generated_code_is_current() -> None:
    result = subprocess.run([sys.executable, GENERATE, "--check"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_message_field_and_method_is_commented() -> None:
    for source in sorted(GENERATE.parent.glob("assay/v1/*.proto")):
        before = ""
        for number, line in enumerate(source.read_text().splitlines(), 1):
            declares = line.startswith(("message ", "enum ", "service ")) or (
                line.startswith("  ") and line.rstrip().endswith(("{", ";"))
            )
            inner = line.strip().startswith(
                ("//", "option", "oneof", "(", "type:", "pattern:", "singular:", "plural:", "]", "}")
            )
            if declares and not inner:
                assert before.strip().startswith("//"), f"{source.name}:{number}: {line.strip()} has no comment"
            before = line
