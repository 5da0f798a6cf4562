"""The compiled engine: environment and learner in one XLA program, for one seed or many at once."""

import time
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from argmaxq.components.component import bind, traced
from argmaxq.devices import accelerated, lazily
from argmaxq.interrupts import waiting
from argmaxq.lanes.compiled import CompiledEnv, Draw, EnvState
from argmaxq.lanes.spaces import Native
from argmaxq.programs import Programs
from argmaxq.recipes.recipe import Diagnostics
from argmaxq.roles import Agent, heavy
from argmaxq.runs.report import Report
from argmaxq.streams import Streams, streams
from argmaxq.training.engines.compiled_episodes import begin_episodes, play_on, settle
from argmaxq.training.engines.earlier import completed
from argmaxq.training.engines.engine import (
    LIGHT_STEPS_AT_ONCE,
    NEVER,
    STEPS_AT_ONCE,
    Ends,
    Episodes,
    Totals,
    block_length,
    count_row,
    earliest,
    fresh,
    learn,
    no_episodes,
    no_totals,
    policy,
    report,
)
from argmaxq.training.engines.gauging import gauge, gauged
from argmaxq.training.engines.members import Member, Own, of_all, of_one, spread, stacked
from argmaxq.training.evaluation import LONGEST, Halted, Played
from argmaxq.training.memory import kept, memories, renewed
from argmaxq.training.pace import Pace
from argmaxq.training.prospects import Outlook, foresees
from argmaxq.trees import flatten, unflatten
from argmaxq.types import Array, Clock, PyTree, Row


class State(NamedTuple):
    """All that training one member needs; with several members every leaf has a leading axis."""

    learner: Any
    memory: PyTree
    env: EnvState
    episodes: Episodes
    totals: Totals


class Span(NamedTuple):
    """What one call does: iterations first .. end - 1 of a run that is to have ``total`` env steps (int32).

    ``begins`` says whether a block begins with them.
    """

    first: Array
    end: Array
    total: Array
    begins: Array


