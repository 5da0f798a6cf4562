"""The host engine: any environment stepped from Python, the same agent functions compiled one call at a time."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.component import bind, traced
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
from argmaxq.training.packing import Packed, Packing
from argmaxq.training.streams import Streams, streams
from argmaxq.types import Agent, Array, Clock, PyTree, Row, Spaces

Evaluate = Callable[[PyTree, int, int], np.ndarray]
"""(acting parameters, episodes, number) -> returns [episodes] on a separate environment."""

ENVIRONMENT = "environment"
"""Where the environment's own arrays stand among the saved ones."""


class State(NamedTuple):
    """All that training needs, but for the environment, which keeps its own."""

    learner: Any
    totals: Totals
    actor: PyTree
    episodes: Episodes
    last: np.ndarray


class HostEngine:
    """Trains one seed of an agent on lanes of an environment that lives outside XLA."""

    def __init__(self, agent: Agent, lanes: Lanes, seed: int, evaluate: Evaluate) -> None:
        self.spaces, self.lanes, self.seeds = lanes.spaces, lanes.lanes, (seed,)
        agent = bind(agent, lanes.spaces)
        self._env, self._evaluate, self._static = lanes, evaluate, agent
        self._agent, self._keys = traced(agent), streams(seed)
        iterations = block_length(agent, self.lanes)
        self._begin = jax.jit(partial(_begin, agent, self.spaces, self.lanes))
        self._packing = Packing(jax.eval_shape(self._begin, self._keys)[:2])
        self._pack, self._unpack = jax.jit(self._packing.pack), jax.jit(self._packing.unpack)
        self._draw = jax.jit(partial(_draw, self.spaces, self.lanes, iterations))
        # Flat lists of arrays cross into compiled calls faster than components do.
        self._numbers, structure = jax.tree.flatten(self._agent)
        self._act = jax.jit(partial(_act, structure))
        self._learn = jax.jit(partial(_learn, structure, self._packing), donate_argnums=1)

    def start(self) -> State:
        """The state before the first step; resets the environment."""
        self._env.reset(self.seeds[0])
        state: State = self._begin(self._keys)
        return state._replace(last=np.zeros(self.lanes, np.bool_))

    def run(self, state: State, first: int, end: int) -> tuple[State, list[Report]]:
        """Iterations first .. end - 1, and one report."""
        rollout, actor, last = self._static.rollout, state.actor, state.last
        noise, drawn = self._draw(self._agent, self._keys, np.int32(first))
        account, obs = Account(state.episodes), self._env.observe()
        params, updates = state.learner.params, np.asarray(state.totals.updates)
        packed = self._pack((state.learner, fresh(state.totals)))
        for i in range(first, end):
            rows = empty_rows(self.spaces, rollout, self.lanes)
            for k in range(rollout):
                t = i * rollout + k
                clock = np.array([t * self.lanes, account.finished, updates, t - first * rollout], np.int32)
                action, actor = self._act(self._numbers, params, actor, obs, noise, clock)
                action = np.asarray(action)
                step = self._env.step(action)
                rows.obs[k], rows.action[k], rows.last[k] = obs, action, last
                obs, rows.reward[k], rows.terminated[k], rows.truncated[k], last = step
                account.count((t + 1) * self.lanes, step, rows.last[k])
            clock = np.array([(i + 1) * rollout * self.lanes, account.finished, i - first], np.int32)
            packed, params, updates = self._learn(self._numbers, packed, rows, obs, drawn, clock)
        learner, totals = self._unpack(packed)
        state = State(learner, totals, actor, account.episodes(), last)
        totals = jax.tree.map(np.asarray, totals)
        return state, [report(totals, account.ends(), account.returns, end * rollout * self.lanes)]

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
        lost = np.array(self._env.restore(join(arrays, meta, ENVIRONMENT)), np.int32)
        if not len(lost):
            return state, []
        cut = lost[~state.last[lost]]
        account = Account(state.episodes)
        account.forget(cut)
        state.last[lost] = True
        learner = self._static.cut(state.learner, cut) if len(cut) else state.learner
        said = (
            f"the environment is random in a way that cannot be restored in {len(lost)} of {self.lanes} lanes: "
            f"{len(cut)} episodes are cut here, marked as truncated, and new ones begin"
        )
        return state._replace(learner=learner, episodes=account.episodes()), [said]

    def close(self) -> None:
        """Close the environment."""
        self._env.close()


