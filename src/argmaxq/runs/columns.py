"""A run's records as columns."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from argmaxq.runs.records import Record, read

WHOLE = ("step", "episode", "episodes", "length", "updates", "cut", "seed")
"""Columns of whole numbers."""


def columns(folders: Mapping[int, Path], kind: str) -> dict[str, np.ndarray]:
    """The rows of one kind of each seed's folder, one below the other, as columns [rows] beside a column ``seed``.

    What a row lacks, or what is no number there, is NaN, and in a column of whole numbers -1.

    Raises:
        UserError: a file was changed since it was written.
    """
    rows = [{"seed": seed, **row} for seed, folder in folders.items() for row in read(folder, kind, "step")]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _column(name, (row.get(name) for row in rows)) for name in names}


def _column(name: str, values: Iterable[Record | float | None]) -> np.ndarray:
    none = -1 if name in WHOLE else np.nan
    numbers = [value if isinstance(value, int | float) else none for value in values]
    return np.array(numbers, np.int64 if name in WHOLE else np.float64)
