"""Domains that need memory: a plain model of bsuite's chain, the T-maze step by step, what is hidden; pictures."""

from typing import Any

import gymnasium as gym
import jax
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pygame import surfarray

from argmaxq.components.errors import UserError
from argmaxq.domains.catalogue import functional
from argmaxq.domains.drawings import memory
from argmaxq.domains.memory_chain import MemoryChainState
from argmaxq.domains.t_maze import EAST, NORTH, SOUTH, WEST, TMaze, TMazeState
from argmaxq.lanes.compiled import CompiledEnv

IDS = ("MemoryChain", "TMaze", "CartPoleHidden", "MountainCarHidden")


def chain(length: int, bits: np.ndarray, query: int, actions: list[int]) -> list[tuple[np.ndarray, float, bool]]:
    """bsuite's ``_step`` in plain Python: each gives the observation of the time before it counts that time up."""

    def seen(time: int) -> np.ndarray:
        obs = np.zeros(2 + len(bits))
        obs[0] = 1 - time / length
        obs[1] = query if time == length - 1 else 0
        obs[2:] = 2 * bits - 1 if time == 0 else 0
        return obs

    time, told = 0, []
    for action in actions:
        obs, time = seen(time), time + 1
        over = time > length
        reward = (1.0 if action == bits[query] else -1.0) if over else 0.0
        told.append((obs, reward, over))
    return told


@pytest.mark.parametrize(("length", "bits"), [(30, 1), (5, 3), (1, 1)])
def test_the_memory_chain_is_bsuites(length: int, bits: int) -> None:
    env, queries = gym.make("argmaxq/MemoryChain-v0", length=length, bits=bits), set()
    for seed in range(12):
        first, _ = env.reset(seed=seed)
        state = env.unwrapped.state
        actions = np.random.default_rng(seed).integers(2, size=length + 1).tolist()
        expected = chain(length, np.asarray(state.bits), int(state.query), actions)
        np.testing.assert_allclose(first, expected[0][0])
        for action, (obs, reward, over) in zip(actions, expected, strict=True):
            ours = env.step(action)
            if not over:
                np.testing.assert_allclose(ours[0], obs, atol=1e-6)
            assert ours[1:4] == (reward, over, False)
        queries.add((tuple(np.asarray(state.bits).tolist()), int(state.query)))
    assert len(queries) > 2**bits - 1


def test_the_t_maze_step_by_step() -> None:
    env, key, goals = TMaze(3), jax.random.key(0), set()
    for seed in range(8):
        state = env.initial(jax.random.key(seed))
        goal = int(state.goal)
        goals.add(goal)
        sign = [0, 1, 1] if goal == NORTH else [1, 1, 0]
        assert env.observation(state, key).tolist() == sign
        # Walls on three sides; then along the corridor, back and on to the junction, where there is a wall ahead.
        path = [(NORTH, -0.1, sign), (SOUTH, -0.1, sign), (WEST, -0.1, sign), (EAST, 0, [1, 0, 1]), (WEST, 0, sign)]
        path += [(EAST, 0, [1, 0, 1]), (EAST, 0, [1, 0, 1]), (EAST, 0, [0, 1, 0]), (EAST, -0.1, [0, 1, 0])]
        for action, reward, seen in path:
            after = env.transition(state, np.int32(action), key)
            assert env.reward(state, action, after, key) == pytest.approx(reward)
            assert not env.terminal(after, key)
            assert env.observation(after, key).tolist() == seen
            state = after
        for turn in (NORTH, SOUTH):
            after = env.transition(state, np.int32(turn), key)
            assert env.terminal(after, key)
            assert env.reward(state, turn, after, key) == pytest.approx(4 if turn == goal else -0.1)
            assert env.transition_info(state, turn, after)["success"] == (turn == goal)
    assert goals == {NORTH, SOUTH}


@pytest.mark.parametrize(
    ("hidden", "whole", "seen"), [("CartPole", "CartPole-v1", [0, 2]), ("MountainCar", "MountainCar-v0", [0])]
)
def test_what_is_hidden_is_the_velocity_and_nothing_else(hidden: str, whole: str, seen: list[int]) -> None:
    ours, original = (CompiledEnv(functional(id)) for id in (f"argmaxq/{hidden}Hidden-v0", whole))
    one, other = (env.reset(jax.random.key(3)) for env in (ours, original))
    for number in range(30):
        np.testing.assert_array_equal(one.obs, other.obs[np.array(seen)])
        action = np.int32(number % 2)
        (one, result), (other, same) = (
            env.step(lane, action, env.draw(jax.random.key(number))) for env, lane in ((ours, one), (original, other))
        )
        assert result.reward == same.reward
        assert result.terminated == same.terminated
    assert gym.spec(f"argmaxq/{hidden}Hidden-v0").max_episode_steps == gym.spec(whole).max_episode_steps


@pytest.mark.parametrize("name", IDS)
def test_they_are_gymnasium_environments(name: str) -> None:
    check_env(gym.make(f"argmaxq/{name}-v0").unwrapped, skip_render_check=True)


def test_lengths_that_are_none_are_refused() -> None:
    with pytest.raises(UserError, match="length 0"):
        functional("argmaxq/TMaze-v0", {"length": 0})
    with pytest.raises(UserError, match="both must be at least 1"):
        functional("argmaxq/MemoryChain-v0", {"bits": 0})


def shown(picture: Any, colour: tuple[int, int, int]) -> int:
    """How many pixels of a picture have a colour."""
    return int((np.abs(surfarray.array3d(picture).astype(int) - colour) <= 4).all(axis=-1).sum())


def test_pictures_show_what_was_said_and_what_came_of_it() -> None:
    """A bit is filled while it is seen; a turn and an answer are green where they are right, else red."""
    zero, one = memory.BITS
    chain = MemoryChainState(np.array([1, 1]), np.int32(0), np.int32(1), np.bool_(False))
    early, late = (memory.chain(*chain._replace(step=np.int32(step)), 6) for step in (1, 2))
    assert shown(early, one) > 2 * shown(late, one) > 100
    assert shown(early, zero) == 0
    maze = TMazeState(np.int32(4), np.int32(NORTH), np.bool_(False), np.bool_(True), np.bool_(True))
    for right in (True, False):
        answered = chain._replace(step=np.int32(7), correct=np.bool_(right))
        turned = maze._replace(correct=np.bool_(right))
        for picture in (memory.chain(*answered, 6), memory.maze(*turned, 4)):
            assert (shown(picture, memory.RIGHT) > 50) == right
            assert (shown(picture, memory.WRONG) > 50) != right
