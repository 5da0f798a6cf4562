"""MinAtar's games are those of the package minatar, step by step, and their chances are the same."""

import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from argmaxq.domains.catalogue import DOMAINS, functional
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.lanes.func_lanes import FuncLanes
from support.tiers import slow

minatar = pytest.importorskip("minatar")
pytest.importorskip("pgx")

GAMES = [id for id in DOMAINS if id.startswith("argmaxq/MinAtar-")]
NOT_STATE = ("channels", "action_map", "random", "ramping")
UNUSED = {"argmaxq/MinAtar-Asterix-v0": ("shot_timer",)}


def theirs(id: str) -> Any:
    name = functional(id)._game.id.removeprefix("minatar-")
    env = minatar.Environment(name, sticky_action_prob=0.0)
    env.seed(0)
    env.reset()
    return env


def placed(value: Any, like: Any) -> np.ndarray:
    """A value of minatar's as pgx keeps it: lists of objects fill the first rows of a table."""
    table = np.array(like)
    if table.ndim < 2 or not isinstance(value, list):
        return np.asarray(value).astype(table.dtype)
    for row, own in enumerate(value):
        if own is not None:
            table[row] = own
    return table


def randomness(env: Any) -> int:
    return int(env.random.get_state()[2])


@pytest.mark.parametrize("steps", [2_000, slow(100_000)])
@pytest.mark.parametrize("id", GAMES)
def test_a_step_from_each_state_is_minatars(id: str, steps: int) -> None:
    """Wherever nothing is drawn in it: what appears in a game then is tested below."""
    ours, env = functional(id, {"sticky": 0.0}), theirs(id).env
    assert ours is not None
    blank = ours.initial(jax.random.key(0))
    numbers, generator = np.asarray(ours._game.minimal_action_set), np.random.default_rng(0)
    actions = generator.integers(len(numbers), size=steps)
    names = [name for name in vars(env) if name not in (*NOT_STATE, *UNUSED.get(id, ()))]
    states: dict[str, list[np.ndarray]] = {name: [] for name in names}
    rewards, ends, planes, sure = [], [], [], []
    for action in actions:
        for name in names:
            states[name].append(placed(copy.deepcopy(getattr(env, name)), getattr(blank, f"_{name}")))
        drawn = randomness(env)
        reward, over = env.act(int(numbers[action]))
        sure.append(drawn == randomness(env))
        rewards.append(reward)
        ends.append(over)
        planes.append(env.state().copy())
        if over:
            env.reset()

    def step(own: dict[str, Any], action: Any) -> tuple[Any, Any, Any]:
        state = blank.replace(**{f"_{name}": value for name, value in own.items()})
        after = ours.transition(state, action, jax.random.key(0))
        return ours.reward(state, action, after, None), ours.terminal(after, None), ours.observation(after, None)

    own = {name: jnp.asarray(np.stack(each)) for name, each in states.items()}
    reward, over, seen = map(np.asarray, jax.jit(jax.vmap(step))(own, jnp.asarray(actions, jnp.int32)))
    same = np.array(sure)
    assert same.mean() > 0.9
    np.testing.assert_array_equal(reward[same], np.array(rewards)[same])
    np.testing.assert_array_equal(over[same], np.array(ends)[same])
    playing = same & ~np.array(ends)
    np.testing.assert_array_equal(seen[playing], np.array(planes)[playing])


def test_a_final_observation_is_not_the_next_games_first() -> None:
    env = functional("argmaxq/MinAtar-Breakout-v0")
    assert env is not None
    lanes = FuncLanes(CompiledEnv(env), 8)
    lanes.reset(0)
    for _ in range(200):
        step = lanes.step(np.zeros(8, np.int32))
        for lane in np.flatnonzero(step.terminated):
            ball = step.obs[lane, ..., 1]
            assert ball[9].any(), "the ball that was missed lies on the lowest row"
        if step.terminated.any():
            return
    raise AssertionError("no game ended")


@pytest.mark.slow
@pytest.mark.parametrize("id", GAMES)
def test_chances_are_minatars(id: str) -> None:
    """Points and lengths of random games, sticky actions included, within four standard errors."""
    env = functional(id)
    assert env is not None
    lanes = FuncLanes(CompiledEnv(env), 256)
    generator, count = np.random.default_rng(1), lanes.spaces.action.n
    points, lengths = games_of_lanes(lanes, generator, 6_000 if "Freeway" in id else 1_000)
    other = theirs(id)
    other.sticky_action_prob = 0.1
    numbers = functional(id)._game.minimal_action_set
    totals, played = [], []
    for _ in range(15 if "Freeway" in id else 400):
        other.reset()
        total, length, over = 0.0, 0, False
        while not over:
            reward, over = other.act(int(numbers[generator.integers(count)]))
            total, length = total + reward, length + 1
        totals.append(total)
        played.append(length)
    for ours, found in ((points, totals), (lengths, played)):
        error = np.hypot(np.std(ours) / len(ours) ** 0.5, np.std(found) / len(found) ** 0.5)
        assert abs(np.mean(ours) - np.mean(found)) <= 4 * error


def games_of_lanes(lanes: FuncLanes, generator: np.random.Generator, steps: int) -> tuple[list[float], list[int]]:
    """Points and length of the first game of each lane, all of which end within so many steps."""
    lanes.reset(0)
    totals, lengths, playing = np.zeros(lanes.lanes), np.zeros(lanes.lanes, int), np.ones(lanes.lanes, bool)
    for _ in range(steps):
        step = lanes.step(generator.integers(lanes.spaces.action.n, size=lanes.lanes).astype(np.int32))
        totals += playing * step.reward
        lengths += playing
        playing &= ~step.terminated
        if not playing.any():
            return totals.tolist(), lengths.tolist()
    raise AssertionError(f"{playing.sum()} games go on after {steps} steps")
