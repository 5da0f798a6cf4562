"""Networks that draw: noisy layers and implicit quantiles, in NumPy, by identities, and where their keys come from."""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN, Sample
from argmaxq.agents.td import TD
from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.exploration import Greedy
from argmaxq.learning.keys import each_its_own
from argmaxq.learning.optimisers import SGD
from argmaxq.learning.returns import Huber, ImplicitQuantile, Quantile, Scalar, Squared
from argmaxq.networks.heads import Dueling, Implicit, SingleStream
from argmaxq.networks.layers import Noisy, Plain
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.recipe import Recipe
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.training.feasibility import refuse_infeasible
from argmaxq.types import Batch, Transition
from oracles.parts import clock, rlax

KEY = jax.random.key(0)
OBS = np.float32([0.5, -2, 1])
SPACES = Spaces(ArraySpec((3,), "float32"), DiscreteActions(2))
IQN = ImplicitQuantile(4, 3, 5)
IMPLICIT = MLP((8,), head=Implicit(6, Dueling()))


def noisy(sigma: float, head: Any = SingleStream) -> MLP:
    return MLP((16, 8), head=head(Noisy(sigma)), layer=Noisy(sigma))


@pytest.mark.parametrize("head", [SingleStream, Dueling])
def test_without_noise_a_noisy_network_is_the_plain_one(head: Any) -> None:
    """With sigma 0 whatever the key, and else where there is no key."""
    plain, still, loud = MLP((16, 8), head=head()), noisy(0.0, head), noisy(0.5, head)
    params = loud.init(KEY, OBS, (2, 3))
    means = {name: {part: layer[part] for part in ("kernel", "bias")} for name, layer in params.items()}
    quiet = still.init(KEY, OBS, (2, 3))
    expected = plain(means, OBS)
    np.testing.assert_allclose(loud(params, OBS), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(still(quiet, OBS, jax.random.key(1)), still(quiet, OBS))
    assert not np.allclose(loud(params, OBS, jax.random.key(1)), expected, atol=1e-3)


def test_the_noise_of_a_layer_is_factorised() -> None:
    """Weight (i, j) has the deviation times f(e_i) f(e_j), a bias that times f(e_j), f(e) = sign(e) sqrt(|e|)."""
    network = MLP((), head=SingleStream(Noisy(0.5)))
    layer = network.init(KEY, jnp.zeros(64), (16, 3))["output"]
    np.testing.assert_allclose(layer["kernel_deviation"], 0.5 / 8)
    np.testing.assert_allclose(layer["bias_deviation"], 0.5 / 8)
    assert 0.12 < np.abs(layer["kernel"]).max() <= 0.125
    rng = np.random.default_rng(0)
    params = {"output": {part: np.zeros(leaf.shape, np.float32) for part, leaf in layer.items()}}
    for part in ("kernel_deviation", "bias_deviation"):
        params["output"][part] = np.abs(rng.normal(size=layer[part].shape)).astype(np.float32) + 0.1
    kernel, bias = params["output"]["kernel_deviation"], params["output"]["bias_deviation"]
    outs = np.asarray(network(params, jnp.zeros(64), KEY))
    rows = np.asarray(jax.vmap(lambda obs: network(params, obs, KEY))(jnp.eye(64))) - outs
    output_noise, weight_noise = outs / bias, rows / kernel
    input_noise = weight_noise[:, 0, 0] / output_noise[0, 0]
    np.testing.assert_allclose(weight_noise, np.multiply.outer(input_noise, output_noise), rtol=2e-3, atol=2e-3)
    drawn = np.asarray(jax.vmap(lambda key: network(params, jnp.zeros(64), key))(jax.random.split(KEY, 400))) / bias
    assert drawn.mean() == pytest.approx(0, abs=0.03)
    assert (drawn**2).mean() == pytest.approx(np.sqrt(2 / np.pi), abs=0.02)  # the mean of |e|
    assert (drawn**4).mean() == pytest.approx(1, abs=0.05)  # the mean of e^2


def test_layers_have_noise_of_their_own() -> None:
    network = MLP((4, 4), layer=Noisy(), activation="tanh")
    params = jax.tree.map(jnp.zeros_like, network.init(KEY, jnp.zeros(4), (4, 1)))
    params["Dense_0"]["bias_deviation"] = params["Dense_1"]["bias_deviation"] = jnp.ones(4)
    params["output"]["kernel"] = jnp.eye(4)[:, :, None]
    second = np.asarray(network(params, jnp.zeros(4), KEY))[:, 0]
    params["Dense_1"] = jax.tree.map(jnp.zeros_like, params["Dense_1"]) | {"kernel": jnp.eye(4)}
    first = np.arctanh(np.asarray(network(params, jnp.zeros(4), KEY))[:, 0])
    assert not np.allclose(np.tanh(first), second, atol=0.05)


def test_implicit_quantiles_by_hand() -> None:
    """Features times relu(cosines W + b), then the dueling head at each level (eq. 4)."""
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), IMPLICIT.init(KEY, OBS, (2, 1)))
    levels = np.float32([0.1, 0.5, 0.93])
    found = np.asarray(IMPLICIT(params, OBS, None, levels))
    assert found.shape == (2, 3, 2)
    np.testing.assert_array_equal(found[..., 1], np.tile(levels, (2, 1)))
    layer: Any = {name: {part: np.asarray(leaf, float) for part, leaf in own.items()} for name, own in params.items()}
    features = np.maximum(OBS @ layer["Dense_0"]["kernel"] + layer["Dense_0"]["bias"], 0)
    for place, level in enumerate(levels):
        waves = np.cos(np.pi * np.arange(6) * float(level))
        x = features * np.maximum(waves @ layer["levels"]["kernel"] + layer["levels"]["bias"], 0)
        value = (x @ layer["value"]["kernel"][:, 0] + layer["value"]["bias"][0])[0]
        advantage = (x @ layer["output"]["kernel"][..., 0]) + layer["output"]["bias"][:, 0]
        np.testing.assert_allclose(found[:, place, 0], value + advantage - advantage.mean(), rtol=1e-4, atol=1e-4)


