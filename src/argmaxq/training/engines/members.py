"""What trains side by side in one program: a seed, with an agent's numbers of its own or without."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from argmaxq.components.component import bind, traced
from argmaxq.devices import current
from argmaxq.roles import Agent
from argmaxq.spaces import Spaces
from argmaxq.streams import Streams
from argmaxq.trees import named, with_leaves
from argmaxq.types import Array, PyTree

Own = Mapping[str, Array]
"""Leaves of an agent by name, as ``trees.named`` has them."""


class Member(NamedTuple):
    """The leaves of the agent that are a member's own, by name, and its random streams."""

    own: dict[str, Array]
    streams: Streams

    def agent(self, shared: Agent) -> Agent:
        """The agent that all members share, with this one's leaves."""
        return with_leaves(shared, self.own) if self.own else shared


def leaves(agent: Agent, spaces: Spaces, paths: Iterable[str]) -> dict[str, Array]:
    """The numbers at these paths below an agent, such as ``replay.capacity``, as it is trained on these spaces."""
    there = named(traced(bind(agent, spaces)))
    return {name: there[name] for name in (path.replace(".", "/") for path in paths)}


def stacked(trees: Sequence[PyTree]) -> PyTree:
    """Trees of one structure as one with a leading axis."""
    joined: Any = jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)
    return joined


def spread(members: int, alone: bool) -> tuple[Mesh, tuple[int, ...]]:
    """Devices to spread members over in groups of at least two, and their positions filled up to equal groups.

    Two or three are spread over two devices, too: XLA gives a program for one device other bits than one for any
    larger number of them. A single one is not mapped where it may be ``alone``.
    """
    devices, places = current(), (0, 0) if members == 1 and not alone else tuple(range(members))
    many = len(places)
    count = max(min(len(devices), many, 2), min(len(devices), many // 2))
    missing = max(2 * count - many, -many % count) if many > 1 else 0
    return Mesh(np.array(devices[:count]), ("seeds",)), places + places[many - missing :]


def of_one(function: Any, fixed: tuple[Any, ...], agent: Agent, numbers: PyTree, member: Member, state: PyTree) -> Any:
    """``function(*fixed, agent, numbers, streams, state)`` of a member, whose own numbers the agent has."""
    return function(*fixed, member.agent(agent), numbers, member.streams, state)


def of_all(
    function: Any,
    fixed: tuple[Any, ...],
    devices: tuple[jax.Device, ...],
    in_turn: bool,
    agent: Agent,
    numbers: PyTree,
    members: Member,
    state: PyTree,
) -> Any:
    """``of_one`` of every member, spread over the devices, leading axis members."""
    one = partial(of_one, function, fixed)
    mapped = _in_turn(one) if in_turn else jax.vmap(one, (None, None, 0, 0))
    shared, split, mesh = PartitionSpec(), PartitionSpec("seeds"), Mesh(np.array(devices), ("seeds",))
    specs = (shared, shared, split, split)
    return jax.shard_map(mapped, mesh=mesh, in_specs=specs, out_specs=split, check_vma=False)(
        agent, numbers, members, state
    )


def _in_turn(function: Any) -> Any:
    """``function`` of one member after another.

    A loop over single numbers gains nothing from a vector of them, and convolutions lose by it.
    """

    def mapped(agent: Agent, numbers: PyTree, members: Member, state: PyTree) -> Any:
        return jax.lax.map(lambda own: function(agent, numbers, *own), (members, state))

    return mapped
