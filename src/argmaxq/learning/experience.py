"""From rows of experience to returns: the only code that knows what terminations and time limits mean."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.types import Array, Row

UNROLLED = 64
"""Rows of a window up to which its fold is written out, which is faster; longer ones are folded in a loop."""


class Outcome(NamedTuple):
    """What rows of experience contribute to a return.

    Attributes:
        reward: The reward, [...].
        discount: Of what follows, [...].
        boundary: Whether the return ends there, bool [...].
    """

    reward: Array
    discount: Array
    boundary: Array


def outcome(row: Row, gamma: Array) -> Outcome:
    """Reward, discount and boundary of rows [...], at a discount ``gamma`` [] per env step.

    A termination has discount 0. A time limit has not: the episode's true final observation is bootstrapped from
    (Pardo et al. 2018). Both are boundaries, which no return may cross.

    A time limit, then a termination:

    Examples:
        >>> limit, end = jnp.array([True, False]), jnp.array([False, True])
        >>> rows = aq.Row(obs=(), action=(), reward=jnp.ones(2), terminated=end, truncated=limit, last=())
        >>> found = outcome(rows, 0.5)
        >>> found.discount.tolist(), found.boundary.tolist()
        ([0.5, 0.0], [True, True])
    """
    return Outcome(row.reward, jnp.where(row.terminated, 0.0, gamma), row.terminated | row.truncated)


def anew(rows: Row) -> Array:
    """After which of successive rows [k, ...] another episode begins, so that memory does, bool [k, ...].

    That is after each marked ``last``; where lanes show none after a termination, after that row, which they mark as a
    truncation, too. Of the newest row nobody knows yet what comes after it; there only its ``last`` counts.
    """
    followed = jnp.concatenate([rows.last[1:], jnp.ones_like(rows.last[:1])])
    return rows.last | (rows.terminated & rows.truncated & ~followed)


def n_step(window: Outcome) -> tuple[Array, Array, Array]:
    """Fold a window [n] of successive rows up to its first boundary.

    Returns:
        reward: sum_i gamma^i r_i (Sutton and Barto, 2nd ed., eq. 7.1), [].
        discount: product of the discounts, 0 after a termination, [].
        steps: rows folded, []; the bootstrap's observation is that many rows after the first.

    The second of three rows is a time limit, so the third is another episode's:

    Examples:
        >>> window = Outcome(jnp.array([1.0, 2.0, 4.0]), jnp.full(3, 0.5), jnp.array([False, True, False]))
        >>> [float(each) for each in n_step(window)]  # 1 + 0.5 * 2, 0.5^2, 2 rows
        [2.0, 0.25, 2.0]
    """
    window = jax.tree.map(jnp.asarray, window)

    def fold(i: Array, carry: tuple[Array, ...]) -> tuple[Array, ...]:
        reward, discount, steps, going = carry
        reward = jnp.where(going, reward + discount * window.reward[i], reward)
        discount = jnp.where(going, discount * window.discount[i], discount)
        steps = jnp.where(going, i + 1, steps)
        return reward, discount, steps, going & ~window.boundary[i]

    n = window.reward.shape[0]
    carry = (jnp.float32(0.0), jnp.float32(1.0), jnp.int32(0), jnp.bool_(True))
    if n > UNROLLED:
        return jax.lax.fori_loop(0, n, fold, carry)[:3]
    for i in range(n):
        carry = fold(i, carry)
    return carry[:3]


def lambda_returns(rollout: Outcome, next_value: Array, trace_decay: Array) -> Array:
    """Peng's Q(lambda) returns [k] of rows in time order (Peng and Williams 1996; Gallici et al. 2025, eq. 8).

    G_t = r_t + d_t ((1 - lambda) V(s_{t+1}) + lambda G_{t+1}), with lambda = 0 at a boundary and at the last row.

    Args:
        rollout: outcomes [k].
        next_value: max_a Q(s_{t+1}, a) [k], at a time limit of the true final observation.
        trace_decay: lambda, [], 0 for one-step targets, 1 for Monte-Carlo ones.

    Examples:
        >>> rows = Outcome(jnp.array([1.0, 1.0]), jnp.array([0.5, 0.5]), jnp.array([False, False]))
        >>> lambda_returns(rows, next_value=jnp.array([4.0, 8.0]), trace_decay=0.0).tolist()  # r + 0.5 V
        [3.0, 5.0]
        >>> lambda_returns(rows, next_value=jnp.array([4.0, 8.0]), trace_decay=1.0).tolist()  # 1 + 0.5 * 5
        [3.5, 5.0]
    """

    def backwards(following: Array, row: tuple[Outcome, Array]) -> tuple[Array, Array]:
        (reward, discount, boundary), value = row
        blended = jnp.where(boundary, value, (1.0 - trace_decay) * value + trace_decay * following)
        result = reward + discount * blended
        return result, result

    return jax.lax.scan(backwards, next_value[-1], (rollout, next_value), reverse=True)[1]
