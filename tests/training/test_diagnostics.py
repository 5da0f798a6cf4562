"""Diagnostics by hand-computed values, on both engines, and what they must not do: change a training."""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.lanes.func_lanes import FuncLanes
from argmaxq.learning.activations import hidden
from argmaxq.learning.diagnostics import churn, distance, dormant_share, effective_rank, td_error_quantiles
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.networks.critics import Ensemble, MultiPass
from argmaxq.networks.heads import Dueling
from argmaxq.networks.linear import Table
from argmaxq.networks.mlp import MLP
from argmaxq.networks.own import EquinoxNetwork, FlaxNetwork, FunctionNetwork
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.runs.records import read
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.training.evaluation import greedy, play_lanes
from argmaxq.training.prospects import Ledger, Outlook, settled
from argmaxq.types import Clock, Row
from oracles.parts import leaves_equal
from samples.probes import PROBES
from support.runs import CARTPOLE, PARALLEL, assert_same, crashed
from support.tiers import slow
from support.trainer import ENGINES, TOTAL, compiled_engine, probe_env, train

SPACES = Spaces(ArraySpec((3,), "float32"), DiscreteActions(2))
OBS = jnp.array([1.0, -2.0, 0.5])


def layers(params: Any, obs: Any) -> list[np.ndarray]:
    """An MLP's hidden layers in NumPy."""
    x, found = np.asarray(obs), []
    for name in sorted(name for name in params if name.startswith("Dense")):
        x = np.maximum(x @ np.asarray(params[name]["kernel"]) + np.asarray(params[name]["bias"]), 0)
        found.append(x)
    return found


class Deep(nn.Module):
    @nn.compact
    def __call__(self, obs: Any) -> Any:
        return nn.Dense(2)(nn.tanh(nn.Dense(5)(obs)))


class Shallow(eqx.Module):
    first: Any
    second: Any

    def __init__(self, key: Any) -> None:
        one, two = jax.random.split(key)
        self.first, self.second = eqx.nn.Linear(3, 7, key=one), eqx.nn.Linear(7, 2, key=two)

    def __call__(self, obs: Any) -> Any:
        return self.second(jax.nn.relu(self.first(obs)))


def test_hidden_layers_of_an_mlp_are_what_its_activations_give() -> None:
    for network in (MLP((6, 4)), MLP((6, 4), head=Dueling())):
        params = network.init(jax.random.key(0), OBS, (2, 1))
        found = jax.vmap(lambda obs, own=network, params=params: hidden(own, params, obs))(OBS[jnp.newaxis])
        assert [layer.shape for layer in found] == [(1, 6), (1, 4)]
        for ours, by_hand in zip(found, layers(params, OBS), strict=True):
            np.testing.assert_allclose(ours[0], by_hand, rtol=1e-6)


@pytest.mark.parametrize(
    ("network", "widths"),
    [(FlaxNetwork(Deep()), [5]), (EquinoxNetwork(Shallow), [7]), (MLP((8,), layer_norm=True), [8]), (Table(), [])],
)
def test_hidden_layers_of_any_network(network: Any, widths: list[int]) -> None:
    if widths:
        obs, params = OBS, network.init(jax.random.key(0), OBS, (2, 1))
    else:
        spaces = Spaces(ArraySpec((), "int32", categories=3), DiscreteActions(2))
        network, obs = bind(network, spaces), jnp.int32(1)
        params = network.init(jax.random.key(0), obs, (2, 1))
    assert [layer.shape for layer in hidden(network, params, obs)] == [(width,) for width in widths]


def test_hidden_layers_of_critics_are_those_of_each_pass() -> None:
    critic: Any = Ensemble(MultiPass((6, 4), sizes=(1, 2)))
    params = critic.init(jax.random.key(0), OBS, 1)
    found = hidden(critic, params, OBS, jnp.array([0.1, 0.2, 0.3]))
    assert sorted(layer.size for layer in found) == [8, 8, 12, 12]  # two critics side by side, two passes


