"""Execute the lessons and keep their outputs: python examples/notebooks/execute.py [NOTEBOOK ...], by default all.

Each runs from top to bottom in a copy of this folder, so no run folder is left here, and without a network. What would
differ from one machine to the next, such as progress and paths, is not kept. A lesson with a fault is not written.
"""

import base64
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parent
SECONDS = 300
"""What one cell may take."""
LEAST_COLOUR, LEAST_INK = 0.0005, 0.05
"""Shares of a picture's pixels that are coloured, or differ from its background: bare axes have less of both."""
OFFLINE = '''
import sys


def look(event, args):
    """Raises OSError for an address that is not this machine's own."""
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        address = args[1] if event == "socket.connect" else args[0]
        host = address[0] if isinstance(address, tuple) else None if event == "socket.connect" else address
        if host not in (None, "", "127.0.0.1", "::1", "localhost", "0.0.0.0", b"localhost"):
            raise OSError(f"a lesson needs no network, and this one asks for {host}")


sys.addaudithook(look)
'''
"""What every process of a lesson does first."""
PROGRESS = re.compile(r"^ *\d+/\d+ steps\b.*\n?", re.MULTILINE)
COLOURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
OVERWRITTEN = re.compile(r"^[^\n]*\r(?!\n)", re.MULTILINE)
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
CELL = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")
"""The file that a cell's code seems to stand in."""


def execute(path: Path, place: Path) -> Any:
    """The notebook as it is after every cell was run in ``place``, a new copy of its folder; errors are outputs."""
    shutil.copytree(path.parent, place / "lesson", ignore=shutil.ignore_patterns("runs", "__pycache__"))
    (place / "offline").mkdir()
    (place / "offline" / "sitecustomize.py").write_text(OFFLINE, encoding="utf-8")
    modules = os.pathsep.join(filter(None, [str(place / "offline"), os.environ.get("PYTHONPATH", "")]))
    commands = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = {**os.environ, "PYTHONPATH": modules, "PATH": commands, "SDL_VIDEODRIVER": "dummy"}
    env.pop("MPLBACKEND", None)
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(place / "lesson")}}
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources=where, record_timing=False, allow_errors=True
    )
    client.execute(env=env)
    return notebook


def outputs(notebook: Any) -> Iterator[tuple[int, Any]]:
    """Every output, with the number of its cell among all, from 1 on."""
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            yield number, output


def pictures(notebook: Any) -> Iterator[tuple[int, bytes]]:
    """Every PNG that is shown, with the number of its cell."""
    for number, output in outputs(notebook):
        if encoded := output.get("data", {}).get("image/png"):
            yield number, base64.b64decode(encoded)


def empty(png: bytes) -> bool:
    """Whether a picture shows nothing, or axes alone."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    colours, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    ink = np.abs(pixels - colours[counts.argmax()]).max(axis=-1) > 30
    coloured = np.ptp(pixels, axis=-1) > 30
    return bool((coloured & ink).mean() < LEAST_COLOUR and ink.mean() < LEAST_INK)


def faults(notebook: Any) -> list[str]:
    """What is wrong with the outputs, a line each: an error, a traceback that was printed, a figure without content."""
    found = []
    for number, output in outputs(notebook):
        if output.output_type == "error":
            found.append(f"cell {number}: {output.ename}: {output.evalue}")
        if output.output_type == "stream" and "Traceback (most recent call last)" in output.text:
            found.append(f"cell {number} prints a traceback to {output.name}: {output.text[-300:]}")
    return found + [f"cell {number}: an empty figure" for number, png in pictures(notebook) if empty(png)]


def clean(notebook: Any, place: Path) -> Any:
    """The notebook without what differs from machine to machine; ``place`` is where it was executed."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in ("tags",) if key in cell.metadata})
        if cell.cell_type == "code":
            cell.outputs = [tidy for output in _joined(cell.outputs) if (tidy := _tidied(output, place)) is not None]
    return notebook


def _joined(given: list[Any]) -> list[Any]:
    """Outputs in which what was printed in pieces is one."""
    joined: list[Any] = []
    for output in given:
        last = joined[-1] if joined else None
        if last is not None and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _tidied(output: Any, place: Path) -> Any:
    """One output without noise, or None if there is nothing else."""
    if output.output_type == "stream":
        output.text = PROGRESS.sub("", OVERWRITTEN.sub("", _plain(output.text, place)))
        return output if output.text.strip() else None
    if "data" in output:
        texts = {kind: _plain(text, place) for kind, text in output.data.items() if kind in ("text/plain", "text/html")}
        output.data = nbformat.from_dict({**output.data, **texts})
        output.metadata = nbformat.from_dict({})
    return output


def _plain(text: str, place: Path) -> str:
    """Text without colours, addresses in memory, and this machine's paths."""
    for path in (place / "lesson", place.resolve() / "lesson"):
        text = text.replace(f"{path}{os.sep}", "").replace(str(path), ".")
    text = text.replace(sys.prefix, ".venv").replace(str(FOLDER.parent.parent.resolve()), ".")
    text = CELL.sub("cell", text)
    return ADDRESS.sub("", COLOURS.sub("", text.replace(str(Path.home()), "~")))


def renew(path: Path) -> list[str]:
    """Execute a notebook and write it with its new outputs, unless there are faults, which are returned."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = execute(path, Path(folder))
        if found := faults(notebook):
            return found
        nbformat.write(clean(notebook, Path(folder)), path)
    return []


if __name__ == "__main__":
    wrong = False
    for lesson in [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        found = renew(lesson)
        print(f"{lesson.name}: {'; '.join(found) or 'executed'}", flush=True)
        wrong = wrong or bool(found)
    sys.exit(wrong)
