"""Lanes of real environments: every row is held against a diary kept inside the environments."""

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, pairwise
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv, CartPoleVectorEnv
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from argmaxq.component import UserError
from argmaxq.environments.envpool_lanes import EnvPoolLanes
from argmaxq.environments.gymnasium_lanes import GymnasiumLanes, lane_seeds
from argmaxq.environments.lanes import Lanes, Step
from argmaxq.environments.make import lane_maker, make_environment, make_lanes
from argmaxq.environments.vector_lanes import VectorLanes

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")

RowOfOne = tuple[Any, ...]  # obs, action, reward, terminated, truncated, last
RECORDED = slice(2, None)


class Diary(gym.Wrapper):
    """Writes down all that happens inside an environment."""

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        self.pages: list[tuple[Any, ...]] = []

    def reset(self, **options: Any) -> Any:
        obs, info = self.env.reset(**options)
        self.pages.append(("reset", obs.copy()))
        return obs, info

    def step(self, action: Any) -> Any:
        obs, reward, terminated, truncated, info = self.env.step(action)
        self.pages.append(("step", int(action), obs.copy(), float(reward), bool(terminated), bool(truncated)))
        return obs, reward, terminated, truncated, info


def diary_of(name: str, **options: Any) -> Diary:
    return Diary(gym.make(name, **options))


def random_actions(lanes: Lanes, steps: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, lanes.spaces.action.n, (steps, lanes.lanes), np.int32)


def record(lanes: Lanes, obs: np.ndarray, actions: np.ndarray, last: np.ndarray | None = None) -> list[list[RowOfOne]]:
    """Each lane's rows under these actions."""
    last = np.zeros(lanes.lanes, bool) if last is None else last
    rows: list[list[RowOfOne]] = [[] for _ in range(lanes.lanes)]
    for action in actions:
        step = lanes.step(action)
        check_types(step, lanes)
        for lane, row in enumerate(rows):
            values = step.reward[lane], step.terminated[lane], step.truncated[lane], last[lane]
            row.append((obs[lane].copy(), int(action[lane]), *(value.item() for value in values)))
        obs, last = step.obs, step.last
        assert lanes.observe() is obs
    return rows


def check_types(step: Step, lanes: Lanes) -> None:
    assert step.obs.shape == (lanes.lanes, *lanes.spaces.observation.shape)
    assert [leaf.dtype.name for leaf in step] == [lanes.spaces.observation.dtype, "float32", "bool", "bool", "bool"]
    assert all(leaf.shape == (lanes.lanes,) for leaf in step[1:])


def rows_of(pages: list[tuple[Any, ...]], mode: AutoresetMode) -> Iterator[RowOfOne]:
    """The rows that an environment with this diary must have shown; ``None`` stands for an ignored action."""
    obs: Any = None
    hidden = False
    for page in pages:
        if page[0] == "reset":
            obs = page[1]
            continue
        _, action, following, reward, terminated, truncated = page
        if hidden:
            hidden, obs = False, following
            continue
        yield obs, action, reward, terminated, truncated, False
        obs = following
        next_step = mode is AutoresetMode.NEXT_STEP
        if (next_step and terminated) or (truncated and not terminated):
            yield obs, None, 0.0, False, False, True
            hidden = not next_step


def assert_rows(rows: list[RowOfOne], expected: list[RowOfOne]) -> None:
    assert 0 <= len(expected) - len(rows) <= 1  # the diary may end with an episode whose last row is not yet shown
    for row, other in zip(rows, expected, strict=False):
        np.testing.assert_array_equal(row[0], other[0])
        assert other[1] is None or row[1] == other[1]
        assert row[RECORDED] == pytest.approx(other[RECORDED])


@pytest.mark.parametrize("limit", [1, 2, 15, 40])
def test_gymnasium_lanes_show_every_step_of_their_environments(limit: int) -> None:
    lanes = GymnasiumLanes(partial(diary_of, "CartPole-v1", max_episode_steps=limit), 3)
    rows = record(lanes, lanes.reset(0), random_actions(lanes, 300))
    for row, env in zip(rows, lanes._envs, strict=True):
        pages = env.pages[1:]  # the first reset only seeds
        assert_rows(row, list(rows_of(pages, AutoresetMode.NEXT_STEP)))


