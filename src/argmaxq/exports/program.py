"""A policy as a list of NumPy's operations and the arrays that they name: what ``numpy_policy`` carries out."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.agents.td import TD
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.exports.feature_program import of_features
from argmaxq.exports.operations import Program
from argmaxq.learning.normalisers import Moments
from argmaxq.learning.normalisers import Running as RunningScales
from argmaxq.learning.returns import Quantile, Scalar, Transformed
from argmaxq.learning.returns.histograms import Histogram
from argmaxq.networks.inputs import OneHot, Raw, Rescaled, Running
from argmaxq.networks.layers import Layer, Noisy, Plain, Spectral, singular_value
from argmaxq.networks.linear import Linear, Table
from argmaxq.networks.mlp import MLP
from argmaxq.networks.scaled import Scaled
from argmaxq.networks.sparse import SparseMLP
from argmaxq.types import PyTree
from argmaxq.verbs.policy import Policy

OTHERS = "a policy of NumPy alone is of tables, linear features and perceptrons: argmaxq export --to onnx takes others"
FLAX_EPSILON, SPARSE_EPSILON = 1e-6, 1e-5
"""What normalised layers add to a variance."""


def program_of(policy: Policy) -> Program:
    """From flat observations [..., numbers] to action values [..., actions].

    Raises:
        UserError: the policy is of another kind, or what it is made of has no such form.
    """
    agent: Any = policy.agent
    if not isinstance(agent, DQN | PQN | TD):
        raise _refused("agent", agent)
    program = Program()
    params = policy.params
    if isinstance(agent, TD):
        if isinstance(agent.normaliser, RunningScales) and not agent.normaliser.categories:
            _in_scale(program, params.scales.observations)
        params = _averaged(agent, params.estimates)
    outputs = _network(program, agent.network, params)
    program.then("outputs", *outputs)
    _values(program, None if isinstance(agent, TD) else agent.returns)
    return program


def _averaged(agent: TD, estimates: tuple[PyTree, ...]) -> PyTree:
    """The parameters of the mean of the estimates, which are linear in them where there are two."""
    if len(estimates) == 1:
        return estimates[0]
    if not isinstance(agent.network, Table | Linear):
        raise UserError(f"two estimates by a network of {type_name(type(agent.network))}: {OTHERS}")
    return jax.tree.map(lambda first, second: (first + second) / 2, *estimates)


def _network(program: Program, network: Any, params: PyTree) -> tuple[int, int]:
    """The network's operations; how many actions and outputs of each it has."""
    match network:
        case MLP(implicit=False):
            return _perceptron(program, network, params)
        case SparseMLP():
            return _sparse(program, network, params)
        case Scaled():
            _in_scale(program, params["scales"], network.clip)
            return _network(program, network.network, params["network"])
        case Table():
            return of_features(program, network.cells, params["weights"])
        case Linear():
            return of_features(program, network.features, params["weights"])
    raise _refused("network", network)


def _perceptron(program: Program, network: MLP, params: PyTree) -> tuple[int, int]:
    _inputs(program, network.inputs, params)
    width = 0
    for number in range(len(network.hidden)):
        own = params[f"Dense_{number}"]
        width = len(own["bias"])
        _dense(program, _kernel(network.layer, own["kernel"]), own["bias"])
        if network.layer_norm:
            norm = params[f"LayerNorm_{number}"]
            program.then("normalise", FLAX_EPSILON)
            program.then("multiply", norm["scale"])
            program.then("add", norm["bias"])
        program.then(network.activation)
    kernel, bias = _head(network, params, width)
    _dense(program, kernel, bias)
    actions, size = params["output"]["bias"].shape
    return int(actions), int(size)


def _head(network: MLP, params: PyTree, width: int) -> tuple[Any, Any]:
    """The head as one dense layer: dueling streams and their like are linear maps of features."""
    bare = dataclasses.replace(network, hidden=(), inputs=Raw())
    unbiased = jax.tree_util.tree_map_with_path(lambda path, leaf: leaf * (path[-1].key != "bias"), _without(params))
    width = width or int(jax.tree.leaves(params["output"])[-1].shape[0])
    kernel = jax.vmap(lambda row: jnp.ravel(bare(unbiased, row)))(jnp.eye(width))
    return kernel, jnp.ravel(bare(_without(params), jnp.zeros(width)))


def _without(params: PyTree) -> PyTree:
    """Parameters of layers alone, whose leaves have names."""
    return {name: own for name, own in params.items() if name != "scales"}


def _sparse(program: Program, network: SparseMLP, params: PyTree) -> tuple[int, int]:
    layers = len(network.hidden)
    for number in range(layers):
        own = params[f"Dense_{number}"]
        _dense(program, own["kernel"], own["bias"])
        program.then("normalise", SPARSE_EPSILON)
        program.then("leaky_relu")
    own = params[f"Dense_{layers}"]
    _dense(program, own["kernel"], own["bias"])
    return len(own["bias"]), 1


def _dense(program: Program, kernel: Any, bias: Any) -> None:
    program.then("matmul", kernel)
    program.then("add", bias)


def _kernel(layer: Layer, kernel: Any) -> Any:
    """Of a layer as it is without noise."""
    match layer:
        case Plain() | Noisy():
            return kernel
        case Spectral():
            return kernel / singular_value(kernel, layer.iterations)
    raise _refused("layer", layer)


def _inputs(program: Program, inputs: Any, params: PyTree) -> None:
    match inputs:
        case Raw() | OneHot():  # categories are rows of zeros with a one from the start
            return
        case Rescaled():
            middle, factor = inputs.scales(len(inputs.low))
            if len(inputs.low):
                program.then("add", -middle)
                program.then("multiply", factor)
        case Running():
            _in_scale(program, params["scales"]["moments"], inputs.clip)
        case _:
            raise _refused("inputs", inputs)


def _in_scale(program: Program, moments: Moments, clip: float | None = None) -> None:
    program.then("add", -np.ravel(moments.mean))
    program.then("multiply", 1.0 / np.ravel(moments.deviation))
    if clip is not None:
        program.then("clip", -float(clip), float(clip))


def _values(program: Program, returns: Any) -> None:
    """From outputs [..., actions, size] to values [..., actions]."""
    match returns:
        case None | Scalar():
            program.then("first")
        case Quantile():
            program.then("mean")
        case Histogram():
            program.then("peaks")
            program.then("expectation", returns.support)
        case Transformed():
            program.then("first")
            program.then("expand", float(returns.epsilon))
        case _:
            raise _refused("returns", returns)


def _refused(what: str, component: Any) -> UserError:
    return UserError(f"{what} = {type_name(type(component))}: {OTHERS}")
