"""A policy as one pure function from the environment's own observations to its own actions, array by array."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from gymnasium import spaces

from argmaxq.components.errors import UserError
from argmaxq.exports.observed import Port, observed
from argmaxq.lanes.hybrid import read_hybrid
from argmaxq.lanes.spaces import Adaptor
from argmaxq.training.memory import recurrent
from argmaxq.trees import named
from argmaxq.types import FORBIDDEN, Array, PyTree
from argmaxq.verbs.policy import Policy

Acts: TypeAlias = Callable[[Array], dict[str, Array]]
"""An agent's action -> ``action`` as the environment takes it, and ``parameters`` where actions have such."""
MEMORY = "memory"
NEXT = "next_"
"""What the names of a memory's arrays begin with where they come out."""


@dataclasses.dataclass(frozen=True)
class PolicyFunction:
    """One observation's arrays in, and what a policy makes of them out.

    Attributes:
        inputs: The observation's arrays, the mask of actions where there is one, and the memory of a recurrent policy.
        function: Of arrays in that order -> by name ``action``, ``parameters`` where actions have such (those of all
            actions, in the environment's units), ``values`` where actions have such, and the memory after it.
        start: The memory's arrays by name before an episode's first observation.
    """

    inputs: tuple[Port, ...]
    function: Callable[..., dict[str, Array]]
    start: dict[str, Array]


def function_of(policy: Policy) -> PolicyFunction:
    """The policy as a function; raises UserError where the environment's arrays are none that could be handed over."""
    adaptor, agent, params = policy.adaptor, _of_numbers(policy.agent, policy.adaptor), policy.params
    reading, acted = observed(adaptor), acts(adaptor)
    structure, remembered = jax.tree.structure(policy.start()), started(policy)
    ports = tuple(Port(name, jnp.shape(leaf), leaf.dtype.name) for name, leaf in remembered.items())
    inputs = (*reading.ports, *ports)

    def function(*arrays: Array) -> dict[str, Array]:
        given = dict(zip((port.name for port in inputs), arrays, strict=True))
        memory = jax.tree.unflatten(structure, [given[name] for name in remembered])
        return _made(agent, params, reading.seen(given), memory, acted)

    return PolicyFunction(inputs, function, remembered)


def started(policy: Policy, memory: PyTree | None = None) -> dict[str, Array]:
    """A memory's arrays by name; by default of that before an episode's first observation."""
    return {_memory(name): leaf for name, leaf in named(policy.start() if memory is None else memory).items()}


def acts(adaptor: Adaptor) -> Acts:
    """How an agent's action is told to the environment."""
    space, choices = adaptor.source[1], adaptor.source[2]
    hybrid = read_hybrid(space)
    if hybrid is None:
        start = int(space.start) if isinstance(space, spaces.Discrete) else None
        return lambda action: {"action": adaptor.decode(action) if start is None else action + start}
    table = jnp.asarray(hybrid.table(choices)) if choices else None

    def outputs(action: Array) -> dict[str, Array]:
        row = action if table is None else table[action]
        return {"action": _number(space, hybrid.decode(row)), "parameters": hybrid.parameters(row)}

    return outputs


def _number(space: Any, action: Any) -> Array:
    """The number of an action with parameters, which is what its Discrete space says."""
    members = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
    return action[next(key for key, part in members if isinstance(part, spaces.Discrete))]


def _made(agent: Any, params: PyTree, obs: Array, memory: PyTree, acted: Acts) -> dict[str, Array]:
    """All that a policy makes of what an agent sees."""
    action, after = agent.greedy(params, memory, obs)
    made = acted(action)
    if hasattr(agent, "values"):
        values = agent.values(params, memory, obs) if recurrent(agent) else agent.values(params, obs)
    elif hasattr(agent, "judged"):
        values = agent.judged(params, memory, obs)[0].q
    else:
        values = None
    if values is not None:
        made["values"] = jnp.where(values > FORBIDDEN, values, -jnp.inf) if _forbids(agent) else values
    return made | {NEXT + _memory(name): leaf for name, leaf in named(after).items()}


def _forbids(agent: Any) -> bool:
    """Whether there are values of what cannot be chosen."""
    return bool(getattr(agent, "branches", ())) or bool(getattr(agent, "legal", None) and agent.legal.actions)


def _of_numbers(agent: Any, adaptor: Adaptor) -> Any:
    """The agent, which sees numbers where rows keep pictures as bytes beside other things."""
    spec = adaptor.spaces.observation
    if not spec.parts:
        return agent
    if not hasattr(agent, "legal"):
        raise UserError("pictures beside other observations are exported for agents of discrete actions alone")
    return dataclasses.replace(agent, legal=dataclasses.replace(agent.legal, shape=spec.shape, parts=()))


def _memory(name: str) -> str:
    return MEMORY if name == "value" else f"{MEMORY}.{name.replace('/', '.')}"
