"""What the driver needs of an engine, and the accounting that both engines share.

An iteration is: collect ``agent.rollout`` rows in every lane, remember, learn. Row t of lane i draws its randomness
from (seed, stream, t, i) and nothing else, so iterations may be grouped in any way without changing a bit.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.component import traced
from argmaxq.lanes.masks import Mask
from argmaxq.lanes.spaces import Native
from argmaxq.learning.sums import Sum, plus
from argmaxq.roles import Agent
from argmaxq.runs.report import Finished, Report
from argmaxq.spaces import ArraySpec, Spaces
from argmaxq.training.evaluation import Played
from argmaxq.training.memory import kept, memories
from argmaxq.types import Array, Clock, Metrics, PyTree, Row


class Episodes(NamedTuple):
    """Each lane's running account [lanes]: its episode's return in two parts (``learning.sums``) and its length.

    ``finished`` counts the episodes of all lanes (int32).
    """

    returns: Array
    lengths: Array
    finished: Array
    rests: Array


class Ends(NamedTuple):
    """Where episodes ended: [..., lanes] flags, and the return and length of those that did."""

    ended: Array
    returns: Array
    lengths: Array


class Totals(NamedTuple):
    """Sums of metrics over the iterations that learnt, how many those were, and gradient updates done in all."""

    sums: Metrics
    iterations: Array
    updates: Array


NEVER = np.int32(2**31 - 1)
"""The number of a row that there is not."""


class Broken(Exception):
    """The environment raised an exception, ``cause``; ``state`` and ``reports`` are of what was done before.

    Attributes:
        iteration: The first iteration that was not done.
    """

    def __init__(self, state: Any, reports: list[Report], iteration: int, cause: BaseException) -> None:
        super().__init__(iteration)
        self.state, self.reports, self.iteration, self.cause = state, reports, iteration, cause


class Engine(Protocol):
    """Trains one or several seeds. The state is opaque to the driver."""

    spaces: Spaces
    lanes: int
    seeds: tuple[int, ...]
    time_limit: int | None
    """Steps after which the environment truncates an episode, where that is known."""
    native: Native | None
    """The environment's own spaces, where they are known."""
    offered: Mask
    """Where the environment seems to tell which actions are allowed, once training has begun."""
    length: int
    """Iterations in a block, the most that one call of ``run`` does."""

    def begin(self) -> Any:
        """A state before the first step, of which no environment knows yet."""

    def start(self) -> Any:
        """The state before the first step; environments begin."""

    def run(self, state: Any, first: int, end: int, total: int, begun: int | None = None) -> tuple[Any, list[Report]]:
        """Iterations first .. end - 1 (at most ``length``) of a block that began at ``begun``, by default at ``first``.

        One report per seed: metrics of the block so far, episodes of these iterations. Consumes the state. ``total`` is
        how many env steps the run is to have, of which schedules may count shares.

        Raises:
            Broken: the environment raised an exception.
        """

    def evaluate(self, state: Any, episodes: int, number: int) -> list[Played]:
        """Greedy episodes on another environment, per seed; ``number`` picks them.

        Raises:
            Halted: a signal waits to be obeyed.
        """

    def gauge(self, state: Any, iteration: int, total: int) -> list[dict[str, float]]:
        """Diagnostics of each seed after ``iteration`` iterations of a run of ``total`` env steps; changes nothing."""

    def params(self, state: Any, seed: int) -> PyTree:
        """Acting parameters of the seed at position ``seed``."""

    def change(self, state: Any, function: Callable[..., Any], *of_each: Sequence[PyTree]) -> Any:
        """With every seed's learner as ``function`` makes it of the learner and of the seed's part of ``of_each``."""

    def save(self, state: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Everything that going on needs, as named arrays and JSON values."""

    def restore(self, arrays: dict[str, np.ndarray], meta: dict[str, Any], begun: Any = None) -> tuple[Any, list[str]]:
        """A saved state, and what could not be restored exactly, one line each.

        Arrays that were read into the memory of a state that has ``begun`` stay there.
        """

    def close(self) -> None:
        """Free what the environments hold."""


def policy(agent: Agent, learner: PyTree) -> PyTree:
    """The parameters that are evaluated and kept: those of the agent's ``policy``, else the learner's own."""
    return agent.policy(learner) if hasattr(agent, "policy") else learner.params


STEPS_AT_ONCE = 2048
"""Env steps in a block: what the driver waits for between two looks at the clock, signals and evaluations."""
LIGHT_STEPS_AT_ONCE = 16_384
"""Those of a light agent in a compiled program, which takes a few milliseconds for them, and 0.2 to start."""


def block_length(agent: Agent, lanes: int, steps: int = STEPS_AT_ONCE) -> int:
    """Iterations that make so many env steps."""
    return max(1, steps // (agent.rollout * lanes))


def no_episodes(lanes: int) -> Episodes:
    """The account before the first step."""
    nothing = jnp.zeros(lanes, jnp.float32)
    return Episodes(nothing, jnp.zeros(lanes, jnp.int32), jnp.int32(0), nothing)


def count_row(episodes: Episodes, row: Row) -> tuple[Episodes, Ends]:
    """Account for one row of every lane."""
    returns, rests = plus(Sum(episodes.returns, episodes.rests), row.reward)
    lengths = episodes.lengths + ~row.last
    ended = row.terminated | row.truncated
    after = Episodes(
        jnp.where(ended, 0.0, returns),
        jnp.where(ended, 0, lengths),
        episodes.finished + jnp.sum(ended, dtype=jnp.int32),
        jnp.where(ended, 0.0, rests),
    )
    return after, Ends(ended, returns, lengths)


def account(episodes: Episodes, rows: Row, count: Array) -> tuple[Episodes, Ends]:
    """``count_row`` of the first ``count`` of rows [n, lanes], one after the other; ends [n, lanes]."""

    def one(t: Array, carry: tuple[Episodes, Ends]) -> tuple[Episodes, Ends]:
        episodes, ends = carry
        episodes, own = count_row(episodes, jax.tree.map(lambda leaf: leaf[t], rows))
        return episodes, jax.tree.map(lambda all_, new: all_.at[t].set(new), ends, own)

    nothing = jnp.zeros(rows.reward.shape)
    ends = Ends(nothing.astype(bool), nothing, nothing.astype(jnp.int32))
    return jax.lax.fori_loop(0, count, one, (episodes, ends))


def unsound(spaces: Spaces, obs: Array) -> Array:
    """Where rows' arrays [n, lanes, ...] hold what nobody can learn from or act on: flags [n, lanes].

    That is what is not finite, an index beyond its categories, a mask that allows nothing. NumPy's arrays give
    NumPy's, and JAX's give JAX's.
    """
    found = _unsound(spaces.observation, spaces.legal.seen(obs))
    if not spaces.masked:
        return found
    xp: Any = np if isinstance(obs, np.ndarray) else jnp
    return found | ~xp.any(spaces.legal.allowed(obs), axis=-1)


def _unsound(spec: ArraySpec, obs: Array) -> Array:
    """The same of observations [n, lanes, *shape] alone."""
    xp: Any = np if isinstance(obs, np.ndarray) else jnp
    if spec.categories:
        return obs.astype(np.uint32) >= spec.categories  # below 0, too
    if not np.issubdtype(spec.dtype, np.floating):
        return xp.zeros(obs.shape[:2], bool)
    return ~xp.all(xp.isfinite(obs), axis=tuple(range(2, obs.ndim)))


def earliest(before: Array, spaces: Spaces, obs: Array, first_row: Array) -> Array:
    """The first row with an unsound observation: ``before``, or one of [n, lanes, ...] from ``first_row`` on."""
    xp: Any = np if isinstance(obs, np.ndarray) else jnp
    rows = first_row + xp.arange(len(obs), dtype=np.int32)
    return xp.min(xp.where(xp.any(unsound(spaces, obs), axis=1), rows, before), initial=before)


def learn(
    agent: Agent, learner: PyTree, totals: Totals, rows: Row, next_obs: Array, clock: Clock, drawn: PyTree
) -> tuple[PyTree, Totals]:
    """The second half of an iteration: remember, learn, and account for it."""
    learner = agent.remember(learner, rows)
    learner, metrics = _agent_learn(agent, learner, rows, next_obs, clock, drawn)
    updates = metrics.pop("updates")
    learnt = updates > 0
    sums = jax.tree.map(lambda total, new: total + jnp.where(learnt, new, 0.0), totals.sums, metrics)
    return learner, Totals(sums, totals.iterations + learnt, totals.updates + updates)


@partial(jax.jit, inline=True)
def _agent_learn(
    agent: Agent, learner: PyTree, rows: Row, next_obs: Array, clock: Clock, drawn: PyTree
) -> tuple[PyTree, Metrics]:
    """Jitted so that JAX traces it once for both its users here, and written out where it is called."""
    return agent.learn(learner, rows, next_obs, clock, drawn)


def no_totals(agent: Agent, learner: PyTree, spaces: Spaces, lanes: int) -> Totals:
    """Totals of zero with the agent's own metrics in them."""

    def zeros(spec: Any) -> Array:
        return jnp.zeros((agent.rollout, lanes, *spec.shape), spec.dtype)

    flags = jnp.zeros((agent.rollout, lanes), bool)
    before = kept(agent, memories(agent, spaces, lanes))
    before = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (agent.rollout, *leaf.shape)), before)
    seen, done, reward = zeros(spaces.stored), zeros(spaces.action.spec), flags.astype(jnp.float32)
    rows = Row(seen, done, reward, flags, flags, flags, before)
    clock = Clock(*jnp.zeros(4, jnp.int32))
    drawn = jax.eval_shape(lambda: agent.draw(jax.random.key(0), lanes))
    shapes = jax.eval_shape(_agent_learn, traced(agent), learner, rows, rows.obs[0], clock, drawn)[1]
    sums = {name: jnp.float32(0.0) for name in shapes if name != "updates"}
    return Totals(sums, jnp.int32(0), jnp.int32(0))


