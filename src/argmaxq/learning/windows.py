"""Rows of one lane that are not learnt from yet: those whose n-step return is not complete."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.learning.experience import n_step, outcome
from argmaxq.types import Array, Row, Transition


class Window(NamedTuple):
    """The newest rows [length], the last one newest, and how many of them are still to be learnt from (int32)."""

    rows: Row
    waiting: Array


class Due(NamedTuple):
    """A row that may be learnt from now.

    Attributes:
        transition: Its n-step transition.
        action: The action taken in the state that the return bootstraps from.
        valid: Whether it is there and is no final observation.
        ends: Whether the episode's end lies within its return, or it is a final observation.
    """

    transition: Transition
    action: Array
    valid: Array
    ends: Array


def push(window: Window, row: Row) -> Window:
    """The window moved on by one row."""
    rows = jax.tree.map(lambda old, new: jnp.concatenate([old[1:], jnp.asarray(new)[jnp.newaxis]]), window.rows, row)
    return Window(rows, window.waiting + 1)


def take(window: Window, next_obs: Array, gamma: Array, n: int, waits: bool) -> tuple[Window, Due]:
    """The oldest row that waits, if its return is complete, and the window without it.

    A return is complete when n rows of it are known or the episode has ended in it. With ``waits`` the action in the
    state after these rows must be known, too, unless there is none because of a termination.
    """
    rows, length = window.rows, window.rows.last.shape[0]
    newest = jax.tree.map(lambda leaf: leaf[-1], rows)
    known = jnp.where(newest.terminated | newest.last, length, length - 1) if waits else length
    first = length - window.waiting
    places = first + jnp.arange(n)
    within = jnp.clip(places, 0, length - 1)
    oldest = jax.tree.map(lambda leaf: leaf[within[0]], rows)
    part = jax.tree.map(lambda leaf: leaf[within], rows._replace(obs=None, action=None, last=None))
    over = outcome(part, gamma)
    over = over._replace(boundary=over.boundary & (places < known))
    reward, discount, steps = n_step(over)
    ended, final = jnp.any(over.boundary), oldest.last
    complete = (window.waiting > 0) & (first < known) & ((first + n <= known) | ended | final)
    after = first + steps
    inside = jnp.minimum(after, length - 1)
    reached = jnp.where(after < length, rows.obs[inside], next_obs)
    transition = Transition(oldest.obs, oldest.action, reward, discount, reached)
    due = Due(transition, rows.action[inside], complete & ~final, complete & (ended | final))
    return window._replace(waiting=window.waiting - complete), due