@pytest.mark.parametrize("limit", [1, 2, 15, 40])
@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("mode", AutoresetMode)
def test_vector_lanes_show_the_true_rows_in_every_mode(mode: AutoresetMode, copy: bool, limit: int) -> None:
    makers = [partial(diary_of, "CartPole-v1", max_episode_steps=limit)] * 3
    env = SyncVectorEnv(makers, copy=copy, autoreset_mode=mode)
    lanes = VectorLanes(env)
    rows = record(lanes, lanes.reset(0), random_actions(lanes, 300))
    for row, inner in zip(rows, env.envs, strict=True):
        assert_rows(row, list(rows_of(inner.pages, mode)))
    marked = [row[5] for lane in rows for row in lane]
    assert any(marked), "no episode ended: the test shows nothing"
    if limit == 40 and mode is not AutoresetMode.NEXT_STEP:
        assert any(row[3] for lane in rows for row in lane), "no termination: the test shows nothing"


def test_disabled_mode_records_whole_episodes() -> None:
    makers = [partial(diary_of, "CartPole-v1", max_episode_steps=8)] * 2
    env = SyncVectorEnv(makers, autoreset_mode=AutoresetMode.DISABLED)
    lanes = VectorLanes(env)
    rows = record(lanes, lanes.reset(0), random_actions(lanes, 200))
    firsts = [page[1].tobytes() for page in env.envs[0].pages if page[0] == "reset"]
    for before, row in pairwise(rows[0]):
        if before[5]:
            assert row[0].tobytes() in firsts


def test_cartpoles_own_vector_class() -> None:
    lanes = VectorLanes(CartPoleVectorEnv(4, max_episode_steps=30))
    model = CartPoleEnv()
    ends = []
    for rows in record(lanes, lanes.reset(0), random_actions(lanes, 300)):
        for row, after in pairwise(rows):
            obs, action, reward, terminated, truncated, last = row
            assert after[5] == (terminated or truncated)
            if last:
                assert (reward, terminated, truncated) == (0.0, False, False)
                assert np.abs(after[0]).max() <= 0.05
                continue
            model.reset()
            model.state = tuple(map(float, obs))
            expected, _, fallen, _, _ = model.step(action)
            np.testing.assert_allclose(after[0], expected, atol=1e-5)
            assert fallen == terminated
            ends.append((terminated, truncated))
    assert (False, True) in ends
    assert (True, False) in ends


@pytest.mark.parametrize("mode", AutoresetMode)
def test_vector_environments_are_restarted_reproducibly(mode: AutoresetMode) -> None:
    def resumed(seed: int, steps: int) -> np.ndarray:
        makers = [partial(gym.make, "CartPole-v1", max_episode_steps=12)] * 3
        lanes = VectorLanes(SyncVectorEnv(makers, autoreset_mode=mode))
        record(lanes, lanes.reset(seed), random_actions(lanes, steps))
        return cut_and_restarted(lanes)

    assert np.array_equal(resumed(1, 5), resumed(1, 5))
    assert not np.array_equal(resumed(1, 5), resumed(1, 6))
    assert not np.array_equal(resumed(1, 5), resumed(2, 5))
    assert np.array_equal(resumed(1, 12), resumed(1, 12))  # at an episode's end


def cut_and_restarted(lanes: Lanes) -> np.ndarray:
    """Save, go on, restore: every episode must end with the saved observation. Returns the next ones' first."""
    saved, seen = through_json(lanes.save()), lanes.observe().copy()
    record(lanes, lanes.observe(), random_actions(lanes, 3))
    assert lanes.restore(saved) == [*range(lanes.lanes)]
    np.testing.assert_array_equal(lanes.observe(), seen)
    step = lanes.step(np.zeros(lanes.lanes, np.int32))
    check_types(step, lanes)
    assert not np.any(step[1:])
    assert not np.any(np.all(step.obs == seen, axis=-1))
    first = step.obs.copy()
    step = lanes.step(np.zeros(lanes.lanes, np.int32))
    assert step.reward.all()
    assert not np.array_equal(step.obs, first)
    return first


