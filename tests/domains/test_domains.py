"""Our domains are Gymnasium's: one step from equal states, initial distributions, spaces.

Float32 cannot follow float64 across a discontinuity, so states are left out whose successor lies within 1e-6 of a
threshold (episode's end, wall) in either implementation; they are fewer than one in a hundred.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from argmaxq.components.errors import UserError
from argmaxq.domains.acrobot import AcrobotState
from argmaxq.domains.cartpole import CartPole, CartPoleState
from argmaxq.domains.catalogue import DOMAINS, functional, time_limit
from argmaxq.domains.mountain_car import MountainCarState

COUNT = 2000
KEY = jax.random.key(0)


@dataclasses.dataclass(frozen=True)
class Case:
    """How to compare one domain. ``high`` and ``low`` bound the states drawn; corners are drawn too.

    ``float32_speed`` scales the velocities for the float32 comparison (see ``test_one_step_in_float32``); ``margin``
    maps observations [n, ...] to the distance from the nearest threshold; ``scale`` is that of each observation.
    """

    id: str
    state: Any
    low: tuple[float, ...]
    high: tuple[float, ...]
    velocities: tuple[int, ...]
    float32_speed: float
    scale: tuple[float, ...]
    margin: Callable[[np.ndarray], np.ndarray]

    def states(self, speed: float = 1.0) -> np.ndarray:
        """States [n, d] that float32 holds exactly: uniform, some components of a fifth of them at their bounds."""
        rng = np.random.default_rng(0)
        low, high = np.array(self.low), np.array(self.high)
        for i in self.velocities:
            low[i], high[i] = low[i] * speed, high[i] * speed
        states = rng.uniform(low, high, (COUNT, len(low)))
        corners = np.where(rng.random(states.shape) < 0.5, low, high)
        at_corner = (rng.random(states.shape) < 0.5) & (np.arange(COUNT) % 5 == 0)[:, None]
        return np.where(at_corner, corners, states).astype(np.float32)


def cartpole_margin(obs: np.ndarray) -> np.ndarray:
    return np.minimum(np.abs(np.abs(obs[:, 0]) - 2.4), np.abs(np.abs(obs[:, 2]) - np.radians(12)))


def mountain_car_margin(obs: np.ndarray) -> np.ndarray:
    at_wall = obs[:, 0].astype(np.float32) == np.float32(-1.2)  # stopped there, not near it
    return np.minimum(np.abs(obs[:, 0] - 0.5), np.where(at_wall, np.inf, np.abs(obs[:, 0] + 1.2)))


def acrobot_margin(obs: np.ndarray) -> np.ndarray:
    cos_1, sin_1, cos_2, sin_2 = obs.T[:4]
    return np.abs(-cos_1 - (cos_1 * cos_2 - sin_1 * sin_2) - 1)


PI = float(np.pi)
CASES = [
    Case(
        "CartPole-v1", CartPoleState, (-2.4, -5, -0.2094, -8), (2.4, 5, 0.2094, 8), (1, 3), 1.0, (2.4, 5, 1, 8),
        cartpole_margin,
    ),
    Case("MountainCar-v0", MountainCarState, (-1.2, -0.07), (0.6, 0.07), (1,), 1.0, (1, 0.07), mountain_car_margin),
    Case(
        "Acrobot-v1", AcrobotState, (-PI, -PI, -4 * PI, -9 * PI), (PI, PI, 4 * PI, 9 * PI), (2, 3), 0.5,
        (1, 1, 1, 1, 4 * PI, 9 * PI), acrobot_margin,
    ),
]  # fmt: skip
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def gymnasium_env(id: str) -> Any:
    return gymnasium.make(id).unwrapped


def gymnasium_steps(id: str, states: np.ndarray, action: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observation, reward and terminated of one step of Gymnasium's environment from each state, in float64."""
    env = gymnasium_env(id)
    env.reset(seed=0)
    steps = []
    for state in states.astype(np.float64):
        env.state = state
        env.steps_beyond_terminated = None  # CartPole remembers a fallen pole
        observation, reward, terminated, _, _ = env.step(action)
        exact = exact_observation(id, np.array(env.state, np.float64))
        np.testing.assert_array_equal(observation, exact.astype(np.float32))
        steps.append((exact, reward, terminated))
    observations, rewards, terminated = zip(*steps, strict=True)
    return np.array(observations), np.array(rewards), np.array(terminated)


def exact_observation(id: str, state: np.ndarray) -> np.ndarray:
    """Gymnasium rounds its observations to float32; this is what it rounds (the caller checks that it is)."""
    if id != "Acrobot-v1":
        return state
    a, b, va, vb = state
    return np.array([np.cos(a), np.sin(a), np.cos(b), np.sin(b), va, vb])


