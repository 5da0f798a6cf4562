"""A policy as an ONNX model: preprocessing and network in one file, which needs no JAX to run."""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.extend.core import jaxpr_as_fun

from argmaxq.components.errors import UserError, told
from argmaxq.devices import using
from argmaxq.exports.agreement import Exported
from argmaxq.exports.function import PolicyFunction, function_of
from argmaxq.exports.observed import arrays
from argmaxq.lanes.hybrid import read_hybrid
from argmaxq.lanes.spaces import Adaptor
from argmaxq.learning.batches import singly
from argmaxq.runs.files.writing import replace, writing
from argmaxq.verbs.policy import Policy

OPSET = 21
BATCH = "batch"
NAME = "argmaxq"
MISSING = "ONNX models need jax2onnx, which is not installed: pip install 'argmaxq[onnx]'"


def model_of(policy: Policy, origin: Mapping[str, str] | None = None) -> Any:
    """The policy as an ``onnx.ModelProto``; every array has a first axis, ``batch``, of any length.

    Inputs are the environment's own observations: one array ``observation``, or ``observation.KEY`` for each entry of a
    Dict or Tuple; ``action_mask`` (int8 [batch, actions]) where actions are masked; ``memory`` of a recurrent policy.
    Outputs are ``action`` as the environment takes it, ``parameters`` of all actions where they have such, ``values``,
    and ``next_memory``, which is the next step's ``memory``. Metadata say what else one must know, as JSON.

    Args:
        policy: The policy.
        origin: What the metadata say besides.

    Raises:
        UserError: jax2onnx is not installed, or the policy holds an operation that has no form in ONNX.
    """
    try:
        import jax2onnx
        import onnx_ir as ir
        from onnx_ir.passes import common
    except ImportError:
        raise UserError(MISSING) from None
    with using("cpu"), singly():
        whole = function_of(policy)
        names, traced = _traced(whole)
        specs = [jax.ShapeDtypeStruct((BATCH, *port.shape), port.dtype) for port in whole.inputs]
        ports = [port.name for port in whole.inputs]
        try:
            model = jax2onnx.to_onnx(
                jax.vmap(traced), specs, model_name=NAME, opset=OPSET, return_mode="ir",
                input_names=ports, output_names=names,
            )  # fmt: skip
        except Exception as fault:
            raise UserError(f"jax2onnx makes no model of this policy: {told(fault)}") from fault
    for tidied in (
        common.DeduplicateInitializersPass(),
        common.CommonSubexpressionEliminationPass(),
        common.RemoveUnusedNodesPass(),
    ):
        tidied(model)
    model.producer_name = NAME
    model.metadata_props.update({**_described(whole, policy), **(origin or {})})
    return _quietly(ir.to_proto, model)


def _quietly(function: Callable[[Any], Any], model: Any) -> Any:
    """Without a warning for each inner array whose type nobody wrote down."""
    logger = logging.getLogger("onnx_ir")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return function(model)
    finally:
        logger.setLevel(before)


def _traced(whole: PolicyFunction) -> tuple[list[str], Any]:
    """The outputs' names, and the function as JAX's primitives.

    Traced beforehand, since jax2onnx puts functions of its own in the place of Flax's and JAX's while it traces.
    """
    jaxpr, shapes = jax.make_jaxpr(whole.function, return_shape=True)(*(port.zeros for port in whole.inputs))
    names = sorted(shapes)  # as JAX orders the leaves of a dict
    return names, jaxpr_as_fun(jaxpr)


def _described(whole: PolicyFunction, policy: Policy) -> dict[str, str]:
    """The memory that an episode begins with, and how many parameters each action has, where there are such."""
    memory = {name: np.asarray(leaf).tolist() for name, leaf in whole.start.items()}
    hybrid = read_hybrid(policy.adaptor.source[1])
    sizes = hybrid.actions.sizes if hybrid else ()
    return {name: json.dumps(value) for name, value in (("memory", memory), ("sizes", sizes)) if value}


def save(model: Any, path: Path) -> None:
    """Write a model, in one file; raises Unwritable."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, model.SerializeToString())


def session_of(model: Any, adaptor: Adaptor) -> Exported:
    """The model as onnxruntime computes it."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level = 3  # its advice on the graph's form is none of the user's business
    session = InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def asked(obs: Any, mask: Any, memory: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(None, {**arrays(adaptor, obs, mask), **memory}), strict=True))

    return asked