def fresh(totals: Totals) -> Totals:
    """Sums back to zero for the next block; the count of gradient updates goes on."""
    return Totals(jax.tree.map(jnp.zeros_like, totals.sums), jnp.zeros_like(totals.iterations), totals.updates)


def finished(ends: Ends, first_row: int) -> Finished:
    """The episodes among ends [rows, lanes] that begin at row ``first_row``."""
    lanes = ends.ended.shape[1]
    place = np.flatnonzero(ends.ended)
    return Finished((first_row + place // lanes + 1) * lanes, ends.returns.ravel()[place], ends.lengths.ravel()[place])


def report(totals: Totals, ends: Ends, unsound: Array, spaces: Spaces, rows: tuple[int, int]) -> Report:
    """One seed's report on a block.

    Args:
        totals: Those of the block.
        ends: Those of its rows [n, lanes].
        unsound: The first row with an observation that nobody can learn from, or ``NEVER``.
        spaces: What observations are to be.
        rows: The numbers of its first row and of the one after its last.
    """
    count, (first, following) = int(totals.iterations), rows
    metrics = {name: float(total) / count for name, total in totals.sums.items()} if count else {}
    faults = _faults(ends, int(unsound), spaces, first)
    return Report(following * ends.ended.shape[1], int(totals.updates), finished(ends, first), metrics, faults)


def _faults(ends: Ends, unsound: int, spaces: Spaces, first: int) -> tuple[str, ...]:
    """What the environment did wrong, and at which env step (of all lanes)."""
    lanes, said = ends.ended.shape[1], []
    if unsound < NEVER:
        categories = spaces.observation.categories
        kind = f"that is none of 0 .. {categories - 1}" if categories else "that is not finite"
        kind += ", or with a mask that allows no action" * spaces.masked
        said.append(f"an observation {kind} (env step {unsound * lanes})")
    # A reward that is not finite makes the running return so.
    lost = np.flatnonzero(~np.isfinite(ends.returns).all(axis=1))
    if len(lost):
        said.append(f"a reward that is not finite (env step {(first + int(lost[0]) + 1) * lanes})")
    return tuple(said)
