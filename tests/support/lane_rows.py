"""Rows of lanes under given actions, and what saving and restoring lanes must keep."""

import json
from typing import Any

import numpy as np

from argmaxq.lanes.lanes import Lanes, Step

RowOfOne = tuple[Any, ...]  # obs, action, reward, terminated, truncated, last


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
    assert [leaf.dtype.name for leaf in step[:5]] == [lanes.spaces.observation.dtype, "float32", "bool", "bool", "bool"]
    assert all(leaf.shape == (lanes.lanes,) for leaf in step[1:5])


def cut_and_restarted(lanes: Lanes) -> np.ndarray:
    """Save, go on, restore: every episode must end with the saved observation. Returns the next ones' first."""
    saved, seen = through_json(lanes.save()), lanes.observe().copy()
    record(lanes, lanes.observe(), random_actions(lanes, 3))
    assert lanes.restore(saved) == [*range(lanes.lanes)]
    np.testing.assert_array_equal(lanes.observe(), seen)
    step = lanes.step(np.zeros(lanes.lanes, np.int32))
    check_types(step, lanes)
    assert not np.any(step[1:5])
    assert not np.any(np.all(step.obs == seen, axis=-1))
    first = step.obs.copy()
    step = lanes.step(np.zeros(lanes.lanes, np.int32))
    assert step.reward.all()
    assert not np.array_equal(step.obs, first)
    return first


def through_json(saved: Any) -> Any:
    """Arrays stay; everything else must survive a JSON file."""
    if isinstance(saved, dict):
        return {key: through_json(value) for key, value in saved.items()}
    return saved if isinstance(saved, np.ndarray) else json.loads(json.dumps(saved))
