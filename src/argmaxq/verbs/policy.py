"""A trained policy, free of training: raw observations in, the environment's own actions out."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.component import bind, traced
from argmaxq.components.errors import UserError
from argmaxq.environments.spaces import Adaptor
from argmaxq.roles import Agent
from argmaxq.trees import unflatten
from argmaxq.types import PyTree, Spaces


class Policy:
    """The greedy policy of an agent with given parameters.

    Calling it with one observation of the environment, or a batch of them, gives one action that ``env.step`` takes,
    or a batch of actions.

    Raises:
        UserError: an observation has another shape than the environment's, or holds what is not a number.
    """

    def __init__(self, agent: Agent, params: PyTree, adaptor: Adaptor) -> None:
        self.agent, self.params, self.adaptor = bind(agent, adaptor.spaces), params, adaptor
        self._agent = traced(self.agent)
        self._greedy = jax.jit(jax.vmap(type(agent).greedy, (None, None, 0)))

    def values(self, obs: np.ndarray) -> np.ndarray:
        """Action values [batch, actions] of a batch of observations as the agent sees them."""
        agent: Any = self._agent
        return np.asarray(jax.jit(jax.vmap(type(agent).values, (None, None, 0)))(agent, self.params, obs))

    def __call__(self, obs: Any) -> Any:
        array, shape = self.adaptor.encode(obs), self.adaptor.spaces.observation.shape
        single = array.ndim == len(shape)
        if array.shape[1 - single :] != shape:
            raise UserError(f"an observation of shape {array.shape}: it must be {shape}, or a batch of such")
        if np.isnan(array).any():
            raise UserError("the observation holds what is not a number (NaN), for which there is no best action")
        batch = array[np.newaxis] if single else array
        actions = np.asarray(self._greedy(self._agent, self.params, batch))
        return self.adaptor.decode(actions[0] if single else actions)


def policy_params(agent: Agent, spaces: Spaces, arrays: Mapping[str, np.ndarray]) -> PyTree:
    """Acting parameters from a policy's checkpoint, or from the checkpoint of a whole lone run."""
    like = jax.eval_shape(lambda key: bind(agent, spaces).init(key, spaces, 1).params, jax.random.key(0))
    prefix = "engine/learner/params/"
    inside = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return jax.tree.map(jnp.asarray, unflatten(like, inside or arrays))
