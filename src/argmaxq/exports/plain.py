"""A policy as a folder that needs NumPy alone: arrays, a program and spaces as JSON, and the file that runs it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from argmaxq.components.errors import UserError
from argmaxq.exports import numpy_policy
from argmaxq.exports.agreement import Exported
from argmaxq.exports.program import program_of
from argmaxq.runs import spaces
from argmaxq.runs.files.writing import own_folder, replace
from argmaxq.runs.folder import write_json
from argmaxq.spaces import DiscreteActions
from argmaxq.types import ACTION_MASK
from argmaxq.verbs.policy import Policy


def made(policy: Policy, origin: Mapping[str, str] | None = None) -> numpy_policy.Policy:
    """The policy in NumPy; ``origin`` is what it says of where it comes from.

    Raises:
        UserError: it is of another kind than tables, linear features and perceptrons of discrete actions.
    """
    observation, action, choices, mask = policy.adaptor.source
    actions = policy.adaptor.spaces.action
    if choices or not isinstance(actions, DiscreteActions):
        raise UserError(
            "a policy of NumPy alone has discrete actions: argmaxq export --to onnx takes those with parameters"
        )
    program = program_of(policy)
    written = spaces.written(observation, action).get(spaces.SPACES)
    if written is None:
        raise UserError("these observations cannot be written as JSON data: --to onnx may take them")
    if mask == "observation":
        written["observation"]["spaces"] = [each for each in written["observation"]["spaces"] if each[0] != ACTION_MASK]
    told = {**written, "mask": mask, "program": program.operations, "origin": dict(origin or {})}
    return numpy_policy.Policy(told, {**program.arrays, "actions": taken(policy)})


def taken(policy: Policy) -> np.ndarray:
    """Each action as the environment takes it [actions, ...], in a dtype that safetensors have."""
    each = np.asarray(policy.adaptor.decode(np.arange(policy.adaptor.spaces.action.n)))
    return each if each.dtype.kind == "f" else each.astype(np.int64)


def write(found: numpy_policy.Policy, out: Path) -> None:
    """Write ``policy.safetensors``, ``policy.json`` and ``policy.py``; raises Unwritable."""
    folder = own_folder(out)
    replace(folder / "policy.safetensors", save(dict(found.arrays)))
    write_json(folder / "policy.json", found.told)
    replace(folder / "policy.py", Path(numpy_policy.__file__).read_bytes())


def asked(found: numpy_policy.Policy) -> Exported:
    """What is compared with the policy."""

    def made_of(obs: Any, mask: Any, memory: Any) -> dict[str, np.ndarray]:
        return {"action": found(obs, mask), "values": found.values(obs, mask)}

    return made_of
