"""Exact solvers against closed forms and against each other."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from argmaxq.components.errors import UserError
from argmaxq.domains.mountain_car import MountainCar
from argmaxq.exact import (
    Grid,
    Model,
    action_values,
    evaluate_policy,
    finite_horizon,
    from_outcomes,
    greedy_policy,
    interpolated,
    model_of,
    motion_of,
    outcomes_of,
    policy_iteration,
    value_iteration,
)

EXACT = 1e-12
GAMMAS = (0.9, 0.95, 0.99, 0.999, 1.0)
FROZEN_LAKE = {
    "FrozenLake-v1": (0.068890904889, 0.180471578397, 0.542025932000, 0.785533256655, 14 / 17),
    "FrozenLake8x8-v1": (0.006411114262, 0.048250204081, 0.414640361800, 0.892635494945, 1.0),
}
"""V* of the start at each of GAMMAS."""


def model(name: str, **kwargs: Any) -> Model:
    return model_of(gym.make(name, **kwargs))


def started(problem: Model, values: np.ndarray) -> float:
    return float(problem.start @ values)


@pytest.mark.parametrize("name", ["FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v4", "CliffWalking-v1"])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_all_solvers_agree(name: str, gamma: float) -> None:
    problem = model(name)
    swept, improved = value_iteration(problem, gamma), policy_iteration(problem, gamma)
    np.testing.assert_allclose(swept.values, improved.values, atol=EXACT, rtol=0)
    np.testing.assert_allclose(swept.q.max(axis=1), swept.values, atol=EXACT, rtol=0)


@pytest.mark.parametrize("name", FROZEN_LAKE)
def test_frozen_lake(name: str) -> None:
    problem = model(name)
    found = [started(problem, value_iteration(problem, gamma).values) for gamma in GAMMAS]
    np.testing.assert_allclose(found, FROZEN_LAKE[name], atol=EXACT, rtol=0)


def test_cliff_and_taxi() -> None:
    cliff = model("CliffWalking-v1")
    assert started(cliff, value_iteration(cliff, 1.0).values) == -13
    discounted = started(cliff, value_iteration(cliff, 0.99).values)
    assert abs(discounted - -12.247897700103) < EXACT
    assert abs(discounted - -sum(0.99**step for step in range(13))) < EXACT
    problem = model("Taxi-v4")
    taxi = value_iteration(problem, 1.0)
    starts = taxi.values[problem.start > 0]
    assert len(starts) == 300
    assert abs(started(problem, taxi.values) - 7.93) < EXACT
    assert (starts.min(), starts.max()) == (3, 15)


def chain(states: int, ends: tuple[float, float]) -> Model:
    """A random walk with one action: states 0 .. n-1, leaving on the left or the right with a reward."""
    following = np.zeros((states, 1, 2), np.int32)
    reward, weight = np.zeros((states, 1)), np.full((states, 1, 2), 0.5)
    for state in range(states):
        for side, step in enumerate((-1, 1)):
            if 0 <= state + step < states:
                following[state, 0, side] = state + step
            else:
                weight[state, 0, side] = 0.0
                reward[state, 0] += 0.5 * ends[side]
    return Model(reward, weight, following, np.eye(states)[states // 2])


def test_random_walks() -> None:
    for states, ends, values in [(5, (0.0, 1.0), np.arange(1, 6) / 6), (19, (-1.0, 1.0), (np.arange(1, 20) - 10) / 10)]:
        found = evaluate_policy(chain(states, ends), np.zeros(states, int), 1.0)
        np.testing.assert_allclose(found, values, atol=EXACT)


def test_the_gambler() -> None:
    """Stakes 1 .. 50 of a capital 1 .. 99 on a coin that wins with probability 0.4 (Sutton and Barto, example 4.3)."""
    following = np.zeros((101, 50, 2), np.int32)
    weight, reward = np.zeros((101, 50, 2)), np.full((101, 50), -1.0)
    for capital in range(1, 100):
        for stake in range(1, min(capital, 100 - capital) + 1):
            following[capital, stake - 1] = capital + stake, capital - stake
            reward[capital, stake - 1] = 0.4 * (capital + stake == 100)
            weight[capital, stake - 1] = 0.4 * (capital + stake < 100), 0.6 * (capital > stake)
    reward[[0, 100]] = 0.0
    values = value_iteration(Model(reward, weight, following, np.eye(101)[50]), 1.0).values
    np.testing.assert_allclose(values[[25, 50, 75]], [0.16, 0.4, 0.64], atol=EXACT)


def test_finite_horizons_grow_into_the_infinite_one() -> None:
    problem = model("FrozenLake-v1")
    q = finite_horizon(problem, 1.0, 2_000)
    assert (q[0] == 0).all()
    np.testing.assert_array_equal(q[1], problem.reward)
    assert (np.diff(q.max(axis=2), axis=0) >= 0).all()
    assert abs(q[2_000, 0].max() - 14 / 17) < EXACT
    cliff = finite_horizon(model("CliffWalking-v1"), 1.0, 20).max(axis=2)[:, 36]
    np.testing.assert_array_equal(cliff, -np.minimum(np.arange(21), 13))


def test_evaluation_is_the_fixed_point_of_its_own_backup() -> None:
    problem = model("FrozenLake8x8-v1")
    policy = np.random.default_rng(0).dirichlet(np.ones(4), 64)
    values = evaluate_policy(problem, policy, 1.0)
    np.testing.assert_allclose(np.sum(policy * action_values(problem, values, 1.0), axis=1), values, atol=EXACT)
    better = evaluate_policy(problem, greedy_policy(action_values(problem, values, 1.0)), 1.0)
    assert (better >= values - EXACT).all()
    assert (better > values + 1e-6).any()


def test_outcomes_are_those_of_the_environment() -> None:
    env = gym.make("FrozenLake-v1")
    outcomes = outcomes_of(env)
    np.testing.assert_allclose(outcomes.probability.sum(axis=-1), 1.0)
    assert from_outcomes(outcomes).reward[14].max() == pytest.approx(1 / 3)
    assert outcomes.terminated[14, 1].any()


def test_what_cannot_be_solved_is_said_in_a_line() -> None:
    with pytest.raises(UserError, match="no transition tables"):
        model("CartPole-v1")
    cliff = model("CliffWalking-v1")
    with pytest.raises(UserError, match="need not end"):
        evaluate_policy(cliff, np.zeros(48, int), 1.0)  # up, for ever
    endless = Model(np.ones((1, 1)), np.ones((1, 1, 1)), np.zeros((1, 1, 1), np.int32), np.ones(1))
    with pytest.raises(UserError, match="does not settle"):
        value_iteration(endless._replace(reward=np.full((1, 1), 1e9)), 1.0)
    assert abs(value_iteration(endless, 0.5).values.item() - 2.0) < EXACT


def test_a_grid_interpolates_planes_exactly() -> None:
    grid = Grid((-1.0, 0.0), (1.0, 4.0), (5, 9))
    plane = grid.nodes @ [2.0, -3.0] + 1
    inside = np.random.default_rng(0).uniform(grid.low, grid.high, (50, 2))
    np.testing.assert_allclose(grid.interpolate(plane, inside), inside @ [2.0, -3.0] + 1)
    np.testing.assert_allclose(grid.interpolate(plane, grid.nodes), plane)
    index, weight = grid.corners(np.array([[5.0, -1.0]]))
    assert index[0, weight[0] == 1].tolist() == [36]


def mountain_car(points: tuple[int, int]) -> np.ndarray:
    """Returns from 2001 starts under the policy greedy in values found on a grid."""
    move, grid = motion_of(MountainCar()), Grid((-1.2, -0.07), (0.6, 0.07), points)
    values = value_iteration(interpolated(grid, move, 3), 1.0, tolerance=1e-3).values
    states = np.stack([np.linspace(-0.6, -0.4, 2001), np.zeros(2001)], axis=1)
    going, returns = np.ones(2001, bool), np.zeros(2001)
    while going.any() and returns.min() > -200:
        ends = [move(states, action) for action in range(3)]
        q = [each.reward + np.where(each.terminated, 0, grid.interpolate(values, each.following)) for each in ends]
        action = np.argmax(q, axis=0)
        returns -= going
        going &= ~np.choose(action, [each.terminated for each in ends])
        states = np.choose(action[:, None], [each.following for each in ends])
    return returns


def test_mountain_car_by_dynamic_programming() -> None:
    returns = mountain_car((300, 301))
    assert abs(returns.mean() - -97.7) < 0.3, returns.mean()
    assert returns.max() == -83
