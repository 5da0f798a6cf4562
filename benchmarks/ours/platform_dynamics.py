"""Platform's dynamics alone under a uniformly random policy, compiled: macro steps per second as JSON."""

import argparse
import json
import statistics
import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.domains.platform import Action, Platform, PlatformState
from argmaxq.types import Array

ENV = Platform()


def step(state: PlatformState, chosen: tuple[Action, Array]) -> tuple[PlatformState, tuple[Array, Array]]:
    """One macro step in one lane, with observation, reward and a new episode after an end, as training has it."""
    action, key = chosen
    after = ENV.transition(state, action, key)
    reward, end = ENV.reward(state, action, after, key), ENV.terminal(after, key)
    state = jax.tree.map(lambda new, old: jnp.where(end, new, old), ENV.initial(key), after)
    return state, (reward, jnp.sum(ENV.observation(state, key)))


@partial(jax.jit, static_argnums=(1, 2))
def play(key: Array, steps: int, lanes: int) -> Any:
    """Sums of reward and observations over ``steps`` in each lane; all randomness is drawn before the loop."""
    keys = jax.random.split(key, 3)
    index = jax.random.randint(keys[0], (steps, lanes), 0, 3)
    shares = jax.random.uniform(keys[1], (3, steps, lanes, 1))
    parameters = tuple(share * bound for share, bound in zip(shares, ENV.parameter_bounds, strict=True))
    chosen = (index, parameters), jax.random.split(keys[2], (steps, lanes))
    start = jax.vmap(ENV.initial)(chosen[1][0])
    _, sums = jax.lax.scan(jax.vmap(step), start, chosen)
    return jax.tree.map(jnp.sum, sums)


def rate(lanes: int, steps: int, timings: int) -> float:
    """Median macro steps per second, compilation apart."""
    each = max(steps // lanes, 1)
    jax.block_until_ready(play(jax.random.key(0), each, lanes))
    rates = []
    for seed in range(timings):
        begin = time.perf_counter()
        jax.block_until_ready(play(jax.random.key(seed), each, lanes))
        rates.append(each * lanes / (time.perf_counter() - begin))
    return statistics.median(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="in one timing, over all lanes")
    parser.add_argument("--timings", type=int, default=5)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 16, 128])
    arguments = parser.parse_args()
    rates = {f"steps_per_second_{lanes}": rate(lanes, arguments.steps, arguments.timings) for lanes in arguments.lanes}
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
