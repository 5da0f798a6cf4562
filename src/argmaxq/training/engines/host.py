"""The host engine: any environment stepped from Python, the same agent functions compiled one call at a time."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.component import bind, traced
from argmaxq.devices import lazily
from argmaxq.lanes.lanes import Lanes
from argmaxq.lanes.masks import Mask
from argmaxq.lanes.spaces import Native
from argmaxq.programs import Programs
from argmaxq.recipes.recipe import Diagnostics
from argmaxq.roles import Agent
from argmaxq.runs.report import Report
from argmaxq.spaces import Spaces
from argmaxq.streams import Streams, streams
from argmaxq.training.engines.affinity import SharedCore
from argmaxq.training.engines.earlier import completed
from argmaxq.training.engines.engine import (
    NEVER,
    Broken,
    Ends,
    Episodes,
    Totals,
    account,
    block_length,
    earliest,
    fresh,
    learn,
    no_episodes,
    no_totals,
    policy,
    report,
)
from argmaxq.training.engines.gathering import Chosen, Gathering, Seen
from argmaxq.training.engines.gauging import gauge, gauged
from argmaxq.training.engines.packing import Packed, Packing
from argmaxq.training.engines.rows import empty_rows, part
from argmaxq.training.evaluation import Played
from argmaxq.training.memory import kept, memories, renewed
from argmaxq.training.prospects import Ledger, Outlook, foresees, settled
from argmaxq.trees import flatten, join, split, unflatten
from argmaxq.types import Array, Clock, PyTree, Row

Evaluate = Callable[[PyTree, int, int, Ledger | None], Played]
"""(acting parameters, episodes, number, ledger to be kept) -> episodes on a separate environment."""

ENVIRONMENT = "environment"
"""Where the environment's own arrays stand among the saved ones."""


class State(NamedTuple):
    """All that training needs, but for the environment, which keeps its own."""

    learner: Any
    totals: Totals
    memory: PyTree
    episodes: Episodes
    last: Any