def test_formulas_by_hand() -> None:
    first = jnp.array([[1.0, 0.0, -1.0, 0.01], [3.0, 0.0, 1.0, -0.01]])  # means 2, 0, 1, 0.01; a mean of 0.7525
    second = jnp.array([[1.0, 1.0], [1.0, 1.0]])
    assert dormant_share([first, second]) == pytest.approx(2 / 6)
    assert dormant_share([jnp.zeros((2, 3))]) == 1.0
    features = np.random.default_rng(0).normal(size=(9, 4)) * [9.0, 3.0, 1.0, 0.1] + 5.0
    spread = np.linalg.eigvalsh(np.cov(features.T))
    assert effective_rank(jnp.array(features)) == pytest.approx(spread.sum() ** 2 / (spread**2).sum(), rel=1e-4)
    assert effective_rank(jnp.array(np.vstack([np.eye(3), -np.eye(3)]))) == pytest.approx(3)
    assert effective_rank(jnp.full((5, 3), 0.1)) == 0
    assert churn(jnp.array([[1, 2], [3, 0], [1, 0]]), jnp.array([[5, 9], [0, 1], [2, 3]])) == pytest.approx(2 / 3)
    found = td_error_quantiles(jnp.array([-1.0, 2.0, 3.0, -99.0]), jnp.array([1.0, 0.3, 1.0, 0.0]))
    assert [float(value) for value in found.values()] == pytest.approx([1.2, 2.0, 2.8])
    assert distance({"a": jnp.array([3.0, 0.0])}, {"a": jnp.array([3.0, 4.0])}) == pytest.approx(4 / 5)


@pytest.mark.parametrize("replay", [Uniform(40), Prioritised(40)])
def test_a_gauge_by_hand(replay: Any) -> None:
    """One transition, many times over: every batch is known, and so is all that is told of it."""
    agent = DQN(network=MLP((4,)), returns=Scalar(Squared()), replay=replay, batch_size=8)
    learner = agent.init(jax.random.key(1), SPACES, 2)
    rows = 10
    flags = jnp.zeros((rows, 2), bool)
    story = Row(jnp.tile(OBS, (rows, 2, 1)), flags.astype(jnp.int32) + 1, flags + 3.0, ~flags, flags, flags)
    learner = agent.remember(learner, story)._replace(target=jax.tree.map(jnp.zeros_like, learner.params))
    found = jax.jit(agent.gauge)(learner, Clock(0, 0, 0, 1), jax.random.key(2))

    def value(params: Any) -> Any:
        return agent.values(params, OBS)[1]

    q, gradient = jax.value_and_grad(value)(learner.params)
    for quantile in (10, 50, 90):
        assert found[f"td_error_{quantile}"] == pytest.approx(abs(3.0 - float(q)), rel=1e-5)
    assert found["gradient_norm"] == pytest.approx(abs(3.0 - float(q)) * float(optax.tree.norm(gradient)), rel=1e-5)
    assert found["learning_rate"] == pytest.approx(1e-3)
    assert found["target_distance"] == pytest.approx(1.0)
    assert found["effective_rank"] == 0  # the one state is like itself
    units = layers(learner.params, OBS)[0]
    assert found["dormant"] == pytest.approx(np.mean(units <= 0.025 * units.mean()))
    assert 2 <= found["replay_age"] <= 18  # rows 0 .. 8 of 10 in two lanes start a window


LOOKED_UP = FunctionNetwork(lambda key, obs, outputs: jnp.zeros(outputs[:1] * 2), lambda q, obs: q[obs[0].astype(int)])
"""Action values [states, actions] of a state's number."""
GAMMA, SCALE = 0.9, 0.5
CHAINS = {
    # Two steps, of which the first earns the action and the second 2.
    "short-episode": ([[0.0, 5.0], [0.0, 3.0]], 5.0, SCALE * (1 + GAMMA * 2)),
    # A time limit after four steps of reward 1 each: the rest is worth what the agent says.
    "endless": ([[7.0]], 7.0, SCALE * sum(GAMMA**t for t in range(4)) + GAMMA**4 * 7.0),
}


