"""Optimisers against optax's own, clipping and annealing included."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from argmaxq.components.component import traced
from argmaxq.learning import optimisers
from argmaxq.learning.optimisers import SGD, Adam, RAdam, RMSProp, clip
from argmaxq.learning.schedules import Linear
from argmaxq.types import PyTree
from oracles.parts import clock

UPDATES = 30
CASES = {
    "adam": (Adam(3e-3), optax.adam(3e-3)),
    "adam-all": (Adam(0.01, b1=0.5, b2=0.9, eps=1e-3), optax.adam(0.01, 0.5, 0.9, 1e-3)),
    "radam": (RAdam(2e-3, max_grad_norm=None), optax.radam(2e-3)),
    "rmsprop": (RMSProp(2.5e-4), optax.rmsprop(2.5e-4, 0.95, 0.01 / 32**2, centered=True)),
    "sgd": (SGD(0.1), optax.sgd(0.1)),
    "momentum": (SGD(0.1, momentum=0.9), optax.sgd(0.1, 0.9)),
    "adam-clipped": (Adam(3e-3, max_grad_norm=2.0), optax.chain(optax.clip_by_global_norm(2.0), optax.adam(3e-3))),
    "radam-clipped": (RAdam(1e-2), optax.chain(optax.clip_by_global_norm(10.0), optax.radam(1e-2))),
    "sgd-clipped": (SGD(0.5, max_grad_norm=0.1), optax.chain(optax.clip_by_global_norm(0.1), optax.sgd(0.5))),
    "rmsprop-clipped": (
        RMSProp(1e-3, max_grad_norm=1.0, decay=0.9, eps=1e-2),
        optax.chain(optax.clip_by_global_norm(1.0), optax.rmsprop(1e-3, 0.9, 1e-2, centered=True)),
    ),
    "annealed": (
        Adam(1e-2, annealing=Linear(1.0, 0.1, 20, per="update")),
        optax.adam(optax.linear_schedule(1e-2, 1e-3, 20)),
    ),
}


def tree(rng: np.random.Generator, scale: float = 1.0) -> PyTree:
    return {"kernel": jnp.array(scale * rng.normal(size=(3, 4)), "float32"), "bias": jnp.array(rng.normal(), "float32")}


@pytest.mark.parametrize("limit", [0, optimisers.END_TO_END], ids=["apart", "end-to-end"])
@pytest.mark.parametrize("name", CASES)
def test_optax_does_the_same(name: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients from 1/100 to 100 times the clipping's size, through warm-up and rectification."""
    monkeypatch.setattr(optimisers, "END_TO_END", limit)
    ours, theirs = CASES[name]
    rng = np.random.default_rng(0)
    params = expected = tree(rng)
    state, other = ours.init(params), theirs.init(params)
    update = jax.jit(ours.update)
    for i in range(UPDATES):
        gradient = tree(rng, 10.0 ** rng.uniform(-2, 2))
        params, state = update(gradient, state, params, clock(update=i))
        change, other = theirs.update(gradient, other, expected)
        expected = optax.apply_updates(expected, change)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), params, expected)


def test_sgd_is_one_subtraction() -> None:
    params, gradient = np.float32([1.5, -2.0]), np.float32([0.25, 8.0])
    new, _ = SGD(0.5).update(gradient, SGD(0.5).init(params), params, clock())
    np.testing.assert_array_equal(new, [1.375, -6.0])


def test_clipping_scales_the_whole_gradient() -> None:
    gradient = {"a": np.float32([3.0]), "b": np.float32([0.0, 4.0])}
    halved = clip(gradient, np.float32(2.5))
    np.testing.assert_allclose(halved["a"], 1.5, rtol=1e-6)
    np.testing.assert_allclose(halved["b"], [0.0, 2.0], rtol=1e-6)
    for unchanged in (clip(gradient, np.float32(5.0)), clip(gradient, np.float32(100.0)), clip(gradient, None)):
        jax.tree.map(np.testing.assert_array_equal, unchanged, gradient)
    zero = jax.tree.map(np.zeros_like, gradient)
    jax.tree.map(np.testing.assert_array_equal, clip(zero, np.float32(1.0)), zero)


@pytest.mark.parametrize(("one", "other"), [(Adam(1e-3), Adam(1)), (SGD(0.1), SGD(np.float32(0.7)))])  # type: ignore[arg-type]
def test_another_learning_rate_compiles_nothing(one: Any, other: Any) -> None:
    update = jax.jit(lambda optimiser, *args: optimiser.update(*args))
    params = tree(np.random.default_rng(0))
    for optimiser in (one, other):
        update(traced(optimiser), params, optimiser.init(params), params, clock())
    assert update._cache_size() == 1
