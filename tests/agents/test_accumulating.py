"""Gradients that are accumulated over microbatches are those of the whole batch, and so are updates made of them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from argmaxq.agents.dqn import DQN
from argmaxq.agents.parts.accumulating import accumulated
from argmaxq.agents.pqn import PQN, Sample
from argmaxq.components.component import bind
from argmaxq.learning.optimisers import SGD
from argmaxq.networks.convolutional import network as convolutional
from argmaxq.networks.convolutional.encoders import Small
from argmaxq.networks.convolutional.network import Convolutional
from argmaxq.networks.heads import SingleStream
from argmaxq.networks.layers import Noisy
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Batch, Transition
from oracles.parts import leaves_equal

KEY = jax.random.key(3)
SPACES = Spaces(ArraySpec((1, 36, 36), "uint8"), DiscreteActions(3))
NETWORK = Convolutional(Small(), hidden=(16,), precision="float32", scale=1 / 255)


def pictures(count: int) -> Any:
    return jax.random.randint(KEY, (count, 1, 36, 36), 0, 256).astype(jnp.uint8)


def of_pqn(network: Convolutional, count: int) -> tuple[Any, Any]:
    """The learner before an update on so many samples, and what that gives."""
    agent = bind(PQN(network, optimiser=SGD(0.1), rollout=count, minibatches=1), SPACES)
    action, target = jnp.arange(count) % 3, jnp.linspace(-1.0, 1.0, count)
    learner = agent.init(KEY, SPACES, 1)
    batch = Sample(pictures(count), action, target, jnp.ones(count))
    return learner, agent.update(learner, batch, key=KEY if agent.random else None)


def of_dqn(network: Convolutional, count: int) -> tuple[Any, Any]:
    """The same; a TD error is that of its sample."""
    agent = bind(DQN(network, optimiser=SGD(0.1), replay=Uniform(100), batch_size=count), SPACES)
    action, reward, obs = jnp.arange(count) % 3, jnp.linspace(-1.0, 1.0, count), pictures(count)
    transition = Transition(obs, action, reward, jnp.full(count, 0.9), obs[::-1])
    learner = agent.init(KEY, SPACES, 1)
    batch = Batch(transition, jnp.linspace(0.5, 1.0, count), jnp.arange(count), KEY if agent.random else None)
    return learner, agent.update(learner, batch)


@pytest.mark.parametrize(("count", "size"), [(8, 8), (32, 32), (37, 37), (48, 24), (74, 74), (128, 32)])
def test_a_microbatch_divides_the_batch(count: int, size: int) -> None:
    assert NETWORK.microbatch(count) == size


def test_values_and_gradients_are_those_of_the_whole() -> None:
    agent = bind(PQN(NETWORK), SPACES)
    params, obs, target = agent.init(KEY, SPACES, 128).params, pictures(96), jnp.linspace(-1.0, 1.0, 96)

    def loss(params: Any, samples: Any) -> Any:
        error = jax.vmap(lambda obs: agent.values(params, obs)[1])(samples[0]) - samples[1]
        return jnp.mean(error**2), (error, jnp.mean(jnp.abs(error)))

    whole = jax.value_and_grad(loss, has_aux=True)(params, (obs, target))
    assert NETWORK.microbatch(96) == 32
    parts = accumulated(agent, loss, params, (obs, target))
    for ours, theirs in zip(jax.tree.leaves(parts), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert leaves_equal(accumulated(agent, loss, params, (obs, target), KEY), whole)


@pytest.mark.parametrize("update", [of_pqn, of_dqn])
def test_updates_are_those_of_the_whole(update: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before, parts = update(NETWORK, 64)
    monkeypatch.setattr(convolutional, "CHUNK", 64)
    _, whole = update(NETWORK, 64)
    assert not leaves_equal(before.params, parts[0].params)
    for ours, theirs in zip(jax.tree.leaves(parts), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("update", [of_pqn, of_dqn])
def test_what_draws_learns_from_all_at_once_for_they_share_its_noise(update: Any, monkeypatch: Any) -> None:
    noisy = Convolutional(Small(), hidden=(16,), head=SingleStream(Noisy()), precision="float32", scale=1 / 255)
    _, one = update(noisy, 64)
    monkeypatch.setattr(Convolutional, "microbatch", lambda self, count: 1)
    _, other = update(noisy, 64)
    assert leaves_equal(one, other)
