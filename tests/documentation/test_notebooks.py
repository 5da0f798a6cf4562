"""The lessons: each runs from top to bottom without a network, and what is kept of it is whole, small and clean."""

import importlib.util
import io
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from support.places import EXAMPLES

FOLDER = EXAMPLES / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 1_000_000


def loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


lessons = loaded(FOLDER / "execute.py")
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def figure(draw: Any) -> bytes:
    sheet, written = Figure(figsize=(6, 4), dpi=80), io.BytesIO()
    draw(sheet.add_subplot())
    sheet.savefig(written, format="png")
    return written.getvalue()


@pytest.mark.slow
@pytest.mark.timeout(1_500)
@each
def test_a_lesson_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    notebook = lessons.execute(path, tmp_path)
    assert lessons.faults(notebook) == []
    assert any(True for _ in lessons.pictures(notebook))
    lessons.clean(notebook, tmp_path)
    assert not re.search(re.escape(str(tmp_path)), nbformat.writes(notebook))


@each
def test_what_is_kept_is_whole_small_and_clean(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1)), "execute it by `make notebooks`"
    assert lessons.faults(notebook) == []
    assert path.stat().st_size + sum(each.stat().st_size for each in own_data(path)) < LARGEST
    assert not re.search(r"/(?:home|root|tmp|work|Users)/", path.read_text(encoding="utf-8"))
    assert f"({path.name})" in (FOLDER / "README.md").read_text(encoding="utf-8")


def own_data(path: Path) -> list[Path]:
    """The stored files of a lesson: those below data/, in a folder or with a name that begins with its number."""
    number = path.name.split("-")[0]
    return [file for place in (FOLDER / "data").glob(f"{number}-*") for file in [place, *place.rglob("*")]]


def test_faults_are_found() -> None:
    bare, drawn = figure(lambda axes: axes.set_xlabel("env steps")), figure(lambda axes: axes.plot([0, 1], [0, 1]))
    grey = io.BytesIO()
    Image.fromarray((255 * np.random.default_rng(0).random((84, 84))).astype(np.uint8)).save(grey, "PNG")
    assert lessons.empty(bare)
    assert not lessons.empty(drawn)
    assert not lessons.empty(grey.getvalue())
    wrong = [
        new_output("error", ename="ValueError", evalue="no"),
        new_output("stream", name="stderr", text="Traceback (most recent call last):\n  here\n"),
        new_output("display_data", {"image/png": lessons.base64.b64encode(bare).decode()}),
    ]
    right = [new_output("stream", text="fine"), new_output("display_data", {"text/plain": "<Figure>"})]
    found = lessons.faults(new_notebook(cells=[new_code_cell(outputs=right), new_code_cell(outputs=wrong)]))
    assert len(found) == 3
    assert all(line.startswith("cell 2") for line in found)


def test_noise_is_not_kept(tmp_path: Path) -> None:
    said = [
        new_output("stream", text="  2048/50000 steps  9k steps/s  0:05 left\nat ro"),
        new_output("stream", text=f"ws {tmp_path}/lesson/runs/a\n10 %\r100 %\r\x1b[1mdone\x1b[0m <X at 0x7f00>\n"),
        new_output("stream", name="stderr", text="50000/50000 steps  8k steps/s\n/tmp/ipykernel_7/12.py:3: Hm\n"),
    ]
    cell = new_code_cell(outputs=said, metadata={"execution": {"started": "now"}, "tags": ["long"]})
    kept = lessons.clean(new_notebook(cells=[cell], metadata={"widgets": {"state": {}}}), tmp_path)
    assert [output.text for output in kept.cells[0].outputs] == ["at rows runs/a\ndone <X>\n", "cell:3: Hm\n"]
    assert kept.cells[0].metadata == {"tags": ["long"]}
    assert set(kept.metadata) == {"kernelspec", "language_info"}


def test_a_lesson_has_no_network(tmp_path: Path) -> None:
    path = tmp_path / "lessons" / "asks.ipynb"
    path.parent.mkdir()
    asks = "import socket\nsocket.create_connection(('example.org', 80), timeout=1)"
    nbformat.write(new_notebook(cells=[new_code_cell(asks)]), path)
    (found,) = lessons.faults(lessons.execute(path, tmp_path / "place"))
    assert "needs no network" in found
