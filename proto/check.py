"""Has buf lint proto/assay/v1, and compare it with the baseline: the API that clients in use were made from.

    python proto/check.py [--renew]

`--renew` writes the baseline instead. Needs the `dev` extra, and buf in proto/node_modules, where `make buf` installs
it with npm; without it nothing is checked, and one line says so. Exit status 100 when buf finds something.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from generate import PACKAGE, ROOT, SOURCES, run_protoc
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

BASELINE = ROOT / "baseline.txtpb"
_BUF = ROOT / "node_modules/.bin/buf"


def check(image: FileDescriptorSet, folder: Path) -> int:
    """Exit status of buf, which prints what it finds in `image`; `folder` is for files that it reads."""
    now, before = folder / "now.binpb", folder / "before.binpb"
    now.write_bytes(image.SerializeToString())
    before.write_bytes(_baseline_with_imports(image).SerializeToString())
    found = _buf("lint", now), _buf("breaking", now, "--against", before)
    return max(found)


def _buf(command: str, image: Path, *options: str | Path) -> int:
    # An image and not the files: buf would fetch what they import from its own registry.
    line = [_BUF, command, image, "--config", "buf.yaml", "--path", PACKAGE, *options]
    return subprocess.run(line, cwd=ROOT, check=False).returncode  # noqa: S603


def _baseline_with_imports(image: FileDescriptorSet) -> FileDescriptorSet:
    imports = FileDescriptorSet(file=(file for file in image.file if not _ours(file)))
    return text_format.Parse(BASELINE.read_text(encoding="utf-8"), imports)


def baseline_of(image: FileDescriptorSet) -> str:
    """Our own files in protobuf's text format, a line for each field, value and method; no comments or options."""
    ours = FileDescriptorSet(file=filter(_ours, image.file))
    for file in ours.file:
        file.ClearField("source_code_info")
    text = re.sub(r" *options \{\n *\}\n", "", text_format.MessageToString(ours))
    return re.sub(r"\{\n([^{}]*)\}", lambda block: f"{{ {' '.join(block[1].split())} }}", text)


def _ours(file: FileDescriptorProto) -> bool:
    return file.package == "assay.v1"


def main() -> None:
    """Check, or renew the baseline."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else "")
    parser.add_argument("--renew", action="store_true", help="write the baseline instead, from the files as they are")
    renew = parser.parse_args().renew
    if not renew and not _BUF.exists():
        sys.stderr.write("buf is skipped: npm, which installs it, is missing (Debian: apt-get install npm)\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "image.binpb"
        run_protoc(SOURCES, "--include_imports", "--include_source_info", f"--descriptor_set_out={written}")
        image = FileDescriptorSet.FromString(written.read_bytes())
        if not renew:
            raise SystemExit(check(image, Path(folder)))
        BASELINE.write_text(baseline_of(image), encoding="utf-8")


if __name__ == "__main__":
    main()
