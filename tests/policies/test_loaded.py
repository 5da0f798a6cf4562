"""A policy from its run's folder alone: without the environment, in other processes, for one observation or a batch."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import numpy as np
import pytest
from gymnasium import spaces

import argmaxq as aq
from argmaxq.agents.paddpg import PADDPG
from argmaxq.agents.pqn import PQN
from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.lanes.spaces import read_spaces
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.networks.mlp import MLP
from argmaxq.networks.own import FunctionNetwork
from argmaxq.runs import trust
from argmaxq.runs.spaces import adaptor, written
from argmaxq.verbs.policy import Policy, policy_params
from support.hostile import SMALLEST, change_config, change_value, copied

BOXES = (spaces.Box(-1, 1, (2,)), spaces.Box(np.float32([0]), np.float32([0.1])), spaces.Box(0, 1, ()))
OBSERVATIONS = [
    spaces.Box(-np.inf, np.inf, (3,)),
    spaces.Box(np.array([-1.5, -np.inf, 0.1]), np.array([np.inf, 2.5, 0.3]), dtype=np.float64),
    spaces.Box(0, 255, (5, 4, 3), np.uint8),
    spaces.Box(-(2**63), 2**63 - 2, (2,), np.int64),
    spaces.Box(0, 2**64 - 1, (2,), np.uint64),
    spaces.Box(0.1, 0.7, (), np.float16),
    spaces.Box(-1, 1, (0,)),
    spaces.Box(0, 1, (3,), np.bool_),
    spaces.Box(np.array([False, True]), np.array([True, True]), dtype=np.bool_),
    spaces.Discrete(5, start=-2),
    spaces.Discrete(7, dtype=np.int32),
    spaces.MultiDiscrete(np.array([[2, 3], [4, 5]]), start=np.array([[1, 0], [0, -3]])),
    spaces.MultiBinary(4),
    spaces.MultiBinary((2, 3)),
    spaces.Dict(
        {"z": spaces.Discrete(3, start=1), "a": spaces.Tuple((spaces.Box(-1, 1, (2,)), spaces.MultiBinary(2)))}
    ),
    spaces.Dict({"inner": spaces.Dict({"x": spaces.Box(0, 1, (1,)), "y": spaces.Discrete(2)})}),
]
ACTIONS = [
    (spaces.Discrete(3, start=10), ()),
    (spaces.Discrete(2, dtype=np.int8), ()),
    (spaces.Tuple((spaces.Discrete(3), spaces.Tuple(BOXES))), ()),
    (spaces.Dict({"which": spaces.Discrete(2, start=1), "how": spaces.Box(-3, 3, (2,), np.float64)}), ()),
    (spaces.Tuple((spaces.Discrete(2), spaces.Box(-1, 1, (1,)))), ((-0.5, 0.5), (0.0,))),
]


def through_json(observation: Any, action: Any, choices: Any = ()) -> Any:
    """The adaptor of spaces that were written to a file and read."""
    config = json.loads(json.dumps(written(observation, action), allow_nan=False))
    return adaptor(config, choices, "config.json")


@pytest.mark.parametrize("space", OBSERVATIONS, ids=str)
def test_observations_are_read_as_they_were(space: Any) -> None:
    found, direct = through_json(space, spaces.Discrete(2)), read_spaces(space, spaces.Discrete(2))
    assert found.source[0] == space
    assert found.spaces == direct.spaces
    for side in ("low", "high"):  # which ArraySpec does not compare
        assert getattr(found.spaces.observation, side) == getattr(direct.spaces.observation, side)
    batch = [space.sample() for _ in range(3)]
    for obs in batch:
        np.testing.assert_array_equal(found.encode(obs), direct.encode(obs))
        assert found.encode(obs).dtype == direct.encode(obs).dtype
    if isinstance(space, spaces.Box):
        assert all(np.array_equal(getattr(found.source[0], side), getattr(space, side)) for side in ("low", "high"))


@pytest.mark.parametrize(("space", "choices"), ACTIONS, ids=str)
def test_actions_are_read_as_they_were(space: Any, choices: Any) -> None:
    seen = spaces.Box(-1, 1, (2,))
    found, direct = through_json(seen, space, choices), read_spaces(seen, space, choices)
    assert found.spaces == direct.spaces
    for action in direct.spaces.action.random(np.random.default_rng(0), 20):
        ours, theirs = found.decode(action), direct.decode(action)
        assert ours in space
        assert repr(ours) == repr(theirs)


@pytest.mark.parametrize(
    "space", [spaces.Text(5), spaces.Sequence(spaces.Discrete(2)), spaces.Dict({"t": spaces.Text(3)})], ids=str
)
def test_what_is_no_plain_data_is_not_written(space: Any) -> None:
    assert written(space, spaces.Discrete(2)) == written(spaces.Discrete(2), space) == {}


def test_what_is_nested_too_deeply_to_be_read_again_is_not_written() -> None:
    deep: Any = spaces.Discrete(2)
    for _ in range(40):
        deep = spaces.Dict({"inner": deep})
    assert written(deep, spaces.Discrete(2)) == {}


MODULE = """
import gymnasium, numpy as np
class Small(gymnasium.Env):
    observation_space = gymnasium.spaces.Dict({
        "where": gymnasium.spaces.Box(np.float32([-1, -np.inf]), np.float32([1, np.inf])),
        "which": gymnasium.spaces.Discrete(3, start=1),
    })
    action_space = gymnasium.spaces.Discrete(2, start=5)
    def _seen(self):
        return {"where": self.np_random.normal(size=2).astype(np.float32), "which": 1 + self.steps % 3}
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self._seen(), {}
    def step(self, action):
        assert action in self.action_space
        self.steps += 1
        return self._seen(), float(action == 5), self.steps == 8, False, {}
