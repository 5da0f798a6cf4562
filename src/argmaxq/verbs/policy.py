"""A trained policy, free of training: raw observations in, the environment's own actions out."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.component import bind, traced
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.lanes.spaces import Adaptor, describe
from argmaxq.roles import Agent
from argmaxq.training.packing import Packed, Packing
from argmaxq.trees import unflatten
from argmaxq.types import ACTION_MASK, FORBIDDEN, Array, PyTree, Spaces


class Policy:
    """The greedy policy of an agent with given parameters.

    Calling it with an observation as the environment gives it gives an action as ``env.step`` takes it. Every method
    takes one observation or a batch of them: an array with one more axis in front, or for a Dict or Tuple such arrays
    in a dict or tuple, as vector environments give them. Where the environment's infos tell which actions are allowed,
    it takes their ``action_mask``, too: ``policy(obs, info["action_mask"])``. It needs no environment, and pickles,
    also for processes that have neither the environment nor the run's folder.

    Attributes:
        agent: The agent, bound to the spaces.
        params: Its acting parameters.
        adaptor: The translation between the environment's observations and actions and the agent's arrays.

    Raises:
        UserError: an observation has another shape than the environment's, holds what is not a number, or is none of a
            Discrete space's; a mask is missing, or allows nothing.
    """

    def __init__(self, agent: Agent, params: PyTree, adaptor: Adaptor) -> None:
        self.agent, self.params, self.adaptor = bind(agent, adaptor.spaces), params, adaptor
        whole = traced(self.agent), params
        self._packing = Packing(whole)
        self._packed = self._packing.pack(whole)

    def __call__(self, obs: Any, mask: Any = None) -> Any:
        """The greedy action among those allowed, or one for each observation of a batch."""
        return self.adaptor.decode(self._ask("greedy", obs, mask))

    def values(self, obs: Any, mask: Any = None) -> np.ndarray:
        """Action values [actions], or [batch, actions]; where actions have parameters, each with its best ones.

        An action that is not allowed is worth minus infinity.

        Raises:
            UserError: the agent has no values of single actions.
        """
        if not hasattr(self.agent, "values"):
            raise UserError(f"{type_name(type(self.agent))} has no values of single actions")
        values = self._ask("values", obs, mask)
        return np.where(values > FORBIDDEN, values, -np.inf) if self.adaptor.spaces.masked else values

    def __repr__(self) -> str:
        observation, action = (describe(space) for space in self.adaptor.source[:2])
        size = sum(leaf.size for leaf in jax.tree.leaves(self.params))
        return f"<Policy: {type_name(type(self.agent))} of {size:,} numbers, {observation} -> {action}>"

    def __reduce__(self) -> Any:
        return type(self), (self.agent, jax.tree.map(np.asarray, self.params), self.adaptor)

    def _ask(self, method: str, obs: Any, mask: Any) -> np.ndarray:
        """What a method of the agent's says of an observation or a batch."""
        array, spec = self._encoded(obs), self.adaptor.spaces.observation
        single = array.ndim == len(spec.shape)
        if array.shape[1 - single :] != spec.shape:
            raise UserError(f"an observation of shape {array.shape}: it must be {spec.shape}, or a batch of such")
        if spec.categories:
            if ((array < 0) | (array >= spec.categories)).any():
                raise UserError(f"an observation that is none of {self.adaptor.source[0]}")
        elif np.isnan(array).any():
            raise UserError("the observation holds what is not a number (NaN), for which there is no best action")
        seen = self._with_mask(array, obs, mask)
        return np.asarray(_program(self._packing, method, not single)(self._packed, seen))

    def _with_mask(self, array: np.ndarray, obs: Any, mask: Any) -> np.ndarray:
        """An encoded observation, or a batch, with the mask of actions that an agent sees with it, if it sees one."""
        source = self.adaptor.mask
        if source != "info" and mask is not None:
            told = "its observations hold their masks" if source == "observation" else "it knows no masks of actions"
            raise UserError(f"a mask was given to this policy, and {told}: call it with an observation alone")
        if source == "info" and mask is None:
            raise UserError(
                f"this policy chooses among the actions that are allowed: policy(obs, info[{ACTION_MASK!r}]), with the "
                "info that came with the observation"
            )
        return self.adaptor.joined(array, obs, {ACTION_MASK: mask}) if source != "none" else array

    def _encoded(self, obs: Any) -> np.ndarray:
        """An observation, or a batch, as the agent sees it."""
        try:
            return self.adaptor.encode(obs)
        except (ArithmeticError, LookupError, TypeError, ValueError) as problem:
            space = describe(self.adaptor.source[0])
            raise UserError(f"an observation that is none of {space}: {type(problem).__name__}: {problem}") from problem


@lru_cache(maxsize=128)
def _program(packing: Packing, method: str, batched: bool) -> Callable[[Packed, Array], Array]:
    """One program for all agents and parameters of the same shapes: it is compiled once."""

    def program(packed: Packed, obs: Array) -> Array:
        agent, params = packing.unpack(packed)
        function = getattr(agent, method)
        return jax.vmap(function, (None, 0))(params, obs) if batched else function(params, obs)

    return jax.jit(program)


def policy_params(agent: Agent, spaces: Spaces, arrays: Mapping[str, np.ndarray]) -> PyTree:
    """An agent's acting parameters of arrays by name."""
    like = jax.eval_shape(lambda key: bind(agent, spaces).init(key, spaces, 1).params, jax.random.key(0))
    return jax.tree.map(jnp.asarray, unflatten(like, arrays))


def acting(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The policy's parameters, by name, among the arrays of its checkpoint, or of that of a whole lone run."""
    for prefix in ("engine/learner/average/", "engine/learner/params/"):
        if inside := {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}:
            return inside
    return dict(arrays)
