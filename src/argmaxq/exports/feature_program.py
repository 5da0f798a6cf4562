"""Linear features of observations as NumPy's operations."""

from typing import Any

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.exports.operations import Program
from argmaxq.networks.features import (
    Bins,
    Features,
    Fourier,
    Indicator,
    Polynomial,
    Radial,
    Symmetric,
    Tiles,
    all_exponents,
    per_entry,
    strides,
)


def of_features(program: Program, features: Features, weights: Any) -> tuple[int, int]:
    """Features times weights [features, actions, size], or [features, 1, size]; how many actions and outputs."""
    table: np.ndarray = np.asarray(weights)
    match features:
        case Symmetric():
            table = table * np.array(features.signs, np.float32)[:, np.newaxis]
        case Bins():
            cells = np.array(features.shape)
            _unit(program, features)
            program.then("cells", cells.astype(np.float32), np.zeros((1, len(cells)), np.float32), cells - 1)
            return _rows(program, features.shape, np.zeros(1, np.int64), table)
        case Tiles():
            tiles = np.array(per_entry(features.tiles, len(features.low)))
            _unit(program, features)
            program.then("cells", tiles.astype(np.float32), features.moves, tiles)
            return _rows(program, features.shape, features.first, table)
        case Fourier():
            waves = all_exponents(features.order, len(features.low))
            _unit(program, features)
            program.then("matmul", waves.T)
            program.then("cosine")
            program.then("multiply", 1.0 / np.sqrt(np.maximum(np.linalg.norm(waves, axis=1), 1.0)))
        case Radial():
            _unit(program, features)
            program.then("multiply", np.maximum(features.shape - 1, 1).astype(np.float32))
            program.then("bumps", features.places, float(features.width))
            if features.normalised:
                program.then("shares")
        case Polynomial():
            _unit(program, features)
            program.then("multiply", 2.0)
            program.then("add", -1.0)
            program.then("powers", all_exponents(features.order, len(features.low)).astype(np.int64))
        case Indicator():
            pass  # which observations are from the start
        case _:
            kind = type_name(type(features))
            raise UserError(f"features = {kind}: a policy of NumPy alone knows none of one's own; --to onnx may")
    program.then("matmul", table.reshape(len(table), -1))
    return int(table.shape[1]), int(table.shape[2])


def _unit(program: Program, features: Any) -> None:
    """Observations within their box as numbers in [0, 1]."""
    low, high = np.array(features.low, np.float32), np.array(features.high, np.float32)
    program.then("add", -low)
    program.then("multiply", 1.0 / (high - low))
    program.then("clip", 0.0, 1.0)


def _rows(program: Program, shape: tuple[int, ...], first: np.ndarray, table: np.ndarray) -> tuple[int, int]:
    """The sum of the weights of each grid's cell."""
    flat = table.reshape(len(table), -1)
    program.then("rows", strides(shape), first, flat)
    return int(table.shape[1]), int(table.shape[2])
