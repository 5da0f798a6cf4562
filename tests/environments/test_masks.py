"""Masks of actions where they come from and where they are needed: lanes, evaluation, policies; and wrong ones."""

import pickle
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

import argmaxq as aq
from argmaxq.agents.pqn import PQN
from argmaxq.agents.recurrent_pqn import RecurrentPQN
from argmaxq.agents.td import TD
from argmaxq.cli import failures
from argmaxq.environments.check import check
from argmaxq.environments.source import host
from argmaxq.environments.survey import survey
from argmaxq.lanes.masks import UNUSED
from argmaxq.lanes.vector_lanes import VectorLanes
from argmaxq.learning.bootstrap import Munchausen
from argmaxq.networks.features import Tiles
from argmaxq.networks.heads import SingleStream
from argmaxq.networks.layers import Noisy
from argmaxq.networks.linear import Linear
from argmaxq.networks.mlp import MLP
from argmaxq.networks.recurrent import GRU, Recurrent
from samples.masked import ACTIONS, BEST, ENV, RETURNS, SEQUENCES, TAXI, InDict, OpenDoors, doors, doors_in_dict, small
from support.tiers import slow
from support.trainer import ENGINES


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("make", [doors, doors_in_dict])
def test_random_play_in_vector_environments_is_allowed(mode: AutoresetMode, make: Any) -> None:
    mask = "observation" if make is doors_in_dict else "info"
    lanes = VectorLanes(SyncVectorEnv([lambda: TimeLimit(make(), 4)] * 3, autoreset_mode=mode), mask=mask)
    obs, generator, ends = lanes.reset(1), np.random.default_rng(1), 0
    for _ in range(60):
        assert lanes.spaces.legal.allowed(obs).any(axis=-1).all()
        step = lanes.step(lanes.spaces.random(generator, obs))
        assert np.isfinite(step.reward).all()
        obs, ends = step.obs, ends + int(step.truncated.sum())
    assert ends > 20


def test_lanes_show_the_mask_wherever_it_comes_from() -> None:
    """Infos, observations and processes give the same arrays; in a terminal state all is allowed, not nothing."""
    sources = {"info": aq.Env(doors, mask="info", lanes=2), "dict": aq.Env(doors_in_dict, mask="observation", lanes=2)}
    sources["processes"] = aq.Env(doors, mask="info", lanes=2, backend="processes")
    seen = []
    for env in sources.values():
        lanes, rows, last = host(env), [], np.zeros(2, bool)
        obs, generator = lanes.reset(7), np.random.default_rng(3)
        for _ in range(14):
            rows.append(obs.copy())
            assert obs.shape == (2, 2 + ACTIONS)
            assert lanes.spaces.legal.allowed(obs)[last].all()
            step = lanes.step(lanes.spaces.random(generator, obs))
            obs, last = step.obs, step.last
            assert np.isfinite(step.reward).all()
        if env is sources["info"]:
            again = host(env)
            assert again.restore(lanes.save()) == []
            np.testing.assert_array_equal(again.observe(), obs)
        lanes.close()
        seen.append(np.array(rows))
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])
    assert {0.0, 1.0} == {*np.unique(seen[0][..., 2:]).tolist()}


def test_a_masked_run_is_evaluated_loaded_and_pickled(tmp_path: Path) -> None:
    agent = PQN(MLP((16,), layer_norm=True), RETURNS["c51"], Munchausen(), rollout=32, minibatches=4, epochs=2)
    recipe = aq.Recipe(agent, aq.replace(ENV, {"lanes": 4}), 4_096, aq.Evaluation(2_048, 10))
    run = aq.train(recipe, out=tmp_path / "run")
    judged = run.evaluate(50)
    assert judged.random < 9.0 < judged.mean <= BEST + 1.0
    policy = aq.load(run.path)
    env, total = doors(), 0.0
    obs, info = env.reset(seed=3)
    for _ in range(20):
        action = policy(obs, info["action_mask"])
        assert pickle.loads(pickle.dumps(policy))(obs, info["action_mask"]) == action
        np.testing.assert_array_equal(np.isneginf(policy.values(obs, info["action_mask"])), info["action_mask"] == 0)
        obs, reward, over, _, info = env.step(action)
        total += reward
        if over:
            obs, info = env.reset()
    assert np.isfinite(total)
    masks = np.eye(ACTIONS, dtype=np.int8)
    np.testing.assert_array_equal(policy(np.zeros((ACTIONS, 2), np.float32), masks), np.arange(ACTIONS))
    with pytest.raises(aq.UserError, match=r"policy\(obs, info\['action_mask'\]\)"):
        policy(obs)
    with pytest.raises(aq.UserError, match="allows no action"):
        policy(obs, np.zeros(ACTIONS))


ROLLOUTS = RecurrentPQN(
    Recurrent((8,), GRU(8), head=SingleStream(Noisy())), RETURNS["c51"], Munchausen(), rollout=8, minibatches=2
)


@pytest.mark.parametrize(
    ("agent", "engine"),
    [
        (ROLLOUTS, "host"),
        slow(ROLLOUTS, "compiled"),
        *(slow(SEQUENCES, engine) for engine in ENGINES),
    ],
)
def test_a_recurrent_masked_run_is_evaluated_and_loaded(agent: Any, engine: str, tmp_path: Path) -> None:
    recipe = aq.Recipe(agent, aq.Env(OpenDoors, mask="info", lanes=4), 2_000, aq.Evaluation(1_000, 10))
    run = aq.train(recipe, out=tmp_path / "run", engine=engine)
    assert np.isfinite(run.evaluate(20).returns).all()
    policy, env = run.policy(), doors()
    obs, info = env.reset(seed=3)
    for _ in range(60):
        obs, reward, over, _, info = env.step(policy(obs, info["action_mask"]))
        assert np.isfinite(reward)
        if over:
            obs, info = env.reset()
            policy.reset()
    policy.reset()
    masks = np.eye(ACTIONS, dtype=np.int8)
    np.testing.assert_array_equal(policy(np.zeros((ACTIONS, 2), np.float32), masks), np.arange(ACTIONS))


