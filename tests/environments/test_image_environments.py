"""Environments of pictures: what is chosen for them, what they are kept as, and that they are learnt."""

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces

import argmaxq as aq
from argmaxq.components.component import bind, remarks
from argmaxq.components.errors import UserError
from argmaxq.environments.env import Env
from argmaxq.environments.survey import Survey
from argmaxq.lanes.spaces import read_spaces
from argmaxq.networks.convolutional.network import Convolutional
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.recipe import Recipe
from argmaxq.recipes.starts.generic import start
from argmaxq.spaces import ArraySpec, BranchedActions, DiscreteActions, Spaces
from argmaxq.training.feasibility import refuse_infeasible
from samples.image_environments import Light
from support.tiers import slow

MIXED = spaces.Dict(
    {
        "camera": spaces.Box(0, 255, (12, 10, 3), np.uint8),
        "gear": spaces.Discrete(4),
        "pose": spaces.Box(-np.inf, np.inf, (3,), np.float32),
    }
)


def chosen(shape: tuple[int, ...], dtype: str = "uint8", name: str = "dqn", high: float = 255.0) -> Recipe:
    entries = int(np.prod(shape))
    spec = ArraySpec(shape, dtype, (0.0,) * entries, (high,) * entries)
    found = Survey(Spaces(spec, DiscreteActions(3)), time_limit=100)
    return start(name, Env("Light-v0"), found, 20_000).recipe


@pytest.mark.parametrize(
    ("shape", "encoder"),
    [
        ((84, 84, 4), "Nature"),
        ((4, 84, 84), "Nature"),
        ((210, 160, 3), "Nature"),
        ((40, 90), "Nature"),
        ((2, 40, 90, 3), "Nature"),
        ((24, 20, 3), "Layers"),
        ((10, 10, 6), "Minatar"),
    ],
)
@pytest.mark.parametrize("name", ["dqn", "pqn"])
def test_pictures_get_convolutions_that_suit_their_size(shape: tuple[int, ...], encoder: str, name: str) -> None:
    recipe = chosen(shape, name=name)
    network = recipe.agent.network
    assert type(network.encoder).__name__ == encoder
    made = jax.eval_shape(lambda key: network.init(key, jnp.zeros(shape, "uint8"), (3, 1)), jax.random.key(0))
    assert made["output"]["bias"].shape == (3, 1)


def test_other_arrays_get_dense_layers() -> None:
    for shape, dtype in (((24,), "uint8"), ((12, 12), "float32"), ((5, 40, 3), "uint8")):
        assert isinstance(chosen(shape, dtype).agent.network, MLP)


def test_pictures_that_are_too_large_are_told_in_a_line_with_what_helps() -> None:
    recipe, spec = chosen((1000, 1000, 3)), ArraySpec((1000, 1000, 3), "uint8")
    with pytest.raises(UserError, match=r"GrayscaleObservation\(env\), ResizeObservation\(env, \(84, 84\)\)"):
        refuse_infeasible(recipe, Spaces(spec, DiscreteActions(3)))
    large = Spaces(ArraySpec((210, 160, 3), "uint8"), DiscreteActions(3))
    (line,) = remarks(recipe.agent, large)
    assert "210 x 160 pixels in 3 channels; 5 times the work of 84 x 84" in line
    small = Spaces(ArraySpec((20, 20, 3), "uint8"), DiscreteActions(3))
    with pytest.raises(UserError, match="too small for this encoder"):
        refuse_infeasible(aq.replace(recipe, "agent.network.encoder", "nature"), small)


def test_pictures_beside_other_things_are_kept_as_bytes() -> None:
    """Nothing is lost: what a network sees is what Gymnasium's ``flatten`` gives, one observation or a batch."""
    adaptor, generator = read_spaces(MIXED, spaces.Discrete(3)), np.random.default_rng(0)
    MIXED.seed(0)
    seen = [MIXED.sample() | {"pose": generator.normal(size=3).astype(np.float32) * 1e9**i} for i in (-1, 0, 1)]
    stored = np.stack([adaptor.whole(each, {}) for each in seen])
    assert (stored.dtype, stored.shape) == (np.uint8, (3, 360 + 4 + 12))
    assert adaptor.spaces.stored == ArraySpec((376,), "uint8")
    flat = np.stack([spaces.flatten(MIXED, each) for each in seen]).astype(np.float32)
    for array in (stored, jnp.asarray(stored)):
        np.testing.assert_array_equal(adaptor.spaces.legal.seen(array), flat)
    batch = {key: np.stack([each[key] for each in seen]) for key in MIXED.spaces}
    np.testing.assert_array_equal(adaptor.whole(batch, {}), stored)

    masked = spaces.Dict({**MIXED.spaces, "action_mask": spaces.MultiBinary(3)})
    legal = read_spaces(masked, spaces.Discrete(3), mask="observation")
    told = legal.whole(seen[1] | {"action_mask": np.int8([1, 0, 1])}, {})
    np.testing.assert_array_equal(legal.spaces.legal.seen(told), flat[1])
    np.testing.assert_array_equal(legal.spaces.legal.allowed(told), [True, False, True])


def test_both_parts_reach_the_values() -> None:
    """The picture through convolutions, at 1/255; all else beside its features."""
    seen = read_spaces(MIXED, spaces.Discrete(3)).spaces
    network = bind(Convolutional(aq.encoders.Minatar(), (16,)), seen)
    assert network.scale == 1 / 255
    obs = np.arange(367, dtype=np.float32)
    params = network.init(jax.random.key(0), obs, (3, 1))
    assert params["Dense_0"]["kernel"].shape == (10 * 8 * 16 + 7, 16)
    values = network(params, obs)
    for entry in (0, 359, 360, 363, 366):
        assert not np.array_equal(network(params, obs + 50 * (np.arange(367) == entry)), values)
    picture = Convolutional(aq.encoders.Minatar(), (), scale=1 / 255)
    alone = picture.init(jax.random.key(0), obs[:360].reshape(12, 10, 3), (3, 1))
    assert alone["Conv_0"]["kernel"].shape == params["Conv_0"]["kernel"].shape


def test_an_agent_that_cannot_read_parts_says_so() -> None:
    seen = read_spaces(MIXED, spaces.Discrete(3)).spaces
    recipe = Recipe(aq.agents.BDQ(), Env("Light-v0"), 1_000)
    with pytest.raises(UserError, match="beside other things, which bdq cannot read"):
        refuse_infeasible(recipe, Spaces(seen.observation, BranchedActions((3, 3))))


@pytest.mark.parametrize(
    ("shape", "beside"),
    [
        ((16, 12, 1), True),
        slow((24, 20, 3), False),
        slow((3, 20, 24), False),
    ],
)
def test_a_picture_is_learnt_from_the_start(shape: tuple[int, ...], beside: bool, tmp_path: object) -> None:
    """Chance earns 5 of 10; and the policy takes the environment's own observations."""

    def make() -> gym.Env:
        return Light(shape, beside)

    run = aq.train("dqn", env=make, steps=1_200, out=f"{tmp_path}/run", quiet=True)
    assert run.evaluate(episodes=20).mean > 8
    env, policy = make(), run.policy()
    obs, _ = env.reset(seed=1)
    assert policy(obs) == env.unwrapped.side  # type: ignore[attr-defined]
