"""A warm start: the parameters of another training where they fit, and fresh ones beside them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.component import bind
from argmaxq.roles import Agent
from argmaxq.spaces import Spaces
from argmaxq.streams import streams
from argmaxq.training.engines.engine import Engine
from argmaxq.trees import flatten, specs, unflatten
from argmaxq.types import PyTree

Arrays = Mapping[str, np.ndarray]
SHOWN = 4
"""Arrays that are told of by name."""


class Fit(NamedTuple):
    """Parameters by name to begin with: ``taken`` from another training, and others that are ``fresh``.

    ``told`` says of those, and of what was ``left``, how they differ.
    """

    arrays: dict[str, np.ndarray]
    taken: tuple[str, ...]
    fresh: tuple[str, ...]
    left: tuple[str, ...]
    told: str


def fit(fresh: Arrays, there: Arrays) -> Fit:
    """What has the same name, shape and dtype there, and else what is fresh."""
    here, found = specs(dict(fresh)), specs(dict(there))
    taken = tuple(name for name in fresh if found.get(name) == here[name])
    new, left = (tuple(name for name in names if name not in taken) for names in (fresh, there))
    differ = [f"{name} {here[name]}" + (f" (there {found[name]})" if name in found else "") for name in new]
    unused = [f"{name} {found[name]}" for name in left if name not in fresh]
    parts = [f"fresh: {_few(differ)}" if differ else "", f"left there: {_few(unused)}" if unused else ""]
    arrays = {name: np.asarray(there[name] if name in taken else fresh[name]) for name in fresh}
    return Fit(arrays, taken, new, left, "; ".join(filter(None, parts)))


def fresh_params(agent: Agent, spaces: Spaces, lanes: int, seeds: Sequence[int]) -> list[dict[str, np.ndarray]]:
    """The acting parameters that each seed begins with by itself, by name."""
    bound = bind(agent, spaces)
    begin = jax.jit(lambda key: bound.init(key, spaces, lanes).params)
    return [flatten(begin(streams(seed).init)) for seed in seeds]


def warmed(engine: Engine, state: Any, arrays: Sequence[Arrays]) -> Any:
    """A state before the first step with these parameters of each seed, also in target networks and averages."""
    params = [unflatten(engine.params(state, number), own) for number, own in enumerate(arrays)]
    return engine.change(state, _with_params, params)


def _with_params(learner: Any, params: PyTree) -> Any:
    names = [name for name in ("params", "target", "average") if jax.tree.leaves(getattr(learner, name, ()))]
    # Copies, since an engine that gives its memory to a computation gives no array twice.
    values = {name: jax.tree.map(jnp.copy, params) for name in names}
    return learner._replace(**values) if hasattr(learner, "_replace") else dataclasses.replace(learner, **values)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
