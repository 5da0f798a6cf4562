"""Loops of different length in different lanes."""

from collections.abc import Callable
from typing import Any

import jax


def each_lane_for_itself(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, but on a CPU ``vmap`` calls it for one lane after another.

    A ``while_loop`` under ``vmap`` runs in all lanes until the longest has ended, which is waste where lanes are not
    computed in parallel anyway.
    """
    alone = jax.custom_batching.sequential_vmap(function)
    return lambda *args: jax.lax.platform_dependent(*args, cpu=alone, default=function)
