"""Reading an action space: what an agent chooses among, and the translation to the environment's own actions."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from argmaxq.components.errors import UserError
from argmaxq.lanes.hybrid import Choices, HybridSpace, read_hybrid
from argmaxq.lanes.observations import describe
from argmaxq.spaces import Actions, BranchedActions, DiscreteActions

Decode = Callable[[Any], Any]
MOST_COMBINATIONS = 4096
"""Several choices at once that are enumerated: a network has an output for each. More are branches."""


def read_actions(space: gym.Space[Any], choices: Choices = ()) -> tuple[Actions, Decode]:
    """The actions an agent chooses among and the function that turns them into the environment's own.

    Several choices at once (MultiDiscrete, MultiBinary) are numbered: an action is one combination of them; where
    these are more than ``MOST_COMBINATIONS``, it is a number for each choice. With ``choices``, parameterised actions
    become discrete ones: every action with every combination of these values of its parameters.

    Raises:
        UserError: no agent can take such actions, or the choices do not fit them.
    """
    if isinstance(space, spaces.Discrete):
        if choices:
            raise UserError("env.choices picks values of parameters, but these actions are discrete and have none")
        n, dtype, start = int(space.n), space.dtype, space.start
        return DiscreteActions(n), lambda actions: (np.asarray(actions, dtype=dtype) + start)[()]
    if isinstance(space, spaces.MultiDiscrete | spaces.MultiBinary):
        sizes, start = choices_of(space)
        if math.prod(sizes) > MOST_COMBINATIONS:
            return BranchedActions(sizes), partial(_shaped, space.shape, start)
        combined = combinations(space)
        return DiscreteActions(len(combined)), partial(_taken, combined)
    hybrid = read_hybrid(space)
    if hybrid is None:
        raise UserError(f"actions {describe(space)} {_advice(space)}")
    if not choices:
        return hybrid.actions, hybrid.decode
    table = hybrid.table(choices)
    return DiscreteActions(len(table)), partial(_looked_up, hybrid, table)


def _looked_up(hybrid: HybridSpace, table: np.ndarray, actions: Any) -> Any:
    """The parameterised actions with these numbers in a table; works on NumPy's and on JAX's arrays."""
    return hybrid.decode(_taken(table, actions))


def _taken(table: np.ndarray, actions: Any) -> Any:
    """The rows of a table with these numbers, each a new array; works on NumPy's and on JAX's arrays."""
    xp: Any = jnp if isinstance(actions, jax.Array) else np
    return xp.take(table, actions, axis=0)


def combinations(space: spaces.MultiDiscrete | spaces.MultiBinary) -> np.ndarray:
    """All actions of a space of several choices at once [n, *space.shape], the last choice changing fastest."""
    sizes, start = choices_of(space)
    numbered = np.indices(sizes).reshape(len(sizes), -1).T.reshape(-1, *space.shape)
    return (numbered + start).astype(space.dtype)


def choices_of(space: spaces.MultiDiscrete | spaces.MultiBinary) -> tuple[tuple[int, ...], np.ndarray]:
    """How many there are to choose from each time, flat, and the first of each, as the space has it."""
    if isinstance(space, spaces.MultiDiscrete):
        return tuple(map(int, space.nvec.flat)), space.start
    return (2,) * math.prod(space.shape), np.zeros(space.shape, space.dtype)


def _shaped(shape: tuple[int, ...], start: np.ndarray, actions: Any) -> Any:
    """Choices [..., branches] as the environment takes them [..., *shape]; works on NumPy's and on JAX's arrays."""
    numbers = actions.reshape(*actions.shape[:-1], *shape)
    return numbers + (start.astype(np.int32) if isinstance(actions, jax.Array) else start)


def _advice(space: gym.Space[Any]) -> str:
    match space:
        case spaces.Box():
            return "are continuous: no agent here fits; an actor-critic such as SAC does, in another library"
        case _:
            return (
                "fit no agent here: wrap the environment so that its actions are one Discrete space, "
                "or a Tuple of one Discrete and a Box of parameters for each of its actions"
            )