def our_step(case: Case, state: Any, action: Any) -> tuple[Any, Any, Any]:
    """Observation, reward and terminated of one step of ours, one lane; the state is an array [d]."""
    env, state = functional(case.id), case.state(*state)
    next_state = env.transition(state, action, KEY)
    reward = env.reward(state, action, next_state, KEY)
    return env.observation(next_state, KEY), reward, env.terminal(next_state, KEY)


def our_steps(case: Case, states: np.ndarray, action: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    step = jax.jit(jax.vmap(lambda state: our_step(case, state, jnp.int32(action))))
    return jax.tree.map(np.asarray, step(states))


def compare_steps(case: Case, states: np.ndarray, tolerance: float) -> None:
    """One step, every action: observations within ``tolerance`` of their scale; rewards and flags equal."""
    for action in range(functional(case.id).action_space.n):
        theirs, ours = gymnasium_steps(case.id, states, action), our_steps(case, states, action)
        assert ours[0].dtype == states.dtype
        assert ours[1].dtype == np.float32
        assert ours[2].dtype == bool
        clear = np.minimum(case.margin(theirs[0]), case.margin(ours[0])) > 1e-6
        assert clear.mean() > 0.99
        error = np.abs(ours[0] - theirs[0]) / np.array(case.scale)
        assert error[clear].max() <= tolerance
        np.testing.assert_array_equal(ours[1][clear], theirs[1][clear])
        np.testing.assert_array_equal(ours[2][clear], theirs[2][clear])
        assert 0 < theirs[2][clear].sum() < clear.sum(), "the states must include ends of episodes, and not only"


@each_case
def test_one_step_in_float64(case: Case) -> None:
    """The formulas are Gymnasium's: with rounding out of the way they agree everywhere, at any speed."""
    with jax.enable_x64(True):
        compare_steps(case, case.states().astype(np.float64), tolerance=1e-11)


@each_case
def test_one_step_in_float32(case: Case) -> None:
    """What agents are trained on agrees to 1e-6.

    At Acrobot's top speeds one Runge-Kutta step of 0.2 s magnifies any rounding of the state a hundredfold, so it is
    compared up to half of them here, which covers nearly all states that are met, and at all speeds in float64.
    """
    compare_steps(case, case.states(case.float32_speed), tolerance=1e-6)


def test_one_acrobot_step_in_float32_from_visited_states() -> None:
    """States as they come up when the torque follows one link's motion, speeds beyond the half included."""
    case, env, visited = CASES[2], gymnasium_env("Acrobot-v1"), []
    for seed in range(8):
        observation, _ = env.reset(seed=seed)
        for _ in range(500):
            visited.append(np.array(env.state, np.float32))
            observation, _, terminated, _, _ = env.step(int(np.sign(observation[4 + seed % 2])) + 1)
            if terminated:
                break
    compare_steps(case, np.array(visited), tolerance=1e-6)


@each_case
def test_limits_are_reached(case: Case) -> None:
    """The states drawn do exercise walls, clipping and wrapping, in ours as in Gymnasium's."""
    states = case.states()
    ours = np.asarray(our_steps(case, states, 0)[0])
    if case.id == "MountainCar-v0":
        assert ((ours[:, 0] == np.float32(-1.2)) & (ours[:, 1] == 0)).any()
        assert (ours[:, 0] == np.float32(0.6)).any()
        assert (np.abs(ours[:, 1]) == np.float32(0.07)).any()
    if case.id == "Acrobot-v1":
        assert (ours[:, 4:] == np.float32(case.high[2:])).any(axis=0).all()
        assert (ours[:, 4:] == np.float32(case.low[2:])).any(axis=0).all()
        env = functional(case.id)
        moved = jax.vmap(lambda state: jnp.stack(env.transition(AcrobotState(*state), 0, KEY)))(states)
        assert (np.abs(moved[:, :2]) <= np.float32(PI)).all()
        assert (np.abs(moved[:, 1] - states[:, 1]) > PI).any()  # wrapped


@each_case
def test_initial_states(case: Case) -> None:
    """The same distribution as Gymnasium's, component by component, within Gymnasium's bounds, and uncorrelated."""
    domain, env = functional(case.id), gymnasium_env(case.id)
    ours = np.stack(jax.vmap(domain.initial)(jax.random.split(jax.random.key(1), 4 * COUNT)), axis=-1)
    env.reset(seed=0)
    draws = []
    for _ in range(COUNT):
        env.reset()
        draws.append(env.state)
    theirs = np.array(draws)
    assert ours.dtype == np.float32
    for mine, other in zip(ours.T, theirs.T, strict=True):
        if np.ptp(other) == 0:
            assert (mine == other[0]).all()
            continue
        middle, half = np.round(other.mean(), 1), np.round(np.ptp(other) / 2, 2)
        assert (np.abs(mine - middle) <= half + 1e-7).all()
        assert stats.ks_2samp(mine, other).pvalue > 0.001
    varied = ours.T[np.ptp(ours, axis=0) > 0]
    assert np.abs(np.atleast_2d(np.corrcoef(varied)) - np.eye(len(varied))).max() < 0.05


@each_case
def test_initial_observation_is_of_the_initial_state(case: Case) -> None:
    domain = functional(case.id)
    state = domain.initial(KEY)
    observation = np.asarray(domain.observation(state, KEY))
    np.testing.assert_allclose(observation, exact_observation(case.id, np.array(state, np.float64)), atol=1e-6)
    assert domain.observation_space.contains(observation)
    assert not domain.terminal(state, KEY)


@pytest.mark.parametrize("id", [id for id in DOMAINS if not id.startswith("argmaxq/")])
def test_spaces_and_time_limits(id: str) -> None:
    spec = gymnasium.spec(id)
    env = spec.make() if id != "CartPole-v0" else gymnasium.make("CartPole-v1")  # v0 warns; it differs in its limit
    assert functional(id).observation_space == env.observation_space
    assert functional(id).action_space == env.action_space
    assert time_limit(id) == spec.max_episode_steps == {"CartPole-v1": 500, "Acrobot-v1": 500}.get(id, 200)


@each_case
def test_vmap_and_jit_give_what_a_single_call_gives(case: Case) -> None:
    states = case.states(case.float32_speed)[:16]
    batch = our_steps(case, states, 1)
    jitted = jax.jit(lambda state: our_step(case, state, jnp.int32(1)))
    for i, state in enumerate(states):
        for single in (our_step(case, state, jnp.int32(1)), jitted(state), our_step(case, state, 1)):
            for one, many in zip(single, batch, strict=True):
                scale = np.array(case.scale) if np.ndim(one) else 1.0
                np.testing.assert_allclose(np.asarray(one) / scale, many[i] / scale, rtol=0, atol=5e-7)


@each_case
def test_states_keep_their_shape_in_a_scan(case: Case) -> None:
    env = functional(case.id)

    def body(state: Any, action: Any) -> Any:
        return env.transition(state, action, KEY), env.observation(state, KEY)

    actions = jax.random.randint(KEY, (50,), 0, env.action_space.n)
    state, observations = jax.lax.scan(body, env.initial(KEY), actions)
    assert observations.shape == (50, *env.observation_space.shape)
    assert all(leaf.shape == () and leaf.dtype == np.float32 for leaf in state)


def test_pumping_energy_drives_the_car_out() -> None:
    """Pushing in the direction of motion reaches the goal in about as many steps as in Gymnasium's."""
    domain, env = functional("MountainCar-v0"), gymnasium_env("MountainCar-v0")

    @jax.jit
    def steps_to_goal(position: Any) -> Any:
        def push(carry: tuple[Any, Any]) -> tuple[Any, Any]:
            state, steps = carry
            return domain.transition(state, jnp.where(state.velocity >= 0, 2, 0), KEY), steps + 1

        start = (MountainCarState(position, jnp.float32(0)), 0)
        return jax.lax.while_loop(lambda carry: ~domain.terminal(carry[0], KEY) & (carry[1] < 1000), push, start)[1]

    for position in np.linspace(-0.6, -0.4, 21).astype(np.float32):
        env.reset(seed=0)
        env.state, terminated, steps = (float(position), 0.0), False, 0
        while not terminated:
            steps, terminated = steps + 1, env.step(2 if env.state[1] >= 0 else 0)[2]
        assert abs(int(steps_to_goal(position)) - steps) <= 1
        assert 80 < steps < 200


def test_constants_are_options() -> None:
    heavy = CartPole({"gravity": 98.0})
    state = CartPoleState(*map(jnp.float32, (0.0, 0.0, 0.1, 0.0)))
    assert heavy.transition(state, 1, KEY).angular_velocity > CartPole().transition(state, 1, KEY).angular_velocity


def test_unknown_names() -> None:
    assert functional("LunarLander-v3") is None
    with pytest.raises(UserError, match="CartPoll"):
        time_limit("CartPoll-v1")