class Account:
    """Episodes on the host: what ``count_row`` does, in NumPy and in place."""

    def __init__(self, episodes: Episodes) -> None:
        self.returns, self._lengths = np.array(episodes.returns), np.array(episodes.lengths)
        self.finished = int(episodes.finished)
        self._ends: list[tuple[int, float, int]] = []

    def count(self, step_number: int, step: Step, was_last: np.ndarray) -> None:
        """Account for one row of every lane, after which ``step_number`` env steps are done."""
        self.returns += step.reward
        self._lengths += ~was_last
        ended = step.terminated | step.truncated
        if ended.any():
            lanes = np.flatnonzero(ended)
            self._ends += [(step_number, self.returns[lane], self._lengths[lane]) for lane in lanes]
            self.finished += len(lanes)
            self.forget(lanes)

    def forget(self, lanes: Any) -> None:
        """Begin new episodes in these lanes."""
        self.returns[lanes], self._lengths[lanes] = 0.0, 0

    def episodes(self) -> Episodes:
        """The account as engines store it."""
        return Episodes(jnp.asarray(self.returns), jnp.asarray(self._lengths), jnp.int32(self.finished))

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
    inside = tuple(f"{name}/" for name, value in rest.items() if isinstance(value, dict))
    return joined | {name: array for name, array in below.items() if not name.startswith(inside)}


def _begin(agent: Agent, spaces: Spaces, lanes: int, keys: Streams) -> State:
    learner = agent.init(keys.init, spaces, lanes)
    actor = jax.vmap(lambda _: agent.actor(spaces))(jnp.arange(lanes))
    totals = no_totals(agent, learner, spaces, lanes)
    return State(learner, totals, actor, no_episodes(lanes), jnp.zeros(lanes, bool))


def _draw(
    spaces: Spaces, lanes: int, iterations: int, agent: Agent, keys: Streams, first: Array
) -> tuple[PyTree, PyTree]:
    """The random numbers of ``iterations`` iterations from ``first`` on: acting's for each row, learning's for each."""
    rows = first * agent.rollout + jnp.arange(iterations * agent.rollout)
    row_keys = jax.vmap(lambda row: jax.random.fold_in(keys.exploration, row))(rows)
    noise = jax.vmap(lambda key: agent.noise(key, (lanes,), spaces))(row_keys)
    learn_keys = jax.vmap(lambda i: jax.random.fold_in(keys.learning, i))(first + jnp.arange(iterations))
    return noise, jax.vmap(lambda key: agent.draw(key, lanes))(learn_keys)


def _act(
    structure: Any, numbers: list[Array], params: PyTree, actor: PyTree, obs: Array, noise: PyTree, clock: Array
) -> tuple[Array, PyTree]:
    """Act in every lane; ``numbers`` are the agent's, ``clock`` is step, episodes, updates and the row of ``noise``."""
    agent = jax.tree.unflatten(structure, numbers)
    own = jax.tree.map(lambda leaf: leaf[clock[3]], noise)
    return jax.vmap(agent.act, (None, 0, 0, None, 0))(params, actor, obs, Clock(*clock[:3]), own)


def _learn(
    structure: Any, packing: Packing, numbers: list[Array], packed: Packed, rows: Row, obs: Array, drawn: PyTree, clock: Array
) -> tuple[Packed, PyTree, Array]:
    """Remember and learn; ``clock`` is step, episodes and which of ``drawn``. Returns acting's parameters, too."""
    agent = jax.tree.unflatten(structure, numbers)
    learner, totals = packing.unpack(packed)
    own = jax.tree.map(lambda leaf: leaf[clock[2]], drawn)
    now = Clock(clock[0], clock[1], totals.updates)
    learner, totals = learn(agent, learner, totals, rows, obs, now, own)
    return packing.pack((learner, totals)), learner.params, totals.updates
