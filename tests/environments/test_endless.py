"""Environments whose episodes need not end: evaluations do, and count what was gained until then."""

import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.experimental.functional import FuncEnv

import argmaxq as aq
from argmaxq.environments.env import Env
from argmaxq.lanes.spaces import read_spaces
from argmaxq.reporting.text import outcome
from argmaxq.runs.records import read
from argmaxq.training.evaluation import LONGEST, Evaluator
from argmaxq.visualisation.playing import Stage
from argmaxq.visualisation.watch import ending
from support.commands import SMALL, Command
from support.runs import CARTPOLE

CUT = pytest.mark.filterwarnings("ignore:.* episodes of evaluations had not ended:UserWarning")


class Forever(FuncEnv[Any, Any, Any, Any, Any, Any, Any]):
    """Every step gives 1/4, and no episode ends."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def initial(self, rng: Any, params: Any = None) -> Any:
        return jnp.zeros(2)

    def transition(self, state: Any, action: Any, rng: Any, params: Any = None) -> Any:
        return state

    def observation(self, state: Any, rng: Any, params: Any = None) -> Any:
        return state

    def reward(self, state: Any, action: Any, next_state: Any, rng: Any, params: Any = None) -> Any:
        return jnp.float32(0.25)

    def terminal(self, state: Any, rng: Any, params: Any = None) -> Any:
        return jnp.bool_(False)


class Never(gym.Env[Any, Any]):
    """The same in Gymnasium's form."""

    observation_space, action_space = Forever.observation_space, Forever.action_space

    def reset(self, **options: Any) -> Any:
        super().reset(seed=options.get("seed"))
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        return np.zeros(2, np.float32), 0.25, False, False, {}


class Sometimes(Never):
    """Every other episode ends after three steps."""

    def reset(self, **options: Any) -> Any:
        seen = super().reset(**options)
        self.left = 3 if self.np_random.random() < 0.5 else -1
        return seen

    def step(self, action: Any) -> Any:
        self.left -= 1
        return np.zeros(2, np.float32), 0.25, self.left == 0, False, {}


gym.register("Never-v0", Never)


def vector() -> Any:
    return gym.vector.SyncVectorEnv([Never] * 2)


LAZY = aq.replace(CARTPOLE, {"steps": 400, "evaluation.every": 300, "evaluation.episodes": 2})
FULL = LONGEST / 4


@CUT
@pytest.mark.parametrize(
    ("env", "engine"), [(Forever, "compiled"), (Forever, "host"), (Never, "host"), ("Never-v0", "host")]
)
def test_partial_returns_count_alike_on_both_engines(env: Any, engine: Any, tmp_path: Path) -> None:
    run = aq.train(aq.replace(LAZY, "env.id", env), engine=engine, out=tmp_path / "run")
    for row in read(run.path, "evaluations"):
        assert (row["mean"], row["min"], row["max"], row["cut"]) == (FULL, FULL, FULL, 2)
    (seed,) = run.summary["seeds"]
    assert (seed["best"]["mean"], seed["best"]["cut"]) == (FULL, 2)
    text = outcome(run.config, run.summary, run.path)
    assert f"2 episodes without an end cut at {LONGEST:,} steps" in text
    found = run.evaluate(episodes=2)
    assert (found.mean, found.random, found.cut) == (FULL, FULL, 2)
    assert found.to_json()["cut"] == 2


@CUT
def test_in_a_vector_environment(tmp_path: Path) -> None:
    run = aq.train(aq.replace(LAZY, {"env.id": vector, "env.lanes": 2}), out=tmp_path / "run")
    assert [row["mean"] for row in read(run.path, "evaluations")] == [FULL, FULL]
    found = run.evaluate(episodes=3)
    assert (found.returns, found.cut) == ((FULL,) * 3, 3)


def test_python_is_warned_and_a_limit_mends_it(tmp_path: Path) -> None:
    words = rf"4 episodes of evaluations had not ended after {LONGEST:,} steps"
    with pytest.warns(UserWarning, match=words) as warned:
        aq.train(aq.replace(LAZY, "env.id", Never), out=tmp_path / "run")
    assert warned[0].filename == __file__
    limited = aq.replace(LAZY, {"env.id": Never, "env.time_limit": 20})
    assert read(aq.train(limited, out=tmp_path / "limited").path, "evaluations")[0]["max"] == 5.0


def test_those_that_end_and_those_that_do_not_stand_side_by_side() -> None:
    evaluator = Evaluator(Env(Sometimes))
    played = evaluator.play(lambda obs, _: np.zeros(len(obs), np.int32), 40, [1])
    evaluator.close()
    assert set(played.returns.tolist()) == {0.75, FULL}
    assert played.cut == np.sum(played.returns == FULL)


def test_a_limit_beyond_the_cap_is_kept() -> None:
    evaluator = Evaluator(Env(Never, time_limit=LONGEST + 7))
    played = evaluator.play(lambda obs, _: np.zeros(len(obs), np.int32), 1, [1])
    evaluator.close()
    assert (played.returns.tolist(), played.cut) == ([(LONGEST + 7) / 4], 0)


def test_the_command_line_says_so_before_it_starts(argmaxq: Command) -> None:
    options = ["--env", "Never-v0", "--env.time-limit", "none", "--steps", "200", "--evaluation.every", "0"]
    code, out, err = argmaxq("train", *SMALL, *options)
    assert (code, err) == (0, "")
    assert re.search(rf"(?m)^Never-v0 sets no time limit: .*cuts them at {LONGEST:,} steps; set env.time_limit$", out)
    _, out, _ = argmaxq("train", *SMALL, "--steps", "200", "--evaluation.every", "0")
    assert "time limit" not in out


@CUT
def test_the_table_of_evaluate_says_so(argmaxq: Command, tmp_path: Path) -> None:
    run = aq.train(aq.replace(LAZY, "env.id", "Never-v0"), out=tmp_path / "run")
    _, out, _ = argmaxq("evaluate", str(run.path), "--episodes", "2")
    assert out.splitlines()[-1] == f"2 of 2 episodes had not ended after {LONGEST:,} steps and were cut there"


def test_watching_has_an_end(tmp_path: Path) -> None:
    said: list[str] = []
    adaptor = read_spaces(Never.observation_space, Never.action_space)
    agent = aq.agents.DQN(network=aq.networks.MLP((4,)), replay=aq.replay.Uniform(100))
    params = agent.init(jax.random.key(0), adaptor.spaces, 1).params
    for last in Stage(Never(), aq.Policy(agent, params, adaptor)).moments(1, lambda obs: []):
        assert not last.over
    ending([], "", said.append)(1, last)
    assert said == [f"episode 1: return {FULL:,.1f} in {LONGEST:,} steps, and cut there"]
