"""What an environment must not give is noticed for every agent, on both engines, and named with its step."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.agents.td import TD
from argmaxq.networks.features import Bins
from argmaxq.networks.linear import Table
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from argmaxq.training.loop import Diverged
from samples.probes import OneStep, ProbeState

AT = 137
"""The step of each lane's life at which something goes wrong."""
AGENTS: dict[str, Any] = {
    "table": TD(Table(Bins((4,), low=(-2.0,), high=(2.0,)))),
    "dqn": DQN(MLP((4,)), replay=Uniform(400), learning_starts=64, batch_size=8),
    "pqn": PQN(MLP((4,), layer_norm=True), rollout=16, minibatches=2, epochs=1),
}


class Life(OneStep):
    """An endless walk in which step ``AT`` gives an observation, or a reward, that nobody can learn from."""

    action_space = gym.spaces.Discrete(2)

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        if fault == "index":
            self.observation_space = gym.spaces.Discrete(4)

    def observation(self, state: ProbeState, rng: Any, params: Any = None) -> Any:
        if self.fault == "index":
            return jnp.where(state.step == AT, 4, state.step % 4)
        wrong = {"nan": jnp.nan, "inf": jnp.inf}.get(self.fault, 0.0)
        return jnp.where(state.step == AT, wrong, 0.5)[None]

    def reward(self, state: ProbeState, action: Any, next_state: ProbeState, rng: Any, params: Any = None) -> Any:
        return jnp.where((next_state.step == AT) & (self.fault == "reward"), jnp.nan, 1.0)

    def terminal(self, state: ProbeState, rng: Any, params: Any = None) -> Any:
        return jnp.zeros((), bool)


def recipe(agent: Any, env: Any, lanes: int = 1) -> aq.Recipe:
    return aq.Recipe(agent, aq.Env(env, lanes=lanes), 2_000, aq.Evaluation(0, 1))


@pytest.mark.parametrize("engine", ["compiled", "host"])
@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("nan", "an observation that is not finite"),
        ("inf", "an observation that is not finite"),
        ("reward", "a reward that is not finite"),
    ],
)
def test_a_table_does_not_swallow_what_is_no_number(
    fault: str, words: str, lanes: int, engine: Any, tmp_path: Path
) -> None:
    said = rf"seed 0: the environment gave {words} \(env step {AT * lanes}\); last good checkpoint: none yet"
    with pytest.raises(Diverged, match=said):
        aq.train(recipe(AGENTS["table"], lambda: Life(fault), lanes), out=tmp_path / "run", engine=engine)


@pytest.mark.parametrize("engine", ["compiled", "host"])
@pytest.mark.parametrize("name", ["dqn", "pqn"])
def test_a_network_is_not_blamed_for_its_observations(name: str, engine: Any, tmp_path: Path) -> None:
    with pytest.raises(Diverged, match=rf"observation that is not finite \(env step {AT}\)") as caught:
        aq.train(recipe(AGENTS[name], lambda: Life("nan")), out=tmp_path / "run", engine=engine)
    assert "learning rate" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("engine", ["compiled", "host"])
@pytest.mark.parametrize("agent", [TD(), AGENTS["dqn"]], ids=["table", "dqn"])
def test_an_index_beyond_its_categories_is_named(agent: Any, engine: Any, tmp_path: Path) -> None:
    with pytest.raises(Diverged, match=rf"an observation that is none of 0 \.\. 3 \(env step {AT}\)"):
        aq.train(recipe(agent, lambda: Life("index")), out=tmp_path / "run", engine=engine)


class Blind(gym.Env):
    """Its very first observation, or only its last one of all, is not a number."""

    observation_space, action_space = gym.spaces.Box(-2, 2, (1,), np.float32), gym.spaces.Discrete(2)

    def __init__(self, at: int) -> None:
        self.at, self.time = at, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        self.time += 1
        return self._seen(), 0.0, False, False, {}

    def _seen(self) -> np.ndarray:
        return np.float32([np.nan if self.time == self.at else 0.0])


@pytest.mark.parametrize("at", [0, 2_000])
def test_the_first_and_the_last_observation_count(at: int, tmp_path: Path) -> None:
    with pytest.raises(Diverged, match=rf"an observation that is not finite \(env step {at}\)"):
        aq.train(recipe(AGENTS["table"], lambda: Blind(at)), out=tmp_path / "run")


def test_of_several_seeds_only_those_are_named(tmp_path: Path) -> None:
    """One of three falls ill, at a step of its own; the others are trained to the end."""

    class Chance(Life):
        def observation(self, state: ProbeState, rng: Any, params: Any = None) -> Any:
            return jnp.where((state.step == AT) & (state.sign > 0), jnp.nan, state.sign)[None]

    run = aq.train(recipe(AGENTS["table"], lambda: Chance("")), seeds=4, out=tmp_path / "run")
    stopped = [seed["stopped"] for seed in run.summary["seeds"]]
    assert set(stopped) == {"diverged", "at the last step"}
