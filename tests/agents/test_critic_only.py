"""Critics that know their best parameters, against NumPy, SciPy and brute force; and the agent that has no actor."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator
from test_critics import KEY, OBS, drawn, each_size, made, segments, spaces

from argmaxq.agents.critic_only import CriticOnly
from argmaxq.components.checks import validate
from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.networks.critics import MultiPass
from argmaxq.networks.inputs import Raw
from argmaxq.networks.interpolated import Interpolated
from argmaxq.networks.quadratic import Quadratic
from argmaxq.types import Transition
from samples.hybrid_probes import AIM, AIMING, CHOOSING, LEARNING, learnt

CRITICS = {"quadratic": Quadratic((9,), inputs=Raw()), "interpolated": Interpolated((9,), 4, inputs=Raw())}
each_critic = pytest.mark.parametrize("kind", CRITICS)


def hidden_layer(params: Any) -> np.ndarray:
    return np.maximum(OBS @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"], 0)


@each_size
def test_a_quadratic_by_hand(sizes: tuple[int, ...]) -> None:
    """v + A_k . a + sum of (B_j . b) x_j + (C_j . c) x_j^2; v, a, b, c come from a layer that sees the observation."""
    critic, params = made(CRITICS["quadratic"], sizes, outputs=2)
    own = jax.tree.map(lambda leaf: np.asarray(leaf, float), params)
    output, parameters = own["network"]["output"], drawn(sizes)
    vectors = np.einsum("h,hko->ko", hidden_layer(own["network"]), output["kernel"]) + output["bias"]
    a, b, c = vectors[1:].reshape(3, critic.embedding, 2)
    expected = [
        vectors[0]
        + own["constants"][k] @ a
        + parameters[part] @ own["slopes"][part] @ b
        + parameters[part] ** 2 @ own["curvatures"][part] @ c
        for k, part in enumerate(segments(sizes))
    ]
    np.testing.assert_allclose(jax.jit(critic)(params, OBS, parameters), [expected], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sizes", [(1, 1), (2, 0, 1), (3,)], ids=str)
def test_interpolation_is_scipys(sizes: tuple[int, ...]) -> None:
    critic, params = made(CRITICS["interpolated"], sizes, outputs=2)
    output, parameters = params["output"], drawn(sizes)
    knots = np.einsum("h,hko->ko", hidden_layer(params), output["kernel"]) + output["bias"]
    expected, axis = [], np.linspace(-1, 1, 4)
    for part in segments(sizes):
        count = part.stop - part.start
        own, knots = knots[: 4**count], knots[4**count :]
        # The first parameter's knots lie beside each other: its axis is the last.
        table = own.reshape(*[4] * count, 2)
        between = RegularGridInterpolator([axis] * count, table) if count else lambda _, own=own: own
        expected.append(np.ravel(between(parameters[part][::-1])))
    assert not len(knots)
    np.testing.assert_allclose(jax.jit(critic)(params, OBS, parameters), [expected], rtol=1e-4, atol=1e-5)


def test_parameters_beyond_their_bounds_are_worth_what_the_bound_is() -> None:
    critic, params = made(CRITICS["interpolated"], (1, 1))
    beyond, at = (critic(params, OBS, jnp.array(x)) for x in ([-3.0, 1.5], [-1.0, 1.0]))
    np.testing.assert_array_equal(beyond, at)


@each_size
@each_critic
def test_one_actions_outputs_are_those_among_all(kind: str, sizes: tuple[int, ...]) -> None:
    critic, params = made(CRITICS[kind], sizes, outputs=2)
    parameters = drawn(sizes)
    every, one = jax.jit(critic)(params, OBS, parameters)[0], jax.jit(critic.of)
    for action in range(len(sizes)):
        found = one(params, OBS, jnp.int32(action), parameters)
        np.testing.assert_allclose(found, every[action], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 0, 1)], ids=str)
@each_critic
@pytest.mark.parametrize("seed", range(5))
def test_no_parameters_are_better_than_the_best(kind: str, sizes: tuple[int, ...], seed: int) -> None:
    critic, params = made(CRITICS[kind], sizes)
    obs = np.random.default_rng(seed).normal(size=OBS.shape).astype(np.float32)
    values = jax.jit(lambda parameters: critic(params, obs, parameters)[0, :, 0])
    best, parameters = jax.jit(critic.best, static_argnums=2)(params, obs, lambda z: z[..., 0])
    assert (np.abs(parameters) <= 1).all()
    np.testing.assert_allclose(values(parameters), best, rtol=1e-5, atol=1e-5)
    lattice = np.stack(np.meshgrid(*[np.linspace(-1, 1, 13, dtype=np.float32)] * sum(sizes)), axis=-1)
    tried = np.asarray(jax.vmap(values)(lattice.reshape(-1, sum(sizes)))).max(axis=0)
    assert (tried <= np.asarray(best) + 1e-4).all()
    np.testing.assert_allclose(tried, best, atol=0.1)


@each_critic
def test_the_target_by_hand(kind: str) -> None:
    """r + discount Q_target(s', a, x), of the action and parameters that the online critic finds best."""
    agent = bind(CriticOnly(CRITICS[kind]), spaces((2, 1)))
    online = made(CRITICS[kind], (2, 1))[1]
    target = jax.tree.map(lambda leaf: leaf[::-1] * 0.7, online)
    action = np.r_[1, drawn((2, 1))].astype(np.float32)
    transition = Transition(OBS, action, np.float32(3), np.float32(0.9), -OBS)
    loss, td_error, value = jax.jit(agent._loss)(online, target, transition, None)
    number, *parameters = np.asarray(agent.greedy(online, (), -OBS)[0])
    following = float(agent.critic(target, -OBS, jnp.array(parameters))[0, int(number), 0])
    expected = 3.0 + 0.9 * following - float(agent.critic(online, OBS, action[1:])[0, 1, 0])
    assert td_error == pytest.approx(expected, rel=1e-4)
    assert loss == pytest.approx(0.5 * expected**2, rel=1e-4)
    assert value == pytest.approx(float(agent.critic(online, OBS, action[1:])[0, 1, 0]), rel=1e-4)
    gradient = jax.grad(lambda params: agent._loss(params, target, transition, None)[0])(online)
    by_value = jax.grad(lambda params: agent.critic(params, OBS, action[1:])[0, 1, 0])(online)
    for found, slope in zip(*map(jax.tree.leaves, (gradient, by_value)), strict=True):
        np.testing.assert_allclose(found, -expected * slope, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("critic", [Quadratic((32,)), Interpolated((32,), 16)], ids=["quadratic", "interpolated"])
def test_the_best_action_and_its_parameter_are_found(critic: Any) -> None:
    """Parameters in the middle of their range make the other action better; knots are a tenth apart."""
    for env, best, where, within in ((AIMING, [0, 0], [AIM, -AIM], 0.1), (CHOOSING, [0, 1], [9, 9], 0.7)):
        numbers, parameters = learnt(CriticOnly(critic, **LEARNING), env)
        np.testing.assert_array_equal(numbers, best)
        np.testing.assert_allclose(parameters, where, atol=within)


def test_a_critic_that_needs_an_actor_is_refused() -> None:
    agent = bind(CriticOnly(MultiPass()), spaces((1, 1)))
    with pytest.raises(UserError, match="multi-pass: its best parameters are not known without an actor"):
        agent.init(KEY, spaces((1, 1)), 1)


def test_too_few_or_too_many_knots_are_refused() -> None:
    with pytest.raises(UserError, match="knots = 1"):
        validate(Interpolated(knots=1))
    with pytest.raises(UserError, match="knots = 30: 27030 in all for actions with up to 3 parameters"):
        bind(Interpolated(knots=30), spaces((3, 1)))
