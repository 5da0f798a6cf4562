"""What the figures' experiments share: random walks, training many runs, and looking at learners as they learn."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv

import argmaxq as aq
from argmaxq.components.component import bind, traced
from argmaxq.domains.tables import Tables
from argmaxq.exact import Outcomes, evaluate_policy, from_outcomes
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.learning.schedules import Constant
from argmaxq.learning.td.step_sizes import Scheduled
from argmaxq.runs.report import Finished
from argmaxq.streams import streams
from argmaxq.training.engines.choose import make_engine
from argmaxq.types import START, PyTree, Row


def walk(states: int, left: float = 0.0) -> Outcomes:
    """A walk from the middle of states in a row, a step to either side with equal chance, until it leaves them.

    Leaving on the right pays 1, on the left ``left``. There is a single action, so that control is prediction.
    """
    beside = np.arange(states)[:, None, None] + np.array([-1, 1])
    ends, reward = (beside < 0) | (beside == states), (beside == states) + left * (beside < 0)
    start = np.eye(states)[states // 2]
    return Outcomes(np.full(beside.shape, 0.5), beside.clip(0, states - 1), reward, ends, start)


def long_walk_errors(agents: Sequence[aq.Agent], runs: int) -> np.ndarray:
    """Error of the values on the walk of 19 states with ends of -1 and 1, after each of the first 10 episodes.

    Root mean squared over the states, mean over runs and episodes, [agents].
    """
    outcomes = walk(19, left=-1.0)
    truth = evaluate_policy(from_outcomes(outcomes), np.zeros(19, int), 1.0)

    def error(params: PyTree) -> jax.Array:
        return jnp.sqrt(jnp.mean((table(params)[:, 0] - truth) ** 2))

    return at_ends(*watch(agents, Tables(outcomes), error, runs, rows=2_400), 10).mean(axis=(1, 2))


def constant(alpha: float) -> Scheduled:
    """A step size that stays the same."""
    return Scheduled(Constant(alpha))


def table(params: PyTree) -> jax.Array:
    """The action values of a table, or the weights of linear ones, [cells, actions]."""
    return params.estimates[0]["weights"][..., 0]


def blocks(recipe: aq.Recipe, runs: int, rows: int = 2_000) -> Iterator[tuple[list[Finished], list[PyTree]]]:
    """Train without end: after each ``rows`` rows (at most 2,048) each run's episodes so far, and its parameters."""
    engine = make_engine("compiled", recipe, tuple(range(runs)))
    state, found = engine.start(), []
    for first in count(0, rows):
        state, reports = engine.run(state, first, first + rows, recipe.steps)
        found.append([report.episodes for report in reports])
        joined = [Finished(*map(np.concatenate, zip(*own, strict=True))) for own in zip(*found, strict=True)]
        yield joined, [engine.params(state, run) for run in range(runs)]


def train(recipe: aq.Recipe, runs: int, episodes: int) -> tuple[list[Finished], list[PyTree]]:
    """Train until every run has finished so many episodes: each run's first ones, and parameters a little later."""
    enough = (now for now in blocks(recipe, runs) if min(len(own.step) for own in now[0]) >= episodes)
    found, params = next(enough)
    return [Finished(*(column[:episodes] for column in own)) for own in found], params


def watch(
    agents: Sequence[aq.Agent], env: FuncEnv, look: Callable[[PyTree], jax.Array], runs: int, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """``look(params)`` after each row, and whether an episode ended with it: [agents, runs, rows, ...].

    Agents differ in numbers only, and learn side by side in one program. This is an engine's loop, with a look at
    the parameters after each row that engines have no need of.
    """
    world = CompiledEnv(env)
    bound = [bind(agent, world.spaces) for agent in agents]
    numbers = jnp.arange(rows)

    def run(agent: aq.Agent, seed: jax.Array) -> tuple[jax.Array, jax.Array]:
        keys = streams(seed)
        start = agent.init(keys.init, world.spaces, 1), world.reset(keys.environment)
        noise = jax.vmap(lambda row: agent.noise(jax.random.fold_in(keys.exploration, row), (), world.spaces))(numbers)
        draws = jax.tree.map(lambda leaf: leaf[:, 0], world.draws(keys.environment, numbers, 1))

        def row(carry: PyTree, given: PyTree) -> tuple[PyTree, tuple[jax.Array, jax.Array]]:
            learner, lane = carry
            action, _ = agent.act(learner.params, (), lane.obs, START, given[0])
            after, outcome = world.step(lane, action, given[1])
            rows = jax.tree.map(lambda leaf: leaf[None, None], Row(lane.obs, action, *outcome[:3], lane.last))
            learner, _ = agent.learn(learner, rows, after.obs[None], START, ())
            return (learner, after), (look(learner.params), outcome.terminated | outcome.truncated)

        return jax.lax.scan(row, start, (noise, draws))[1]

    many = jax.jit(jax.vmap(jax.vmap(run, (None, 0)), (0, None)))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(traced, bound))
    seen, ended = many(stacked, jnp.arange(runs))
    return np.asarray(seen), np.asarray(ended)


def at_ends(seen: np.ndarray, ended: np.ndarray, episodes: int) -> np.ndarray:
    """What was seen at the end of each of the first episodes, [agents, runs, episodes, ...]."""
    assert ended.sum(axis=-1).min() >= episodes, "too few rows for so many episodes"
    rows = np.argsort(~ended, axis=-1, kind="stable")[..., :episodes]
    return np.take_along_axis(seen, rows.reshape(*rows.shape, *[1] * (seen.ndim - rows.ndim)), axis=2)