class CompiledEngine:
    """Trains an agent on a FuncEnv. Several members are mapped over one program and spread over the devices.

    A member is a seed, and where ``own`` says so an agent's own numbers: leaves of the agent by name, for each seed.
    A lone seed is not mapped, so it has the bits of the host engine. Groups of members are never narrower than two,
    because XLA gives a mapped program of width one other bits than one of any larger width; so members with numbers of
    their own are always mapped, and one alone is trained in several copies.
    """

    def __init__(
        self,
        agent: Agent,
        env: CompiledEnv,
        lanes: int,
        seeds: tuple[int, ...],
        diagnostics: Diagnostics | None = None,
        own: Sequence[Own] | None = None,
    ) -> None:
        self.spaces, self.lanes = env.spaces, lanes
        agent = bind(agent, env.spaces)
        self._agent, self._env, self._static = traced(agent), env, agent
        self._light = getattr(agent, "light", False)
        self._in_turn = (self._light or heavy(agent)) and not accelerated()
        self.length = block_length(agent, lanes, LIGHT_STEPS_AT_ONCE if self._light else STEPS_AT_ONCE)
        self._program = Programs(agent)
        self._take(seeds, own)
        self._block = self._compile(_block, env, lanes, self.length, donate=(3,))
        wanted = diagnostics or Diagnostics()
        like = jax.eval_shape(partial(_start, agent, env, lanes), streams(0))
        measure = gauge(wanted, env.spaces, lanes, self._agent, streams(0), like)
        self._gauge = self._compile(gauged, measure, lanes)
        self._compares = foresees(agent, wanted)
        self._evaluations: dict[int, Any] = {}
        self.time_limit, self.offered, self._pace = env.time_limit, env.offered, Pace()
        self.native: Native | None = env.env.observation_space, env.env.action_space

    def _take(self, seeds: tuple[int, ...], own: Sequence[Own] | None) -> None:
        """Have these members, each with numbers of its ``own`` or none of them with any."""
        self.seeds = seeds
        self._mesh, self._padded = spread(len(seeds), own is None)
        members = [Member(dict(own[place]) if own else {}, streams(seeds[place])) for place in self._padded]
        self._members = members[0] if len(members) == 1 else self._place(stacked(members))

    def again(self, seeds: tuple[int, ...], own: Sequence[Own]) -> "CompiledEngine":
        """An engine by the same programs for as many other members, whose ``own`` numbers have the same names."""
        other = copy(self)
        other._take(seeds, own)
        other._pace = Pace()
        return other

    def _place(self, stacked: PyTree) -> PyTree:
        if len(self._padded) == 1:
            return jax.tree.map(jnp.asarray, stacked)
        return jax.device_put(stacked, NamedSharding(self._mesh, PartitionSpec("seeds")))

    def _compile(self, function: Any, *fixed: Any, donate: tuple[int, ...] = ()) -> Any:
        """``function(*fixed, agent, numbers, streams, state)`` of each member, mapped where there are several."""
        if len(self._padded) == 1:
            return self._program(of_one, function, fixed, donate=donate)
        devices = tuple(self._mesh.devices)
        return self._program(of_all, function, fixed, devices, self._in_turn, donate=donate)

    def begin(self) -> State:
        """The state before the first step."""
        return lazily(self._begun())

    start = begin

    def _begun(self) -> State:
        function = _start_of if len(self._padded) == 1 else _start_of_all
        state: State = self._place(self._program(function, self._static, self._env, self.lanes)(self._members))
        return state

    def run(
        self, state: State, first: int, end: int, total: int, begun: int | None = None
    ) -> tuple[State, list[Report]]:
        """Iterations first .. end - 1, and one report per seed."""
        begins = np.bool_(begun is None or begun == first)
        span = Span(np.int32(first), np.int32(end), np.int32(total), begins)
        state, *told = self._block(self._agent, span, self._members, state)
        rows = first * self._static.rollout, end * self._static.rollout
        told, reports = jax.tree.map(np.asarray, told), []
        for each in range(len(self.seeds)):
            totals, ends, unsound = self._of(told, each)
            flat = Ends(*(leaf[: end - first].reshape(-1, self.lanes) for leaf in ends))
            reports.append(report(totals, flat, unsound, self.spaces, rows))
        return state, reports

    def evaluate(self, state: State, episodes: int, number: int) -> list[Played]:
        """Greedy episodes of each seed in lanes of their own, some steps at a time."""
        if episodes not in self._evaluations:
            self._evaluations[episodes] = (
                self._compile(begin_episodes, self._env, episodes, self._compares),
                self._compile(play_on, self._env, episodes),
                self._compile(settle),
            )
        begin, go_on, compare = self._evaluations[episodes]
        which, params = np.int32(number), policy(self._static, state.learner)
        playing = begin(self._agent, which, self._members, params)
        steps, longest = 0, self.time_limit or LONGEST
        while steps < longest and not np.all(playing.done):
            if waiting():
                raise Halted
            asked, start = min(self._pace.steps, longest - steps), time.perf_counter()
            steps += asked
            playing = go_on(self._agent, (which, np.int32(steps)), self._members, (params, playing))
            jax.block_until_ready(playing)
            self._pace.took(asked, time.perf_counter() - start)
        ended = params, state.learner, playing.prospects
        compared = compare(self._agent, (), self._members, ended) if playing.prospects else None
        told = jax.tree.map(np.asarray, (playing.returns, playing.done, compared))
        of_each = [self._of(told, each) for each in range(len(self.seeds))]
        return [
            Played(returns, None, int(np.sum(~done)), outlook and Outlook(*outlook))
            for returns, done, outlook in of_each
        ]

    def gauge(self, state: State, iteration: int, total: int) -> list[dict[str, float]]:
        """Diagnostics of each seed."""
        found = self._gauge(self._agent, (np.int32(iteration), np.int32(total)), self._members, state)
        found = jax.tree.map(np.asarray, found)
        of_each = [self._of(found, each) for each in range(len(self.seeds))]
        return [{name: float(value) for name, value in own.items()} for own in of_each]

    def params(self, state: State, seed: int) -> PyTree:
        """Acting parameters of the seed at position ``seed``."""
        return self._of(policy(self._static, state.learner), seed)

    def change(self, state: State, function: Callable[..., Any], *of_each: Sequence[PyTree]) -> State:
        """With every seed's learner as ``function`` makes it of the learner and of what is for that seed."""
        if len(self._padded) == 1:
            return state._replace(learner=jax.jit(function)(state.learner, *(own for (own,) in of_each)))
        own = [stacked([each[place] for place in self._padded]) for each in of_each]
        return state._replace(learner=self._place(jax.jit(jax.vmap(function))(state.learner, *own)))

    def _of(self, tree: PyTree, seed: int) -> PyTree:
        return tree if len(self._padded) == 1 else jax.tree.map(lambda leaf: leaf[seed], tree)

    def save(self, state: State) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The whole state as named arrays, without the copies that fill up the groups."""
        alone, count = len(self._padded) == 1, len(self.seeds)
        return {name: leaf if alone else leaf[:count] for name, leaf in flatten(state).items()}, {}

    def restore(
        self, arrays: dict[str, np.ndarray], meta: dict[str, Any], begun: State | None = None
    ) -> tuple[State, list[str]]:
        """A saved state, exactly; also on other devices, whose groups are other ones."""
        like = begun or jax.eval_shape(self._begun)
        if len(self._padded) > len(self.seeds):
            arrays = {name: leaf[list(self._padded)] for name, leaf in arrays.items()}
        return self._place(unflatten(like, completed(arrays, like))), []

    def close(self) -> None:
        """Nothing to free."""


def _start(agent: Agent, env: CompiledEnv, lanes: int, keys: Streams) -> State:
    learner = agent.init(keys.init, env.spaces, lanes)
    first = jax.vmap(env.reset)(jax.random.split(keys.environment, lanes))
    memory = memories(agent, env.spaces, lanes)
    return State(learner, memory, first, no_episodes(lanes), no_totals(agent, learner, env.spaces, lanes))


def _start_of(agent: Agent, env: CompiledEnv, lanes: int, member: Member) -> State:
    return _start(member.agent(agent), env, lanes, member.streams)


def _start_of_all(agent: Agent, env: CompiledEnv, lanes: int, members: Member) -> State:
    """One after the other: a user's network may factorise matrices, and LAPACK waits for ever in several batches."""
    started: State = jax.lax.map(partial(_start_of, agent, env, lanes), members)
    return started


