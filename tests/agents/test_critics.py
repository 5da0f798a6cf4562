"""Critics of parameterised actions against NumPy in double precision, and what each action's value depends on."""

import dataclasses
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from argmaxq.agents.parts.hybrid import ActorCritic
from argmaxq.agents.pdqn import PDQN
from argmaxq.components.checks import validate
from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.networks.critics import Ensemble, MultiPass, SinglePass
from argmaxq.networks.inputs import Raw, Rescaled
from argmaxq.networks.interpolated import Interpolated
from argmaxq.networks.quadratic import Quadratic
from argmaxq.spaces import ArraySpec, HybridActions, Spaces
from oracles.parts import leaves_equal

KEY, FEATURES = jax.random.key(3), 5
OBS = np.random.default_rng(0).normal(size=FEATURES).astype(np.float32)
SIZES = [(1, 1, 1), (2, 0, 1), (3,), (0, 0)]
each_size = pytest.mark.parametrize("sizes", SIZES, ids=str)
ACTIVATIONS: dict[str, Any] = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh}


def spaces(sizes: tuple[int, ...]) -> Spaces:
    return Spaces(ArraySpec((FEATURES,), "float32"), HybridActions(sizes))


def begun(critic: Any, obs: np.ndarray = OBS) -> Any:
    """Fresh parameters of a bound critic."""
    return jax.jit(critic.init, static_argnums=2)(KEY, obs, 1)


def made(critic: Any, sizes: tuple[int, ...], outputs: int = 1) -> tuple[Any, Any]:
    """A critic bound to actions of these sizes, and parameters of its shapes, none of which is 0."""
    bound, rng = bind(critic, spaces(sizes)), np.random.default_rng(1)
    shapes = jax.eval_shape(lambda: bound.init(KEY, OBS, outputs))
    return bound, jax.tree.map(lambda leaf: (0.5 * rng.normal(size=leaf.shape)).astype(np.float32), shapes)


def drawn(sizes: tuple[int, ...], seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, sum(sizes)).astype(np.float32)


def segments(sizes: tuple[int, ...]) -> list[slice]:
    return [slice(*pair) for pair in pairwise([0, *np.cumsum(sizes).tolist()])]