class HostEngine:
    """Trains one seed of an agent on lanes of an environment that lives outside XLA."""

    def __init__(
        self,
        agent: Agent,
        lanes: Lanes,
        seed: int,
        evaluate: Evaluate,
        time_limit: int | None = None,
        native: Native | None = None,
        diagnostics: Diagnostics | None = None,
    ) -> None:
        self.spaces, self.lanes, self.seeds = lanes.spaces, lanes.lanes, (seed,)
        self.native = native
        agent = bind(agent, lanes.spaces)
        self._env = lanes
        self._evaluate, self._static, self.time_limit = evaluate, agent, time_limit
        self._agent, self._keys = traced(agent), streams(seed)
        self.length = block_length(agent, self.lanes)
        self._core = SharedCore()
        program = Programs(agent)
        self._begin = program(begin, agent, self.spaces, self.lanes)
        self._packing = Packing.of(jax.eval_shape(self._begin, self._keys)[:2])
        self._draw = program(_draw, self.spaces, self.lanes, self.length)
        numbers = Packing.of(self._agent)
        self._numbers = numbers.pack(self._agent)
        self._account = program(account)
        self._act = program(_act, self.spaces, numbers, self._packing)
        self._learn = program(_learn, self.spaces, numbers, self._packing, donate=(1,))
        wanted, like = diagnostics or Diagnostics(), jax.eval_shape(self._begin, self._keys)
        self._gauge = program(gauged, gauge(wanted, self.spaces, self.lanes, self._agent, self._keys, like), self.lanes)
        self._compares, self._settle = foresees(agent, wanted), program(settled)

    @property
    def offered(self) -> Mask:
        """Where the environment seems to tell which actions are allowed, once it was reset."""
        return self._env.offered

    def begin(self) -> State:
        """The state before the first step."""
        state: State = lazily(self._begin(self._keys))
        return state._replace(last=np.zeros(self.lanes, np.bool_))

    def start(self) -> State:
        """The state before the first step; resets the environment."""
        self._env.reset(self.seeds[0])
        return self.begin()

    def run(
        self, state: State, first: int, end: int, total: int, begun: int | None = None
    ) -> tuple[State, list[Report]]:
        """Iterations first .. end - 1, and one report."""
        if begun is None or begun == first:
            state = state._replace(totals=fresh(state.totals))
        with self._core.block():
            state, report, done, problem = self._run(state, first, end, total)
        if problem is not None:
            raise Broken(state, [report], done, problem) from problem
        return state, [report]

    def _run(self, state: State, first: int, end: int, total: int) -> tuple[State, Report, int, BaseException | None]:
        """Iterations from ``first`` on, up to ``end`` or to an exception in one of them, which then is not done."""
        rollout, lanes, start = self._static.rollout, self.lanes, first * self._static.rollout
        noise, drawn = self._draw(self._agent, self._keys, np.int32(first))
        rows = empty_rows(self.spaces, self.length * rollout, lanes, kept(self._static, state.memory))
        gathering = Gathering(self._static, self._env, rows, int(state.episodes.finished))
        obs, last = self._env.observe(), state.last
        packed, memory = self._packing.pack((state.learner, state.totals)), state.memory
        chosen: Chosen | None = None
        problem: BaseException | None = None

        clocks = _clocks(range(start, start + len(rows.last)), lanes, total)

        def act(seen: Seen, t: int, ends: int, lane: int) -> Chosen:
            clock = clocks[t]
            clock[1], clock[4] = ends, lane
            found: Chosen = self._act(self._numbers, packed, seen, noise, clock)
            return found

        for i in range(end - first):
            mark, span = self._env.mark(), range(i * rollout, (i + 1) * rollout)
            try:
                memory, last = gathering.rollout(span, memory, obs, last, act, chosen)
            except BaseException as error:
                self._env.rewind(mark)
                end, obs, problem = first + i, self._env.observe(), error
                break
            obs = self._env.observe()
            own = part(gathering.learnt, span.start, span.stop)
            clock = np.array([(start + span.stop) * lanes, gathering.ends, total, span.stop, i], np.int32)
            seen = gathering.seen(memory, obs, last)
            packed, chosen = self._learn(self._numbers, packed, own, seen, noise, drawn, clock)
        count, spec = (end - first) * rollout, self.spaces
        learner, totals = self._packing.unpack(packed)
        episodes, over = self._account(state.episodes, rows._replace(obs=None, action=None, before=()), np.int32(count))
        state = State(learner, totals, memory, episodes, last)
        totals, over = jax.tree.map(np.asarray, (totals, over))
        unsound = earliest(NEVER, spec, rows.obs[:count], start)
        unsound = earliest(unsound, spec, obs[np.newaxis], start + count)
        told = report(totals, Ends(*(leaf[:count] for leaf in over)), unsound, spec, (start, start + count))
        return state, told, end, problem

    def evaluate(self, state: State, episodes: int, number: int) -> list[Played]:
        """Episodes of the greedy policy on an environment of its own."""
        ledger = Ledger(self._static, episodes) if self._compares else None
        params = policy(self._static, state.learner)
        played = self._evaluate(params, episodes, number, ledger)
        if ledger is None:
            return [played]
        told = self._settle(self._agent, params, state.learner, ledger.prospects)
        return [played._replace(outlook=Outlook(*map(np.asarray, told)))]

    def gauge(self, state: State, iteration: int, total: int) -> list[dict[str, float]]:
        """Diagnostics of the one seed."""
        found = self._gauge(self._agent, (np.int32(iteration), np.int32(total)), self._keys, state)
        return [{name: float(value) for name, value in found.items()}]

    def params(self, state: State, seed: int) -> PyTree:
        """Acting parameters."""
        return policy(self._static, state.learner)

    def change(self, state: State, function: Callable[..., Any], *of_each: Sequence[PyTree]) -> State:
        """With the learner as ``function`` makes it of the learner and of what is for this seed."""
        return state._replace(learner=jax.jit(function)(state.learner, *(own for (own,) in of_each)))

    def save(self, state: State) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The state as named arrays, and what the environment's lanes save."""
        arrays, meta = split(self._env.save(), ENVIRONMENT)
        return {**flatten(state), **arrays}, meta

    def restore(
        self, arrays: dict[str, np.ndarray], meta: dict[str, Any], begun: State | None = None
    ) -> tuple[State, list[str]]:
        """A saved state; an episode that cannot be restored is cut there: a truncation."""
        own = {name: array for name, array in arrays.items() if not name.startswith(f"{ENVIRONMENT}/")}
        like = begun or jax.eval_shape(self._begin, self._keys)
        saved = unflatten(like, completed(own, like))
        state: State = jax.tree.map(jnp.asarray, saved)._replace(last=np.array(saved.last))
        lost = np.array(self._env.restore(join(arrays, meta, ENVIRONMENT)), np.int32)
        if not len(lost):
            return state, []
        cut = lost[~state.last[lost]]
        state.last[lost] = True
        nothing = no_episodes(self.lanes)
        anew = jax.tree.map(lambda old, new: old.at[cut].set(new[cut]) if old.ndim else old, state.episodes, nothing)
        learner = self._static.cut(state.learner, cut) if len(cut) else state.learner
        said = (
            f"the environment is random, or remembers, in a way that cannot be restored in {len(lost)} of "
            f"{self.lanes} lanes: "
            f"{len(cut)} episodes are cut here, marked as truncated, and new ones begin"
        )
        return state._replace(learner=learner, episodes=anew), [said]

    def close(self) -> None:
        """Close the environment."""
        self._env.close()


