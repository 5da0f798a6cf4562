"""What the driver needs of an engine, and the accounting that both engines share.

An iteration is: collect ``agent.rollout`` rows in every lane, remember, learn. Row t of lane i draws its randomness
from (seed, stream, t, i) and nothing else, so iterations may be grouped in any way without changing a bit.
"""

from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.component import traced
from argmaxq.roles import Agent
from argmaxq.runs.report import Finished, Report
from argmaxq.types import Array, Clock, Metrics, PyTree, Row, Spaces


class Episodes(NamedTuple):
    """Running return and length of each lane's episode [lanes], and episodes finished so far in all lanes (int32)."""

    returns: Array
    lengths: Array
    finished: Array


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


class Engine(Protocol):
    """Trains one or several seeds. The state is opaque to the driver."""

    spaces: Spaces
    lanes: int
    seeds: tuple[int, ...]
    length: int
    """Iterations in a block, the most that one call of ``run`` does."""

    def start(self) -> Any:
        """The state before the first step."""

    def run(self, state: Any, first: int, end: int, total: int) -> tuple[Any, list[Report]]:
        """Iterations first .. end - 1 (at most ``length``), and one report per seed. Consumes the state.

        ``total`` is how many env steps the run is to have, of which schedules may count shares.
        """

    def evaluate(self, state: Any, episodes: int, number: int) -> list[np.ndarray]:
        """Returns [episodes] of the greedy policy, per seed, on another environment; ``number`` picks the episodes."""

    def params(self, state: Any, seed: int) -> PyTree:
        """Acting parameters of the seed at position ``seed``."""

    def save(self, state: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Everything that going on needs, as named arrays and JSON values."""

    def restore(self, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> tuple[Any, list[str]]:
        """A saved state, and what could not be restored exactly, one line each."""

    def close(self) -> None:
        """Free what the environments hold."""


STEPS_AT_ONCE = 2048
"""Env steps in a block: what the driver waits for between two looks at the clock, signals and evaluations."""
LIGHT_STEPS_AT_ONCE = 16_384
"""Those of a light agent in a compiled program, which takes a few milliseconds for them, and 0.2 to start."""


def block_length(agent: Agent, lanes: int, steps: int = STEPS_AT_ONCE) -> int:
    """Iterations that make so many env steps."""
    return max(1, steps // (agent.rollout * lanes))


def no_episodes(lanes: int) -> Episodes:
    """The account before the first step."""
    return Episodes(jnp.zeros(lanes, jnp.float32), jnp.zeros(lanes, jnp.int32), jnp.int32(0))


def count_row(episodes: Episodes, row: Row) -> tuple[Episodes, Ends]:
    """Account for one row of every lane."""
    returns = episodes.returns + row.reward
    lengths = episodes.lengths + ~row.last
    ended = row.terminated | row.truncated
    after = Episodes(
        jnp.where(ended, 0.0, returns),
        jnp.where(ended, 0, lengths),
        episodes.finished + jnp.sum(ended, dtype=jnp.int32),
    )
    return after, Ends(ended, returns, lengths)


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
    rows = Row(zeros(spaces.observation), zeros(spaces.action.spec), flags.astype(jnp.float32), flags, flags, flags)
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


def report(totals: Totals, episodes: Finished, running: Array, step: int) -> Report:
    """One seed's report on the block that ended at env step ``step``; ``running`` are returns so far [lanes]."""
    count = int(totals.iterations)
    metrics = {name: float(total) / count for name, total in totals.sums.items()} if count else {}
    finite = bool(np.isfinite(episodes.returns).all() and np.isfinite(running).all())
    return Report(step, int(totals.updates), episodes, metrics, finite)
