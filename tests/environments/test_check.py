"""The environment checker on real environments, and on ones with a known fault."""

from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.environments.check import Finding, check

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")


def found(source: Any, **kwargs: Any) -> dict[str, Finding]:
    findings = check(source, kwargs)
    assert all("\n" not in finding.why for finding in findings)
    return {finding.what: finding for finding in findings}


@pytest.mark.parametrize("name", ["CartPole-v1", "LunarLander-v3", "FrozenLake-v1", "Taxi-v4"])
def test_good_environments_have_no_faults(name: str) -> None:
    findings = found(name)
    unsound = [finding for finding in findings.values() if finding.status != "ok"]
    assert [finding.what for finding in unsound] == ["masks"] * (name == "Taxi-v4")
    assert findings["agents"].why == "dqn, pqn, td"
    assert "exactly" in findings["exact resume"].why
    assert "steps per second" in findings["speed"].why


def test_a_missing_time_limit_is_a_warning() -> None:
    assert found("Blackjack-v1")["time limit"].status == "warn"
    assert found("CartPole-v1", max_episode_steps=50)["time limit"].why == "50 steps"


def test_unfit_actions_are_named_and_the_rest_is_tried_all_the_same() -> None:
    findings = found("Pendulum-v1")
    assert findings["actions"].status == findings["agents"].status == "fail"
    assert "SAC" in findings["actions"].why
    assert findings["data"].status == "ok"


def test_what_cannot_be_made_is_the_only_finding() -> None:
    findings = found("CartPol-v1")
    assert list(findings) == ["environment"]
    assert "CartPole-v1" in findings["environment"].why


def test_a_vector_environment_is_resumed_by_restarting() -> None:
    findings = found(partial(gym.make_vec, "CartPole-v1", 2))
    assert findings["autoreset"].why == "NEXT_STEP"
    assert findings["determinism"].status == "ok"
    assert findings["exact resume"].status == "warn"


class Faulty(gym.Env):
    """Two steps an episode; each fault is chosen by name."""

    action_space = gym.spaces.Discrete(2)

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.observation_space = gym.spaces.Box(-2.0, 2.0, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.observe(), {}

    def observe(self) -> np.ndarray:
        generator = np.random.default_rng() if self.fault == "random" else self.np_random
        obs = generator.uniform(-1.0, 1.0, 2).astype(np.float64 if self.fault == "dtype" else np.float32)
        return obs + {"bounds": 5, "nan": np.nan}.get(self.fault, 0)

    def step(self, action: Any) -> Any:
        if self.fault == "raises":
            raise RuntimeError("the door\nis stuck")
        self.steps += 1
        reward = np.inf if self.fault == "reward" else 1.0
        return self.observe(), reward, self.steps == 2, False, {}


@pytest.mark.parametrize(
    ("fault", "what", "status", "words"),
    [
        ("none", "data", "ok", "finite"),
        ("dtype", "data", "fail", "float64"),
        ("bounds", "data", "warn", "bounds"),
        ("nan", "data", "fail", "not finite"),
        ("reward", "data", "fail", "reward is inf"),
        ("random", "determinism", "warn", "cannot be repeated"),
        ("random", "exact resume", "warn", "restarts"),
        ("random", "interface", "fail", "Determin"),
        ("raises", "data", "fail", "RuntimeError: the door is stuck"),
        ("raises", "speed", "fail", "RuntimeError"),
    ],
)
def test_each_fault_is_found(fault: str, what: str, status: str, words: str) -> None:
    finding = found(Faulty, fault=fault)[what]
    assert finding.status == status
    assert words in finding.why


class Overwriting(gym.Env):
    """Counts up in one array, given away at every step; copies are given where it is ``careful``."""

    observation_space, action_space = gym.spaces.Box(0, 100, (1,), np.float32), gym.spaces.Discrete(2)

    def __init__(self, careful: bool, fresh: bool = False) -> None:
        self.careful, self.fresh, self.at = careful, fresh, np.zeros(1, np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.at[:] = 0
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        self.at = self.at + 1 if self.fresh else np.add(self.at, 1, out=self.at)
        return self._seen(), 1.0, False, bool(self.at[0] >= 5), {}

    def _seen(self) -> np.ndarray:
        return self.at.copy() if self.careful else self.at


def same_step(**options: Any) -> gym.vector.VectorEnv:
    mode = gym.vector.AutoresetMode.SAME_STEP
    return gym.vector.SyncVectorEnv([partial(Overwriting, **options)] * 2, autoreset_mode=mode)


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ({"careful": True}, "ok", "their episodes' own"),
        ({"careful": False}, "fail", "changes after it was handed out"),
        ({"careful": False, "fresh": True}, "fail", "are the next episode's first ones"),
    ],
)
def test_final_observations_that_are_overwritten_are_found(options: dict[str, bool], status: str, words: str) -> None:
    finding = found(partial(same_step, **options))["final observations"]
    assert finding.status == status
    assert words in finding.why


def test_what_a_wrapper_remembers_is_found_by_its_rewards() -> None:
    finding = found(lambda: gym.wrappers.NormalizeReward(gym.make("CartPole-v1")))["exact resume"]
    assert finding.status == "warn"
    assert "restarts" in finding.why


class Choices(gym.Env[Any, Any]):
    """Some choices at once, without a time limit; an episode ends after 20 steps."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.MultiDiscrete([3, 2, 4])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.zeros(2, np.float32), float(action[0]), self.steps >= 20, False, {}


def test_few_choices_at_once_are_told_as_their_combinations() -> None:
    assert found(Choices)["actions"].why == "24 combinations of (3, 2, 4) choices"


def test_nobody_is_warned_of_episodes_that_were_seen_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    aq.train("dqn", env=Choices, steps=50, out=tmp_path / "run", quiet=False)
    said = capsys.readouterr().out
    assert "episodes that end by themselves" in said
    assert "time limit" not in said