def begin(agent: Agent, spaces: Spaces, lanes: int, keys: Streams) -> State:
    """What a seed begins with, from its streams."""
    learner = agent.init(keys.init, spaces, lanes)
    totals = no_totals(agent, learner, spaces, lanes)
    return State(learner, totals, memories(agent, spaces, lanes), no_episodes(lanes), jnp.zeros(lanes, bool))


def _clocks(rows: range, lanes: int, total: int) -> np.ndarray:
    """What ``_act`` is told in each of a block's rows, [rows, 5], but for episodes and the first lane."""
    clocks = np.zeros((len(rows), 5), np.int32)
    clocks[:, 0], clocks[:, 2], clocks[:, 3] = np.array(rows) * lanes, total, np.arange(len(rows))
    return clocks


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
    spaces: Spaces,
    numbers: Packing,
    packing: Packing,
    packed_agent: Packed,
    packed: Packed,
    seen: Seen,
    noise: PyTree,
    clock: Array,
) -> tuple[Array, PyTree]:
    """Act in some lanes; ``clock`` is step, episodes, the run's steps, the row of ``noise`` and the first lane."""
    learner, totals = packing.unpack(packed)
    width = seen.obs.shape[0]

    def own(leaf: Array) -> Array:
        return leaf if width == leaf.shape[1] else jax.lax.dynamic_slice_in_dim(leaf, clock[4], width, axis=1)

    noise = jax.tree.map(own, noise)
    return _choose(spaces, numbers.unpack(packed_agent), learner, totals, seen, noise, clock)


def _learn(
    spaces: Spaces,
    numbers: Packing,
    packing: Packing,
    packed_agent: Packed,
    packed: Packed,
    rows: Row,
    seen: Seen,
    noise: PyTree,
    drawn: PyTree,
    clock: Array,
) -> tuple[Packed, tuple[Array, PyTree]]:
    """Remember, learn and act; ``clock`` is step, episodes, the run's steps, the row of ``noise`` and which of
    ``drawn``.

    Acting here spares the next iteration a call.
    """
    agent = numbers.unpack(packed_agent)
    learner, totals = packing.unpack(packed)
    own = jax.tree.map(lambda leaf: leaf[clock[4]], drawn)
    now = Clock(clock[0], clock[1], totals.updates, clock[2])
    learner, totals = learn(agent, learner, totals, rows, seen.obs, now, own)
    return packing.pack((learner, totals)), _choose(spaces, agent, learner, totals, seen, noise, clock)


def _choose(
    spaces: Spaces, agent: Agent, learner: Any, totals: Totals, seen: Seen, noise: PyTree, clock: Array
) -> tuple[Array, PyTree]:
    own = jax.tree.map(lambda leaf: leaf[clock[3]], noise)
    now = Clock(clock[0], clock[1], totals.updates, clock[2])
    action, memory = jax.vmap(agent.act, (None, 0, 0, None, 0))(learner.params, seen.memory, seen.obs, now, own)
    return action, renewed(agent, spaces, memory, seen.last)
