"""What an environment gave that it should not have: found part by part, and said in one line."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from argmaxq.lanes.observations import describe

OLD = "as gym before 0.26 did; wrap it with shimmy's GymV21CompatibilityV0, or return what Gymnasium does"
RESET, STEP = "(observation, info)", "(observation, reward, terminated, truncated, info)"
SEEDLESS = "define reset(self, *, seed=None, options=None) and begin it with super().reset(seed=seed)"


def title(env: Any) -> str:
    """What an environment is called in a message: its id, or its class."""
    spec = getattr(env, "spec", None)
    return spec.id if spec is not None else type(getattr(env, "unwrapped", env)).__name__


def takes_no_seed(error: Exception) -> bool:
    """Whether this is what Python says where ``reset`` has no parameter ``seed``."""
    return isinstance(error, TypeError) and "reset()" in str(error) and "'seed'" in str(error)


def reset_fault(result: Any, space: gym.Space[Any]) -> str:
    """What is wrong with what ``reset`` returned, as the end of a sentence; empty where nothing is."""
    if not isinstance(result, tuple):
        return f"reset returned {kind(result)} alone where {RESET} is needed, {OLD}"
    if len(result) != 2 or not isinstance(result[1], dict):
        return f"reset returned {_kinds(result)} where {RESET} is needed"
    return gave(observation_fault(result[0], space))


def step_fault(result: Any, space: gym.Space[Any]) -> str:
    """What is wrong with what ``step`` returned, as the end of a sentence; empty where nothing is."""
    if fault := _values_fault(result):
        return fault
    obs, reward, terminated, truncated, info = result
    if fault := observation_fault(obs, space):
        return gave(fault)
    if not _is_number(reward):
        return f"gave {_shown(reward)} as a reward: it must be one number, such as float(reward)"
    for name, flag in (("terminated", terminated), ("truncated", truncated)):
        if not (_is_number(flag) and flag in (0, 1)):
            return f"gave {_shown(flag)} as {name}: it must be True or False"
    return "" if isinstance(info, dict) else f"gave {kind(info)} as info: it must be a dict"


def batch_fault(result: Any, lanes: int) -> str:
    """As ``step_fault``, of what a vector environment returned, but for the observations."""
    if fault := _values_fault(result):
        return fault
    for name, array in zip(("rewards", "terminations", "truncations"), result[1:4], strict=True):
        if np.shape(array) != (lanes,):
            return f"gave {name} of shape {np.shape(array)}: one for each of its {lanes} lanes is needed"
    return ""


def _values_fault(result: Any) -> str:
    if isinstance(result, tuple) and len(result) == 5:
        return ""
    old = f", {OLD}" if isinstance(result, tuple) and len(result) == 4 else ""
    return f"step returned {_kinds(result)} where {STEP} is needed{old}"


def gave(fault: str) -> str:
    """The sentence about an observation's fault, if there is one."""
    return fault and f"gave an observation {fault}"


def observation_fault(obs: Any, space: gym.Space[Any]) -> str:
    """Why an agent cannot take this for an observation of a space; empty where it can.

    Values beyond the bounds of a Box are none of its concern, and any type of number will do that loses nothing.
    """
    match space:
        case spaces.Dict():
            return _entries_fault(obs, dict(space.spaces), Mapping, "Dict")
        case spaces.Tuple():
            return _entries_fault(obs, dict(enumerate(space.spaces)), tuple | list, "Tuple")
        case spaces.Box():
            return _array_fault(obs, space)
    fault = _array_fault(obs, space)
    inside = fault or (np.asarray(obs) if space.shape else int(obs)) in space
    return fault or ("" if inside else f"of {_shown(obs)}, which is outside of its space, {describe(space)}")


def _entries_fault(obs: Any, parts: dict[Any, gym.Space[Any]], kind: Any, name: str) -> str:
    if not isinstance(obs, kind):
        return f"that is {kind(obs)}; its space says a {name} of {', '.join(map(repr, parts))}"
    there = list(obs) if isinstance(obs, Mapping) else list(range(len(obs)))
    if missing := [key for key in parts if key not in there]:
        return f"without the entry {missing[0]!r} that its space says"
    if more := [key for key in there if key not in parts]:
        return f"with the entry {more[0]!r}, which its space has not"
    for key, part in parts.items():
        if fault := observation_fault(obs[key], part):
            return f"whose entry {key!r} is {fault.removeprefix('that is ')}"
    return ""


def _array_fault(obs: Any, space: gym.Space[Any]) -> str:
    """Whether an observation is an array of the space's shape whose numbers the space's type can hold."""
    try:
        array = np.asarray(obs)
    except ValueError:  # lists of several lengths
        return f"that is {kind(obs)}; its space says {describe(space)}"
    if array.dtype.kind not in "buif":
        return f"that is {kind(obs)}; its space says {describe(space)}"
    if array.shape != space.shape:
        return f"of shape {array.shape}; its space says {space.shape}"
    dtype = np.dtype(space.dtype)
    if dtype.kind in "bui" and not lossless(array, dtype):
        return f"of {_shown(obs)}, which {dtype} cannot hold; its space says {describe(space)}"
    return ""


def lossless(array: np.ndarray, dtype: np.dtype[Any]) -> bool:
    """Whether a type of whole numbers holds all of an array's values."""
    with np.errstate(invalid="ignore"):
        return bool(np.array_equal(array.astype(dtype), array))


def _is_number(value: Any) -> bool:
    array = np.asarray(value)
    return array.ndim == 0 and array.dtype.kind in "buif"


def kind(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    name = "None" if value is None else type(value).__name__
    return name if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _kinds(result: Any) -> str:
    if not isinstance(result, tuple):
        return kind(result)
    return f"{len(result)} values ({', '.join(type(each).__name__ for each in result)})"


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else kind(value)
