"""An environment's spaces as plain JSON data: with them a policy is loaded where its environment is not installed."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import Space, spaces

from argmaxq.components.errors import UserError
from argmaxq.lanes.frames import FrameStack
from argmaxq.lanes.masks import Mask
from argmaxq.lanes.spaces import Adaptor, read_spaces
from argmaxq.runs.files.reading import DEEPEST, WRONG_DATA, sane
from argmaxq.runs.files.shapes import Shape, each, fields, matching, refuse, whole

SPACES = "spaces"
"""Where they stand in config.json."""
LARGEST = 2**24
"""Entries of a space, or categories, up to which it is written and read: more are no observation, but an attack."""
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = ("bool", *INTEGERS, "float16", "float32", "float64")
INTEGER = whole(-(2**63), 2**64 - 1)
COUNT = whole(1, LARGEST)
LENGTHS = each(whole(0, LARGEST), most=32)
DTYPE = matching("|".join(DTYPES), "a dtype")


def written(observation: Space[Any], action: Space[Any]) -> dict[str, Any]:
    """What stands in a run's configuration of these spaces; nothing where one is not wholly JSON data."""
    try:
        data = {"observation": _written(observation), "action": _written(action)}
        shape(sane(data, DEEPEST - 2), SPACES)  # so that the configuration they stand in can be read again
    except (UserError, *WRONG_DATA):
        return {}
    return {SPACES: data}


def adaptor(config: Mapping[str, Any], choices: Any, where: str, mask: Mask = "none") -> Adaptor | None:
    """The translation between agent and environment, of the spaces in a run's configuration; None without any.

    Raises:
        UserError: there are no such spaces, or they fit no agent.
    """
    if SPACES not in config:
        return None
    try:
        observation, action = (_read(config[SPACES][name]) for name in ("observation", "action"))
        return read_spaces(observation, action, choices, mask)
    except UserError:
        raise
    except WRONG_DATA as fault:
        raise UserError(f"{where}.{SPACES}: there are no such spaces ({fault})") from fault


def shape(value: Any, where: str) -> None:
    """The shape of both spaces."""
    fields({"observation": space, "action": space})(value, where)


def space(value: Any, where: str) -> None:
    """The shape of one space."""
    fields({"type": matching("|".join(KINDS), f"one of {', '.join(KINDS)}")})(value, where)
    KINDS[value["type"]](value, where)
    if (entries := _entries(value)) > LARGEST:
        raise UserError(f"{where} has {entries:,} entries: at most {LARGEST:,} are read")


def _box(value: Any, where: str) -> None:
    fields({"shape": LENGTHS, "dtype": DTYPE}, {"frames": COUNT})(value, where)
    if "frames" in value and (not value["shape"] or value["shape"][0] % value["frames"]):
        refuse(value["frames"], f"{where}.frames", "a divisor of the first length")
    entries = math.prod(value["shape"])
    bound = _integer_bound if value["dtype"] in ("bool", *INTEGERS) else _bound
    for side in ("low", "high"):
        fields({side: _one_or_each(entries, bound)})(value, where)


def _bound(value: Any, where: str) -> None:
    """A finite number, or null where there is no bound."""
    if value is not None and type(value) not in (int, float):
        refuse(value, where, "a number or null")


def _integer_bound(value: Any, where: str) -> None:
    INTEGER(value, where)


def _one_or_each(entries: int, bound: Shape) -> Shape:
    """One value for all entries, or one for each."""

    def check(value: Any, where: str) -> None:
        if isinstance(value, list):
            each(bound, entries, entries)(value, where)
        else:
            bound(value, where)

    return check


def _multi_discrete(value: Any, where: str) -> None:
    fields({"shape": LENGTHS, "dtype": matching("|".join(INTEGERS), "a dtype of whole numbers")})(value, where)
    entries = math.prod(value["shape"])
    fields({"nvec": each(COUNT, entries, entries), "start": each(INTEGER, entries, entries)})(value, where)


def _member(value: Any, where: str) -> None:
    """A member of a Dict: its key and its space."""
    if not (isinstance(value, list) and len(value) == 2 and type(value[0]) in (str, int)):
        refuse(value, where, "a key and a space")
    space(value[1], f"{where}[1]")


