"""Temporal-difference control from each row as it comes: the textbook's algorithms as values of one agent's fields."""

from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.agents.parts.acting import Acting, discrete
from argmaxq.agents.parts.deciding import Allowed, shares
from argmaxq.agents.parts.td_learner import Errors, Params, Surprise, TDLearner, Trail, no_rows
from argmaxq.components.annotations import Fraction, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.learning.experience import outcome
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.normalisers import Normaliser, Unscaled, seen, unless
from argmaxq.learning.rewards import Raw
from argmaxq.learning.schedules import Constant
from argmaxq.learning.td.backups import Backup, QLearning
from argmaxq.learning.td.step_sizes import Scheduled, StepSizeLike
from argmaxq.learning.td.traces import Traces
from argmaxq.learning.values import entry
from argmaxq.learning.windows import Due, Window, push, take
from argmaxq.networks.linear import Table
from argmaxq.roles import Agent, Exploration, NetworkLike, Rewards
from argmaxq.spaces import Legal, Spaces
from argmaxq.types import Array, Clock, Estimate, Keys, Metrics, PyTree, Row, Transition

WRITTEN_OUT = 8
"""Rows of a window up to which the updates that may be due are written out one by one; more are made in a loop."""


@component(Agent)
class TD(Acting):
    """Q-learning, SARSA and their kin, from rows in the order in which they come (Sutton and Barto, 2nd ed.).

    Each row moves the parameters by step size * error * gradient of Q(s, a), which for a table is
    Q(s, a) += alpha (r + gamma V(s') - Q(s, a)). A time limit is bootstrapped from like any other state.

    Attributes:
        network: Action values from observations: a table, linear features, or any other network.
        backup: What the next state is worth: q-learning, sarsa, expected-sarsa or double-q-learning.
        exploration: The behaviour policy.
        step_size: Alpha.
        traces: Eligibility traces; none: only the newest state and action learn.
        normaliser: Running scales of observations and rewards.
        gamma: Discount per env step.
        n_step: Rewards summed before the bootstrap, uncorrected where the behaviour is another policy (eq. 7.2).
        rollout: Rows that each lane collects between two calls of learn.
        rewards: What rewards are in learning; returns are reported raw.
        legal: Where observations say which actions are allowed, of the environment.
    """

    network: NetworkLike = Table()
    backup: Backup = QLearning()
    exploration: Exploration = EpsilonGreedy(Constant(0.1))
    step_size: StepSizeLike = Scheduled()
    traces: Traces | None = None
    normaliser: Normaliser = Unscaled()
    gamma: Fraction = 0.99
    n_step: Size = 1
    rollout: Size = 1
    rewards: Rewards = Raw()
    legal: Allowed = Legal()

    def check(self) -> None:
        """Look whether the parts fit one another.

        Raises:
            UserError: traces, n-step, backup, step size and exploration do not all go together.
        """
        if self.traces is not None and (self.n_step > 1 or self.backup.estimates > 1):
            raise UserError("traces go with n_step 1 and a single estimate: set traces none, or change these")
        if self.traces is not None and self.traces.true_online and self.traces.cut == "peng":
            raise UserError("dutch traces are not defined with cut = peng: take never or watkins")
        if self.traces is None and hasattr(self.step_size, "kappa"):
            raise UserError("step_size = overshoot-bounded bounds traces: choose some, or another step size")
        if type(self.backup).__name__ == "ExpectedSarsa" and not hasattr(self.exploration, "probabilities"):
            raise UserError("expected-sarsa needs an exploration that knows its probabilities, such as epsilon-greedy")

    @property
    def light(self) -> bool:
        """Without traces only the weights of active features move; a trace is as large as all of them."""
        return self.traces is None

    @property
    def _windowed(self) -> bool:
        return self.n_step > 1 or self.backup.waits

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> TDLearner:
        """A fresh learner.

        Raises:
            UserError: actions have parameters, or are several choices at once.
        """
        obs = jnp.zeros(spaces.observation.shape, spaces.observation.dtype)
        scales = self.normaliser.init(obs)
        keys = [key] if self.backup.estimates == 1 else list(jax.random.split(key, self.backup.estimates))
        seen = self.normaliser.observation(scales, obs)
        estimates = tuple(self.network.init(each, seen, (discrete(spaces).n, 1)) for each in keys)
        steps = tuple(self.step_size.init(self.network, params) for params in estimates)
        trail: Any = ()
        if self.traces is not None:
            zeros = jax.tree.map(lambda leaf: jnp.zeros((lanes, *leaf.shape), jnp.float32), estimates[0])
            trail = Trail(zeros, jnp.zeros(lanes, jnp.float32))
        window = no_rows(spaces, self.n_step + self.backup.waits, lanes) if self._windowed else ()
        return TDLearner(Params(estimates, scales), steps, window, trail, jnp.int32(0), self.rewards.init(lanes))

    def updates_in(self, lanes: int) -> int:
        """Updates in one call of ``learn``, about one for each row."""
        return self.rollout * lanes

    @property
    def random(self) -> bool:
        """Its networks get no keys."""
        return False

    def estimate(self, params: Params, obs: Array, key: Keys | None = None) -> Estimate:
        """Action values q [actions] of one observation [...], the mean of the networks', without other outputs."""
        seen = self.normaliser.observation(params.scales, self.legal.seen(obs))
        first, *others = (self.network(each, seen)[:, 0] for each in params.estimates)
        return Estimate((), self.legal.masked((first + others[0]) / 2 if others else first, obs))

    def remember(self, learner: TDLearner, rows: Row) -> TDLearner:
        """Rows [k, lanes] are taken up in running scales; nothing else is kept before it is learnt from."""
        mapped = rows._replace(reward=self.rewards.each(rows.reward))
        params = learner.params._replace(estimates=seen(learner.params.estimates, self.legal.seen(rows.obs)))
        return learner._replace(params=params, rewards=self.rewards.see(learner.rewards, mapped, self.gamma))

    def cut(self, learner: TDLearner, lanes: Array) -> TDLearner:
        """Make the newest row of these lanes [m] a truncation."""
        if not self._windowed:
            return learner
        rows = learner.windows.rows
        newest = jnp.asarray(rows.truncated).at[lanes, -1].set(True)
        return learner._replace(windows=learner.windows._replace(rows=rows._replace(truncated=newest)))

    def draw(self, key: jax.Array, lanes: int) -> PyTree:
        """Which estimate each row updates, bool [rollout, lanes]; nothing for a single one."""
        if self.backup.estimates == 1:
            return ()
        return jax.random.bits(key, (self.rollout, lanes)) >> 31 == 1

    def learn(
        self, learner: TDLearner, rows: Row, next_obs: Array, clock: Clock, coins: PyTree
    ) -> tuple[TDLearner, Metrics]:
        """One row after the other, lane after lane of rows [k, lanes]."""
        lanes, rows = rows.last.shape[1], rows._replace(reward=self.rewards.each(rows.reward))
        after = jnp.concatenate([rows.obs[1:], next_obs[jnp.newaxis]])

        def flat(leaf: Array) -> Array:
            return leaf.reshape(-1, *leaf.shape[2:])

        order = jnp.arange(rows.last.size) % lanes
        inputs = (order, jax.tree.map(flat, rows), flat(after), jax.tree.map(flat, coins))
        zero = Errors(jnp.float32(0), jnp.float32(0), jnp.int32(0))

        def one(carry: tuple[TDLearner, Errors], each: Any) -> tuple[tuple[TDLearner, Errors], None]:
            learner, errors = carry
            lane, row, following, coin = each
            return self._row(learner, errors, lane, row, following, coin, clock), None

        (learner, errors), _ = jax.lax.scan(one, (learner, zero), inputs)
        learner = learner._replace(updates=learner.updates + errors.count)
        count = jnp.maximum(errors.count, 1).astype(jnp.float32)
        means = {"loss": errors.loss / count, "q": errors.q / count}
        return learner, {**means, **self.exploration.report(clock), "updates": errors.count}

    def total(self, learner: TDLearner, reward: Array) -> Array:
        """What discounted sums of mapped rewards [...] are learnt as, [...]."""
        return self.normaliser.reward(learner.params.scales, self.rewards.total(learner.rewards, reward))

    def gauge(self, learner: TDLearner, clock: Clock, key: jax.Array) -> Metrics:
        """Diagnostics of step sizes, of the first estimate's where there are two."""
        if not hasattr(self.step_size, "report"):
            return {}
        return self.step_size.report(learner.steps[0], clock._replace(update=learner.updates))

    def _row(
        self, learner: TDLearner, errors: Errors, lane: Array, row: Row, after: Array, coin: PyTree, clock: Clock
    ) -> tuple[TDLearner, Errors]:
        """Learn what one row of one lane makes known."""
        over = row.terminated | row.truncated
        scales = self.normaliser.see(learner.params.scales, self.legal.seen(row.obs), row.reward, over, self.gamma)
        scales = unless(row.last, scales, learner.params.scales)
        learner = learner._replace(params=learner.params._replace(scales=scales))
        if not self._windowed:
            known = outcome(row, self.gamma)
            transition = Transition(row.obs, row.action, known.reward, known.discount, after)
            due = Due(transition, row.action, ~row.last, over | row.last)
            return self._update(learner, errors, lane, due, coin, clock)
        window: Window = push(jax.tree.map(lambda leaf: leaf[lane], learner.windows), row)

        def oldest(carry: tuple[TDLearner, Errors, Window, Array]) -> tuple[TDLearner, Errors, Window, Array]:
            learner, errors, window, _ = carry
            left, due = take(window, after, self.gamma, self.n_step, self.backup.waits)
            learner, errors = self._update(learner, errors, lane, due, coin, clock)
            return learner, errors, left, left.waiting < window.waiting

        carry = (learner, errors, window, jnp.bool_(True))
        if self.n_step + self.backup.waits > WRITTEN_OUT:
            carry = jax.lax.while_loop(lambda carry: carry[3], oldest, carry)
        else:
            for _ in range(self.n_step + self.backup.waits):
                carry = oldest(carry)
        learner, errors, window, _ = carry
        windows = jax.tree.map(lambda all_, own: all_.at[lane].set(own), learner.windows, window)
        return learner._replace(windows=windows), errors

    def _update(
        self, learner: TDLearner, errors: Errors, lane: Array, due: Due, coin: PyTree, clock: Clock
    ) -> tuple[TDLearner, Errors]:
        """One update from a row that is due, or none."""
        params, now, clock = learner.params, due.transition, clock._replace(update=learner.updates)
        places = now.obs, now.next_obs
        obs, following = (self.normaliser.observation(params.scales, self.legal.seen(each)) for each in places)
        here = [self.legal.masked(self.network(each, obs)[:, 0], now.obs) for each in params.estimates]
        there = [self.legal.masked(self.network(each, following)[:, 0], now.next_obs) for each in params.estimates]
        policy = self._policy(there, now.next_obs, clock)
        reward = self.total(learner, now.reward)
        chosen = [due.valid] if len(here) == 1 else [due.valid & coin, due.valid & ~coin]
        estimates, steps = list(params.estimates), list(learner.steps)
        for number, updated in enumerate(chosen):
            value = self.backup.value(there[number], there[-1 - number], policy, due.action)
            q = entry(here[number], now.action)
            error = reward + now.discount * value - q
            size = self.step_size.size(steps[number], self.network, obs, now.action, clock)
            if self.traces is None:
                step = jnp.where(updated, size * error, 0.0)
                estimates[number] = moved(self.network, estimates[number], obs, now.action, step)
            else:
                surprise = Surprise(here[number], now.action, q, error, value, size)
                estimates[number], learner = self._traced(learner, lane, due, obs, surprise)
            count = updated.astype(jnp.float32)
            steps[number] = self.step_size.seen(steps[number], self.network, obs, now.action, count)
            loss = errors.loss + jnp.where(updated, 0.5 * error**2, 0.0)
            errors = Errors(loss, errors.q + jnp.where(updated, q, 0.0), errors.count + updated)
        params = params._replace(estimates=tuple(estimates))
        return learner._replace(params=params, steps=tuple(steps)), errors

    def _policy(self, there: list[Array], obs: Array, clock: Clock) -> Array:
        """Probabilities of the behaviour policy in the next state; whoever does not know them does not need them."""
        if not hasattr(self.exploration, "probabilities"):
            return jnp.zeros_like(there[0])
        q = sum(there[1:], there[0])
        if not self.legal.actions:
            return self.exploration.probabilities(q, clock)
        return shares(self.legal.allowed(obs), self.exploration, q, clock)

    def _traced(self, learner: TDLearner, lane: Array, due: Due, obs: Array, now: Surprise) -> tuple[PyTree, TDLearner]:
        """Parameters after an update along a trace, and the learner with that trace."""
        assert self.traces is not None
        trail: Trail = jax.tree.map(lambda leaf: leaf[lane], learner.trails)
        (params,) = learner.params.estimates
        gradient = jax.grad(lambda params: self.network(params, obs)[now.action, 0])(params)
        kept = (now.q >= jnp.max(now.values)) | (self.traces.cut != "watkins")
        decay = jnp.where(kept, self.gamma * self.traces.trace_decay, 0.0)
        trace = self.traces.grown(jax.tree.map(lambda z: decay * z, trail.trace), gradient, decay, now.size)
        size = self.step_size.bounded(now.size, now.error, trace)
        change = jax.tree.map(lambda z: now.error * z, trace)
        if self.traces.true_online:
            moved_since = jnp.where(kept, now.q - trail.value, 0.0)
            change = jax.tree.map(lambda d, z, g: d + moved_since * (z - g), change, trace, gradient)
        elif self.traces.cut == "peng":
            of_state = now.q + now.error - jnp.max(now.values)
            change = jax.tree.map(lambda z, g: of_state * (z - g) + now.error * g, trace, gradient)
        params = jax.tree.map(lambda p, d: p + jnp.where(due.valid, size * d, 0.0), params, change)
        grown = Trail(unless(~due.valid, trace, trail.trace), jnp.where(due.valid, now.next_value, trail.value))
        grown = jax.tree.map(lambda leaf: jnp.where(due.ends, 0.0, leaf), grown)
        trails = jax.tree.map(lambda all_, own: all_.at[lane].set(own), learner.trails, grown)
        return params, learner._replace(trails=trails)


def moved(network: Any, params: PyTree, obs: Array, action: Array, step: Array) -> PyTree:
    """``params`` + ``step`` * the gradient of Q(obs, action)."""
    if hasattr(network, "moved"):
        return network.moved(params, obs, action, step)
    gradient = jax.grad(lambda params: network(params, obs)[action, 0])(params)
    return jax.tree.map(lambda p, g: p + step * g, params, gradient)