NUMBER = st.floats(-5, 5, width=32, allow_subnormal=False)
LEVEL = st.floats(2**-10, 1 - 2**-10, width=32)


def numbers(count: int, elements: Any = NUMBER) -> Any:
    return hnp.arrays(np.float32, count, elements=elements)


@given(numbers(4), numbers(4, LEVEL), numbers(3))
def test_the_loss_of_implicit_quantiles(z: np.ndarray, levels: np.ndarray, target: np.ndarray) -> None:
    """Eq. 3 in plain Python, and rlax, which takes the mean over levels of what is summed there."""
    total = 0.0
    for value, level in zip(z.astype(float), levels.astype(float), strict=True):
        for goal in target.astype(float):
            error = goal - value
            huber = 0.5 * error**2 if abs(error) <= 1 else abs(error) - 0.5
            total += abs(level - (error < 0)) * huber / len(target)
    found = IQN.loss(np.stack([z, levels], axis=-1), target)
    np.testing.assert_allclose(found, total, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found, rlax.quantile_regression_loss(z, levels, target, 1.0), rtol=2e-5, atol=1e-6)


@given(numbers(7), numbers(7))
def test_at_even_levels_they_are_those_of_qr_dqn(z: np.ndarray, target: np.ndarray) -> None:
    both = np.stack([z, np.asarray(IQN.levels(None, 7))], axis=-1)
    assert IQN.loss(both, target) == Quantile(7).loss(z, target)
    middle = np.float32([[z[0], 0.5]])
    np.testing.assert_allclose(IQN.loss(middle, target[:1]), 0.5 * Huber()(target[0] - z[0]), rtol=1e-6, atol=1e-7)


def agent(**values: Any) -> Any:
    given: dict[str, Any] = {"network": IMPLICIT, "returns": IQN, "gamma": 0.5, "optimiser": SGD(1.0)}
    return DQN(**given | values)


def batch(key: Any, size: int = 6) -> Batch:
    """The same transition many times."""
    one = Transition(OBS, np.int32(1), np.float32(1), np.float32(0.5), -OBS)
    same: Any = jax.tree.map(lambda leaf: np.stack([leaf] * size), one)
    return Batch(same, np.ones(size, np.float32), np.arange(size), key)


def learner(own: Any) -> Any:
    """With a target network unlike the online one."""
    begun = own.init(KEY, SPACES, 1)
    return begun._replace(target=jax.tree.map(lambda leaf: leaf + 0.5, begun.params))


def test_levels_are_drawn_for_each_sample_and_update_and_fixed_without_a_key() -> None:
    own = agent()
    update, begun = jax.jit(own.update), learner(agent())
    (_, one, _), (_, again, _), (_, other, _), (_, fixed, _) = (
        update(begun, batch(key)) for key in (KEY, KEY, jax.random.key(1), None)
    )
    np.testing.assert_array_equal(one, again)
    assert len(set(np.asarray(one).tolist())) == len(one)
    assert not set(np.asarray(one).tolist()) & set(np.asarray(other).tolist())
    assert len(set(np.asarray(fixed).tolist())) == 1
    there = own.network(begun.target, -OBS, None, own.returns.levels(None, 3))[..., 0]
    judged = own.network(begun.target, -OBS, None, own.returns.levels(None, 5))[..., 0].mean(axis=1)
    here = own.network(begun.params, OBS, None, own.returns.levels(None, 4))[1, :, 0]
    np.testing.assert_allclose(fixed[0], 1 + 0.5 * there[np.argmax(judged)].mean() - here.mean(), rtol=1e-5)


