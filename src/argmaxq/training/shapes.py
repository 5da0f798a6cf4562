"""What parts of a user's own give for one observation, by shapes alone: a wrong one would fail much later."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.components.component import walk
from argmaxq.components.errors import UserError, told
from argmaxq.components.registry import is_component, is_ours, reference, role_of
from argmaxq.spaces import BranchedActions, DiscreteActions, Spaces
from argmaxq.types import START, Array, PyTree

SEVERAL = (2, 3)
"""Leading axes of random numbers for many choices at once."""


def refuse_misshapen(agent: Any, spaces: Spaces) -> None:
    """Look at networks, explorations and schedules that are not this package's, of an agent bound to these spaces.

    Raises:
        UserError: one fails, or what it gives has another shape or type than it must have.
    """
    looks: dict[str, Callable[[Any, Any, Spaces], None]] = {
        "network": _network,
        "exploration": _exploration,
        "schedule": _schedule,
    }
    for where, _, part in walk(agent, "agent"):
        if not is_component(part) or is_ours(type(part)):
            continue
        if look := looks.get(role_of(type(part))):
            with _naming(f"{where} = {reference(type(part))}"):
                look(part, agent, spaces)


def _network(network: Any, agent: Any, spaces: Spaces) -> None:
    """Outputs [actions, size] for one observation, of a network that is the agent's only one."""
    if network is not getattr(agent, "network", None) or getattr(network, "implicit", False):
        return
    match spaces.action:
        case DiscreteActions(n=n):
            rows = n
        case BranchedActions(sizes=sizes):
            rows = len(sizes) * max(sizes)
        case _:
            return
    outputs = rows, getattr(getattr(agent, "returns", None), "size", 1)
    spec = spaces.observation
    obs, key = jnp.zeros(spec.shape, spec.dtype), jax.random.key(0)
    given = jax.eval_shape(partial(_of_fresh, network, outputs), key, obs)
    _expect("for one observation", outputs, jnp.floating, given)


def _of_fresh(network: Any, outputs: tuple[int, int], key: jax.Array, obs: Array) -> Array:
    """What a network with new parameters gives for one observation [...]."""
    given: Array = network(network.init(key, obs, outputs), obs)
    return given


def _exploration(exploration: Any, agent: Any, spaces: Spaces) -> None:
    """A whole number [] for action values [actions], with noise that has the leading axes it is asked for."""
    n = max(spaces.action.sizes) if isinstance(spaces.action, BranchedActions) else spaces.action.n
    key, q, allowed = jax.random.key(0), jnp.zeros(n), [jnp.ones(n, bool)] * getattr(exploration, "masking", False)
    noise = jax.eval_shape(lambda: exploration.noise(key, SEVERAL))
    for leaf in jax.tree.leaves(noise):
        if leaf.shape[:2] != SEVERAL:
            raise UserError(f"noise gives {_shown(leaf)} for the leading axes {SEVERAL}: they must come first")

    def choose() -> PyTree:
        own = jax.tree.map(lambda leaf: leaf[0, 0], exploration.noise(key, SEVERAL))
        return exploration.choose(q, START, own, *allowed)

    _expect("as the action", (), jnp.integer, jax.eval_shape(choose))


def _schedule(schedule: Any, agent: Any, spaces: Spaces) -> None:
    """A number []."""
    _expect("", (), jnp.number, jax.eval_shape(lambda clock: schedule(clock), START))


def _expect(what: str, shape: tuple[int, ...], kind: Any, given: PyTree) -> None:
    """Raise unless what is given is one array of this shape and kind of number."""
    found = [given] if hasattr(given, "shape") else []
    if not found or given.shape != shape or not jnp.issubdtype(given.dtype, kind):
        shown = _shown(given) if found else f"a {type(given).__name__}"
        needed = "a whole number" if kind is jnp.integer else "numbers" if shape else "a number"
        gives = " ".join(filter(None, ["it gives", shown, what]))
        raise UserError(f"{gives}, where {needed} of shape {_axes(shape)} must be")


def _shown(leaf: Any) -> str:
    return f"{leaf.dtype} of shape {_axes(leaf.shape)}"


def _axes(shape: tuple[int, ...]) -> str:
    return str(list(shape))


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Tell in a line of which part what fails within is; raises UserError."""
    try:
        yield
    except UserError as fault:
        raise UserError(f"{name}: {fault}") from None
    except Exception as fault:
        raise UserError(f"{name} fails before training begins ({told(fault)})") from fault