KINDS: dict[str, Shape] = {
    "box": _box,
    "discrete": fields({"n": COUNT, "start": INTEGER, "dtype": matching("|".join(INTEGERS), "a dtype")}),
    "multi-discrete": _multi_discrete,
    "multi-binary": fields({"shape": LENGTHS}),
    "dict": lambda value, where: fields({"spaces": each(_member)})(value, where),
    "tuple": lambda value, where: fields({"spaces": each(space)})(value, where),
}


def _entries(value: Any) -> int:
    match value["type"]:
        case "dict":
            return sum(_entries(member) for _, member in value["spaces"])
        case "tuple":
            return sum(_entries(member) for member in value["spaces"])
        case "discrete":
            return int(value["n"])
        case "multi-discrete":
            return sum(value["nvec"])
        case _:
            return math.prod(value["shape"])


def _written(space: Any) -> dict[str, Any]:
    match space:
        case spaces.Box():
            bounds = {"low": _bounds(space.low, -np.inf), "high": _bounds(space.high, np.inf)}
            frames = {"frames": space.frames} if isinstance(space, FrameStack) else {}
            return {"type": "box", "shape": _listed(space.shape), "dtype": space.dtype.name, **bounds, **frames}
        case spaces.Discrete():
            return {"type": "discrete", "n": int(space.n), "start": int(space.start), "dtype": space.dtype.name}
        case spaces.MultiDiscrete():
            numbers = {"nvec": space.nvec.ravel().tolist(), "start": space.start.ravel().tolist()}
            return {"type": "multi-discrete", "shape": _listed(space.shape), "dtype": space.dtype.name, **numbers}
        case spaces.MultiBinary():
            return {"type": "multi-binary", "shape": _listed(space.shape)}
        case spaces.Dict():
            return {"type": "dict", "spaces": [[key, _written(part)] for key, part in space.spaces.items()]}
        case spaces.Tuple():
            return {"type": "tuple", "spaces": [_written(part) for part in space.spaces]}
        case _:
            raise UserError(f"{type(space).__name__} cannot be written as JSON")


def _read(data: Mapping[str, Any]) -> Space[Any]:
    """The space of data that were checked."""
    match data["type"]:
        case "box":
            low, high = _array(data["low"], -np.inf, data), _array(data["high"], np.inf, data)
            box = spaces.Box(low, high, dtype=_dtype(data))
            return FrameStack(box, data["frames"]) if "frames" in data else box
        case "discrete":
            return spaces.Discrete(data["n"], start=data["start"], dtype=_dtype(data))
        case "multi-discrete":
            nvec, start = (_array(data[name], 0, data) for name in ("nvec", "start"))
            return spaces.MultiDiscrete(nvec, dtype=_dtype(data), start=start)
        case "multi-binary":
            own = data["shape"]
            return spaces.MultiBinary(own[0] if len(own) == 1 else own)
        case "dict":
            return spaces.Dict([(key, _read(member)) for key, member in data["spaces"]])
        case _:
            return spaces.Tuple([_read(member) for member in data["spaces"]])


def _bounds(bound: np.ndarray, none: float) -> Any:
    """A Box's bounds, one where all are the same; null is ``none``."""
    if (bound == -none).any():
        raise UserError("a bound at the wrong infinity")
    values = bound.astype(np.uint8) if bound.dtype == np.bool_ else bound
    flat = [None if value == none else value for value in values.ravel().tolist()]
    return flat[0] if flat and flat.count(flat[0]) == len(flat) else flat


def _array(values: Any, none: float, data: Mapping[str, Any]) -> np.ndarray:
    listed = values if isinstance(values, list) else [values]
    with np.errstate(over="raise"):  # told as an error, like all else that does not fit
        array = np.asarray([none if value is None else value for value in listed], _dtype(data))
    own = tuple(data["shape"])
    return array.reshape(own) if isinstance(values, list) else np.full(own, array[0])


def _dtype(data: Mapping[str, Any]) -> Any:
    return np.dtype(data["dtype"]).type


def _listed(shape: Any) -> list[int]:
    return [int(length) for length in shape]
