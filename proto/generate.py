"""Generates the Python code of proto/assay/v1 beside its sources; with `--check`, only tells whether it is current.

    python proto/generate.py [--check]

Needs the `dev` extra (grpcio-tools, mypy-protobuf). Exit status 1 with the remedy when `--check` finds a difference.
"""

import argparse
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).parent
PACKAGE = Path("assay/v1")
SOURCES = sorted(path.relative_to(ROOT) for path in (ROOT / PACKAGE).glob("*.proto"))


def generate(into: Path) -> None:
    """Write the generated modules and stubs below `into`. Raises `SystemExit` when protoc reports an error."""
    plugins = [f"--plugin={name}={_plugin(name)}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    services = [source for source in SOURCES if "\nservice " in (ROOT / source).read_text(encoding="utf-8")]
    run_protoc(SOURCES, *plugins, f"--python_out={into}", f"--mypy_out={into}")
    run_protoc(services, *plugins, f"--grpc_python_out={into}", f"--mypy_grpc_out={into}")


def run_protoc(sources: list[Path], *options: str) -> None:
    """Run protoc on `sources`, relative to this folder. Raises `SystemExit` when it reports an error."""
    includes = [f"-I{folder}" for folder in (ROOT, _folder_of("google.api"), _folder_of("grpc_tools") / "_proto")]
    if protoc.main(["protoc", *includes, *options, *map(str, sources)]):
        raise SystemExit("protoc failed: correct the .proto file that it names above")


def _folder_of(package: str) -> Path:
    """The folder to include: for `a.b` the one that holds `a`, for `a` its own."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is missing: pip install -e '.[dev]'")
    folder = Path(next(iter(spec.submodule_search_locations)))
    return folder.parents[package.count(".")] if "." in package else folder


def _plugin(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is missing: pip install -e '.[dev]'")
    return found


def _modules(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / PACKAGE).glob("*_pb2*.py*"))}


def outdated(fresh: Path) -> list[str]:
    """Names of modules that are missing, left over, or differ between the repository and `fresh`."""
    here, wanted = _modules(ROOT), _modules(fresh)
    return sorted(name for name in here.keys() | wanted.keys() if here.get(name) != wanted.get(name))


def _install(fresh: Path, names: list[str]) -> None:
    for name in names:
        if (fresh / PACKAGE / name).exists():
            shutil.copyfile(fresh / PACKAGE / name, ROOT / PACKAGE / name)
        else:
            (ROOT / PACKAGE / name).unlink()


def main() -> None:
    """Generate, or check."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the code is not current")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        names = outdated(Path(folder))
        if check and names:
            raise SystemExit(f"not current: {', '.join(names)}; run `python proto/generate.py` and commit the result")
        _install(Path(folder), names)


if __name__ == "__main__":
    main()
