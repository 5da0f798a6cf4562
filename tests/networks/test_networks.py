"""Networks against NumPy, the identities of their heads, and networks of the user's own."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from argmaxq.agents.dqn import DQN
from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.schedules import Constant
from argmaxq.networks.heads import Dueling, MeanExpansion
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.layers import Spectral
from argmaxq.networks.mlp import MLP
from argmaxq.networks.own import FlaxNetwork, FunctionNetwork
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from samples.probes import PROBES
from support.tiers import quick_ones
from support.trainer import compiled_engine, probe_env, train, values

KEY = jax.random.key(0)
MATCHING = next(probe for probe in PROBES if probe.name == "matching-reward")


def randomised(params: Any, seed: int = 0) -> Any:
    """Parameters of the same shapes, no bias left at 0."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape), leaf.dtype), params)


@pytest.mark.parametrize("shape", [(4,), (2, 3), ()])
@pytest.mark.parametrize("outputs", [(1, 1), (3, 1), (2, 51)])
@pytest.mark.parametrize(
    "network", [MLP(), MLP(()), MLP((8, 5, 3), activation="tanh", layer_norm=True), MLP((7,), head=Dueling())]
)
def test_outputs_are_actions_by_size(network: MLP, shape: tuple[int, ...], outputs: tuple[int, int]) -> None:
    params = network.init(KEY, jnp.zeros(shape), outputs)
    assert network(params, jnp.ones(shape)).shape == outputs
    assert network(params, jnp.ones(shape, jnp.uint8)).dtype == jnp.float32


