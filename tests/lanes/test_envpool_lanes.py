"""EnvPool's environments in lanes."""

import os
import sys
from itertools import chain

import numpy as np
import pytest

from argmaxq.components.errors import UserError
from argmaxq.lanes.envpool_lanes import EnvPoolLanes, threads
from argmaxq.setup import usable_cores
from support.lane_rows import RowOfOne, check_types, cut_and_restarted, random_actions, record

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")


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


@pytest.mark.skipif(usable_cores() != os.cpu_count() or usable_cores() == 1, reason="needs all of several cores")
def test_threads_are_bound_to_cores_only_where_each_core_gets_one() -> None:
    cores = usable_cores()
    assert threads(cores) == threads(10 * cores) == {"num_threads": cores, "thread_affinity_offset": 0}
    assert threads(1) == {"num_threads": 1}
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {max(before)})
        assert threads(10 * cores) == {"num_threads": 1}
    finally:
        os.sched_setaffinity(0, before)
