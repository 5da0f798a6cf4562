"""Sutton and Barto, 2nd ed., figure 11.2: Baird's counterexample (Baird 1995), off-policy semi-gradient TD.

All rewards are 0 and so are all values, which the features can show exactly. Each of six dashed actions leads to one
upper state, the solid one to the lowest; behaviour takes all seven alike, the target policy always the solid one. You
should see the weights grow without bound, with noise (left) and without (right). On-policy they do not.
The importance ratio is 0 for a dashed action, whose value has no gradient, and 7 for the solid one: its step size is
7 alpha. Dashed actions count as worse, so that Q-learning's maximum is the solid one's value.
"""

import jax
import jax.numpy as jnp
import numpy as np
from drawing import draw_lines, finish, new_figure, place
from experiments import constant, watch

from argmaxq.agents.td import TD
from argmaxq.domains.tables import Tables
from argmaxq.exact import Outcomes
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.schedules import Constant
from argmaxq.networks.own import FunctionNetwork

RUNS, ROWS, ALPHA, GAMMA, SOLID = 20, 1_000, 0.01, 0.99, 6
FEATURES = np.hstack([np.diag([2.0] * 6 + [1.0]), np.array([[1.0]] * 6 + [[2.0]])])  # [7 states, 8 weights]
START = np.array([1.0, 1, 1, 1, 1, 1, 10, 1])


def values(weights: jax.Array, state: jax.Array) -> jax.Array:
    """Action values [7] of a one-hot state."""
    solid = state @ FEATURES.astype(np.float32) @ weights
    return jnp.append(jnp.full(SOLID, jax.lax.stop_gradient(solid) - 1.0), solid)


def learn(alpha: float, epsilon: float) -> np.ndarray:
    """Weights [runs, rows, 8]; epsilon 1 takes all actions alike, 0 always the solid one."""
    following, zero = np.tile(np.arange(7)[:, None], (7, 1, 1)), np.zeros((7, 7, 1))
    env = Tables(Outcomes(zero + 1.0, following, zero, zero > 0, np.full(7, 1 / 7)))
    network = FunctionNetwork(lambda key, obs, outputs: jnp.array(START, jnp.float32), values)
    agent = TD(network, exploration=EpsilonGreedy(Constant(epsilon)), step_size=constant(alpha), gamma=GAMMA)
    return watch([agent], env, lambda params: params.estimates[0], RUNS, ROWS)[0][0]


if __name__ == "__main__":
    out, figure, expected = place(__file__, __doc__), new_figure(11), [START]
    off_policy, on_policy = learn(7 * ALPHA, epsilon=1.0), learn(ALPHA, epsilon=0.0)
    for _ in range(ROWS):
        expected.append(expected[-1] + ALPHA / 7 * (GAMMA * FEATURES[SOLID] - FEATURES) @ expected[-1] @ FEATURES)

    panels = {"off-policy TD, one run": off_policy[0], "its expectation": np.array(expected)}
    for axes, (name, weights) in zip(figure.subplots(1, 2, sharey=True), panels.items(), strict=True):
        curves = {f"w{i + 1}": (np.arange(len(weights)), weights[:, i]) for i in range(8)}
        draw_lines(axes, curves, "steps" if "TD" in name else "sweeps", "weights", name)
    finish(figure, out)
    half, last, due = off_policy[:, ROWS // 2, 7], off_policy[:, -1, 7], expected[-1][7]
    print(f"w8 in the end: least {last.min():.0f}, mean of {RUNS} runs {last.mean():.0f}, expected {due:.0f}")
    assert (last > np.maximum(100, 2 * half)).all()
    assert abs(last.mean() / due - 1) < 0.2
    assert np.abs(on_policy).max() <= 10.0