def test_a_vector_environment_must_declare_how_it_resets() -> None:
    env = SyncVectorEnv([CartPoleEnv])
    env.metadata = {}
    with pytest.raises(UserError, match="autoreset_mode"):
        VectorLanes(env)


def test_seeds_of_lanes_do_not_overlap() -> None:
    runs = [lane_seeds(seed, count, 64) for seed in range(8) for count in (0, 1)]
    assert len(set(chain(*runs))) == 16 * 64
    assert all(0 <= seed < 2**31 for run in runs for seed in run)
    lanes = GymnasiumLanes(lane_maker("CartPole-v1"), 4)
    first, other, again = lanes.reset(0), lanes.reset(1), lanes.reset(0)
    assert len(np.unique(np.concatenate([first, other]), axis=0)) == 8
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("steps", [0, 1, 7, 333])
@pytest.mark.parametrize(
    "name", ["CartPole-v1", "LunarLander-v3", "FrozenLake-v1", "Taxi-v4", "Blackjack-v1", "Acrobot-v1"]
)
def test_restored_lanes_go_on_bit_for_bit(name: str, steps: int) -> None:
    lanes, other = (GymnasiumLanes(lane_maker(name), 3) for _ in range(2))
    record(lanes, lanes.reset(5), random_actions(lanes, steps))
    last = np.array(lanes._last)
    saved = lanes.save()
    assert other.restore(through_json(saved)) == []
    np.testing.assert_array_equal(lanes.observe(), other.observe())
    actions = random_actions(lanes, 200, seed=1)
    ours, theirs = (record(each, each.observe(), actions, last) for each in (lanes, other))
    for mine, yours in zip(chain(*ours), chain(*theirs), strict=True):
        assert mine[0].tobytes() == yours[0].tobytes()
        assert mine[1:] == yours[1:]


def through_json(saved: Any) -> Any:
    """Arrays stay; everything else must survive a JSON file."""
    if isinstance(saved, dict):
        return {key: through_json(value) for key, value in saved.items()}
    return saved if isinstance(saved, np.ndarray) else json.loads(json.dumps(saved))


def test_lanes_can_be_saved_between_two_episodes_and_restored_twice() -> None:
    lanes = GymnasiumLanes(lane_maker("CartPole-v1", {"max_episode_steps": 9}), 1)
    lanes.reset(0)
    while not lanes.step(np.array([0])).last[0]:
        pass
    saved = lanes.save()
    for _ in range(2):
        assert lanes.restore(saved) == []
        step = lanes.step(np.array([1]))
        assert (step.reward[0], step.terminated[0], step.truncated[0], step.last[0]) == (0.0, False, False, False)
        assert np.abs(step.obs).max() <= 0.05
        assert not lanes.step(np.array([0])).last[0]


