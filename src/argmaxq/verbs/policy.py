"""A trained policy, free of training: raw observations in, the environment's own actions out."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.component import bind, traced
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.lanes.observations import describe
from argmaxq.lanes.spaces import Adaptor
from argmaxq.roles import Agent
from argmaxq.spaces import Spaces, unpacked
from argmaxq.training.engines.packing import Packed, Packing
from argmaxq.training.memory import greedy_memories, recurrent, renewed
from argmaxq.trees import unflatten
from argmaxq.types import ACTION_MASK, FORBIDDEN, PyTree


class Regard(NamedTuple):
    """What a policy makes of one observation.

    Attributes:
        action: As ``env.step`` takes it.
        array: As the agent has it: a number, one for each branch, or [1 + parameters].
        values: Of each action [actions], or [branches, widest]; None where the agent has none of single actions.
        outputs: The network's, [actions, size], of which they are made; None where it has none of each action.
        worth: The discounted return that is expected from here on.
        memory: After it.
    """

    action: Any
    array: np.ndarray
    values: np.ndarray | None
    outputs: np.ndarray | None
    worth: float | None
    memory: PyTree


class Policy:
    """The greedy policy of an agent with given parameters.

    Calling it with an observation as the environment gives it gives an action as ``env.step`` takes it. Every method
    takes one observation or a batch of them: an array with one more axis in front, or for a Dict or Tuple such arrays
    in a dict or tuple, as vector environments give them. Where the environment's infos tell which actions are allowed,
    it takes their ``action_mask``, too: ``policy(obs, info["action_mask"])``. It needs no environment, and pickles,
    also for processes that have neither the environment nor the run's folder.

    A recurrent policy remembers what it was called with: call ``reset`` where an episode begins, or hand its memory in
    and out (``start``, ``step``). Others have none and ignore this.

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
        self._packing = Packing.of(whole)
        self._packed = self._packing.pack(whole)
        self._first = self.start()
        self._memory: Any = None

    def __call__(self, obs: Any, mask: Any = None) -> Any:
        """The greedy action among those allowed, or one for each observation of a batch.

        Raises:
            UserError: a recurrent policy remembers a batch of another size.
        """
        seen = self._seen(obs, mask)
        action, self._memory = self._act(seen, self._remembered(seen))
        return action

    def reset(self, over: Any = None) -> None:
        """Forget, since an episode begins: all of it, or in a batch where ``over`` [batch] is true."""
        if over is None or self._memory is None:
            self._memory = None
            return
        over = np.asarray(over, bool)
        self._check(self._memory, over.shape)
        self._memory = renewed(self.agent, self.adaptor.spaces, self._memory, over)

    def start(self, batch: int | None = None) -> PyTree:
        """What a recurrent policy remembers before an episode's first observation, or before those of a batch."""
        memory = greedy_memories(self.agent, self.adaptor.spaces, 1 if batch is None else batch)
        return jax.tree.map(lambda leaf: leaf[0], memory) if batch is None else memory

    def step(self, obs: Any, memory: PyTree, mask: Any = None) -> tuple[Any, PyTree]:
        """The greedy action and the memory after it; what the policy itself remembers stays as it is.

        Raises:
            UserError: the memory is that of a batch of another size.
        """
        return self._act(self._seen(obs, mask), memory)

    def regard(self, obs: Any, memory: PyTree, mask: Any = None) -> Regard:
        """All that the policy makes of one observation, its memory handed in as in ``step``."""
        seen = self._seen(obs, mask)
        self._check(memory, ())
        array, after = (jax.tree.map(np.asarray, each) for each in self._ask("greedy", seen, memory))
        values = outputs = worth = None
        if hasattr(self.agent, "judged"):
            found = self._ask("judged", seen, memory)[0]
            outputs, values = np.asarray(found.z), np.asarray(found.q)
            worth = float(values.max(axis=-1).mean())  # that of several branches is their mean
        elif hasattr(self.agent, "worth"):
            worth = float(self._ask("worth", seen))
            values = np.asarray(self._ask("values", seen)) if hasattr(self.agent, "values") else None
        if values is not None:
            values = np.where(values > FORBIDDEN, values, -np.inf)
        return Regard(self.adaptor.decode(array), array, values, outputs, worth, after)

    def values(self, obs: Any, mask: Any = None) -> np.ndarray:
        """Action values [actions], or [batch, actions]; where actions have parameters, each with its best ones.

        An action that is not allowed is worth minus infinity. A recurrent policy values an observation as the next one
        after those that it remembers.

        Raises:
            UserError: the agent has no values of single actions.
        """
        if not hasattr(self.agent, "values"):
            raise UserError(f"{type_name(type(self.agent))} has no values of single actions")
        seen = self._seen(obs, mask)
        memory = (self._remembered(seen),) if recurrent(self.agent) else ()
        values = np.asarray(self._ask("values", seen, *memory))
        return np.where(values > FORBIDDEN, values, -np.inf) if self.adaptor.spaces.masked else values

    def __repr__(self) -> str:
        observation, action = (describe(space) for space in self.adaptor.source[:2])
        size = sum(leaf.size for leaf in jax.tree.leaves(self.params))
        return f"<Policy: {type_name(type(self.agent))} of {size:,} numbers, {observation} -> {action}>"

    def __reduce__(self) -> Any:
        return type(self), (self.agent, jax.tree.map(np.asarray, self.params), self.adaptor)

    def _act(self, seen: np.ndarray, memory: PyTree) -> tuple[Any, PyTree]:
        self._check(memory, self._batch(seen))
        action, memory = self._ask("greedy", seen, memory)
        return self.adaptor.decode(np.asarray(action)), memory

    def _ask(self, method: str, seen: np.ndarray, *memory: PyTree) -> Any:
        """What a method of the agent's says of an observation or a batch."""
        return _program(self._packing, method, bool(self._batch(seen)))(self._packed, *memory, seen)

    def _batch(self, seen: np.ndarray) -> tuple[int, ...]:
        """``()`` for one observation, and else (batch,)."""
        return seen.shape[: seen.ndim - len(self.adaptor.spaces.stored.shape)]

    def _remembered(self, seen: np.ndarray) -> PyTree:
        """What the policy remembers before these observations; raises UserError where that is of others."""
        batch = self._batch(seen)
        memory = self.start(*batch) if self._memory is None else self._memory
        self._check(memory, batch)
        return memory

    def _check(self, memory: PyTree, batch: tuple[int, ...]) -> None:
        """Whether a memory is that of one observation, ``()``, or of a batch; raises UserError."""
        needed = [(*batch, *leaf.shape) for leaf in jax.tree.leaves(self._first)]
        if [leaf.shape for leaf in jax.tree.leaves(memory)] != needed:
            lanes = f"a batch of {batch[0]}" if batch else "one observation"
            raise UserError(f"this is {lanes}, and the policy's memory is not: call policy.reset() before others begin")

    def _seen(self, obs: Any, mask: Any) -> np.ndarray:
        """An observation, or a batch, as the agent sees it; raises UserError where there is none like it."""
        array, spec = self._encoded(obs), self.adaptor.spaces.observation.packed
        single = array.ndim == len(spec.shape)
        if array.shape[1 - single :] != spec.shape:
            raise UserError(f"an observation of shape {array.shape}: it must be {spec.shape}, or a batch of such")
        if spec.categories:
            if ((array < 0) | (array >= spec.categories)).any():
                raise UserError(f"an observation that is none of {self.adaptor.source[0]}")
        elif np.isnan(unpacked(parts, array) if (parts := self.adaptor.spaces.observation.parts) else array).any():
            raise UserError("the observation holds what is not a number (NaN), for which there is no best action")
        return self._with_mask(array, obs, mask)

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
def _program(packing: Packing, method: str, batched: bool) -> Callable[..., Any]:
    """One program for all agents and parameters of the same shapes: it is compiled once."""

    def program(packed: Packed, *seen: PyTree) -> Any:
        agent, params = packing.unpack(packed)
        function = partial(getattr(agent, method), params)
        return jax.vmap(function)(*seen) if batched else function(*seen)

    return jax.jit(program)


def policy_params(agent: Agent, spaces: Spaces, arrays: Mapping[str, np.ndarray], lanes: int = 1) -> PyTree:
    """An agent's acting parameters of arrays by name, each of its own shape [...].

    Some agents begin only with the ``lanes`` they are meant for.
    """
    like = jax.eval_shape(lambda key: bind(agent, spaces).init(key, spaces, lanes).params, jax.random.key(0))
    return jax.tree.map(jnp.asarray, unflatten(like, arrays))


def acting(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The policy's parameters [...], by name, among the arrays of its checkpoint, or of that of a whole lone run."""
    for prefix in ("engine/learner/average/", "engine/learner/params/"):
        if inside := {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}:
            return inside
    return dict(arrays)
