"""A part of a user's own that gives another shape than it must is named before training, on both engines."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import argmaxq as aq
from argmaxq.learning.exploration import EpsilonGreedy
from support.trainer import ENGINES


class Choosing:
    """What the explorations here share."""

    def noise(self, key, shape):
        return jax.random.uniform(key, shape)

    def choose(self, q, clock, noise):
        return jnp.argmax(q)

    def explores(self, clock, noise):
        return False

    def report(self, clock):
        return {}


@aq.component(aq.Exploration)
class Listing(Choosing):
    """Gives a list of one action."""

    def choose(self, q, clock, noise):
        return jnp.argmax(q)[None]


@aq.component(aq.Exploration)
class Quiet(Choosing):
    """Draws one number for all choices."""

    def noise(self, key, shape):
        return jax.random.uniform(key)


@aq.component(aq.Exploration)
class Asking(Choosing):
    """Asks for what a clock has not."""

    def choose(self, q, clock, noise):
        return clock.hour


@aq.component(aq.Schedule)
class Twofold:
    """Two numbers."""

    def __call__(self, clock):
        return jnp.ones(2)


@aq.component(aq.Network)
class Flattened:
    """Values [actions], without the axis of outputs."""

    def init(self, key, obs, outputs):
        return jnp.zeros((obs.size, outputs[0]))

    def __call__(self, params, obs, key=None):
        return obs.ravel() @ params


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("path", "part", "told"),
    [
        ("agent.exploration", Listing(), r"Listing: it gives int32 of shape \[1\] as the action, where a whole number"),
        ("agent.exploration", Quiet(), r"Quiet: noise gives float32 of shape \[\] for the leading axes"),
        ("agent.exploration", Asking(), r"Asking fails before training begins \(AttributeError: .*hour"),
        ("agent.exploration", EpsilonGreedy(Twofold()), r"epsilon = .*Twofold: it gives float32 of shape \[2\], where"),
        ("agent.network", Flattened(), r"Flattened: it gives float32 of shape \[2\] .* numbers of shape \[2, 1\]"),
    ],
)
def test_a_part_that_gives_another_shape_is_named(path: str, part: Any, told: str, engine: Any, tmp_path: Path) -> None:
    recipe = aq.replace(aq.find("cartpole/dqn", steps=2_000), path, part)
    with pytest.raises(aq.UserError, match=told) as error:
        aq.train(recipe, engine=engine, out=tmp_path / "run")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()