class Drift(gym.Env):
    """A walk from a place that a generator of its own draws; with ``told`` that is at least seeded by reset."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = gym.spaces.Discrete(3, start=-1)

    def __init__(self, told: bool = False) -> None:
        self.told, self.hidden = told, np.random.default_rng()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        if self.told and seed is not None:
            self.hidden = np.random.default_rng(seed)
        self.at = self.hidden.normal(size=1).astype(np.float32)
        return self.at, {}

    def step(self, action: Any) -> Any:
        assert action in self.action_space
        self.at = self.at + np.float32(action)
        return self.at, float(action), False, False, {}


def test_a_hidden_generator_ends_the_episode_and_says_so() -> None:
    lanes = GymnasiumLanes(Drift, 2)
    record(lanes, lanes.reset(0), random_actions(lanes, 20))
    cut_and_restarted(lanes)
    saved = lanes.save()
    for _ in range(2):  # a lane that waits for its next episode can be saved, too
        other = GymnasiumLanes(Drift, 2)
        assert other.restore(saved) == [0, 1]
        np.testing.assert_array_equal(other.observe(), lanes.observe())
        saved = other.save()


def test_a_restart_is_reproducible_where_the_environment_takes_a_seed() -> None:
    lanes = GymnasiumLanes(partial(Drift, told=True), 2)
    record(lanes, lanes.reset(0), random_actions(lanes, 20))
    saved, resumed = lanes.save(), []
    for _ in range(2):
        fresh = GymnasiumLanes(partial(Drift, told=True), 2)
        assert fresh.restore(saved) == [0, 1]
        resumed.append(fresh.step(np.zeros(2, np.int32)).obs)
    np.testing.assert_array_equal(*resumed)


def test_only_lanes_that_differ_are_restarted() -> None:
    lanes = GymnasiumLanes(lane_maker("LunarLander-v3"), 3)
    record(lanes, lanes.reset(0), random_actions(lanes, 50))
    saved = lanes.save()
    saved["lanes"]["1"]["actions"][3] ^= 1
    saved["lanes"]["2"]["last"] = True
    kept = lanes.observe().copy()
    assert lanes.restore(saved) == [1, 2]
    np.testing.assert_array_equal(lanes.observe(), kept)
    step = lanes.step(np.zeros(3, np.int32))
    assert step.reward[0] != 0
    np.testing.assert_array_equal(step.reward[1:], 0)
    assert np.abs(step.obs[1:, 1] - 1.41).max() < 0.03, "not at the start"


def test_randomness_that_observations_do_not_show_is_noticed() -> None:
    class Secret(gym.Env):
        observation_space, action_space = gym.spaces.Box(-1, 1, (1,), np.float32), gym.spaces.Discrete(2)

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            super().reset(seed=seed)
            return np.zeros(1, np.float32), {}

        def step(self, action: Any) -> Any:
            return np.zeros(1, np.float32), self.np_random.normal(), False, False, {}

    lanes = GymnasiumLanes(Secret, 2)
    record(lanes, lanes.reset(0), random_actions(lanes, 5))
    saved = through_json(lanes.save())
    assert GymnasiumLanes(Secret, 2).restore(saved) == []
    saved["lanes"]["1"]["actions"] = saved["lanes"]["1"]["actions"][1:]
    assert GymnasiumLanes(Secret, 2).restore(saved) == [1]


def test_an_observation_of_another_shape_is_the_users_to_mend() -> None:
    class Wrong(Drift):
        observation_space = gym.spaces.Box(-1, 1, (2,), np.float32)

    with pytest.raises(UserError, match=r"shape \(1,\); its space says \(2,\)"):
        GymnasiumLanes(Wrong, 1).reset(0)


@pytest.mark.parametrize(
    ("source", "kwargs", "words"),
    [
        ("CartPol-v1", {}, "did you mean CartPole-v1"),
        ("CartPole-v9", {}, "did you mean CartPole-v1"),
        ("Nowhere/Zzzzzz-v0", {}, "Nowhere"),
        ("no_such_module:Env-v0", {}, "no_such_module"),
        ("nonsense!", {}, "cannot be made"),
        ("CartPole-v1", {"gravity_of_mars": 3}, "does not take these arguments.*gravity_of_mars"),
        (lambda: 3, {}, "returned a int"),
    ],
)
def test_mistakes_in_making_are_one_clear_line(source: Any, kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        make_environment(source, kwargs)
    assert "\n" not in str(caught.value)


def test_checking_wrappers_are_taken_out_and_the_others_stay() -> None:
    def wrapped() -> gym.Env:
        return gym.wrappers.TransformReward(gym.make("CartPole-v1"), lambda reward: 2 * reward)

    for source in ("CartPole-v1", wrapped):
        assert "PassiveEnvChecker" not in str(make_environment(source))
        assert "OrderEnforcing" not in str(make_environment(source))
    env = make_environment(wrapped)
    env.reset(seed=0)
    assert env.step(0)[1] == 2
    assert "TimeLimit" in str(env)
    assert make_environment("CartPole-v1", {"max_episode_steps": 7}).spec.max_episode_steps == 7


def test_make_lanes_picks_by_what_is_made() -> None:
    vector: Callable[[], Any] = partial(gym.make_vec, "CartPole-v1", 3)
    assert isinstance(make_lanes("CartPole-v1", lanes=2), GymnasiumLanes)
    assert isinstance(make_lanes(CartPoleEnv, {"sutton_barto_reward": True}), GymnasiumLanes)
    assert make_lanes(vector).lanes == make_lanes(vector, lanes=3).lanes == 3
    with pytest.raises(UserError, match="has 3 lanes where 4"):
        make_lanes(vector, lanes=4)
    with pytest.raises(UserError, match="takes an environment's id"):
        make_lanes(vector, backend="envpool")


def balance(obs: np.ndarray) -> np.ndarray:
    """A policy that holds CartPole's pole for as long as one likes."""
    return (obs @ np.array([0.05, 0.1, 1.0, 0.5]) > 0).astype(np.int32)


