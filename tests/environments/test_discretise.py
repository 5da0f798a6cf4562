"""The wrapper that cuts observations into cells: the numbers of the component, and clear words for a wrong grid."""

from functools import partial
from typing import Any

import gymnasium as gym
import jax
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import argmaxq as aq
from argmaxq.agents.td import TD
from argmaxq.environments.discretise import Discretise
from argmaxq.learning.td.backups import Sarsa
from argmaxq.networks.features import Bins
from argmaxq.networks.linear import Table
from argmaxq.training.engines.choose import make_engine


def car(**options: Any) -> gym.Env[Any, Any]:
    return Discretise(gym.make("MountainCar-v0"), **options)


def test_cells_are_those_of_the_component() -> None:
    env, random = car(bins=(7, 5), low=(-1.0, -0.05), high=(0.4, 0.06)), np.random.default_rng(0)
    cells = Bins((7, 5), (-1.0, -0.05), (0.4, 0.06))
    edges = np.array([(x, v) for x in np.linspace(-1.0, 0.4, 8) for v in np.linspace(-0.05, 0.06, 6)])
    beyond = random.uniform((-1.2, -0.07), (0.6, 0.07), (20_000, 2))
    seen = np.concatenate([edges, beyond]).astype(np.float32)
    found = np.array([env.observation(obs) for obs in seen])  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found, jax.jit(jax.vmap(lambda obs: cells(obs).index[0]))(seen))
    assert set(found) == set(range(35))


def test_cells_count_the_last_entry_fastest_and_the_outermost_go_on() -> None:
    env: Any = car(bins=(4, 2), low=(0.0, -1.0), high=(1.0, 1.0))
    for obs, cell in [((-9, -9), 0), ((0.1, 0.5), 1), ((0.3, -0.5), 2), ((0.99, 0.5), 7), ((9, 9), 7)]:
        assert env.observation(np.array(obs, np.float32)) == cell


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
def test_it_is_a_sound_gymnasium_environment() -> None:
    check_env(car(bins=3), skip_render_check=True)
    assert car(bins=(3, 4)).observation_space == gym.spaces.Discrete(12)
    assert gym.make(car(bins=3).spec).observation_space == gym.spaces.Discrete(9)  # type: ignore[arg-type]


def test_a_table_learns_behind_it_what_a_table_with_bins_learns() -> None:
    tables = []
    for network, env in ((Table(), partial(car, bins=(8, 6))), (Table(cells=Bins((8, 6))), "MountainCar-v0")):
        recipe = aq.Recipe(TD(network, Sarsa(), gamma=1.0), aq.Env(env))
        engine = make_engine("host", recipe, (0,))
        state, _ = engine.run(engine.start(), 0, 1_500, 1_500)
        tables.append(np.asarray(engine.params(state, 0).estimates[0]["weights"]))
        engine.close()
    assert np.count_nonzero(tables[0]) >= 12
    np.testing.assert_array_equal(*tables)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("CartPole-v1", {}, "no finite bounds everywhere: give low and high"),
        ("MountainCar-v0", {"low": (-np.inf, -1.0)}, "bounds must be finite"),
        ("MountainCar-v0", {"low": (0.0,)}, "1 bounds for the 2 entries"),
        ("MountainCar-v0", {"low": (1.0, 0.0)}, "has bounds 1 to 0.6"),
        ("MountainCar-v0", {"bins": 0}, "must be at least 1"),
        ("MountainCar-v0", {"bins": (3, 3, 3)}, "one for each of the 2 entries"),
        ("MountainCar-v0", {"bins": 100_000}, "10,000,000,000 cells"),
        ("FrozenLake-v1", {}, "only those in a Box"),
    ],
)
def test_a_wrong_grid_is_refused_in_a_line(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(aq.UserError, match=words):
        Discretise(gym.make(name), **options)
