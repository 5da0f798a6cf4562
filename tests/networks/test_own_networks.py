"""Modules of Flax and Equinox and optax's transformations as they are: taken alike everywhere, or refused in a line."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from flax import nnx
from test_networks import MATCHING

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.components.paths import get
from argmaxq.learning.optimisers import Adam, Optax
from argmaxq.networks.own import EquinoxNetwork, FlaxNetwork, NnxNetwork
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.trees import flatten
from support.hostile import SMALLEST
from support.trainer import compiled_engine, probe_env, train, values

KEY = jax.random.key(0)


class Linen(nn.Module):
    width: int = 8
    actions: int = 2

    @nn.compact
    def __call__(self, obs: Any) -> Any:
        return nn.Dense(self.actions)(nn.tanh(nn.Dense(self.width)(obs)))


class Nnx(nnx.Module):
    def __init__(self, entries: int = 4, actions: int = 2, *, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(entries, 8, rngs=rngs)
        self.output = nnx.Linear(8, actions, rngs=rngs)

    def __call__(self, obs: Any) -> Any:
        return self.output(nnx.tanh(self.hidden(obs)))


Equinox = partial(eqx.nn.MLP, 4, 2, 8, 1)
TAKEN: dict[str, tuple[Any, Any]] = {
    "linen": (Linen(), FlaxNetwork(Linen())),
    "linen-class": (Linen, FlaxNetwork(Linen())),
    "nnx": (module := Nnx(rngs=nnx.Rngs(1)), NnxNetwork(module)),
    "nnx-class": (Nnx, NnxNetwork(Nnx)),
    "equinox": (mlp := Equinox(key=KEY), EquinoxNetwork(mlp)),
    "equinox-partial": (Equinox, EquinoxNetwork(Equinox)),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_module_is_taken_alike_everywhere(name: str) -> None:
    given, network = TAKEN[name]
    assert aq.agents.DQN(network=given).network == network
    assert aq.agents.PDQN(actor_network=given).actor_network == network
    assert aq.replace(aq.Recipe(), "agent.network", given).agent == aq.agents.DQN(network=network)
    params = network.init(KEY, jnp.zeros(4), (2, 1))
    assert network(params, jnp.ones(4)).shape == (2, 1)
    assert sum(leaf.size for leaf in flatten(params).values()) == 4 * 8 + 8 + 8 * 2 + 2


def test_values_are_the_modules_own() -> None:
    obs = np.float32([0.1, -2, 3, 0.5])
    nnx_params = NnxNetwork(module).init(KEY, obs, (2, 1))
    np.testing.assert_allclose(NnxNetwork(module)(nnx_params, obs)[:, 0], module(obs), rtol=1e-6)
    equinox_params = EquinoxNetwork(mlp).init(KEY, obs, (2, 1))
    np.testing.assert_allclose(EquinoxNetwork(mlp)(equinox_params, obs)[:, 0], mlp(obs), rtol=1e-6)


@pytest.mark.parametrize("name", TAKEN)
def test_a_class_makes_other_parameters_for_each_seed_and_a_module_says_that_it_does_not(name: str) -> None:
    _, network = TAKEN[name]
    first, second = (flatten(network.init(jax.random.key(seed), jnp.zeros(4), (2, 1))) for seed in (0, 1))
    alike = all(np.array_equal(first[each], second[each]) for each in first)
    spaces = Spaces(ArraySpec((4,), "float32"), DiscreteActions(2))
    assert alike == (name in ("nnx", "equinox")) == bool(getattr(network, "remarks", lambda _: [])(spaces))


@pytest.mark.parametrize("network", [partial(Nnx, 1), partial(eqx.nn.MLP, 1, 2, 32, 1)], ids=["nnx", "equinox"])
def test_they_train_through_dqn_by_optax(network: Any) -> None:
    """The right action depends on the observation; a network that learns nothing stays near its first values."""
    exploring = aq.exploration.EpsilonGreedy(aq.schedules.Constant(1.0))
    agent = aq.agents.DQN(
        network=network, exploration=exploring, optimiser=optax.adam(0.01), learning_starts=64, updates=2
    )
    state, _ = train(compiled_engine(agent, probe_env(MATCHING)), 500)
    found = values(agent, state.learner.params, MATCHING.observations)
    np.testing.assert_allclose(found, MATCHING.q_values(0.99), atol=0.1)


def test_a_run_goes_on_where_they_are_given_again(tmp_path: Path) -> None:
    own = {"agent.network": Nnx, "agent.optimiser": optax.adamw(1e-3)}
    recipe = aq.replace(SMALLEST, own | {"agent.exploration.epsilon": "constant"})
    reference = aq.train(recipe, steps=240, out=tmp_path / "reference").policy("last")
    run = aq.train(recipe, out=tmp_path / "run")
    for path, given in {"agent.network": "module", "agent.optimiser": "transformation"}.items():
        others = {other: value for other, value in own.items() if other != path}
        with pytest.raises(UserError, match=rf"{path}\.{given} was an object of your own, .*aq.resume in Python"):
            aq.load(run.path, own=others)
    went_on = aq.resume(run.path, steps=80, own=own).policy("last")
    again = flatten(went_on.params)
    assert {name: array.tolist() for name, array in flatten(reference.params).items()} == {
        name: array.tolist() for name, array in again.items()
    }
    by_part = {"agent.network.module": Nnx, "agent.optimiser.transformation": own["agent.optimiser"]}
    assert aq.Run(run.path, by_part).recipe.agent == went_on.agent


class BatchNormed(nn.Module):
    @nn.compact
    def __call__(self, obs: Any) -> Any:
        return nn.Dense(2)(nn.BatchNorm(use_running_average=True)(obs))


class Dropped(nn.Module):
    @nn.compact
    def __call__(self, obs: Any) -> Any:
        return nn.Dense(2)(nn.Dropout(0.5, deterministic=False)(obs))


class NnxDropped(Nnx):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        super().__init__(rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)


class EquinoxDropped(eqx.Module):
    dropout: eqx.nn.Dropout
    linear: eqx.nn.Linear

    def __init__(self, key: Any) -> None:
        self.dropout, self.linear = eqx.nn.Dropout(0.5), eqx.nn.Linear(4, 2, key=key)

    def __call__(self, obs: Any) -> Any:
        return self.linear(self.dropout(obs))


class Unhashable(Linen):
    width: Any = ([8],)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (BatchNormed(), "the network keeps batch_stats beside its parameters, as BatchNorm and Dropout do"),
        (Dropped(), "random key or state (InvalidRngError"),
        (NnxDropped, "the network keeps RngCount, RngKey beside its parameters"),
        (EquinoxDropped, "random key or state (RuntimeError: Dropout requires a key"),
        (Linen(actions=3), "the network gives outputs of shape (3,) for one observation; needed: (2,)"),
        (partial(Nnx, 5), "the network fails on one observation, float32 of shape (4,), which it gets alone"),
        (partial(eqx.nn.MLP, 4), "(TypeError: "),
        (Unhashable(), "unhashable"),
        (lambda obs: obs, "is no network: known: "),
        (3, "agent.network = 3 is no network"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_in_a_line(network: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        aq.train(aq.replace(SMALLEST, "agent.network", network), out=tmp_path / "run")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("optimiser", "message"),
    [
        (optax.adam, "is no optimiser: known: adam, optax"),
        (optax.lbfgs(), "the optax transformation fails on gradients, its state and the parameters"),
    ],
)
def test_an_optimiser_that_does_not_fit_is_refused_in_a_line(optimiser: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        aq.train(aq.replace(SMALLEST, "agent.optimiser", optimiser), out=tmp_path / "run")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_optax_steps_as_it_does_alone_and_as_our_adam() -> None:
    params = {"a": jnp.float32([1, -2]), "b": jnp.float32(3)}
    ours, theirs = Adam(0.1, max_grad_norm=1.0), optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1))
    taken = get(aq.agents.DQN(optimiser=theirs), "optimiser")
    assert taken == Optax(theirs)
    found, expected = params, params
    state, other = taken.init(params), ours.init(params)
    for scale in (1.0, -5.0, 0.1):
        gradient = jax.tree.map(lambda leaf, scale=scale: scale * leaf, params)
        found, state = taken.update(gradient, state, found, aq.Clock())
        expected, other = ours.update(gradient, other, expected, aq.Clock())
    for name in params:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
    several = aq.agents.DQN(optimiser=optax.MultiSteps(optax.sgd(1.0), 2)).optimiser
    first, state = several.update(params, several.init(params), params, aq.Clock())
    np.testing.assert_array_equal(first["a"], params["a"])
    np.testing.assert_allclose(several.update(params, state, first, aq.Clock())[0]["a"], 0 * params["a"], atol=1e-6)


def test_neither_nnx_nor_equinox_is_imported_for_those_who_have_not() -> None:
    code = (
        "import sys, argmaxq as aq; aq.replace(aq.Recipe(), 'agent.network', 'mlp');"
        "sys.exit(str([name for name in ('flax.nnx', 'equinox') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"