@pytest.mark.parametrize("name", CHAINS)
def test_what_is_expected_is_compared_with_the_return_that_follows(name: str) -> None:
    table, foreseen, followed = CHAINS[name]
    params = jnp.array(table)
    agent = DQN(network=LOOKED_UP, gamma=GAMMA, rewards=Scale(SCALE), replay=Uniform(50))
    env = probe_env(next(probe for probe in PROBES if probe.name == name))
    engine = compiled_engine(agent, env)
    state = engine.start()
    state = state._replace(learner=state.learner._replace(params=params))
    compiled = engine.evaluate(state, 3, 0)[0].outlook
    ledger = Ledger(agent, 5)
    play_lanes(FuncLanes(env, 2), greedy(agent, params, env.spaces), 5, 0, ledger=ledger)
    host = Outlook(*settled(agent, params, state.learner, ledger.prospects))
    for outlook in (compiled, host):
        assert outlook.told() == pytest.approx(
            {"q_foreseen": foreseen, "q_followed": followed, "q_bias": foreseen - followed, "q_spread": 0}, abs=1e-5
        )


SMALL = DQN(network=MLP((16,)), replay=Uniform(500), learning_starts=50, batch_size=16)
ROLLOUTS = PQN(network=MLP((16,), layer_norm=True), rollout=16, epochs=2, minibatches=4)


@pytest.mark.parametrize(
    ("agent", "lanes"),
    [(SMALL, 8), (ROLLOUTS, 1), slow(SMALL, 1), slow(ROLLOUTS, 8)],
    ids=["8-dqn", "1-pqn", "1-dqn", "8-pqn"],
)
def test_both_engines_measure_the_same_and_change_nothing(agent: Any, lanes: int) -> None:
    found = []
    for make in ENGINES.values():
        engine = make(agent, lanes=lanes)
        state, _ = train(engine, 40)
        before = jax.tree.map(np.array, state.learner)
        found.append(engine.gauge(state, 40, TOTAL))
        assert leaves_equal(state.learner, before)
        assert engine.gauge(state, 41, TOTAL) != found[-1]  # another time, other random numbers
    assert found[0] == found[1]
    assert {"churn", "dormant", "effective_rank", "gradient_norm", "td_error_50", "learning_rate"} <= set(found[0][0])
    assert all(np.isfinite(value) for value in found[0][0].values())


def test_a_state_saved_before_rollouts_were_kept_is_still_read() -> None:
    for make in ENGINES.values():
        engine = make(ROLLOUTS, lanes=8)
        state, _ = train(engine, 3)
        arrays, meta = engine.save(state)
        arrays = {name: np.array(leaf) for name, leaf in arrays.items() if "newest" not in name}
        again, _ = engine.restore(arrays, meta)
        assert leaves_equal(again.learner.params, jax.tree.map(np.asarray, state.learner.params))


@aq.component(aq.Gauge)
class FirstWeights:
    """A component of a user's own: the norm of all parameters, and what is never a number.

    Attributes:
        scale: A factor on it.
    """

    scale: aq.Positive = 1.0

    def __call__(self, agent: Any, learner: Any, clock: aq.Clock, key: Any) -> dict[str, Any]:
        return {"weight_norm": self.scale * optax.tree.norm(learner.params), "not_a_number": jnp.nan}


MEASURED = aq.replace(CARTPOLE, {"steps": 4_096, "diagnostics": aq.Diagnostics(1, FirstWeights(2.0))})


def noting(block: Any) -> dict[str, Any]:
    """A callback of a user's own."""
    return {"blocks_seen": block.step / 250, "of_each": np.arange(len(block.reports)) + 0.5}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    out = tmp_path_factory.mktemp("measured") / "run"
    return aq.train(MEASURED, seeds=2, out=out, callbacks=[noting])


