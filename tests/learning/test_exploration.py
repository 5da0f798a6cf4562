"""Exploration: how often, which actions, independent lanes, epsilon's clock."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from argmaxq.components.component import traced
from argmaxq.learning.exploration import EpsilonGreedy, Greedy
from argmaxq.learning.schedules import Constant, Linear, Multiplicative
from argmaxq.types import Clock
from oracles.parts import chi_square, clock

ROWS, LANES = 4_000, 5
VALUES = np.float32([0.3, -1, 2, 0.5])
BEST = 2
START = clock()


@jax.jit
def choices(exploration: EpsilonGreedy, clock: Clock, key: jax.Array) -> jax.Array:
    """Actions [rows, lanes] for the same values in every lane at every time."""
    noise = exploration.noise(key, (ROWS, LANES))
    return jax.vmap(jax.vmap(lambda noise: exploration.choose(VALUES, clock, noise)))(noise)


def play(exploration: EpsilonGreedy, seed: int = 0, when: Clock = START) -> np.ndarray:
    return np.asarray(choices(traced(exploration), when, jax.random.key(seed)))


def test_epsilon_zero_is_greedy() -> None:
    assert (play(EpsilonGreedy(Constant(0.0))) == BEST).all()


def test_epsilon_one_is_uniform() -> None:
    counts = np.bincount(play(EpsilonGreedy(Constant(1.0))).ravel(), minlength=4)
    assert chi_square(counts) < 4


@pytest.mark.parametrize("epsilon", [0.05, 0.3, 0.8])
def test_the_random_share_is_epsilon(epsilon: float) -> None:
    """The best action comes with probability 1 - epsilon + epsilon / 4, each other one with epsilon / 4."""
    counts = np.bincount(play(EpsilonGreedy(Constant(epsilon))).ravel(), minlength=4)
    share = np.full(4, epsilon / 4) + (1 - epsilon) * (np.arange(4) == BEST)
    assert chi_square(counts, share * counts.sum()) < 4


def test_each_lane_draws_its_own() -> None:
    """Two lanes agree as often as two independent players do, and neither follows the row before."""
    explored = play(EpsilonGreedy(Constant(0.5))) != BEST  # probability 3/8
    agreement = 0.375**2 + 0.625**2
    for one in range(LANES):
        for other in range(one):
            assert abs(np.mean(explored[:, one] == explored[:, other]) - agreement) < 4 * 0.5 / np.sqrt(ROWS)
    assert abs(np.mean(explored[1:] == explored[:-1]) - agreement) < 4 * 0.5 / np.sqrt(ROWS * LANES)


def test_whether_and_what_are_independent() -> None:
    """Among random actions of a small epsilon all are equally frequent."""
    actions = play(EpsilonGreedy(Constant(0.1)))
    counts = np.bincount(actions[actions != BEST], minlength=4)[[0, 1, 3]]
    assert chi_square(counts) < 4


def test_the_key_decides() -> None:
    exploration = EpsilonGreedy(Constant(1.0))
    np.testing.assert_array_equal(play(exploration, seed=1), play(exploration, seed=1))
    assert np.mean(play(exploration, seed=1) == play(exploration, seed=2)) == pytest.approx(0.25, abs=0.02)


def test_uniform_numbers_stay_below_one() -> None:
    """With all 32 bits set the draw must still be below an epsilon of 1."""
    uniform, _ = EpsilonGreedy().noise(jax.random.key(0), (ROWS * LANES,))
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert (play(EpsilonGreedy(Constant(1.0)), seed=3) == BEST).mean() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("schedule", "when", "epsilon"),
    [
        (Linear(1.0, 0.0, 1_000), clock(step=250, episode=10**6), 0.75),
        (Linear(1.0, 0.0, 1_000, per="episode"), clock(step=10**6, episode=750), 0.25),
        (Multiplicative(1.0, 0.0, 0.5, per="episode"), clock(step=10**6, episode=1), 0.5),
        (Multiplicative(1.0, 0.0, 0.5, per="step"), clock(step=2, episode=10**6), 0.25),
        (Linear(1.0, 0.0, 1_000, per="update"), clock(step=10**6, episode=10**6, update=500), 0.5),
    ],
)
def test_epsilon_counts_in_its_own_time(schedule: Linear | Multiplicative, when: Clock, epsilon: float) -> None:
    exploration = EpsilonGreedy(schedule)
    assert exploration.report(when) == {"epsilon": epsilon}
    assert np.mean(play(exploration, when=when) != BEST) == pytest.approx(0.75 * epsilon, abs=0.015)


def test_greedy_takes_the_first_of_equals() -> None:
    greedy = Greedy()
    noise = greedy.noise(jax.random.key(0), (3,))
    assert jax.tree.leaves(noise) == []
    assert greedy.report(clock()) == {}
    assert greedy.choose(jnp.array([1.0, 2.0, 2.0]), clock(), noise) == 1
    assert EpsilonGreedy(Constant(0.0)).choose(jnp.array([2.0, 2.0]), clock(), (0.5, jnp.uint32(1))) == 0
