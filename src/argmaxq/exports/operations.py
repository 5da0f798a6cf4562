"""Operations one after another, and the arrays that they name."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass
class Program:
    """What ``numpy_policy`` carries out: names of operations, each with operands: numbers, or names of arrays."""

    operations: list[list[Any]] = dataclasses.field(default_factory=list)
    arrays: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def then(self, operation: str, *operands: Any) -> None:
        """One operation more; operands that are arrays are named."""
        number = len(self.operations)
        self.operations.append([operation, *(self._named(number, place, each) for place, each in enumerate(operands))])

    def _named(self, number: int, place: int, operand: Any) -> Any:
        if isinstance(operand, str | bool | int | float):
            return operand
        name = f"{number}.{place}"
        array = np.ascontiguousarray(operand)  # as safetensors take it to be
        self.arrays[name] = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
        return name
