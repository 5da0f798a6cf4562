"""What is known of environments: the best mean return that is possible, and what others have published."""

from typing import NamedTuple


class Known(NamedTuple):
    """A mean return, and where it is from."""

    value: float
    source: str


BEST = {
    "CartPole-v0": Known(200.0, "its time limit"),
    "CartPole-v1": Known(500.0, "its time limit"),
    "MountainCar-v0": Known(-97.67, "dynamic programming on an 800 x 801 grid"),
    "argmaxq/CartPolePixels-v0": Known(500.0, "its time limit"),
}
PUBLISHED = {
    "CartPole-v1": Known(500.0, "RL Zoo, DQN after 50k steps"),
    "MountainCar-v0": Known(-100.85, "RL Zoo, DQN after 120k steps"),
    "LunarLander-v3": Known(280.2, "a published DQN checkpoint, 20 episodes of v2"),
}
