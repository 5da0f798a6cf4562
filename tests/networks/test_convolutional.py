"""Convolutional networks: encoders against Flax, their forms against each other, and learning with them."""

import dataclasses
from functools import partial
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.flatten_util import ravel_pytree

from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.components.checks import validate
from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.domains.cartpole import CartPole
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.learning import batches
from argmaxq.learning.activations import hidden
from argmaxq.learning.returns import Categorical, HLGauss, ImplicitQuantile, Quantile, Scalar
from argmaxq.networks.convolutional.encoders import Gamma, Hadamax, Impala, Layers, Minatar, Nature, Small
from argmaxq.networks.convolutional.network import Convolutional
from argmaxq.networks.heads import Dueling, Implicit, MeanExpansion, SingleStream
from argmaxq.networks.layers import Noisy, Spectral, singular_value
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Batch, Prepared, Transition
from oracles.parts import leaves_equal
from support.tiers import quick_ones, slow
from support.trainer import ENGINES, train

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


class Oracle(nn.Module):
    """Published encoders once more, of Flax's own layers, on pictures [batch, height, width, channels]."""

    kind: str
    layer_norm: bool = False

    def conv(self, number: int, x: Any, features: int, kernel: int, stride: int = 1, padding: Any = "VALID") -> Any:
        return nn.Conv(features, (kernel, kernel), stride, padding=padding, name=f"Conv_{number}")(x)

    def norm(self, number: int, x: Any) -> Any:
        return nn.LayerNorm(name=f"ConvNorm_{number}")(x) if self.layer_norm else x

    @nn.compact
    def __call__(self, x: Any) -> Any:
        x, activation = x.astype(jnp.float32) / 255.0, nn.gelu if self.kind == "hadamax" else nn.relu
        match self.kind:
            case "nature":
                for i, (features, kernel, stride) in enumerate(((32, 8, 4), (64, 4, 2), (64, 3, 1))):
                    x = nn.relu(self.norm(i, self.conv(i, x, features, kernel, stride)))
            case "gamma":
                for i, (features, stride) in enumerate(((32, 2), (48, 2), (64, 1), (64, 2), (64, 1))):
                    x = nn.relu(self.norm(i, self.conv(i, x, features, 3, stride, ((1, 1), (1, 1)))))
            case "hadamax":
                for i, (features, kernel, window, stride) in enumerate(((32, 8, 4, 4), (64, 4, 2, 2), (64, 3, 3, 1))):
                    parts = [self.conv(j, x, features, kernel, 1, "SAME") for j in (2 * i, 2 * i + 1)]
                    left, right = (nn.gelu(self.norm(2 * i + j, part)) for j, part in enumerate(parts))
                    x = nn.max_pool(left * right, (window, window), (stride, stride), "SAME")
            case "impala":
                for stack, features in enumerate((16, 32, 32)):
                    x = nn.max_pool(self.conv(5 * stack, x, features, 3, 1, "SAME"), (3, 3), (2, 2), "SAME")
                    for block in (1, 3):
                        inner = x
                        for i in (block, block + 1):
                            inner = self.conv(5 * stack + i, nn.relu(inner), features, 3, 1, "SAME")
                        x = x + inner
                x = nn.relu(x)
        x = nn.Dense(24, name="Dense_0")(x.reshape(x.shape[0], -1))
        x = activation(nn.LayerNorm(name="LayerNorm_0")(x) if self.layer_norm else x)
        return nn.DenseGeneral((3, 2), name="output")(x)


ENCODERS = {"nature": Nature(), "gamma": Gamma(), "hadamax": Hadamax(), "impala": Impala()}
SIZES = {"nature": (37, 42, 3), "gamma": (21, 18, 3), "hadamax": (13, 16, 2), "impala": (21, 17, 2)}


def as_flax(params: Any) -> Any:
    """Parameters as the oracle has them: a dense layer's are those of a kernel over the whole map."""
    dense = params["Dense_0"]
    return params | {"Dense_0": dense | {"kernel": dense["kernel"].reshape(-1, dense["kernel"].shape[-1])}}


def distances(ours: Any, theirs: Any) -> list[float]:
    """Of each leaf, as a share of its norm."""
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
    return [float(np.linalg.norm(np.ravel(a - b)) / np.linalg.norm(b)) for a, b in pairs]


