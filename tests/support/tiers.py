"""Which cases of a test are left to `make test-slow`."""

from collections.abc import Container, Iterable
from typing import Any

import pytest


def slow(*values: Any, id: str | None = None) -> Any:
    """A case of a parametrised test that takes long, where its siblings look at most of what it does."""
    return pytest.param(*values, id=id, marks=pytest.mark.slow)


def quick_ones(names: Iterable[str], quick: Container[str]) -> list[Any]:
    """A case for each name, slow where it is none of ``quick``."""
    return [name if name in quick else slow(name) for name in names]