def _block(
    env: CompiledEnv, lanes: int, length: int, agent: Agent, span: Span, keys: Streams, state: State
) -> tuple[State, Totals, Ends, Array]:
    """Iterations first .. end - 1 <= first + length - 1; ends have axes [length, rollout, lanes]."""
    first, end, total, begins = span
    rows = length * agent.rollout
    numbers = first * agent.rollout + jnp.arange(rows)
    row_keys = jax.vmap(lambda row: jax.random.fold_in(keys.exploration, row))(numbers)
    noise = jax.vmap(lambda key: agent.noise(key, (lanes,), env.spaces))(row_keys)
    drawn = (noise, env.draws(keys.environment, numbers, lanes))
    drawn = jax.tree.map(lambda leaf: leaf.reshape(length, agent.rollout, *leaf.shape[1:]), drawn)
    replayed = jax.vmap(lambda i: agent.draw(jax.random.fold_in(keys.learning, i), lanes))(first + jnp.arange(length))
    nothing = jnp.zeros((length, agent.rollout, lanes))
    buffer = Ends(nothing.astype(bool), nothing, nothing.astype(jnp.int32))
    seen = env.spaces

    def iteration(i: Array, carry: tuple[State, Ends, Array]) -> tuple[State, Ends, Array]:
        state, buffer, unsound = carry
        own, chosen = jax.tree.map(lambda leaf: leaf[i - first], (drawn, replayed))
        state, rows, ends = _collect(env, lanes, agent, i, total, own, state)
        buffer = jax.tree.map(
            lambda all_, new: jax.lax.dynamic_update_index_in_dim(all_, new, i - first, 0), buffer, ends
        )
        clock = Clock((i + 1) * agent.rollout * lanes, state.episodes.finished, state.totals.updates, total)
        learner, totals = learn(agent, state.learner, state.totals, rows, state.env.obs, clock, chosen)
        unsound = earliest(unsound, seen, rows.obs, i * agent.rollout)
        return state._replace(learner=learner, totals=totals), buffer, unsound

    totals = jax.tree.map(partial(jnp.where, begins), fresh(state.totals), state.totals)
    begun = (state._replace(totals=totals), buffer, jnp.asarray(NEVER))
    state, buffer, unsound = jax.lax.fori_loop(first, end, iteration, begun)
    unsound = earliest(unsound, seen, state.env.obs[jnp.newaxis], end * agent.rollout)
    return state, state.totals, buffer, unsound


def _collect(
    env: CompiledEnv, lanes: int, agent: Agent, i: Array, total: Array, drawn: tuple[PyTree, Draw], state: State
) -> tuple[State, Row, Ends]:
    """``rollout`` rows of every lane: rows and ends [rollout, lanes]."""

    def step(state: State, inputs: tuple[Array, PyTree, Draw]) -> tuple[State, tuple[Row, Ends]]:
        row_number, noise, draw = inputs
        clock = Clock(row_number * lanes, state.episodes.finished, state.totals.updates, total)
        act = jax.vmap(agent.act, (None, 0, 0, None, 0))
        action, memory = act(state.learner.params, state.memory, state.env.obs, clock, noise)
        after, outcome = jax.vmap(env.step)(state.env, action, draw)
        row = Row(state.env.obs, action, *outcome[:3], state.env.last, kept(agent, state.memory))
        memory = renewed(agent, env.spaces, memory, row.last)
        episodes, ends = count_row(state.episodes, row)
        return state._replace(memory=memory, env=after, episodes=episodes), (row, ends)

    numbers = i * agent.rollout + jnp.arange(agent.rollout)
    state, (rows, ends) = jax.lax.scan(step, state, (numbers, *drawn))
    return state, rows, ends
