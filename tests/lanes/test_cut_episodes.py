"""Environments that cannot be restored: the episode is cut at the resumption, and the run says so."""

import shutil
import signal
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.runs import checkpoint
from argmaxq.runs.records import read
from support.runs import CARTPOLE, assert_same, crashed, newest

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")


class Restless(gym.Env):
    """Observations and rewards from a generator that nobody can reach; every episode has 30 steps."""

    observation_space, action_space = gym.spaces.Box(-1, 1, (2,), np.float32), gym.spaces.Discrete(2)

    def __init__(self) -> None:
        self.hidden = np.random.default_rng()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.time = 0
        return self.hidden.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action: Any) -> Any:
        self.time += 1
        return self.hidden.uniform(-1, 1, 2).astype(np.float32), 1.0, self.time == 30, False, {}


def test_an_episode_that_cannot_be_replayed_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = aq.replace(CARTPOLE, {"env.id": Restless, "env.lanes": 3, "steps": 1_200, "checkpoint_every": 0})
    recipe = aq.replace(recipe, {"agent.replay.capacity": 1_200})
    callbacks = [lambda block: signal.raise_signal(signal.SIGTERM) if block.step >= 500 else None]
    with pytest.raises(SystemExit):
        aq.train(recipe, out=tmp_path / "run", callbacks=callbacks)
    run = aq.Run(tmp_path / "run")
    step = run.summary["step"]
    assert step % 93 not in (0, 90), "at an episode's end, so there would be nothing to cut"
    run = aq.resume(run.path, quiet=False, own={"env.id": Restless})
    assert "cannot be restored in 3 of 3 lanes: 3 episodes are cut here, marked as truncated" in capsys.readouterr().out
    assert run.summary["finished"]
    episodes = read(run.path, "episodes")
    assert {(row["return"], row["length"]) for row in episodes} == {(30.0, 30)}, "a cut episode is no whole one"
    # From the cut on, a row for the final observation and then episodes of 30 steps and their last rows.
    ends = [row["step"] for row in episodes if row["step"] > step]
    assert ends[0] == step + 3 * (1 + 30)
    rows = replayed(run)
    cut = step // 3
    assert rows["truncated"][cut - 1].all()
    assert rows["last"][cut].all()
    assert rows["last"].sum() == 3 * (1 + len(episodes) // 3)
    assert rows["truncated"].sum() == 3


def replayed(run: aq.Run) -> dict[str, np.ndarray]:
    """The rows in a run's replay, in the order they came, if it was never full."""
    arrays, _ = checkpoint.load(newest(run)[0])
    prefix = "engine/learner/replay/rows/"
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


@pytest.mark.parametrize("backend", ["envpool", "vector"])
def test_environments_that_hide_everything_are_restarted(
    backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own: dict[str, Any] = {}
    if backend == "envpool":
        pytest.importorskip("envpool")
        recipe = aq.replace(CARTPOLE, {"env.backend": "envpool", "env.lanes": 4, "agent.rollout": 3})
    else:
        own = {"env.id": partial(gym.make_vec, "CartPole-v1", 4, vectorization_mode="sync")}
        recipe = aq.replace(CARTPOLE, {**own, "env.lanes": 4, "agent.rollout": 3})
    run = crashed(recipe, tmp_path / "run", 700, engine="host")
    shutil.copytree(run.path, tmp_path / "other")
    ends = [aq.resume(path, own=own, quiet=False) for path in (run.path, tmp_path / "other")]
    assert capsys.readouterr().out.count("in 4 of 4 lanes") == 2
    assert_same(*ends)
