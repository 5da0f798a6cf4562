"""The host engine: any environment stepped from Python, the same agent functions compiled one call at a time."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.component import traced
from argmaxq.environments.lanes import Lanes, Step
from argmaxq.training.checkpoint import flatten, unflatten
from argmaxq.training.engine import (
    Episodes,
    Finished,
    Report,
    Totals,
    block_length,
    fresh,
    learn,
    no_episodes,
    no_totals,
    report,
)
from argmaxq.training.streams import Streams, streams
from argmaxq.types import Agent, Array, Clock, PyTree, Row, Spaces

Evaluate = Callable[[PyTree, int, int], np.ndarray]
"""(acting parameters, episodes, number) -> returns [episodes] on a separate environment."""

ENVIRONMENT = "environment"
"""Where the environment's own arrays stand among the saved ones."""


class State(NamedTuple):
    """All that training needs, but for the environment, which keeps its own."""

    learner: Any
    actor: PyTree
    episodes: Episodes
    totals: Totals
    last: np.ndarray


class HostEngine:
    """Trains one seed of an agent on lanes of an environment that lives outside XLA."""

    def __init__(self, agent: Agent, lanes: Lanes, seed: int, evaluate: Evaluate) -> None:
        self.spaces, self.lanes, self.seeds = lanes.spaces, lanes.lanes, (seed,)
        self._env, self._evaluate, self._static = lanes, evaluate, agent
        self._agent, self._keys = traced(agent), streams(seed)
        rows = block_length(agent, self.lanes) * agent.rollout
        self._begin = jax.jit(partial(_begin, agent, self.spaces, self.lanes))
        self._noise = jax.jit(partial(_noise, self.spaces, self.lanes, rows))
        self._act = jax.jit(_act)
        self._learn = jax.jit(partial(_learn, self.lanes), donate_argnums=(1, 2))

    def start(self) -> State:
        """The state before the first step; resets the environment."""
        self._env.reset(self.seeds[0])
        state: State = self._begin(self._keys)
        return state._replace(last=np.zeros(self.lanes, np.bool_))

    def run(self, state: State, first: int, end: int) -> tuple[State, list[Report]]:
        """Iterations first .. end - 1, and one report."""
        rollout, learner, actor, last = self._static.rollout, state.learner, state.actor, state.last
        noise = self._noise(self._agent, self._keys, np.int32(first * rollout))
        account, totals = Account(state.episodes), fresh(state.totals)
        updates = int(totals.updates)
        obs = self._env.observe()
        for i in range(first, end):
            rows = empty_rows(self.spaces, rollout, self.lanes)
            for k in range(rollout):
                t = i * rollout + k
                numbers = np.array([t * self.lanes, account.finished, updates, t - first * rollout], np.int32)
                action, actor = self._act(self._agent, learner.params, actor, obs, noise, numbers)
                rows.obs[k], rows.action[k], rows.last[k] = obs, action, last
                step = self._env.step(rows.action[k])
                obs, rows.reward[k], rows.terminated[k], rows.truncated[k], last = step
                account.count((t + 1) * self.lanes, step, rows.last[k])
            numbers = np.array([i, account.finished], np.int32)
            learner, totals = self._learn(self._agent, learner, totals, rows, obs, self._keys, numbers)
            updates = int(totals.updates)
        state = State(learner, actor, account.episodes(), totals, last)
        totals = jax.tree.map(np.asarray, totals)
        return state, [report(totals, account.ends(), end * rollout * self.lanes)]

    def evaluate(self, state: State, episodes: int, number: int) -> list[np.ndarray]:
        """Returns [episodes] of the greedy policy on an environment of its own."""
        return [self._evaluate(state.learner.params, episodes, number)]

    def params(self, state: State, seed: int) -> PyTree:
        """Acting parameters."""
        return state.learner.params

    def save(self, state: State) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The state as named arrays, and what the environment's lanes save."""
        arrays, meta = split(self._env.save(), ENVIRONMENT)
        return {**flatten(state), **arrays}, meta

    def restore(self, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> tuple[State, list[str]]:
        """A saved state; an episode that cannot be restored is cut there: a truncation."""
        own = {name: array for name, array in arrays.items() if not name.startswith(f"{ENVIRONMENT}/")}
        saved = unflatten(jax.eval_shape(self._begin, self._keys), own)
        state: State = jax.tree.map(jnp.asarray, saved)._replace(last=np.array(saved.last))
        cut = self._env.restore(join(arrays, meta, ENVIRONMENT))
        if not cut:
            return state, []
        account = Account(state.episodes)
        account.forget(cut)
        state.last[cut] = True
        learner = self._static.cut(state.learner, np.array(cut))
        lost = f"{len(cut)} of {self.lanes} episodes could not be restored: they end here, as at a time limit"
        return state._replace(learner=learner, episodes=account.episodes()), [lost]

    def close(self) -> None:
        """Close the environment."""
        self._env.close()


class Account:
    """Episodes on the host: what ``count_row`` does, in NumPy and in place."""

    def __init__(self, episodes: Episodes) -> None:
        self._returns, self._lengths = np.array(episodes.returns), np.array(episodes.lengths)
        self.finished = int(episodes.finished)
        self._ends: list[tuple[int, float, int]] = []

    def count(self, step_number: int, step: Step, was_last: np.ndarray) -> None:
        """Account for one row of every lane, after which ``step_number`` env steps are done."""
        self._returns += step.reward
        self._lengths += ~was_last
        ended = step.terminated | step.truncated
        if ended.any():
            lanes = np.flatnonzero(ended)
            self._ends += [(step_number, self._returns[lane], self._lengths[lane]) for lane in lanes]
            self.finished += len(lanes)
            self.forget(lanes)

    def forget(self, lanes: Any) -> None:
        """Begin new episodes in these lanes."""
        self._returns[lanes], self._lengths[lanes] = 0.0, 0

    def episodes(self) -> Episodes:
        """The account as engines store it."""
        return Episodes(jnp.asarray(self._returns), jnp.asarray(self._lengths), jnp.int32(self.finished))

    def ends(self) -> Finished:
        """The episodes that ended since this account began."""
        step, returns, lengths = zip(*self._ends, strict=True) if self._ends else ((), (), ())
        return Finished(np.array(step, np.int64), np.array(returns, np.float32), np.array(lengths, np.int32))


def empty_rows(spaces: Spaces, rollout: int, lanes: int) -> Row:
    """Room for one iteration's rows, fresh each time because JAX may read NumPy's memory in place."""
    shape = (rollout, lanes)
    return Row(
        obs=np.empty(shape + spaces.observation.shape, spaces.observation.dtype),
        action=np.empty(shape + spaces.action.spec.shape, spaces.action.spec.dtype),
        reward=np.empty(shape, np.float32),
        terminated=np.empty(shape, np.bool_),
        truncated=np.empty(shape, np.bool_),
        last=np.empty(shape, np.bool_),
    )


def split(saved: dict[str, Any], path: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Part a nested dict into its arrays, named by their paths, and the rest, which is JSON."""
    arrays: dict[str, np.ndarray] = {}
    rest: dict[str, Any] = {}
    for name, value in saved.items():
        if isinstance(value, dict):
            below, rest[name] = split(value, f"{path}/{name}")
            arrays.update(below)
        elif isinstance(value, np.ndarray):
            arrays[f"{path}/{name}"] = value
        else:
            rest[name] = value
    return arrays, rest


def join(arrays: dict[str, np.ndarray], rest: dict[str, Any], path: str) -> dict[str, Any]:
    """What ``split`` parted, together again."""
    joined = {name: join(arrays, value, f"{path}/{name}") if isinstance(value, dict) else value for name, value in rest.items()}
    below = {name.removeprefix(f"{path}/"): array for name, array in arrays.items() if name.startswith(f"{path}/")}
    return joined | {name: array for name, array in below.items() if "/" not in name}


def _begin(agent: Agent, spaces: Spaces, lanes: int, keys: Streams) -> State:
    learner = agent.init(keys.init, spaces, lanes)
    actor = jax.vmap(lambda _: agent.actor(spaces))(jnp.arange(lanes))
    totals = no_totals(agent, learner, spaces, lanes)
    return State(learner, actor, no_episodes(lanes), totals, jnp.zeros(lanes, bool))


def _noise(spaces: Spaces, lanes: int, rows: int, agent: Agent, keys: Streams, first: Array) -> PyTree:
    """Exploration's random numbers of ``rows`` rows from ``first`` on."""
    row_keys = jax.vmap(lambda row: jax.random.fold_in(keys.exploration, row))(first + jnp.arange(rows))
    return jax.vmap(lambda key: agent.noise(key, (lanes,), spaces))(row_keys)


def _act(agent: Agent, params: PyTree, actor: PyTree, obs: Array, noise: PyTree, numbers: Array) -> tuple[Array, PyTree]:
    """Act in every lane; ``numbers`` are the clock's three and the row of ``noise``."""
    own = jax.tree.map(lambda leaf: leaf[numbers[3]], noise)
    clock = Clock(numbers[0], numbers[1], numbers[2])
    return jax.vmap(agent.act, (None, 0, 0, None, 0))(params, actor, obs, clock, own)


def _learn(
    lanes: int, agent: Agent, learner: PyTree, totals: Totals, rows: Row, obs: Array, keys: Streams, numbers: Array
) -> tuple[PyTree, Totals]:
    """Remember and learn; ``numbers`` are the iteration and the count of finished episodes."""
    clock = Clock((numbers[0] + 1) * agent.rollout * lanes, numbers[1], totals.updates)
    return learn(agent, learner, totals, rows, obs, clock, jax.random.fold_in(keys.learning, numbers[0]))