@pytest.mark.parametrize("kind", quick_ones(ENCODERS, ("nature", "impala")))
def test_an_encoder_and_its_gradient_are_those_of_flax(kind: str) -> None:
    """One picture and batches to rounding in float32; in bfloat16 to its few per cent."""
    layer_norm = kind in ("gamma", "hadamax")
    oracle = Oracle(kind, layer_norm)
    pictures = RNG.integers(256, size=(12, *SIZES[kind]), dtype=np.uint8)
    network = Convolutional(ENCODERS[kind], (24,), precision="float32", scale=1 / 255)
    params = network.init(KEY, pictures[0], (3, 2))
    goal = RNG.normal(size=(12, 3, 2)).astype(np.float32)

    def loss(outputs: Any, params: Any) -> Any:
        return jnp.sum(jnp.square(outputs(params, pictures) - goal))

    def theirs(params: Any, obs: Any) -> Any:
        return oracle.apply({"params": as_flax(params)}, obs)

    expected, gradient = theirs(params, pictures), jax.jit(jax.grad(partial(loss, theirs)))(params)
    np.testing.assert_allclose(jax.jit(network)(params, pictures[3]), expected[3], rtol=2e-4, atol=2e-5)
    batch = jax.vmap(network, (None, 0))
    assert max(distances(jax.jit(batch)(params, pictures), expected)) < 2e-5
    assert max(distances(jax.jit(jax.grad(partial(loss, batch)))(params), gradient)) < 2e-5
    # Few bits turn some units on or off, the more the deeper, so the gradient is looked at as a whole.
    rough = jax.vmap(dataclasses.replace(network, precision="bfloat16"), (None, 0))
    assert max(distances(jax.jit(rough)(params, pictures), expected)) < 0.05
    ours, whole = ravel_pytree(jax.jit(jax.grad(partial(loss, rough)))(params))[0], ravel_pytree(gradient)[0]
    assert np.dot(ours, whole) / np.linalg.norm(ours) / np.linalg.norm(whole) > 0.97


def count(network: Convolutional, shape: tuple[int, ...], outputs: tuple[int, int]) -> int:
    made = jax.eval_shape(partial(network.init, KEY, outputs=outputs), jax.ShapeDtypeStruct(shape, "uint8"))
    return sum(leaf.size for leaf in jax.tree.leaves(made))


def test_parameters_are_as_many_as_in_the_papers() -> None:
    assert count(Convolutional(), (84, 84, 4), (4, 1)) == 1_686_180
    assert count(Convolutional(), (4, 84, 84), (4, 1)) == 1_686_180
    assert count(Convolutional(layer=Noisy()), (84, 84, 4), (4, 1)) == 1_686_180 + 512 * 3137
    assert count(Convolutional(Small()), (84, 84, 4), (4, 1)) == 677_172
    assert count(Convolutional(Minatar()), (10, 10, 4), (6, 1)) == 132_566
    assert count(Convolutional(Impala()), (84, 84, 4), (4, 1)) == 1_090_260
    beyond_the_rainbow = Convolutional(Impala(2, 6, True), (512,))
    convolutions = 16 * 9 * 8 + 32 + 4 * (9 * 32 * 32 + 32) + 9 * 32 * 64 + 64 + 9 * (9 * 64 * 64 + 64)
    assert count(beyond_the_rainbow, (84, 84, 4), (4, 1)) == convolutions + 36 * 64 * 512 + 512 + 4 * 513


TINY = Layers((4, 6), (4, 3), (2, 1))
SEEN = Spaces(ArraySpec((9, 9, 2), "uint8", (0.0,) * 162, (255.0,) * 162), DiscreteActions(3))
RETURNS: dict[str, Any] = {
    "scalar": (Scalar(), SingleStream(), {}),
    "mean-expansion": (Scalar(), MeanExpansion(), {"layer": Spectral()}),
    "c51": (Categorical(), Dueling(), {"layer": Noisy()}),
    "hl-gauss": (HLGauss(), Dueling(Noisy()), {"layer_norm": True, "start": "he"}),
    "quantile": (Quantile(), SingleStream(), {"encoder": Impala(1, 2, True), "start": "xavier"}),
    "implicit": (ImplicitQuantile(4, 3, 5), Implicit(8, Dueling()), {"encoder": Minatar()}),
}


