"""What actions and observations are called, where the environment says so.

A FuncEnv may have ``action_names`` and ``observation_names``, a name for each action and for each entry of the
observation, with its unit; ``observation_ranges``, what the bounds of each entry stand for in that unit, if the entries
are scaled; and ``observation_bands``, for some entries what lies where along them, as ``{entry: [(name, from, to)]}``.
"""

import math
from typing import Any

import numpy as np
from gymnasium import Space, spaces

from argmaxq.environments.env import Env
from argmaxq.environments.source import compiled
from argmaxq.lanes.actions import choices_of, combinations

LANDER = ("x", "y", "x velocity", "y velocity", "angle [rad]", "angular velocity", "left leg", "right leg")
CLIFF, LAKE = ("up", "right", "down", "left"), ("left", "down", "right", "up")
ACTIONS = {
    "LunarLander": ("nothing", "left engine", "main engine", "right engine"),
    "FrozenLake": LAKE,
    "FrozenLake8x8": LAKE,
    "CliffWalking": CLIFF,
    "CliffWalkingSlippery": CLIFF,
    "Taxi": ("south", "north", "east", "west", "pick up", "drop off"),
}
"""Of environments that are not our own and do not say it themselves."""
ENTRIES = {"LunarLander": LANDER}


def family(env: Env) -> str:
    """``MountainCar-v0`` -> ``MountainCar``; empty for a callable of the user's own."""
    return env.id.rpartition("/")[2].rpartition("-v")[0] if isinstance(env.id, str) else ""


def action_names(env: Env, count: int, space: Space[Any] | None = None) -> tuple[str, ...]:
    """A name for each of so many actions; those without one are called as the environment gets them, by its ``space``.

    Combinations of several choices at once are called by these: ``(2, 1, 1)``.
    """
    names = _offered(env, "action_names") or ACTIONS.get(family(env), ())
    if len(names) == count:
        return tuple(names)
    if isinstance(space, spaces.MultiDiscrete | spaces.MultiBinary) and math.prod(choices_of(space)[0]) == count:
        return tuple(f"({', '.join(map(str, each.ravel().tolist()))})" for each in combinations(space))
    first = _first(space)
    return tuple(f"action {number}" for number in range(first, first + count))


def branch_names(space: Space[Any]) -> tuple[str, ...]:
    """A name for each choice of each branch, flat [branches * widest], as the environment gets them."""
    if not isinstance(space, spaces.MultiDiscrete | spaces.MultiBinary):
        return ()
    sizes, first = choices_of(space)
    starts = first.ravel().tolist()
    return tuple(f"choice {b}: {k + start}" for b, start in enumerate(starts) for k in range(max(sizes)))


def _first(space: Space[Any] | None) -> int:
    """The number of the first action: of a Discrete space, also one beside parameters."""
    if isinstance(space, spaces.Tuple | spaces.Dict):
        parts = space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces
        space = next((part for part in parts if isinstance(part, spaces.Discrete)), None)
    return int(space.start) if isinstance(space, spaces.Discrete) else 0


def entry_name(env: Env, entry: int, space: Space[Any] | None = None) -> str:
    """The name of an entry of the observation, whose own ``space`` helps where the environment does not say it."""
    names = _offered(env, "observation_names") or ENTRIES.get(family(env), ())
    if entry < len(names):
        return str(names[entry])
    if isinstance(space, spaces.Discrete):
        return "state"
    return _inside(space, entry) or f"observation {entry}"


def _inside(space: Space[Any] | None, entry: int) -> str:
    """The name of an entry of a Dict or Tuple as Gymnasium flattens it, such as ``speed 1``; empty of others."""
    if isinstance(space, spaces.Discrete):
        return f"is {entry + int(space.start)}"
    if not isinstance(space, spaces.Dict | spaces.Tuple):
        return ""
    for key, part in space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces):
        size = spaces.flatdim(part)
        if entry < size:
            return f"{key} {_inside(part, entry) or (entry if size > 1 else '')}".strip()
        entry -= size
    return ""


def in_units(env: Env, entry: int, values: np.ndarray, space: Space[Any] | None = None) -> np.ndarray:
    """Observed values of an entry in the unit that its name gives; of a Discrete ``space`` its own numbers."""
    if isinstance(space, spaces.Discrete):
        return values + int(space.start)
    ranges = _offered(env, "observation_ranges")
    if entry >= len(ranges):
        return values
    own: Any = _source(env).observation_space
    low, high = (float(bound.ravel()[entry]) for bound in (own.low, own.high))
    first, last = ranges[entry]
    return np.asarray(first + (values - low) / (high - low) * (last - first))


def bands(env: Env, entry: int) -> tuple[tuple[str, float, float], ...]:
    """What lies where along an entry, each with its name, its beginning and its end, in the entry's unit."""
    return tuple(getattr(_source(env), "observation_bands", {}).get(entry, ()))


def _offered(env: Env, name: str) -> tuple[Any, ...]:
    return tuple(getattr(_source(env), name, ()))


def _source(env: Env) -> Any:
    """The FuncEnv of an environment, or None."""
    found = compiled(env)
    return found.env if found is not None else None
