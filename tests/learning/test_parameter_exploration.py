"""Which parameters an agent acts with, against plain Python models."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from argmaxq.agents.pdqn import PDQN
from argmaxq.components.component import bind
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.parameters import Exact, Gaussian, OrnsteinUhlenbeck, UniformParameters
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, HybridActions, Spaces
from oracles.parts import LINEAR, clock

STEPS, PARAMETERS = 4_000, 3
SPACES = Spaces(ArraySpec((2,), "float32"), HybridActions((1, 0, 2)))
PROPOSED = np.float32([0.1, -0.5, 0.9])
KEY = jax.random.key(0)


def acted(own: Any, explores: bool = False, steps: int = STEPS) -> tuple[np.ndarray, Any]:
    """Parameters [steps, 3] of one lane whose actor proposes the same at each step, and the noise they came from."""
    noise = own.noise(KEY, (steps,), PARAMETERS)

    def step(actor: Any, inputs: Any) -> Any:
        number, noise = inputs
        taken, actor = own.perturb(PROPOSED, np.bool_(explores), clock()._replace(step=number), noise, actor)
        return actor, taken

    run = jax.jit(lambda: jax.lax.scan(step, own.memory(PARAMETERS), (np.arange(steps), noise))[1])
    return np.asarray(run()), noise


@pytest.mark.parametrize("own", [Exact(), UniformParameters()])
def test_without_noise_they_are_the_actors(own: Any) -> None:
    np.testing.assert_array_equal(acted(own)[0], np.tile(PROPOSED, (STEPS, 1)))


def test_uniform_ones_on_exploring_steps() -> None:
    taken, _ = acted(UniformParameters(), explores=True)
    quantiles = np.quantile(taken, [0, 0.25, 0.5, 0.75, 1], axis=0)
    np.testing.assert_allclose(quantiles.T, [[-1, -0.5, 0, 0.5, 1]] * 3, atol=0.05)
    np.testing.assert_allclose(np.corrcoef(taken.T), np.eye(3), atol=0.06)
    np.testing.assert_array_equal(acted(Exact(), explores=True)[0][0], PROPOSED)


def test_gaussian_noise() -> None:
    """Standard normal numbers times a spread that a schedule lowers, clipped to the bounds."""
    taken, noise = acted(Gaussian(Linear(0.4, 0.1, STEPS)))
    normal = np.asarray(noise[0], float)
    np.testing.assert_allclose([normal.mean(), normal.std()], [0, 1], atol=0.03)
    spread = np.linspace(0.4, 0.1, STEPS, endpoint=False)[:, None]
    np.testing.assert_allclose(taken, np.clip(PROPOSED + spread * normal, -1, 1), atol=1e-5)
    assert (taken[:, 2] == 1).mean() == pytest.approx(0.35, abs=0.05)


def test_ornstein_uhlenbeck_noise() -> None:
    """A step at a time: what is left of the noise, and a normal number; it varies as 1 / (1 - (1 - reversion)^2)."""
    taken, noise = acted(OrnsteinUhlenbeck(Constant(0.05), reversion=0.2))
    drift, expected = np.zeros(PARAMETERS), []
    for normal in np.asarray(noise[0], float):
        drift = drift - 0.2 * drift + 0.05 * normal
        expected.append(np.clip(PROPOSED + drift, -1, 1))
    np.testing.assert_allclose(taken, expected, atol=1e-5)
    assert (taken[:, 0] - PROPOSED[0]).std() == pytest.approx(0.05 / (1 - 0.8**2) ** 0.5, rel=0.1)


def test_noise_is_added_to_the_base() -> None:
    """On exploring steps to uniform parameters, or to the actor's own where those are to be kept exactly."""
    for kind in (Gaussian, OrnsteinUhlenbeck):
        assert acted(kind(Constant(0.01)), explores=True)[0][:, 0].std() == pytest.approx(3**-0.5, rel=0.05)
        exact = acted(kind(Constant(0.01), base=Exact()), explores=True)[0]
        assert exact[:, 0].std() < 0.05
        assert exact[:, 0].mean() == pytest.approx(0.1, abs=0.01)


def test_of_an_exploring_agent() -> None:
    """Random numbers with random parameters on a share epsilon of the steps; elsewhere the greedy action."""
    agent = bind(
        dataclasses.replace(
            PDQN(actor_network=LINEAR, replay=Uniform(64)), exploration=EpsilonGreedy(Linear(1.0, 0.0, STEPS))
        ),
        SPACES,
    )
    params, obs = agent.init(KEY, SPACES, 1).params, np.float32([0.3, -0.2])
    noise = agent.noise(jax.random.key(1), (STEPS,), SPACES)
    act = jax.vmap(lambda number, noise: agent.act(params, (), obs, clock()._replace(step=number), noise)[0])
    actions = np.asarray(jax.jit(act)(np.arange(STEPS), noise))
    greedy = np.asarray(jax.jit(agent.greedy)(params, (), obs)[0])
    exact = np.isclose(actions, greedy, atol=1e-5).all(axis=1)
    random = actions[~exact]
    epsilon = 1 - np.arange(STEPS) / STEPS
    for part in np.split(np.arange(STEPS), 4):
        assert exact[part].mean() == pytest.approx(1 - epsilon[part].mean(), abs=0.06)
    np.testing.assert_array_equal(np.asarray(noise[0][0]) >= epsilon, exact)
    np.testing.assert_allclose(np.bincount(random[:, 0].astype(int), minlength=3) / len(random), [1 / 3] * 3, atol=0.04)
    np.testing.assert_allclose(random[:, 1:].mean(axis=0), 0, atol=0.06)
    np.testing.assert_allclose(random[:, 1:].std(axis=0), 3**-0.5, atol=0.03)


def test_lanes_have_noise_of_their_own() -> None:
    agent = PDQN(parameter_exploration=OrnsteinUhlenbeck())
    choices, (normal, uniform) = agent.noise(KEY, (5, 2), SPACES)
    assert [leaf.shape for leaf in choices] == [(5, 2)] * 2
    for leaf in (normal, uniform):
        assert leaf.shape == (5, 2, PARAMETERS)
        assert len(np.unique(leaf)) == leaf.size
    drift, base = agent.memory(SPACES)
    assert (drift.tolist(), base) == ([0.0] * PARAMETERS, ())
