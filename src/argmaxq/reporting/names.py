"""What actions and observations are called, where the environment says so.

A FuncEnv may have ``action_names`` and ``observation_names``, a name for each action and for each entry of the
observation, with its unit; ``observation_ranges``, what the bounds of each entry stand for in that unit, if the entries
are scaled; and ``observation_bands``, for some entries what lies where along them, as ``{entry: [(name, from, to)]}``.
"""

from typing import Any

import numpy as np

from argmaxq.environments.env import Env
from argmaxq.environments.source import compiled

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


def action_names(env: Env, count: int) -> tuple[str, ...]:
    """A name for each of so many actions of the environment itself."""
    names = _offered(env, "action_names") or ACTIONS.get(family(env), ())
    return tuple(names) if len(names) == count else tuple(f"action {number}" for number in range(count))


def entry_name(env: Env, entry: int) -> str:
    """The name of an entry of the observation."""
    names = _offered(env, "observation_names") or ENTRIES.get(family(env), ())
    return str(names[entry]) if entry < len(names) else f"observation {entry}"


def in_units(env: Env, entry: int, values: np.ndarray) -> np.ndarray:
    """Observed values of an entry in the unit that its name gives."""
    ranges = _offered(env, "observation_ranges")
    if entry >= len(ranges):
        return values
    space: Any = _source(env).observation_space
    low, high = (float(bound.ravel()[entry]) for bound in (space.low, space.high))
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
