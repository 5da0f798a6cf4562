"""CartPole from frames: our pictures are Gymnasium's, and so are the observations made of them."""

from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from PIL import Image

from argmaxq.agents.dqn import DQN
from argmaxq.components.errors import UserError
from argmaxq.domains.cartpole import CartPoleState
from argmaxq.domains.catalogue import functional
from argmaxq.domains.pixels.raster import Raster
from argmaxq.lanes.compiled import LARGE, CompiledEnv, EnvState
from argmaxq.lanes.func_lanes import FuncLanes
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from oracles.parts import leaves_equal
from support.tiers import slow
from support.trainer import ENGINES, train

STATES = 1_000
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def screens() -> tuple[np.ndarray, np.ndarray]:
    """Positions and angles [states, 2], and the middle of Gymnasium's screen there, uint8 [states, 160, 600, 3]."""
    generator = np.random.default_rng(0)
    states = generator.uniform((-2.4, -np.pi), (2.4, np.pi), (STATES, 2)).astype(np.float32)
    env = CartPoleEnv(render_mode="rgb_array")
    pictures = np.zeros((STATES, 160, 600, 3), np.uint8)
    for picture, (position, angle) in zip(pictures, states.tolist(), strict=True):
        env.state = (position, 0.0, angle, 0.0)
        picture[:] = np.asarray(env.render())[160:320]
    env.close()
    return states, pictures


@pytest.mark.parametrize(("raster", "mode"), [(Raster(), "L"), (Raster(20, 45, colour=True), "RGB")])
def test_pictures_are_gymnasiums(raster: Raster, mode: str, screens: tuple[np.ndarray, np.ndarray]) -> None:
    """Drawn, and then made small by Pillow as the notebook does, at all places and angles."""
    states, pictures = screens
    ours = np.asarray(jax.jit(jax.vmap(raster))(*states.T)).round()
    size = raster.width, raster.height
    theirs = np.array(
        [np.asarray(Image.fromarray(each).convert(mode).resize(size, Image.Resampling.BILINEAR)) for each in pictures],
        np.float32,
    )
    apart, something = np.abs(ours - theirs), (ours < 255) | (theirs < 255)
    assert apart.mean() <= 0.05
    assert apart[something].mean() <= 0.4


@pytest.mark.parametrize(("name", "first"), [("Pixels", 0), ("Stacked", 1)])
def test_observations_are_those_of_rendered_frames(name: str, first: int) -> None:
    """Of the same moves: nothing moves before the first, and the time limit of 500 and the angles' limits are alike."""
    ours, theirs = functional(f"argmaxq/CartPole{name}-v0"), gym.make(f"argmaxq/CartPole{name}Rendered-v0")
    assert ours is not None
    assert ours.observation_space == theirs.observation_space
    obs, _ = theirs.reset(seed=3)
    inner: Any = theirs.unwrapped
    state = ours.initial(KEY)
    physics = CartPoleState(*map(jnp.float32, inner.state))
    state = state._replace(physics=physics, frames=jnp.stack([ours._frame(physics)] * ours.count))
    assert not np.any(obs[first:])
    step, moved, over = jax.jit(ours.transition), 0, False
    while not over:
        seen = np.asarray(ours.observation(state, KEY), int)
        assert np.abs(seen - obs).mean() <= 0.05
        moved = max(moved, np.abs(obs[first:].astype(int)).max())
        obs, _, over, _, _ = theirs.step(0)
        state = step(state, np.int32(0), KEY)
        assert bool(ours.terminal(state, KEY)) == over
    assert moved > 20  # of 127
    assert theirs.spec is not None
    assert theirs.spec.max_episode_steps == 500
    limit = 160 if name == "Pixels" else 12
    assert inner.theta_threshold_radians == pytest.approx(np.radians(limit))


def test_large_observations_are_not_drawn_ahead() -> None:
    """Of many steps together they fill the memory; what begins is the same as where they are, also after a restore."""
    env = functional("argmaxq/CartPolePixels-v0", {"height": 160, "width": 8})
    assert env is not None
    large = CompiledEnv(env, 500)
    assert np.prod(large.spaces.observation.shape) >= LARGE
    drawn, key = large.draw(KEY), jax.random.key(7)
    assert not isinstance(drawn.fresh, EnvState)
    begun = jax.jit(large.reset)(key)
    step = jax.jit(lambda draw: large.step(begun._replace(last=jnp.bool_(True)), jnp.int32(0), draw)[0])
    for draw in (drawn._replace(fresh=key), drawn._replace(fresh=begun)):
        jax.tree.map(np.testing.assert_array_equal, step(draw), begun)
    lanes, again = FuncLanes(large, 2), FuncLanes(large, 2)
    obs = lanes.reset(0)
    assert (obs.shape, obs.dtype) == ((2, 160, 8), np.int8)
    for _ in range(3):
        lanes.step(np.ones(2, np.int32))
    again.restore(lanes.save())
    np.testing.assert_array_equal(lanes.step(np.ones(2, np.int32)).obs, again.step(np.ones(2, np.int32)).obs)


@pytest.mark.parametrize("lanes", [8, slow(1)])
def test_engines_learn_the_same_from_frames(lanes: int) -> None:
    """Episodes that end and begin included; the replay holds int8."""
    env = functional("argmaxq/CartPolePixels-v0", {"height": 160, "width": 8})
    assert env is not None
    agent = DQN(network=MLP((16,), Rescaled()), replay=Uniform(1_000), learning_starts=50, batch_size=16)
    made = (make(agent, CompiledEnv(env, 500), lanes, (3,)) for make in ENGINES.values())
    (one, reports), (two, _) = (train(engine, 400 // lanes) for engine in made)
    assert one.learner.replay.rows.obs.dtype == np.int8
    assert sum(len(block[0].episodes.step) for block in reports) > 5
    assert leaves_equal((one.learner, one.episodes), (two.learner, two.episodes))


def test_frames_of_no_size_are_refused() -> None:
    with pytest.raises(UserError, match="frames of 0 x 90"):
        functional("argmaxq/CartPolePixels-v0", {"height": 0})