@pytest.mark.parametrize("name", quick_ones(RETURNS, ("scalar", "c51", "hl-gauss", "implicit")))
def test_heads_layers_and_returns_fit(name: str) -> None:
    """An update moves every layer, and further ones on one batch make its error small."""
    returns, head, fields = RETURNS[name]
    network = dataclasses.replace(Convolutional(TINY, (16,)), head=head, **fields)
    agent: Any = bind(validate(DQN(network=network, returns=returns, replay=Uniform(64), batch_size=16)), SEEN)
    before = agent.init(KEY, SEEN, 1)
    obs = RNG.integers(256, size=(16, 9, 9, 2), dtype=np.uint8)
    action, reward = np.arange(16, dtype=np.int32) % 3, np.linspace(-1, 1, 16, dtype=np.float32)
    batch = Batch(Transition(obs, action, reward, np.zeros(16, np.float32), obs), np.ones(16, np.float32), action)
    batch = batch._replace(key=KEY if agent.random else None)
    update = jax.jit(agent.update)
    after, first, _ = update(before, batch)
    moved = jax.tree.map(lambda old, new: bool((old != new).any()), before.params, after.params)
    assert all(jax.tree.leaves(moved)), moved
    for _ in range(300):
        after, error, _ = update(after, batch)
    assert np.abs(error).mean() < 0.3 * np.abs(first).mean()


def test_spectral_kernels_have_norm_one() -> None:
    """Ten times the residual kernels change nothing; the first convolution's would."""
    network = Convolutional(Impala(1, 2, True), (8,), precision="float32", scale=1.0)
    obs = RNG.normal(size=(9, 9, 9, 1)).astype(np.float32)
    params = network.init(KEY, obs[0], (2, 1))
    residual = [name for name in params if name.startswith("Conv_") and int(name[5:]) % 5]
    larger = params | {name: params[name] | {"kernel": 10 * params[name]["kernel"]} for name in residual}
    outputs = jax.jit(jax.vmap(network, (None, 0)))
    np.testing.assert_allclose(outputs(larger, obs), outputs(params, obs), rtol=1e-3, atol=1e-4)
    kernel = params[residual[0]]["kernel"].reshape(-1, 16)
    assert singular_value(kernel, 8) == pytest.approx(np.linalg.norm(kernel, 2), rel=0.05)


def test_axes_and_scale_are_read_off_the_space() -> None:
    """Channels first or last, one channel, frames of channels; bytes are divided by 255, binary planes by nothing."""
    picture = RNG.integers(256, size=(20, 24, 6), dtype=np.uint8)
    network = Convolutional(TINY, (8,), scale=1.0)
    params = network.init(KEY, picture, (2, 1))
    first = np.moveaxis(picture, 2, 0)
    frames = np.stack([picture[..., :3], picture[..., 3:]])
    for same in (first, frames):
        np.testing.assert_array_equal(network(params, same), network(params, picture))
    assert network.init(KEY, picture[..., 0], (2, 1))["Conv_0"]["kernel"].shape == (4, 4, 1, 4)

    def scale(low: float, high: float, dtype: str) -> Any:
        spec = ArraySpec((10, 10, 4), dtype, (low,) * 400, (high,) * 400)
        return bind(Convolutional(Minatar()), Spaces(spec, DiscreteActions(2))).scale

    assert scale(0, 255, "uint8") == scale(-255, 255, "float32") == 1 / 255
    assert scale(0, 1, "uint8") == scale(0, 1, "bool") == scale(-1, 1, "float32") == scale(-np.inf, np.inf, "f4") == 1
    with pytest.raises(UserError, match=r"pictures; these observations have the shape \(4,\)"):
        network.init(KEY, jnp.zeros(4), (2, 1))
    with pytest.raises(UserError, match="one value for each convolution; here are 2, 1 and 2"):
        validate(Convolutional(Layers((4, 8), (3,), (1, 1))))


