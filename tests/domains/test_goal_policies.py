"""What policies reach in Goal."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from argmaxq.domains import soccer
from argmaxq.domains.goal import Goal, GoalState, HardGoal
from argmaxq.domains.soccer import Body, Scene
from support.episodes import play


def uniform_action(env: Goal) -> Any:
    lows, highs = zip(*((box.low, box.high) for box in env.action_space[1]), strict=True)

    def act(obs: Any, key: Any) -> Any:
        first, *keys = jax.random.split(key, 1 + len(lows))
        draw = (
            jax.random.uniform(k, low.shape, minval=low, maxval=high)
            for k, low, high in zip(keys, lows, highs, strict=True)
        )
        return jax.random.randint(first, (), 0, len(lows)), list(draw)

    return act


@pytest.mark.parametrize(
    ("env", "goals", "mean"),
    [(Goal(), (0.010, 0.026), -6.2), (Goal(legacy=True), (0, 0.003), -8.1), (HardGoal(), (0.001, 0.008), -7.0)],
    ids=["mended", "legacy", "hard"],
)
def test_random_policies(env: Goal, goals: tuple[float, float], mean: float) -> None:
    """A goal is worth exactly 50; nearly all episodes end with the first action."""
    episodes = play(env, uniform_action(env), steps=30, episodes=4000)
    assert goals[0] <= episodes.success.mean() <= goals[1]
    assert episodes.returns.mean() == pytest.approx(mean, abs=0.5)
    assert 1 < episodes.lengths.mean() < 1.2
    np.testing.assert_array_equal(episodes.success, episodes.returns == 50)


def read(obs: Any) -> Scene:
    """The scene that a raw observation shows."""
    return Scene(
        Body(obs[0:2], obs[2:4], obs[4]), Body(obs[5:7], obs[7:9], obs[9]), Body(obs[10:12], obs[12:14], jnp.float32(0))
    )


def dribbler(obs: Any, key: Any) -> Any:
    """Shoot if that would score without noise; otherwise dribble towards the goal and away from the keeper."""
    model, now = Goal(noise=0.0), read(obs)
    heights = jnp.array([6.8, -6.8, 6.2, -6.2, 5.5, -5.5])

    def scores(height: Any) -> Any:
        shot = jnp.where(height > 0, 1, 2), [jnp.zeros(2), height[None], height[None]]
        return soccer.in_net(model.transition(GoalState(now, jnp.int32(0), jnp.int32(0)), shot, key).scene.ball)

    good = jax.vmap(scores)(heights)
    height = heights[jnp.argmax(good)]
    ahead = jnp.array([20.0, 0.0]) - now.ball.position
    aside = jnp.where(now.ball.position[1] >= now.keeper.position[1], 1.0, -1.0)
    way = ahead / soccer.length(ahead) + jnp.stack([0.0, aside])
    kick = now.player.position + 2.5 * way / soccer.length(way)
    return jnp.where(good.any(), jnp.where(height > 0, 1, 2), 0), [kick, height[None], height[None]]


def test_dribbling_and_looking_before_shooting_scores_often() -> None:
    episodes = play(Goal(), dribbler, steps=30, episodes=400)
    assert 0.5 < episodes.success.mean() < 0.7
    assert episodes.lengths.mean() > 2