def test_a_users_own_numbers_stand_in_the_records(measured: aq.Run) -> None:
    for number, part in enumerate(measured.parts):
        rows = read(part.path, "metrics")
        assert [row["blocks_seen"] for row in rows] == [row["step"] / 250 for row in rows]
        assert {row["of_each"] for row in rows} == {number + 0.5}
        gauged = {row["step"]: row for row in rows if "weight_norm" in row}
        assert list(gauged) == [2_048, 4_096]
        assert all(row["not_a_number"] is None and row["churn"] >= 0 for row in gauged.values())
        assert [row["step"] for row in rows if "q_bias" in row] == [*range(500, 4_001, 500), 4_096]
        norm = optax.tree.norm({name: jnp.asarray(leaf) for name, leaf in part.arrays("last").items()})
        assert gauged[4_096]["weight_norm"] == pytest.approx(2 * float(norm), rel=1e-5)
    first, second = ([row.get("weight_norm") for row in read(part.path, "metrics")] for part in measured.parts)
    assert first != second


def test_a_run_is_the_same_with_and_without(measured: aq.Run, tmp_path: Path) -> None:
    without = aq.train(aq.replace(MEASURED, "diagnostics.every", 0), seeds=2, out=tmp_path / "without")
    for one, other in zip(measured.parts, without.parts, strict=True):
        assert leaves_equal(one.arrays("last"), other.arrays("last"))
        assert read(one.path, "evaluations") == read(other.path, "evaluations")
        names = {name for row in read(other.path, "metrics") for name in row}
        assert not names & {"churn", "q_bias", "weight_norm"}


@pytest.mark.parametrize(("recipe", "engine"), [(MEASURED, "host"), (PARALLEL, "compiled")], ids=["dqn", "pqn"])
def test_a_killed_run_goes_on_to_the_same_diagnostics(recipe: aq.Recipe, engine: str, tmp_path: Path) -> None:
    recipe = aq.replace(recipe, {"diagnostics.every": 1, "steps": 4_200})
    crashed(recipe, tmp_path / "run", 2_060, engine=engine)
    run = aq.resume(tmp_path / "run")
    assert_same(run, aq.train(recipe, out=tmp_path / "reference", engine=engine))
    assert [row["step"] for row in read(run.path, "metrics") if "churn" in row][:2] == [2_048, 4_096]


@aq.component(aq.Gauge)
class Colliding:
    """Takes a name that is another number's."""

    def __call__(self, agent: Any, learner: Any, clock: aq.Clock, key: Any) -> dict[str, Any]:
        return {"churn": 1.0}


@aq.component(aq.Gauge)
class Failing:
    """Measures what is not there."""

    def __call__(self, agent: Any, learner: Any, clock: aq.Clock, key: Any) -> dict[str, Any]:
        return {"mine": learner.nothing}


@aq.component(aq.Gauge)
class Wide:
    """Gives more than a number."""

    def __call__(self, agent: Any, learner: Any, clock: aq.Clock, key: Any) -> dict[str, Any]:
        return {"mine": jnp.zeros(3)}


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (Colliding(), "gives churn, which is"),
        (Failing(), "fails on this agent"),
        (Wide(), "a dict of names and single"),
    ],
)
def test_a_component_that_does_not_measure_is_refused_before_training(own: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        aq.train(aq.replace(CARTPOLE, "diagnostics.gauge", own), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"loss": 1.0}, "'loss', which is another"),
        ({"mine": "x"}, "needed is a name"),
        ({"mine": [1, 2]}, "or 1 of them"),
    ],
)
def test_a_callback_that_gives_no_number_is_told(said: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        aq.train(CARTPOLE, out=tmp_path / "run", callbacks=[lambda block: said if block.step >= 500 else None])