def test_a_policy_finds_the_mask_in_its_observation(tmp_path: Path) -> None:
    recipe = aq.Recipe(small("quantile", 500), aq.Env(doors_in_dict, mask="observation"), 600, aq.Evaluation(600, 2))
    policy = aq.train(recipe, out=tmp_path / "run").policy()
    obs = {"observation": np.zeros(2, np.float32), "action_mask": np.array([0, 1, 0, 0], np.int8)}
    assert policy(obs) == 1
    with pytest.raises(aq.UserError, match="its observations hold their masks"):
        policy(obs, obs["action_mask"])


class Shut(gym.Wrapper[Any, Any, Any, Any]):
    """No action is allowed after the second step; ``gone``: nothing is said of it then."""

    gone = False

    def reset(self, **options: Any) -> Any:
        self.steps = 0
        return self.env.reset(**options)

    def step(self, action: Any) -> Any:
        *result, info = self.env.step(action)
        self.steps += 1
        if self.steps == 2:
            info = {} if self.gone else info | {"action_mask": np.zeros(ACTIONS)}
        return (*result, info)


class Gone(Shut):
    gone = True


class AlwaysShut(OpenDoors):
    def legal(self, state: Any) -> Any:
        return state.open & (state.steps < 2)


class Wrong(OpenDoors):
    def legal(self, state: Any) -> Any:
        return state.open[:2]


REFUSED = {
    "nothing allowed": (aq.Env(lambda: Shut(doors()), mask="info"), "allows no action, and the episode is not over"),
    "nothing said": (aq.Env(lambda: Gone(doors()), mask="info"), r"no info\['action_mask'\]"),
    "no mask at all": (aq.Env("CartPole-v1", {"render_mode": None}, mask="info"), "no method legal"),
    "nothing allowed, compiled": (aq.Env(AlwaysShut, mask="info"), r"a mask that allows no action \(env step 2\)"),
    "another shape": (aq.Env(Wrong, mask="info"), r"Wrong.legal gave an array of shape \(2,\): it must be \(4,\)"),
    "a FuncEnv's place": (aq.Env(OpenDoors, mask="observation"), "its method legal.*env.mask info"),
    "no such entry": (aq.Env(doors, mask="observation"), "must be a Dict with the entry 'action_mask'"),
    "actions with parameters": (aq.Env("argmaxq/Platform-v0", mask="info"), "env.mask = info"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_with_a_mask_is_one_line(name: str, tmp_path: Path) -> None:
    env, told = REFUSED[name]
    with pytest.raises(aq.UserError, match=told) as error:
        aq.train(aq.Recipe(small("scalar"), env, 400, aq.Evaluation(0)), out=tmp_path / "run")
    assert "\n" not in str(error.value)


def test_a_mask_is_pointed_out_and_random_play_respects_it(tmp_path: Path, capsys: Any) -> None:
    findings = {each.what: each for each in check(doors)}
    assert findings["masks"].why == UNUSED["info"]
    assert {each.status for each in findings.values()} <= {"ok", "warn"}
    assert np.isfinite(survey(aq.Env(doors, mask="info"), 200).reward).all()
    assert survey(aq.Env(doors_in_dict, mask="observation"), 20).obs.shape == (21, 2)
    unused = aq.Env(lambda: InDict(TimeLimit(doors(), 3)))
    lanes = host(unused)
    lanes.reset(0)
    assert lanes.offered == "observation"
    for env in (aq.Env("Taxi-v4"), TAXI):
        recipe = aq.Recipe(TD(), env, 400, aq.Evaluation(0))
        aq.train(recipe, out=tmp_path / env.mask, quiet=False)
        assert (UNUSED["info"] in capsys.readouterr().out) == (env is not TAXI)


def test_an_exact_judgement_knows_the_mask(tmp_path: Path) -> None:
    run = aq.train(aq.replace(aq.find("taxi/masked-q"), {"evaluation.every": 0}), steps=150_000, out=tmp_path / "run")
    judged = run.judge("last")
    assert judged.value > 0.99 * judged.optimal
    assert judged.max_error < 20.0
    assert run.policy("last").values(3, np.array([1, 0, 0, 0, 0, 1]))[1:5].max() == -np.inf


class Strict(gym.Env[Any, Any]):
    """Bears no action that its mask does not allow, which is all but action 0 from the 30th step on."""

    observation_space, action_space = Box(-1.0, 1.0, (2,), np.float32), Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self._told()

    def step(self, action):
        allowed = self._told()[1]["action_mask"]
        if not allowed[action]:
            raise ValueError("illegal")
        self.steps += 1
        return self._told()[0], 0.0, self.steps >= 60, False, self._told()[1]

    def _told(self):
        return np.zeros(2, np.float32), {"action_mask": np.array([1, self.steps < 30], np.int8)}


def test_what_an_environment_raises_names_the_option_of_its_mask(tmp_path: Path) -> None:
    assert {each.what: each.status for each in check(Strict)}["masks"] == "warn"
    own = aq.Recipe(TD(network=Linear(Tiles())), aq.Env(Strict), 200, aq.Evaluation(0))
    for number, recipe in enumerate(("dqn", own)):  # one that plays at random before, and one that does not
        with pytest.raises(ValueError, match="illegal") as error:
            aq.train(recipe, env=Strict, steps=200, out=tmp_path / str(number))
        assert UNUSED["info"] in failures.told(error.value)
