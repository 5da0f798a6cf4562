"""Which cases of a test are left to `make test-slow`."""

from typing import Any

import pytest


def slow(*values: Any) -> Any:
    """A case of a parametrised test that takes long, where its siblings look at most of what it does."""
    return pytest.param(*values, marks=pytest.mark.slow)