def test_what_is_mapped_is_computed_in_batches_and_differentiates_on_either_side() -> None:
    network = Convolutional(TINY, (16,), precision="float32", scale=1 / 255)
    pictures = RNG.integers(256, size=(3, 16, 9, 9, 2), dtype=np.uint8)
    params = network.init(KEY, pictures[0, 0], (3, 1))
    many = jax.vmap(network, (None, 0))
    expected = jnp.stack([many(params, each) for each in pictures])
    program = str(jax.make_jaxpr(jax.vmap(many, (None, 0)))(params, pictures))
    assert "many=True" in program
    assert "u8[48,9,9,2]" in program  # both axes are one batch
    np.testing.assert_allclose(jax.vmap(many, (None, 0))(params, pictures), expected, rtol=1e-5, atol=1e-6)

    def value(params: Any, obs: Any) -> Any:
        return network(params, obs)[0, 0]

    of_each = jax.vmap(jax.grad(value), (None, 0))(params, pictures[0])
    of_mean = jax.grad(lambda params: jnp.mean(jax.vmap(value, (None, 0))(params, pictures[0])))(params)
    assert max(distances(jax.tree.map(lambda leaf: leaf.mean(0), of_each)["Conv_0"], of_mean["Conv_0"])) < 1e-4
    two = jax.tree.map(lambda leaf: jnp.stack([leaf, -leaf]), params)
    both = jax.vmap(many, (0, None))(two, pictures[0])
    np.testing.assert_allclose(both[0], expected[0], rtol=1e-4, atol=1e-5)
    assert batches.NAME in program
    units = hidden(network, params, pictures[0, 0])
    assert [len(each) for each in units] == [4 * 3 * 3, 6, 16]


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_copies_change_no_bit(precision: Any) -> None:
    """Neither of a gradient nor of outputs, large batches in chunks; only parameters are learnt."""
    network = Convolutional(TINY, (16,), precision=precision, scale=1 / 255)
    pictures = RNG.integers(256, size=(64, 9, 9, 2), dtype=np.uint8)
    params = network.init(KEY, pictures[0], (3, 1))

    @jax.jit
    def gradient(params: Any, copies: Any) -> Any:
        def loss(params: Any) -> Any:
            shown = Prepared(params, copies) if copies else params
            return jnp.sum(jnp.square(jax.vmap(network, (None, 0))(shown, pictures)))

        return jax.value_and_grad(loss)(params)

    assert leaves_equal(gradient(params, network.copies(params)), gradient(params, {}))


class Pictures(CartPole):
    """CartPole shown as planes that its numbers fill."""

    observation_space = gym.spaces.Box(0, 255, (12, 12, 2), np.uint8)

    def observation(self, state: Any, rng: Any = None, params: Any = None) -> Any:
        x = super().observation(state, rng, params)
        grid = jnp.linspace(-1, 1, 144).reshape(12, 12)
        planes = [jnp.where(x[0] > grid, 200, 10), jnp.where(x[2] > grid.T, 250, 3) + jnp.where(x[1] > grid, 0, 5)]
        return jnp.stack(planes, -1).astype(jnp.uint8)


AGENTS = {
    "dqn": DQN(network=Convolutional(TINY, (32,)), replay=Uniform(500), learning_starts=50, batch_size=16),
    "pqn": PQN(network=Convolutional(TINY, (32,), layer_norm=True), rollout=16, epochs=2, minibatches=2),
}


@pytest.mark.parametrize(("name", "lanes"), [("dqn", 1), slow("dqn", 8), slow("pqn", 1), ("pqn", 24)])
def test_both_engines_are_the_same_whatever_the_blocks(name: str, lanes: int) -> None:
    env, agent = CompiledEnv(Pictures(), 500), AGENTS[name]
    (one, _), (two, _) = (
        train(make(agent, env, lanes, (3,)), 24, block) for make, block in zip(ENGINES.values(), (4, 5), strict=True)
    )
    assert one.learner.updates > 0
    assert leaves_equal((one.learner, one.episodes), (two.learner, two.episodes))


def test_several_seeds_take_turns() -> None:
    """Each learns something of its own, as with any other network."""
    env = CompiledEnv(Pictures(), 500)
    state, reports = train(ENGINES["compiled"](AGENTS["pqn"], env, 8, (3, 4, 5)), 4)
    kernels = np.asarray(state.learner.params["Dense_0"]["kernel"])[:3]
    assert len({each.tobytes() for each in kernels}) == 3
    assert all(np.isfinite(report.metrics["loss"]) for report in reports[-1])
