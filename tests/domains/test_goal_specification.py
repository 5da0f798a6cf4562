"""Goal against its specification in plain Python, from equal states, with noise off."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from argmaxq.domains.goal import Goal, GoalState
from argmaxq.domains.soccer import Body, Scene
from oracles.goal import Pitch, Thing

KEY = jax.random.key(0)
BOTH = pytest.mark.parametrize("legacy", [False, True], ids=["mended", "legacy"])


def random_scenes(count: int, seed: int = 0) -> list[Scene]:
    """Everyone anywhere, often close together, moving at any speed, looking anywhere."""
    rng = np.random.default_rng(seed)

    def body(centre: Any, spread: Any, speed: float) -> Body:
        return Body(centre + spread * rng.uniform(-1, 1, 2), rng.uniform(-speed, speed, 2), rng.uniform(-3.1, 3.1))

    scenes = []
    for _ in range(count):
        ball = body(np.array([10.0, 0.0]), np.array([9.0, 14.0]), rng.choice([0.0, 0.1, 2.5]))
        near = rng.random(2) < 0.5
        player = body(ball.position, 2.5, 0.4) if near[0] else body(np.array([10.0, 0.0]), np.array([10.0, 15.0]), 0.4)
        keeper = body(ball.position, 6.0, 0.4) if near[1] else body(np.array([17.0, 0.0]), np.array([3.0, 9.0]), 0.4)
        scenes.append(Scene(player, keeper, ball))
    return scenes


def stacked(scenes: list[Scene]) -> Scene:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *scenes)


def pitch(scene: Scene, legacy: bool) -> Pitch:
    things = [Thing(complex(*body.position), complex(*body.velocity), float(body.orientation)) for body in scene]
    return Pitch(*things, legacy=legacy)


def flat(pitch: Pitch) -> np.ndarray:
    """As the observation lists it."""
    player, keeper, ball = ((t.at.real, t.at.imag, t.v.real, t.v.imag, t.facing) for t in pitched(pitch))
    return np.array([*player, *keeper, *ball[:4]])


def pitched(pitch: Pitch) -> list[Thing]:
    return [pitch.player, pitch.keeper, pitch.ball]


def difference(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """The largest difference of each row; angles count modulo a full turn."""
    gap = np.abs(ours - theirs)
    gap[:, [4, 9]] = np.minimum(gap[:, [4, 9]], np.abs(2 * math.pi - gap[:, [4, 9]]))
    return gap.max(axis=1)


def random_actions(count: int) -> list[Any]:
    rng = np.random.default_rng(1)
    return [
        (int(rng.integers(3)), [rng.uniform([-5, -20], [45, 20]), rng.uniform(-9, 9, 1), rng.uniform(-9, 9, 1)])
        for _ in range(count)
    ]


@BOTH
@pytest.mark.parametrize(("wide", "tolerance"), [(False, 2e-5), (True, 1e-9)], ids=["float32", "float64"])
def test_micro_steps_are_the_specification(legacy: bool, wide: bool, tolerance: float) -> None:
    """One micro-step from many scenes; float32 may cross a threshold by rounding, once in 200 at most."""
    env, scenes = Goal(legacy=legacy, noise=0.0), random_scenes(2000)
    targets = np.random.default_rng(2).uniform([0, -15], [40, 15], (len(scenes), 2))
    dtype = np.float64 if wide else np.float32
    scenes = [jax.tree.map(lambda leaf: np.asarray(leaf, dtype), scene) for scene in scenes]
    targets = targets.astype(dtype)
    with jax.enable_x64(wide):
        step = jax.vmap(lambda scene, target: env.micro_step(scene, target, jnp.uint32(0), jnp.int32(0)))
        moved = step(stacked(scenes), targets)
        observe = jax.vmap(lambda scene: env.observation(GoalState(scene, 0, 0), KEY))
        ours = np.asarray(observe(moved))
        rewards = np.asarray(jax.vmap(lambda scene: env.reward(None, None, GoalState(scene, 0, 0), KEY))(moved))
        ends = np.asarray(jax.vmap(lambda scene: env.terminal(GoalState(scene, 0, 0), KEY))(moved))
    theirs = []
    for scene, target in zip(scenes, targets, strict=True):
        other = pitch(scene, legacy)
        other.micro_step(complex(*target))
        theirs.append((flat(other), other.reward(), other.over()))
    states, their_rewards, their_ends = map(np.array, zip(*theirs, strict=True))
    same = difference(ours, states) < tolerance
    assert same.mean() >= (1.0 if wide else 0.995)
    assert (ends == their_ends)[same].mean() > 0.999
    agreed = same & (ends == their_ends)
    np.testing.assert_allclose(rewards[agreed], their_rewards[agreed], atol=1e-4)
    assert 0.05 < ends.mean() < 0.95
    assert (rewards == 50).any()


@BOTH
def test_whole_actions_are_the_specification(legacy: bool) -> None:
    """Kick-off and random scenes, random actions within and beyond their bounds, in double precision."""
    env, count = Goal(legacy=legacy, noise=0.0), 400
    actions = random_actions(count)
    theirs, starts = [], []
    for (index, parameters), scene in zip(actions, random_scenes(count, seed=3), strict=True):
        other = pitch(scene, legacy)
        steps = other.macro_step(index, [list(parameter) for parameter in parameters])
        theirs.append((flat(other), other.reward(), steps))
        starts.append(scene)
    states, their_rewards, their_steps = map(np.array, zip(*theirs, strict=True))
    with jax.enable_x64(True):
        before = GoalState(stacked(starts), np.zeros(count, np.int32), np.zeros(count, np.int32))
        batch = jax.tree.map(lambda *leaves: np.stack(leaves), *actions)
        after = jax.jit(jax.vmap(env.transition, (0, 0, None)))(before, batch, KEY)
        ours = np.asarray(jax.vmap(env.observation, (0, None))(after, KEY))
        rewards = np.asarray(jax.vmap(env.reward, (None, None, 0, None))(None, None, after, KEY))
    same = (difference(ours, states) < 1e-6) & (np.asarray(after.micro_steps) == their_steps)
    assert same.mean() > 0.99
    np.testing.assert_allclose(rewards[same], their_rewards[same], atol=1e-6)
    assert their_steps.max() > 60
    assert (their_rewards == 0).any(), "some kicks end with the ball in reach"