@pytest.mark.parametrize(
    "own",
    [agent(exploration=Greedy()), agent(network=noisy(3.0), returns=Scalar(), exploration=Greedy())],
    ids=["implicit", "noisy"],
)
def test_acting_draws_and_greedy_does_not(own: Any) -> None:
    params = own.init(KEY, SPACES, 1).params
    noise = own.noise(jax.random.key(2), (64,), SPACES)
    values = np.asarray(jax.vmap(own.values, (None, None, 0))(params, OBS, noise[1]))
    assert len(np.unique(values, axis=0)) > 30  # levels at which all of a small embedding is 0 give the same
    assert own.greedy(params, (), OBS)[0] == np.argmax(own.values(params, OBS))
    actions, _ = jax.vmap(own.act, (None, None, None, None, 0))(params, (), OBS, clock(), noise)
    np.testing.assert_array_equal(actions, values.argmax(axis=1))


@aq.component(aq.Network)
class Dice:
    """Action values that are noise and nothing else."""

    random: ClassVar[bool] = True
    weight: float = 1.0

    def init(self, key: Any, obs: Any, outputs: tuple[int, int]) -> Any:
        return jnp.ones(())

    def __call__(self, params: Any, obs: Any, key: Any = None) -> Any:
        return params * (jnp.zeros((2, 1)) if key is None else jax.random.normal(key, (2, 1)))


@pytest.mark.parametrize("bootstrap", [aq.bootstrap.Max(), Double()], ids=["max", "double"])
def test_a_batch_shares_its_noise_and_each_network_has_its_own(bootstrap: Any) -> None:
    own = agent(network=Dice(), returns=Scalar(Squared()), bootstrap=bootstrap)
    begun = own.init(KEY, SPACES, 1)
    errors = [np.asarray(own.update(begun, batch(key))[1]) for key in jax.random.split(KEY, 30)]
    assert all(len(set(error.tolist())) == 1 for error in errors)
    online_is_target = [abs(float(error[0]) - 1) for error in errors]  # would be -0.5 z, were both draws the same
    assert len({float(error[0]) for error in errors}) == 30
    assert max(online_is_target) > 1.5
    assert float(own.update(begun, batch(None))[1][0]) == 1.0


def test_pqn_learns_quantiles_of_a_return() -> None:
    """The loss of drawn quantiles against one number, a lambda-return."""
    own: Any = PQN(network=IMPLICIT, returns=IQN, optimiser=SGD(1.0), rollout=16)
    begun = own.init(KEY, SPACES, 1)
    sample = Sample(OBS[None], np.int32([1]), np.float32([100.0]), np.float32([1.0]))
    losses = [float(own.update(begun, sample, key=key)[1]["loss"]) for key in jax.random.split(KEY, 40)]
    # Far below the target Huber's loss is the distance, so 4 levels of mean 1/2 cost half of 4 distances.
    distance = 100 - float(own.network(begun.params, OBS, None, own.returns.levels(None, 50))[1, :, 0].mean()) - 0.5
    assert np.mean(losses) == pytest.approx(2 * distance, rel=0.1)
    assert len(set(losses)) == 40


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        (agent(network=MLP()), "returns = implicit-quantile and network.head = implicit go together"),
        (PQN(network=IMPLICIT), "returns = implicit-quantile and network.head = implicit go together"),
    ],
)
def test_halves_of_iqn_are_refused(own: Any, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        validate(own)


def test_an_agent_without_keys_refuses_what_needs_them() -> None:
    with pytest.raises(UserError, match=r"^agent\.network\.layer = noisy needs random keys, and td gives its netw"):
        refuse_infeasible(Recipe(TD(network=MLP(layer=Noisy()))), SPACES)


def test_plain_networks_draw_nothing() -> None:
    """So that recipes from before there were keys keep their random numbers."""
    plain, loud = DQN(), DQN(network=MLP(layer=Noisy()))
    assert plain.draw(KEY, 1).keys is None
    np.testing.assert_array_equal(plain.draw(KEY, 1).bits, loud.draw(KEY, 1).bits)
    (one, none), (other, keys) = (own.noise(KEY, (3,), SPACES) for own in (plain, loud))
    assert none is None
    assert keys is not None
    np.testing.assert_array_equal(one, other)
    assert len(np.unique(jax.random.key_data(jnp.concatenate(each_its_own(KEY, (50,)))), axis=0)) == 100
    assert dataclasses.replace(loud, network=MLP(layer=Plain())).random is False