class TestEnvPool:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("envpool")

    def test_a_time_limit_is_a_truncation(self) -> None:
        lanes = EnvPoolLanes("CartPole-v1", 3, {"num_threads": 2})
        obs = lanes.reset(0)
        for _ in range(500):
            step = lanes.step(balance(obs))
            check_types(step, lanes)
            obs = step.obs
        assert step.truncated.all()
        assert step.last.all()
        assert not step.terminated.any()
        step = lanes.step(balance(obs))
        assert not (step.terminated | step.truncated | step.last).any()
        np.testing.assert_array_equal(step.reward, 0.0)
        assert np.abs(step.obs).max() <= 0.05

    def test_a_fall_is_a_termination(self) -> None:
        lanes = EnvPoolLanes("CartPole-v1", 2)
        rows = record(lanes, lanes.reset(0), np.zeros((60, 2), np.int32))
        ended = [row for lane in rows for row in lane if row[3] or row[4]]
        assert len(ended) >= 8
        assert all(row[3] and not row[4] for row in ended)

    @pytest.mark.parametrize("limit", [30, 1000])
    def test_lunar_lander_ends(self, limit: int) -> None:
        lanes = EnvPoolLanes("LunarLander-v3", 4, {"max_episode_steps": limit})
        rows = record(lanes, lanes.reset(0), np.zeros((200, 4), np.int32))
        terminated, truncated = (sum(row[column] for lane in rows for row in lane) for column in (3, 4))
        assert (terminated, truncated > 0) == (0, True) if limit == 30 else (terminated > 0, truncated) == (True, 0)
        assert all(row[2] == 0.0 for lane in rows for row in lane if row[5])

    def test_the_same_seed_gives_the_same_run_with_two_threads(self) -> None:
        def run(seed: int) -> list[RowOfOne]:
            lanes = EnvPoolLanes("LunarLander-v3", 6, {"num_threads": 2})
            return list(chain(*record(lanes, lanes.reset(seed), random_actions(lanes, 250))))

        first, again, other = run(3), run(3), run(4)
        assert all(a[0].tobytes() == b[0].tobytes() and a[1:] == b[1:] for a, b in zip(first, again, strict=True))
        assert len({row[0].tobytes() for row in (first[0], first[250], other[0], other[250])}) == 4

    def test_restore_restarts_every_lane_reproducibly(self) -> None:
        def resumed() -> np.ndarray:
            lanes = EnvPoolLanes("CartPole-v1", 2)
            record(lanes, lanes.reset(0), random_actions(lanes, 5))
            return cut_and_restarted(lanes)

        first = resumed()
        np.testing.assert_array_equal(first, resumed())
        assert not np.array_equal(first, EnvPoolLanes("CartPole-v1", 2).reset(0))

    def test_mistakes_are_one_clear_line(self) -> None:
        with pytest.raises(UserError, match="did you mean CartPole-v1"):
            EnvPoolLanes("CartPol-v1", 2)
        with pytest.raises(UserError, match="does not take these arguments"):
            EnvPoolLanes("CartPole-v1", 2, {"gravity_of_mars": 3})


def test_a_missing_envpool_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "envpool", None)
    with pytest.raises(UserError, match=r"argmaxq\[fast\]"):
        EnvPoolLanes("CartPole-v1", 2)
