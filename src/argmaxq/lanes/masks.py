"""Which actions are allowed: where an environment tells it, and the arrays that tell it to an agent."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from typing import Any, Literal, TypeAlias

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from argmaxq.components.errors import UserError
from argmaxq.lanes.faults import from_environment
from argmaxq.spaces import Actions, BranchedActions, DiscreteActions
from argmaxq.types import ACTION_MASK

Mask: TypeAlias = Literal["none", "info", "observation"]
"""Where an environment tells which actions are allowed: nowhere, in its infos, or in an entry of its Dict observations.

It is an array of 1 for each action that is allowed and 0 for others, under ``action_mask``; for several choices at once
also a tuple of such arrays, one for each choice.
"""
UNUSED = {
    "info": "info['action_mask'] tells which actions are allowed, and is not used: --env.mask info",
    "observation": "the observations' entry 'action_mask' is taken for numbers to learn from; if it tells which "
    "actions are allowed: --env.mask observation",
}
"""What to say where there is a mask that nobody asked for."""


def offered(space: gym.Space[Any], info: Mapping[str, Any]) -> Mask:
    """Where an environment seems to tell which actions are allowed, by its observation space and an info."""
    if ACTION_MASK in info:
        return "info"
    return "observation" if isinstance(space, spaces.Dict) and ACTION_MASK in space.spaces else "none"


@contextmanager
def hinting(asked: Mask, found: Callable[[], Mask]) -> Iterator[None]:
    """Note on what the environment raises that it tells which actions are allowed, where nobody ``asked`` it to."""
    try:
        yield
    except Exception as error:
        if asked == "none" and from_environment(error) and (there := found()) != "none":
            error.add_note(UNUSED[there])
        raise


def maskable(actions: Actions, choices: Any, mask: Mask) -> bool:
    """Whether actions are masked; raises UserError where such actions cannot be."""
    if mask != "none" and (choices or not isinstance(actions, DiscreteActions)):
        kind = "several choices at once" if isinstance(actions, BranchedActions) else "actions with parameters"
        raise UserError(f"env.mask = {mask}: only discrete actions are masked, and these are {kind}; leave it out")
    return mask != "none"


def unmasked(space: gym.Space[Any]) -> tuple[gym.Space[Any], str | None]:
    """What is left of Dict observations without their mask: all other entries, or a lone one itself, and its key.

    Raises:
        UserError: there is no such entry, or no other.
    """
    if not isinstance(space, spaces.Dict) or ACTION_MASK not in space.spaces or len(space.spaces) < 2:
        raise UserError(
            f"env.mask = observation: observations must be a Dict with the entry {ACTION_MASK!r} and another one"
        )
    rest = {key: part for key, part in space.spaces.items() if key != ACTION_MASK}
    if len(rest) > 1:
        return spaces.Dict(rest), None
    ((key, part),) = rest.items()
    return part, key


def allowed(mask: Any, n: int, leading: tuple[int, ...], over: Any, where: str) -> np.ndarray:
    """Which of n actions are allowed, bool [*leading, n]: all of them where an episode is ``over`` and none is.

    Args:
        mask: As the environment gave it; None where it gave none.
        n: How many actions there are.
        leading: No axes, or a batch's.
        over: Whether the episode is terminated, so that no action follows: a flag, or an array like a batch.
        where: What the mask is called.

    Raises:
        UserError: there is no mask, or it is none of these actions, or allows nothing.
    """
    if isinstance(mask, tuple):
        mask = reduce(np.kron, mask)
    if mask is None:
        if not np.all(over):
            raise UserError(f"there is no {where}, which tells which actions are allowed")
        return np.ones((*leading, n), np.bool_)
    array: np.ndarray = np.asarray(mask)
    if array.shape != (*leading, n) or array.dtype.kind not in "buif" or not ((array == 0) | (array == 1)).all():
        shown = f"of {array.dtype} of shape {array.shape}"
        raise UserError(f"{where} {shown}: it must be {n} numbers, 1 for each action that is allowed and 0 for others")
    found: Any = array.astype(np.bool_)
    nothing = ~found.any(axis=-1, keepdims=True)
    if (nothing[..., 0] & ~np.asarray(over, np.bool_)).any():
        raise UserError(f"{where} allows no action, and the episode is not over: at least one must be allowed")
    return np.asarray(found | nothing)