def by_hand(params: Any, obs: np.ndarray, widths: int, activation: Any, layer_norm: bool) -> np.ndarray:
    """The last hidden layer's features in double precision."""
    x = np.asarray(obs, float).ravel()
    for i in range(widths):
        layer = params[f"Dense_{i}"]
        x = x @ np.asarray(layer["kernel"], float) + np.asarray(layer["bias"])
        if layer_norm:
            x = (x - x.mean()) / np.sqrt(x.var() + 1e-6)
            x = x * np.asarray(params[f"LayerNorm_{i}"]["scale"]) + np.asarray(params[f"LayerNorm_{i}"]["bias"])
        x = activation(x)
    return x


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize(
    ("activation", "function"),
    [("relu", lambda x: np.maximum(x, 0)), ("tanh", np.tanh), ("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x))],
)
def test_mlp_by_hand(activation: Any, function: Any, layer_norm: bool) -> None:
    network, obs = MLP((6, 5), activation=activation, layer_norm=layer_norm), np.float32([[0.5, -2], [1, 3]])
    params = randomised(network.init(KEY, jnp.asarray(obs), (3, 2)))
    features = by_hand(params, obs, 2, function, layer_norm)
    expected = np.einsum("f,fas->as", features, params["output"]["kernel"]) + params["output"]["bias"]
    np.testing.assert_allclose(network(params, obs), expected, rtol=1e-4, atol=1e-5)


def test_layer_norm_undoes_a_scale() -> None:
    """A hidden layer's weights times 1000 change nothing; without the normalisation they do."""
    for layer_norm in (True, False):
        network, obs = MLP((16,), layer_norm=layer_norm), np.float32([0.5, -2, 1])
        params = randomised(network.init(KEY, jnp.asarray(obs), (3, 1)))
        scaled = params | {"Dense_0": jax.tree.map(lambda leaf: 1000 * leaf, params["Dense_0"])}
        assert np.allclose(network(params, obs), network(scaled, obs), atol=1e-3) == layer_norm


def test_dueling_advantages_have_mean_zero() -> None:
    """mean_a Q(s, a) = V(s), so a constant added to all advantages changes nothing (Wang et al. 2016, eq. 9)."""
    network, obs = MLP((16,), head=Dueling()), np.float32([0.5, -2, 1])
    params = randomised(network.init(KEY, jnp.asarray(obs), (4, 3)))
    features = by_hand(params, obs, 1, lambda x: np.maximum(x, 0), False)
    value = np.einsum("f,fas->as", features, params["value"]["kernel"]) + params["value"]["bias"]
    q = network(params, obs)
    np.testing.assert_allclose(q.mean(axis=0, keepdims=True), value, rtol=1e-4, atol=1e-5)
    advantage = np.einsum("f,fas->as", features, params["output"]["kernel"]) + params["output"]["bias"]
    np.testing.assert_allclose(q - value, advantage - advantage.mean(axis=0), rtol=1e-4, atol=1e-4)
    lifted = params["output"] | {"bias": params["output"]["bias"] + 100.0}
    np.testing.assert_allclose(network(params | {"output": lifted}, obs), q, atol=1e-3)


def test_rescaled_inputs_are_the_same_network_on_scaled_observations() -> None:
    """Bounds -1.2 .. 0.6 and 0 .. 10 go to -1 .. 1; entries without bounds, or with none in effect, stay."""
    bounds = [(-1.2, 0.6), (0.0, 10.0), (-np.inf, np.inf), (0.0, np.inf), (5.0, 5.0), (-3.4e38, 3.4e38)]
    low, high = zip(*bounds, strict=True)
    obs = np.float32([0.15, 2.0, 3.0, 4.0, 5.0, 6.0])
    scaled = np.float32([0.5, -0.6, 3.0, 4.0, 5.0, 6.0])
    np.testing.assert_allclose(Rescaled(low, high)(obs), scaled, rtol=1e-5)
    spaces = Spaces(ArraySpec((6,), "float32", low, high), DiscreteActions(3))
    np.testing.assert_allclose(Rescaled().bind(spaces)(obs), scaled, rtol=1e-5)
    np.testing.assert_array_equal(Rescaled()(obs), obs)
    raw, rescaled = MLP((8,)), MLP((8,), inputs=Rescaled(low, high))
    params = randomised(raw.init(KEY, obs, (3, 1)))
    np.testing.assert_allclose(rescaled(params, obs), raw(params, scaled), rtol=1e-4, atol=1e-5)


def test_one_key_one_network() -> None:
    one, same, other = (MLP().init(jax.random.key(seed), jnp.zeros(4), (2, 1)) for seed in (0, 0, 1))
    kernels = [params["Dense_0"]["kernel"] for params in (one, same, other)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.allclose(kernels[0], kernels[2])


class Own(nn.Module):
    """A user's Flax module that gives values [actions]."""

    widths: tuple[int, ...] = (32,)
    actions: int = 2

    @nn.compact
    def __call__(self, obs: Any) -> Any:
        for width in self.widths:
            obs = nn.tanh(nn.Dense(width)(obs))
        return nn.Dense(self.actions)(obs)


def make_equinox(key: Any, obs: Any, outputs: tuple[int, int]) -> Any:
    return eqx.filter(eqx.nn.MLP(obs.shape[0], outputs[0], 32, 1, key=key), eqx.is_array)


def apply_equinox(params: Any, obs: Any) -> Any:
    static = eqx.filter(eqx.nn.MLP(1, 2, 32, 1, key=KEY), eqx.is_array, inverse=True)
    return eqx.combine(params, static)(obs)


def make_polynomial(key: Any, obs: Any, outputs: tuple[int, int]) -> Any:
    return jnp.zeros((2, *outputs))


def apply_polynomial(params: Any, obs: Any) -> Any:
    return params[0] + params[1] * obs[0]


NETWORKS = {
    "mlp": MLP((32,)),
    "layer-norm": MLP((32,), layer_norm=True),
    "dueling": MLP((32,), head=Dueling()),
    "flax": FlaxNetwork(Own()),
    "equinox": FunctionNetwork(make_equinox, apply_equinox),
    "function": FunctionNetwork(make_polynomial, apply_polynomial),
}


QUICK = ("mlp", "flax", "equinox", "function")


@pytest.mark.parametrize("name", quick_ones(NETWORKS, QUICK))
def test_all_train_through_dqn(name: str) -> None:
    """The right action depends on the observation; a network that learns nothing stays near its first values."""
    agent = DQN(
        network=NETWORKS[name],
        exploration=EpsilonGreedy(Constant(1.0)),
        optimiser=Adam(0.01),
        learning_starts=64,
        updates=2,
    )
    env = probe_env(MATCHING)
    state, _ = train(compiled_engine(agent, env), 500)
    found = values(agent, state.learner.params, MATCHING.observations)
    np.testing.assert_allclose(found, MATCHING.q_values(0.99), atol=0.1)


@pytest.mark.parametrize(
    "network",
    [
        FlaxNetwork(Own(actions=3)),
        FunctionNetwork(lambda *_: jnp.zeros(()), lambda _, __: jnp.zeros(3)),
        FunctionNetwork(lambda *_: jnp.zeros(()), lambda _, __: jnp.zeros((1, 2))),
    ],
)
def test_a_wrong_shape_is_said_in_one_line(network: Any) -> None:
    with pytest.raises(
        UserError, match=r"^the network gives outputs of shape \(.*\) for one observation; needed: "
    ) as error:
        network.init(KEY, jnp.zeros(1), (2, 1))
    assert "\n" not in str(error.value)


def test_values_alone_do_not_make_a_distribution() -> None:
    with pytest.raises(UserError, match=r"needed: \(2, 51\)"):
        FlaxNetwork(Own()).init(KEY, jnp.zeros(1), (2, 51))


@pytest.mark.parametrize("network", [FunctionNetwork(), FlaxNetwork()])
def test_a_network_without_its_parts_says_so(network: Any) -> None:
    with pytest.raises(UserError, match="give"):
        network.init(KEY, jnp.zeros(1), (2, 1))


def test_a_layer_needs_a_width() -> None:
    with pytest.raises(UserError, match=r"hidden\[1\] = 0 is out of its range: it must be at least 1"):
        validate(MLP((64, 0)))


@pytest.mark.parametrize("outputs", [(3, 1), (2, 5)])
def test_mean_expansion_adds_the_mean_over_actions(outputs: tuple[int, int]) -> None:
    plain = MLP((8,))
    params, obs = randomised(plain.init(KEY, jnp.zeros(4), outputs)), jnp.arange(4.0)
    z = np.asarray(plain(params, obs))
    for k, factor in ((None, outputs[0]), (0.5, 0.5)):
        found = MLP((8,), head=MeanExpansion(k))(params, obs)
        np.testing.assert_allclose(found, z + factor * z.mean(axis=0), rtol=1e-5)
    assert (MLP((8,), head=MeanExpansion(0.0))(params, obs) == z).all()


def test_spectral_normalisation_divides_layers_by_their_norms() -> None:
    """So a network with these matrices divided by hand gives the same; a matrix of norm 1 stays as it is."""
    plain, normalised = MLP((8, 6, 5)), MLP((8, 6, 5), layer=Spectral(100))
    params, obs = randomised(plain.init(KEY, jnp.zeros(4), (3, 1))), jnp.arange(4.0)
    divided = jax.tree.map(np.array, params)
    for name in ("Dense_0", "Dense_1", "Dense_2"):
        divided[name]["kernel"] /= np.linalg.norm(divided[name]["kernel"], 2)
    np.testing.assert_allclose(normalised(params, obs), plain(divided, obs), rtol=1e-4)
    np.testing.assert_allclose(normalised(divided, obs), plain(divided, obs), rtol=1e-4)
    slope = jax.grad(lambda params: normalised(params, obs)[0, 0])(params)["Dense_2"]["kernel"]
    matrix = params["Dense_2"]["kernel"]
    assert abs(jnp.vdot(slope, matrix)) < 1e-4 * jnp.linalg.norm(slope) * jnp.linalg.norm(matrix), "scale is no matter"