gymnasium.register("Small-v0", Small)
"""
BATCH = {"where": np.float32([[0.5, 3.0], [-0.5, 0.0], [0.0, -9.0]]), "which": np.array([1, 3, 2])}
SCRIPT = """
import multiprocessing, sys
import numpy as np
import argmaxq as aq

if __name__ == "__main__":
    policy = aq.load(sys.argv[1])
    assert not {"small_worlds"} & {*sys.modules}, "the environment was imported"
    where, which = np.float32([[0.5, 3.0], [-0.5, 0.0], [0.0, -9.0]]), np.array([1, 3, 2])
    one_by_one = [{"where": where[i], "which": which[i]} for i in range(3)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        actions = pool.map(policy, one_by_one)
        values = pool.map(policy.values, one_by_one)
    print([int(action) for action in actions])
    print([[float(value) for value in row] for row in values])
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    """A run in an environment whose module nobody else has."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small_worlds.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        run = aq.train(SMALLEST, env="small_worlds:Small-v0", out=folder / "run")
    sys.modules.pop("small_worlds")
    gym.registry.pop("Small-v0")
    return run


def test_where_the_environment_is_not_installed_and_in_a_spawn_pool(small: aq.Run, tmp_path: Path) -> None:
    """In a process that has argmaxq as it is installed, in hands that trust nothing, with workers of its own."""
    (tmp_path / "play.py").write_text(SCRIPT)
    received = copied(small.path, tmp_path / "received")
    variables = {trust.STATE_DIR: str(tmp_path / "another")}
    line = [sys.executable, "-W", "error::UserWarning", "play.py", str(received)]
    done = subprocess.run(
        line, cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    actions, values = map(json.loads, done.stdout.splitlines())
    policy = small.policy()
    assert actions == policy(BATCH).tolist()
    assert {*actions} <= {5, 6}
    np.testing.assert_allclose(values, policy.values(BATCH), rtol=1e-5)


def test_playing_it_asks_for_the_module_as_before(small: aq.Run, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv(trust.STATE_DIR, str(tmp_path / "another"))
    assert aq.load(small.path)(BATCH).shape == (3,)
    with pytest.raises(UserError, match="imports the module small_worlds"):
        aq.Run(small.path).evaluate(episodes=1)


def test_a_folder_of_an_early_version_is_loaded_through_the_environment(small: aq.Run, tmp_path: Path) -> None:
    old = copied(small.path, tmp_path / "old")
    change_config(old, lambda config: config.pop("spaces"))
    with pytest.raises(UserError, match=r"there is no module small_worlds for small_worlds:Small-v0"):
        aq.load(old)


def test_an_environment_of_ones_own_need_not_be_given_again(tmp_path: Path) -> None:
    """Nor on the host, nor where its observations are numbers of 64 bits."""

    def make() -> Any:
        return gym.wrappers.DtypeObservation(gym.make("CartPole-v1"), np.float64)

    run = aq.train(SMALLEST, env=make, out=tmp_path / "run")
    obs = np.array([0.1, -0.2, 0.3, 0.4])
    assert aq.load(run.path)(obs) == run.policy()(obs)
    assert aq.load(run.path, own={"env.id": make})(obs) == run.policy()(obs)


def test_a_network_of_ones_own_must_be_given(tmp_path: Path) -> None:
    network = FunctionNetwork(
        lambda key, obs, outputs: {"w": np.zeros((4, *outputs), np.float32)}, lambda p, o: o @ p["w"][..., 0]
    )
    run = aq.train(aq.replace(SMALLEST, "agent.network", network), out=tmp_path / "run")
    with pytest.raises(UserError, match=r"agent.network.make was an object of your own"):
        aq.load(run.path)
    own = {"agent.network.make": network.make, "agent.network.apply": network.apply}
    assert aq.load(run.path, own=own)(np.zeros(4, np.float32)) == 0


SPACES: dict[str, Any] = {
    "observation": [None, [], {}, "box", {"type": "graph"}, {"type": ["box"]}, {"type": "tuple", "spaces": [3]}],
    "observation.shape": [None, 4, [-1], [2**31], [4, 2**22, 2**22], [1.5], ["x"], [4] * 40, [5]],
    "observation.dtype": [None, "object", "float128", "str", 3, "<f4", "int8"],
    "observation.low": ["x", [0.0], [[0.0] * 4], {"a": 1}, [True] * 4, 1e300, 10**60, 9.0, [None] * 5],
    "observation.high": [-9.0, [None, None, None]],
    "action": [None, {"type": "box", "shape": [1], "dtype": "float32", "low": 0.0, "high": 1.0}, {"type": "discrete"}],
    "action.n": [0, -1, None, "2", 2.0, 2**40, 3, True],
    "action.start": [None, "x", 2**70, 0.5],
    "action.dtype": ["float32", None, "bool", "uint128"],
}
DEEP: Any = {"type": "multi-binary", "shape": [1]}
for _ in range(30):
    DEEP = {"type": "tuple", "spaces": [DEEP, {"type": "multi-binary", "shape": [2**20]}]}


@pytest.fixture(scope="module")
def cartpole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return aq.train(SMALLEST, out=tmp_path_factory.mktemp("spaces") / "run").path


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in SPACES.items() for value in values])
def test_spaces_that_are_none_are_refused_in_a_line(path: str, value: Any, cartpole: Path, tmp_path: Path) -> None:
    run = copied(cartpole, tmp_path / "run")

    change_value(run, f"spaces.{path}", value)
    with pytest.raises(UserError) as problem:
        aq.load(run)
    assert str(problem.value).isprintable()


def test_spaces_of_too_many_numbers_are_refused(cartpole: Path, tmp_path: Path) -> None:
    run = copied(cartpole, tmp_path / "run")
    change_config(run, lambda config: config["spaces"].update(observation=DEEP))
    with pytest.raises(
        UserError, match=r"observation.* has \d\d,\d{3},\d{3} entries: at most 16,777,216 are read|deep"
    ):
        aq.load(run)


class TestMethods:
    def test_one_observation_or_a_batch_in_every_method(self, small: aq.Run) -> None:
        policy = small.policy()
        one = {name: column[1] for name, column in BATCH.items()}
        assert policy.values(one).shape == (2,)
        assert policy.values(BATCH).shape == (3, 2)
        np.testing.assert_allclose(policy.values(BATCH)[1], policy.values(one), rtol=1e-5)
        assert policy(one) == 5 + policy.values(one).argmax() == policy(BATCH)[1]

    def test_values_are_of_observations_as_the_environment_gives_them(self) -> None:
        """A Discrete space that begins at 3: the values of state 3 are the table's first row."""
        agent = aq.find("frozenlake/q").agent
        translated = read_spaces(spaces.Discrete(4, start=3), spaces.Discrete(2))
        table = np.arange(8, dtype=np.float32).reshape(4, 2, 1)
        policy = Policy(agent, policy_params(agent, translated.spaces, {"estimates/0/weights": table}), translated)
        np.testing.assert_array_equal(policy.values(3), [0, 1])
        np.testing.assert_array_equal(policy.values(np.array([6, 4])), [[6, 7], [2, 3]])
        for wrong in (2, 7, np.array([3, 9])):
            with pytest.raises(UserError, match=r"an observation that is none of Discrete\(4, start=3\)"):
                policy(wrong)

    def test_no_values_of_single_actions_are_told_in_a_line(self) -> None:
        translated = read_spaces(spaces.Box(-1, 1, (2,)), ACTIONS[2][0])
        agent = bind(PADDPG(), translated.spaces)
        policy = Policy(agent, agent.init(jax.random.key(0), translated.spaces, 1).params, translated)
        assert policy(np.zeros(2, np.float32)) in ACTIONS[2][0]
        with pytest.raises(UserError, match="paddpg has no values of single actions"):
            policy.values(np.zeros(2, np.float32))

    @pytest.mark.parametrize("method", [lambda policy: policy, lambda policy: policy.values])
    def test_it_is_compiled_once(self, method: Callable[[Policy], Any], monkeypatch: Any) -> None:
        """Also for another policy of the same shapes, as those of many seeds."""
        traced: list[int] = []
        original = MLP.__call__
        monkeypatch.setattr(MLP, "__call__", lambda *given: traced.append(1) or original(*given))
        agent = PQN(network=MLP((5, 7)), exploration=EpsilonGreedy())
        translated = read_spaces(spaces.Box(-1, 1, (3,)), spaces.Discrete(2))
        fresh = [agent.init(jax.random.key(key), translated.spaces, 1).params for key in (0, 1)]
        answers = []
        for params in fresh:
            ask = method(Policy(agent, params, translated))
            before = len(traced)
            answers += [np.asarray(ask(np.full(3, 0.5))) for _ in range(3)]
            answers += [np.asarray(ask(np.full((2, 3), 0.5)))[0] for _ in range(3)]
            assert len(traced) - before == (2 if params is fresh[0] else 0)
        assert np.array_equal(answers[0], answers[2])

    def test_pickled_it_says_the_same(self, platform: aq.Run) -> None:
        policy = platform.policy()
        copy = pickle.loads(pickle.dumps(policy))
        observations = np.random.default_rng(0).uniform(-1, 1, (20, 9)).astype(np.float32)
        for ours, theirs in zip(copy(observations)[1], policy(observations)[1], strict=True):
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(copy.values(observations), policy.values(observations))

    def test_what_it_is_stands_in_its_repr(self, small: aq.Run, cartpoles: aq.Run) -> None:
        assert "dqn of " in repr(small.policy())
        assert "Dict(" in repr(small.policy())
        assert repr(small) == f"<Run {str(small.path)!r}: own on small_worlds:Small-v0, seed 0>"
        assert "cartpole/dqn on CartPole-v1, 2 seeds" in repr(cartpoles)
