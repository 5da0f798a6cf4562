"""Builds sdist and wheel, and tries what was built in clean environments: ``make dist-check``.

For each Python that is found, with the lowest dependencies that are allowed (tools/lowest.txt) and with the newest
ones: a new virtual environment, the wheel in it, and tools/smoke.py from an empty folder. The sdist itself is tried
once. The wheel is made of the sdist, so what that lacks, the wheel lacks, too.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WORK, DIST = ROOT / "build" / "dist-check", ROOT / "dist"
LOWEST, SMOKE = ROOT / "tools" / "lowest.txt", ROOT / "tools" / "smoke.py"
PYTHONS = ("3.11", "3.12", "3.13")
KINDS = ("lowest", "newest", "sdist")
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "install")


class Case(NamedTuple):
    """A Python's version and its interpreter, and what is installed for it: one of ``KINDS``."""

    version: str
    python: Path
    kind: str

    @property
    def name(self) -> str:
        return f"Python {self.version}, {self.kind}"


def main() -> int:
    """Build and try; the exit status."""
    options = _options()
    pythons = {version: python for version in options.python if (python := interpreter(version))}
    for version in options.python:
        if version not in pythons:
            print(f"Python {version}: skipped, since no interpreter of it is found", flush=True)
    if options.build:
        build(next(iter(pythons.values()), Path(sys.executable)))
    check_version()
    failed = [case.name for case in cases(pythons, options.kind) if not passes(case)]
    print(f"failed: {'; '.join(failed)}" if failed else "all that was tried passes")
    return 1 if failed or not pythons else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build sdist and wheel, and try them in clean environments.")
    parser.add_argument("--python", nargs="+", default=PYTHONS, help="versions (%(default)s)")
    parser.add_argument("--kind", nargs="+", default=KINDS, choices=KINDS, help="what is installed (%(default)s)")
    parser.add_argument("--no-build", dest="build", action="store_false", help="try what lies in dist/ already")
    return parser.parse_args()


def interpreter(version: str) -> Path | None:
    """An interpreter of this version that runs: of the path, or one that pyenv has installed."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    named = [shutil.which(f"python{version}"), *sorted(map(str, pyenv.glob(f"{version}.*/bin/python")))]
    for found in filter(None, named):
        told = subprocess.run([found, "-V"], capture_output=True, text=True, check=False)  # a shim may lead nowhere
        if told.returncode == 0 and told.stdout.startswith(f"Python {version}."):
            return Path(found)
    return None


def build(python: Path) -> None:
    """The sdist, and a wheel made of it, into ``dist/``; what lay there of this kind is removed."""
    for old in [*DIST.glob("argmaxq-*.whl"), *DIST.glob("argmaxq-*.tar.gz")]:
        old.unlink()
    made = environment(python, "build")
    subprocess.run([made, *PIP, "build"], check=True)
    subprocess.run([made, "-m", "build", "--outdir", DIST, ROOT], check=True, stdout=subprocess.DEVNULL)


def check_version() -> None:
    """Whether changelog and citation tell of the version that is built; raises SystemExit."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    told = {"CHANGELOG.md": f"## {version}", "CITATION.cff": f"version: {version}"}
    for file, line in told.items():
        if not any(each.startswith(line) for each in (ROOT / file).read_text().splitlines()):
            raise SystemExit(f"{file} has no line {line!r}")


def cases(pythons: dict[str, Path], kinds: list[str]) -> Iterator[Case]:
    """All that is to be tried; the sdist with the newest Python alone."""
    for version, python in pythons.items():
        for kind in kinds:
            if kind != "sdist" or version == list(pythons)[-1]:
                yield Case(version, python, kind)


def passes(case: Case) -> bool:
    """Install and try; whether both went well."""
    start = time.monotonic()
    python = environment(case.python, f"{case.version}-{case.kind}")
    pattern = "argmaxq-*.tar.gz" if case.kind == "sdist" else "argmaxq-*.whl"
    constraints = ["-c", LOWEST] if case.kind == "lowest" else []
    installed = subprocess.run([python, *PIP, *constraints, *DIST.glob(pattern)], check=False)
    if installed.returncode:
        print(f"{case.name}: cannot be installed", flush=True)
        return False
    between = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="argmaxq-smoke-") as folder:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ARGMAXQ"))}
        own = {"ARGMAXQ_CACHE_DIR": f"{folder}/cache", "ARGMAXQ_STATE_DIR": f"{folder}/state"}
        tried = subprocess.run([python, "-I", SMOKE], cwd=folder, env=clean | own, check=False)
    seconds = f"{between - start:.0f} s to install, {time.monotonic() - between:.0f} s to try"
    print(f"{case.name}: {'passes' if tried.returncode == 0 else 'FAILS'} ({seconds})", flush=True)
    if tried.returncode == 0:
        shutil.rmtree(python.parent.parent)
    return tried.returncode == 0


def environment(python: Path, name: str) -> Path:
    """The interpreter of a new virtual environment."""
    folder = WORK / name
    subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


if __name__ == "__main__":
    raise SystemExit(main())
