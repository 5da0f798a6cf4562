"""A run's records: lines of JSON that only grow, and that are cut back to a checkpoint when a run is resumed.

Wall-clock times have a file of their own, so that the others are the same bytes whenever the same run is done again.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argmaxq.components.errors import UserError
from argmaxq.runs.files.reading import parse, read_bytes
from argmaxq.runs.files.writing import changed
from argmaxq.runs.formats import row_fault

KINDS = ("metrics", "episodes", "evaluations", "times")
Record = dict[str, Any]


class Records:
    """Writes ``metrics.jsonl``, ``episodes.jsonl``, ``evaluations.jsonl`` and ``times.jsonl`` in a run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self._unsynced: set[str] = set()

    def append(self, kind: str, rows: list[Record]) -> None:
        """Keep rows for the next ``flush``. Numbers may be NumPy's or JAX's scalars; NaN and infinities become null."""
        self._waiting[kind].extend(map(_line, rows))

    def flush(self) -> None:
        """Hand everything kept so far to the operating system: it then survives the death of this process.

        Raises:
            Unwritable: a file cannot be written, or is no file of this folder's own.
        """
        for kind, lines in self._waiting.items():
            if lines:
                with changed(_file(self.folder, kind), "ab") as file:
                    file.write("".join(lines).encode())
                lines.clear()
                self._unsynced.add(kind)

    def sizes(self) -> dict[str, int]:
        """Bytes of each file, all of them on the disk: a checkpoint keeps these for ``cut_back``."""
        self.flush()
        for kind in self._unsynced:
            with changed(_file(self.folder, kind), "rb+") as file:
                os.fsync(file.fileno())
        self._unsynced.clear()
        return {kind: _size(self.folder, kind) for kind in KINDS}

    def fit(self, sizes: Mapping[str, int]) -> None:
        """Check that ``cut_back`` can go back to ``sizes``.

        Raises:
            UserError: a file is shorter than its size.
        """
        for kind in KINDS:
            wanted, found = sizes.get(kind, 0), _size(self.folder, kind)
            if found < wanted:
                file = _file(self.folder, kind)
                raise UserError(
                    f"{file}: {found} bytes long but {wanted} at the checkpoint: it was cut or replaced since"
                )

    def cut_back(self, sizes: Mapping[str, int]) -> None:
        """Forget everything recorded after ``sizes`` was taken; a file that ``sizes`` does not name becomes empty.

        Raises:
            UserError: a file is shorter than its size, and then nothing is changed; or one cannot be written.
        """
        self.fit(sizes)
        for kind in KINDS:
            self._waiting[kind].clear()
            if _size(self.folder, kind) != sizes.get(kind, 0):
                with changed(_file(self.folder, kind), "rb+") as file:
                    file.truncate(sizes.get(kind, 0))


def read(folder: Path, kind: str, *columns: str) -> list[Record]:
    """The rows of one kind, [] where there is no file. A last line that a kill left incomplete is passed over.

    In ``columns`` every row has a finite number or null; steps and counts are whole and never null.

    Raises:
        UserError: naming the line, if any other is not JSON, or holds something else in one of ``columns``.
    """
    file = _file(folder, kind)
    try:
        lines = read_bytes(file).split(b"\n")
    except FileNotFoundError:
        return []
    rows: list[Record] = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            row = parse(line)
        except ValueError:
            if number < len(lines):
                raise UserError(f"{file}, line {number}: not JSON, so the file was changed since") from None
            continue
        fault = row_fault(row, columns) if isinstance(row, dict) else "it is no object"
        if fault:
            raise UserError(f"{file}, line {number}: {fault}, so the file was changed since")
        rows.append(row)
    return rows


def _file(folder: Path, kind: str) -> Path:
    return folder / f"{kind}.jsonl"


def _size(folder: Path, kind: str) -> int:
    try:
        return _file(folder, kind).stat().st_size
    except FileNotFoundError:
        return 0


def _line(row: Record) -> str:
    try:
        return _encode(row) + "\n"
    except ValueError:  # a number that JSON lacks: rare, so only then is the row looked through
        return _encode(_without_nan(row)) + "\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if hasattr(value, "tolist"):
        return _without_nan(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    """NumPy's and JAX's scalars and arrays as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} cannot be recorded as JSON")


_encode = json.JSONEncoder(default=_plain, allow_nan=False).encode