def single_pass(critic: Any, params: Any, obs: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Outputs [actions, size] of one pass that sees these parameters, in double precision."""
    own = jax.tree.map(lambda leaf: np.asarray(leaf, float), params)
    x = np.concatenate([obs, parameters]) @ np.concatenate([own["state"]["kernel"], own["parameters"]])
    x = x + own["state"]["bias"]
    for layer in range(len(critic.hidden)):
        if layer:
            x = x @ own[f"kernel_{layer}"] + own[f"bias_{layer}"]
        if critic.layer_norm:
            x = (x - x.mean()) / np.sqrt(x.var() + 1e-6) * own[f"scale_{layer}"] + own[f"shift_{layer}"]
        x = ACTIVATIONS[critic.activation](x)
    return np.einsum("h,kho->ko", x, own["output"]) + own["bias"]


LAYERS = [
    {"hidden": (7,)},
    {"hidden": (8, 6), "activation": "tanh"},
    {"hidden": (8, 6, 5), "layer_norm": True},
]


@each_size
@pytest.mark.parametrize("layers", LAYERS, ids=["plain", "deep", "normalised"])
def test_a_single_pass_by_hand(layers: Any, sizes: tuple[int, ...]) -> None:
    critic, params = made(SinglePass(inputs=Raw(), **layers), sizes, outputs=2)
    parameters = drawn(sizes)
    found = jax.jit(critic)(params, OBS, parameters)
    assert found.shape == (1, len(sizes), 2)
    np.testing.assert_allclose(found[0], single_pass(critic, params, OBS, parameters), rtol=1e-5, atol=1e-5)


@each_size
@pytest.mark.parametrize("layers", LAYERS, ids=["plain", "deep", "normalised"])
def test_many_passes_are_single_ones_that_see_one_actions_parameters(layers: Any, sizes: tuple[int, ...]) -> None:
    """Output k of a pass with all other parameters 0 (Bester et al. 2019, section 4)."""
    critic, params = made(MultiPass(inputs=Raw(), **layers), sizes, outputs=2)
    parameters, expected = drawn(sizes), []
    for number, own in enumerate(segments(sizes)):
        seen = np.zeros(sum(sizes))
        seen[own] = parameters[own]
        expected.append(single_pass(critic, params, OBS, seen)[number])
    np.testing.assert_allclose(jax.jit(critic)(params, OBS, parameters)[0], expected, rtol=1e-5, atol=1e-5)


def test_passes_differ_where_other_actions_have_parameters() -> None:
    """The same weights, so the two critics are told apart; with one action they are the same function."""
    for sizes, equal in [((1, 1, 1), False), ((3,), True), ((0, 0, 2), False), ((0, 0), True)]:
        one, params = made(SinglePass(inputs=Raw(), hidden=(8, 8)), sizes)
        many, others = made(MultiPass(inputs=Raw(), hidden=(8, 8)), sizes)
        assert leaves_equal(params, others)
        parameters = drawn(sizes)
        found = [jax.jit(critic)(params, OBS, parameters) for critic in (one, many)]
        assert np.allclose(*found, atol=1e-6) == equal


def slopes(critic: Any, params: Any, parameters: np.ndarray) -> np.ndarray:
    """dQ_k/dx_j [actions, parameters] of the first critic."""
    return np.asarray(jax.jit(jax.jacobian(lambda x: critic(params, OBS, x)[0, :, 0]))(parameters))


@each_size
@pytest.mark.parametrize("kind", [MultiPass, Quadratic, Interpolated])
def test_an_actions_value_does_not_depend_on_others_parameters(kind: Any, sizes: tuple[int, ...]) -> None:
    critic, params = made(kind(hidden=(32,), activation="tanh"), sizes)
    slope = slopes(critic, params, drawn(sizes))
    for number, own in enumerate(segments(sizes)):
        assert (slope[number, own] != 0).all()
        assert not np.delete(slope[number], np.r_[own]).any()


def test_a_single_pass_mixes_all_parameters() -> None:
    critic, params = made(SinglePass(hidden=(32,), activation="tanh"), (2, 0, 1))
    assert (slopes(critic, params, drawn((2, 0, 1))) != 0).all()


@pytest.mark.parametrize("kind", [SinglePass, MultiPass, Quadratic, Interpolated])
def test_observations_are_rescaled_and_may_have_any_shape(kind: Any) -> None:
    """An observation [2, 3] between -4 and 12 is seen as six numbers between -1 and 1."""
    space = Spaces(ArraySpec((2, 3), "float32", (-4.0,) * 6, (12.0,) * 6), HybridActions((1, 1)))
    critic = bind(kind(hidden=(16,), inputs=Rescaled()), space)
    raw = bind(kind(hidden=(16,), inputs=Raw()), space)
    obs, parameters = np.random.default_rng(0).uniform(-4, 12, (2, 3)).astype(np.float32), drawn((1, 1))
    params = begun(critic, obs)
    expected = jax.jit(raw)(params, (obs.ravel() - 4) / 8, parameters)
    np.testing.assert_allclose(jax.jit(critic)(params, obs, parameters), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [SinglePass, MultiPass, Quadratic, partial(Interpolated, knots=2)])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_gradients_reach_every_weight(kind: Any, layer_norm: bool) -> None:
    """All actions' values in a batch depend on each weight of each layer."""
    critic, params = made(kind(hidden=(6, 6), activation="tanh", layer_norm=layer_norm), (2, 0, 1))
    rng = np.random.default_rng(0)
    batch = rng.normal(size=(50, FEATURES)), rng.uniform(-1, 1, (50, 3))
    gradient = jax.jit(jax.grad(lambda own: jnp.sum(jax.vmap(critic, (None, 0, 0))(own, *batch) ** 2)))(params)
    for path, leaf in jax.tree.leaves_with_path(gradient):
        assert (leaf != 0).all(), path
    assert any("scale" in str(path) for path, _ in jax.tree.leaves_with_path(gradient)) == layer_norm


@pytest.mark.parametrize("kind", [SinglePass, MultiPass])
def test_first_weights_are_as_large_as_their_inputs_ask_for(kind: Any) -> None:
    """Their variance is 1 over the inputs of the first layer, parameters included, and biases are 0."""
    sizes = (100, 50, 50)
    critic = bind(kind(hidden=(400,)), spaces(sizes))
    params = begun(critic)
    expected = (FEATURES + 200) ** -0.5
    assert np.std(params["parameters"]) == pytest.approx(expected, rel=0.02)
    assert np.std(params["state"]["kernel"]) == pytest.approx(expected, rel=0.1)
    assert np.std(params["output"]) == pytest.approx(400**-0.5, rel=0.1)
    assert not np.any(params["bias"])


@pytest.mark.parametrize("member", [SinglePass(hidden=(8,)), MultiPass(hidden=(8,)), Quadratic(hidden=(8,))])
def test_an_ensemble_is_its_members(member: Any) -> None:
    sizes = (2, 0, 1)
    critic, params = made(Ensemble(member, 3), sizes, outputs=2)
    parameters = drawn(sizes)
    found = jax.jit(critic)(params, OBS, parameters)
    assert found.shape == (3, 3, 2)
    single = jax.jit(critic.critic)
    assert not leaves_equal(*[jax.tree.map(lambda leaf, i=i: leaf[i], begun(critic)) for i in (0, 1)])
    for number in range(3):
        alone = single(jax.tree.map(lambda leaf, i=number: leaf[i], params), OBS, parameters)
        np.testing.assert_allclose(found[number], alone[0], rtol=1e-5, atol=1e-6)
    assert not np.allclose(found[0], found[1])
    assert not np.allclose(found[1], found[2])


def test_of_an_ensemble_the_least_value_of_each_action_is_taken() -> None:
    """Each action's outputs are those of the critic whose mean is least there; acting takes the mean of all."""
    agent = PDQN(critic=Ensemble())
    outputs = jnp.array([[[3.0], [-1.0], [2.0]], [[1.0], [5.0], [2.5]]])
    np.testing.assert_array_equal(agent._least(outputs), [[1.0], [-1.0], [2.0]])
    bound = bind(dataclasses.replace(agent, critic=Ensemble(members=4)), spaces((1, 1)))
    params = ActorCritic(made(bound.critic, (1, 1))[1], ())
    parameters = drawn((1, 1))
    expected = np.mean(jax.jit(bound.critic)(params.critic, OBS, parameters)[..., 0], axis=0)
    np.testing.assert_allclose(jax.jit(bound.values_of)(params, OBS, parameters), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", [SinglePass, MultiPass])
def test_a_critic_without_a_hidden_layer_is_refused(kind: Any) -> None:
    with pytest.raises(UserError, match="at least one layer is needed"):
        validate(kind(hidden=()))


@pytest.mark.parametrize("kind", [SinglePass, MultiPass, Quadratic, Interpolated])
@pytest.mark.parametrize("hidden", [(0,), (8, 0)])
def test_a_layer_without_width_is_refused(kind: Any, hidden: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"hidden\[\d\] = 0 is out of its range: it must be at least 1"):
        validate(kind(hidden=hidden))
