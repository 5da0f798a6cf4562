"""Smaller pictures: each pixel is the mean of the area that it covers, as OpenCV's INTER_AREA has it."""

import math
from typing import Any

import numpy as np


class Shrink:
    """Makes pictures uint8 [height, width] of pictures uint8 [*shape]."""

    def __init__(self, shape: tuple[int, int], height: int, width: int) -> None:
        self._rows, self._columns = coverage(shape[0], height), coverage(shape[1], width).T.copy()
        self._size, self._same = (height, width), shape == (height, width)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """The smaller picture."""
        if self._same:
            return picture.copy()
        # What covers a row, or a column, repeats itself, so that small products will do.
        long, wide = self._rows.shape[1], self._columns.shape[0]
        height, width = self._size
        seen = picture.astype(np.float32)
        seen = np.matmul(self._rows, seen.reshape(-1, long, seen.shape[1])).reshape(height, -1)
        seen = (seen.reshape(-1, wide) @ self._columns).reshape(height, width)
        return np.rint(seen).astype(np.uint8)


def coverage(before: int, after: int) -> Any:
    """The shortest matrix [m, n] which, repeated along the diagonal, makes ``after`` means of ``before`` numbers."""
    repeats = math.gcd(before, after)
    n, m = before // repeats, after // repeats
    edges = np.arange(m + 1) * (n / m)
    inside = np.minimum(edges[1:, None], np.arange(1, n + 1)) - np.maximum(edges[:-1, None], np.arange(n))
    return (np.clip(inside, 0, None) * (m / n)).astype(np.float32)
