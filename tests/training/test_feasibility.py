"""What cannot be trained is refused before it starts, in one line with the numbers; what learnt nothing says so."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.agents.td import TD
from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.devices import free_memory
from argmaxq.networks.features import Bins
from argmaxq.networks.linear import Table
from argmaxq.networks.mlp import MLP
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.reporting.text import outcome
from argmaxq.training.engines.choose import engine_kind, make_engine
from argmaxq.trees import size
from oracles.parts import LINEAR
from samples.probes import Endless
from support.trainer import CARTPOLE

HUGE = 2_000_000_000
RECIPE = aq.Recipe(DQN(MLP((8,)), replay=Uniform(1_000)), steps=2_000, evaluation=aq.Evaluation(0, 1))


class Wide(Endless):
    """Observations so large that two thousand million of them fit no machine."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (1_000,), np.float32)

    def observation(self, state: Any, rng: Any, params: Any = None) -> Any:
        return jnp.zeros(1_000)


def refused(changes: dict[str, Any], folder: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        aq.train(aq.replace(RECIPE, changes), out=folder, **options)
    assert not folder.exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("engine", ["compiled", "host"])
@pytest.mark.parametrize("replay", [Uniform(HUGE), Prioritised(HUGE), Uniform(5, HUGE)])
def test_a_replay_larger_than_the_memory_is_refused_with_its_size(replay: Any, engine: str, tmp_path: Path) -> None:
    said = refused({"agent.replay": replay, "env.id": Wide}, tmp_path / "run", engine=engine)
    name = "allocation" if replay.allocation else "capacity"
    found = re.fullmatch(
        rf"training needs ([\d.,]+) GB of memory, and [\d.,]+ GB are free: lower agent.replay.{name} = {HUGE}", said
    )
    assert found
    row = 4_000 + 4 + 4 + 3  # an observation, an action, a reward, three flags
    tree = 2 * 2**31 * 4 if isinstance(replay, Prioritised) else 0
    assert float(found[1].replace(",", "")) == pytest.approx((HUGE * row + tree) / 1e9, rel=0.01)


def test_many_seeds_multiply(tmp_path: Path) -> None:
    free = free_memory()
    assert free
    rows = free // 27 // 4
    said = refused({"agent.replay": Uniform(rows)}, tmp_path / "run", seeds=8)
    assert re.fullmatch(rf"8 seeds need .* lower agent.replay.capacity = {rows}, or train fewer seeds at once", said)
    make_engine("compiled", aq.replace(RECIPE, "agent.replay", Uniform(rows)), (0,))


@pytest.mark.parametrize(
    "agent",
    [
        TD(LINEAR, n_step=HUGE),
        TD(LINEAR, rollout=HUGE),
        PQN(MLP((8,)), rollout=HUGE, minibatches=1),
        PQN(MLP((8,)), rollout=2**20, epochs=2**20, minibatches=1),
        DQN(MLP((2**25, 2**25))),
        DQN(MLP((8,)), batch_size=HUGE),
    ],
    ids=["n-step", "rollout", "pqn", "epochs", "network", "batch"],
)
def test_whatever_is_too_large_is_refused(agent: Any, tmp_path: Path) -> None:
    said = refused({"agent": agent, "env.id": Wide}, tmp_path / "run")
    assert re.search(r"GB of memory, and .* GB are free: lower env.lanes, agent.rollout, agent.n_step, ", said)


def test_the_size_is_that_of_the_arrays() -> None:
    agent = bind(RECIPE.agent, CARTPOLE.spaces)
    make = partial(agent.init, spaces=CARTPOLE.spaces, lanes=2)
    real = make(jax.random.key(0))
    assert size(jax.eval_shape(make, jax.random.key(0))) == sum(leaf.nbytes for leaf in jax.tree.leaves(real))
    assert size(real) == size(jax.eval_shape(make, jax.random.key(0)))
    assert size(jax.random.split(jax.random.key(0), 3)) == 3 * 8


@pytest.mark.parametrize(("starts", "steps", "fits"), [(2_001, 2_000, False), (2_000, 1_997, True), (5, 0, True)])
def test_learning_that_starts_beyond_the_last_step_is_refused(
    starts: int, steps: int, fits: bool, tmp_path: Path
) -> None:
    """The last iteration of 4 rows may go beyond the steps, and learning with it."""
    changes = {"agent.learning_starts": starts, "steps": steps}
    if fits:
        make_engine(engine_kind(RECIPE.env, "auto"), aq.replace(RECIPE, changes), (0,))
        return
    said = refused(changes, tmp_path / "run")
    assert said.startswith("agent.learning_starts = 2001: nothing would be learnt in the run's 2000 steps")


@pytest.mark.parametrize("replay", [Uniform, Prioritised])
def test_a_capacity_below_a_rollout_and_a_window_is_refused_whatever_is_allocated(replay: Any, tmp_path: Path) -> None:
    changes = {"agent.replay": replay(6, 1_000), "agent.n_step": 3, "agent.rollout": 4}
    said = refused(changes, tmp_path / "run")
    assert said == "agent.replay.capacity = 6 is too small: 1 lanes need at least 7 rows"
    said = refused(changes | {"agent.replay": replay(1_000, 6)}, tmp_path / "run")
    assert said == "agent.replay.allocation = 6 is too small: 1 lanes need at least 7 rows"


@pytest.mark.parametrize("replay", [Uniform, Prioritised])
def test_a_capacity_may_be_swept_within_its_allocation(replay: Any) -> None:
    def slots(capacity: Any) -> Any:
        return replay(capacity, 100).init(CARTPOLE.spaces, 1, 5)

    shapes = jax.eval_shape(jax.vmap(slots), jnp.array([50, 100]))
    assert size(shapes) > 2 * 100 * 27


class Life(Endless):
    """Without a time limit it never ends."""


def test_a_run_without_any_update_says_so_at_its_end(tmp_path: Path) -> None:
    """What was certain is refused; that no window of 500 rows is ever whole shows only afterwards."""
    agent = TD(Table(Bins((4,), (-1.0,), (1.0,))), n_step=500)
    recipe = aq.replace(RECIPE, {"agent": agent, "env.id": Life, "steps": 400})
    run = aq.train(recipe, out=tmp_path / "run")
    assert run.summary["finished"]
    assert run.summary["seeds"][0]["updates"] == 0
    assert "learnt             nothing: 0 updates in 400 steps" in outcome(run.config, run.summary, run.path)
    run = aq.resume(run.path, steps=200, own={"env.id": Life})
    assert run.summary["seeds"][0]["updates"] == 101
    assert "learnt" not in outcome(run.config, run.summary, run.path)
