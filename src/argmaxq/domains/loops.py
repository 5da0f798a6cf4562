"""Loops of different length in different lanes."""

from collections.abc import Callable
from typing import Any

import jax


def each_lane_for_itself(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, but on a CPU ``vmap`` calls it for one lane after another.

    A ``while_loop`` under ``vmap`` runs in all lanes until the longest has ended. Where lanes are not computed in
    parallel anyway that is waste, and one after another they also get exactly the bits that a lone lane gets.
    """
    alone = jax.custom_batching.sequential_vmap(function)
    return lambda *args: jax.lax.platform_dependent(*args, cpu=alone, default=function)
