"""What is known of environments: the best mean return that is possible, and what others have published."""

from typing import NamedTuple

from argmaxq.environments.atari import ceiling
from argmaxq.environments.env import Env


class Known(NamedTuple):
    """A mean return, where it is from, and whether another time limit would make it another."""

    value: float
    source: str
    limited: bool = True


BEST = {
    "CartPole-v0": Known(200.0, "its time limit"),
    "CartPole-v1": Known(500.0, "its time limit"),
    "MountainCar-v0": Known(-97.67, "dynamic programming on an 800 x 801 grid"),
    "FrozenLake-v1": Known(0.74419, "dynamic programming over its 100 steps"),
    "FrozenLake8x8-v1": Known(0.91322, "dynamic programming over its 200 steps"),
    "Taxi-v4": Known(7.93, "dynamic programming", limited=False),
    "CliffWalking-v1": Known(-13.0, "dynamic programming", limited=False),
    "argmaxq/Platform-v0": Known(1.0, "the way to its end"),
    "argmaxq/MemoryChain-v0": Known(1.0, "its reward"),
    "argmaxq/CartPoleHidden-v0": Known(500.0, "its time limit"),
    "argmaxq/CartPoleStacked-v0": Known(500.0, "its time limit"),
    "argmaxq/CartPolePixels-v0": Known(500.0, "its time limit"),
}
PUBLISHED = {
    "CartPole-v1": Known(500.0, "RL Zoo, DQN after 50k steps"),
    "MountainCar-v0": Known(-100.85, "RL Zoo, DQN after 120k steps"),
    "Acrobot-v1": Known(-69.1, "RL Zoo, QR-DQN after 100k steps"),
    "LunarLander-v3": Known(280.2, "a published DQN checkpoint, 20 episodes of v2"),
    "argmaxq/Platform-v0": Known(0.987, "MP-DQN, Bester et al. 2019"),
    "ALE/Breakout-v5": Known(401.0, "DQN, Mnih et al. 2015, after 200M frames, not sticky"),
    "ALE/Pong-v5": Known(18.9, "DQN, Mnih et al. 2015, after 200M frames, not sticky"),
}

PICTURE = {"height", "width", "colour", "render_mode"}
"""Arguments that change nothing but pictures."""


def best(env: Env) -> Known | None:
    """The best mean return that is possible, where that is known."""
    if (highest := ceiling(env)) is not None:
        return Known(highest, "no game scores more")
    return _if_same(BEST.get(env.name), env)


def published(env: Env) -> Known | None:
    """What others have published of an environment."""
    return _if_same(PUBLISHED.get(env.name), env)


def _if_same(known: Known | None, env: Env) -> Known | None:
    """What is known, if it is known of this very environment."""
    same = env.kwargs.keys() <= PICTURE and (env.time_limit is None or not (known and known.limited))
    return known if same else None
