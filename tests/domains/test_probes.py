"""The probe environments are what they say."""

from typing import Any

import jax
import numpy as np
import pytest

from samples.probes import PROBES

KEY = jax.random.key(0)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
@pytest.mark.parametrize("gamma", [0.5, 0.9])
def test_probe_values_are_optimal(probe: Any, gamma: float) -> None:
    """Q by looking through every sequence of actions, until the discount leaves nothing."""
    env = probe.env()

    def q_values(state: Any, horizon: int) -> list[float]:
        return [q_value(state, action, horizon) for action in range(env.action_space.n)]

    def q_value(state: Any, action: int, horizon: int) -> float:
        next_state = env.transition(state, action, KEY)
        reward = float(env.reward(state, action, next_state, KEY))
        if bool(env.terminal(next_state, KEY)) or horizon == 1:
            return reward
        return reward + gamma * max(q_values(next_state, horizon - 1))

    horizon = int(np.log(1e-5) / np.log(gamma))
    found = {}
    for key in jax.random.split(KEY, 8):
        state = env.initial(key)
        for _ in range(probe.time_limit or 2):
            observation = env.observation(state, key)
            assert observation.shape == (1,)
            assert observation.dtype == np.float32
            found.setdefault(float(observation[0]), q_values(state, horizon))
            state = env.transition(state, 0, key)
            if env.terminal(state, key):
                break
    expected = dict(zip(probe.observations[:, 0].tolist(), probe.q_values(gamma), strict=True))
    assert found.keys() == expected.keys()
    for observation, values in expected.items():
        np.testing.assert_allclose(found[observation], values, rtol=1e-3)
