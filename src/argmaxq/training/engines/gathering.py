"""Rows as the host gathers them: where lanes step in parts, the agent acts in one part while the others step."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from argmaxq.lanes.lanes import Apart
from argmaxq.roles import Agent
from argmaxq.training.engines.rows import Place, as_told, put
from argmaxq.training.memory import forgets, kept
from argmaxq.types import Array, PyTree, Row


class Seen(NamedTuple):
    """What is acted on in some lanes, leaves [lanes, ...]; ``last`` is given where memory begins anew after it."""

    memory: PyTree
    obs: Array
    last: Array | None


Chosen = tuple[Array, PyTree]
"""Actions [lanes, ...] and the memory after them."""
Act = Callable[[Seen, int, int, int], Chosen]
"""(what is seen, row, episodes that have ended, first lane) -> what is done there."""


class Gathering:
    """One block's rows, and how many episodes have ended."""

    def __init__(self, agent: Agent, lanes: Apart, rows: Row, ends: int) -> None:
        self.rows = self.learnt = rows
        self.ends = ends
        self._agent, self._lanes, self._renews = agent, lanes, forgets(agent)

    def seen(self, memory: PyTree, obs: Array, last: Array) -> Seen:
        """What is acted on."""
        return Seen(memory, obs, last if self._renews else None)

    def rollout(
        self, span: range, memory: PyTree, obs: Array, last: Array, act: Act, chosen: Chosen | None
    ) -> tuple[PyTree, Array]:
        """The rows ``span``, of which the first is acted in by all lanes at once, or as was ``chosen``.

        Returns memory and flags after them.
        """
        parts = self._lanes.parts
        action, after = chosen or act(self.seen(memory, obs, last), span.start, self.ends, 0)
        action = np.asarray(action)
        for own in parts:
            self._send(span.start, own, *(self._of(own, each) for each in (memory, obs, last, action)))
        memories = [self._of(own, after) for own in parts]
        for t in span[1:]:
            for number, own in enumerate(parts):
                seen_obs, seen_last = self._receive(t - 1, own)
                seen = self.seen(memories[number], seen_obs, seen_last)
                action, after = act(seen, t, self.ends, own.start)
                self._send(t, own, memories[number], seen_obs, seen_last, action)
                memories[number] = after
        lasts = [self._receive(span[-1], own)[1] for own in parts]
        return _joined(memories), lasts[0] if len(parts) == 1 else np.concatenate(lasts)

    def _of(self, own: slice, of_all: PyTree) -> PyTree:
        """What is of some lanes, of leaves [lanes, ...]."""
        return of_all if len(self._lanes.parts) == 1 else jax.tree.map(lambda leaf: leaf[own], of_all)

    def _place(self, t: int, own: slice) -> Place:
        return t if len(self._lanes.parts) == 1 else (t, own)

    def _send(self, t: int, own: slice, memory: PyTree, obs: Array, last: Array, action: Array) -> None:
        rows, place = self.rows, self._place(t, own)
        jax.tree.map(partial(put, place), rows.before, kept(self._agent, memory))
        rows.obs[place], rows.last[place], rows.action[place] = obs, last, action
        self._lanes.send(own, rows.action[place])

    def _receive(self, t: int, own: slice) -> tuple[Array, Array]:
        """What followed row t in some lanes: observations and flags."""
        step, rows, place = self._lanes.receive(own), self.rows, self._place(t, own)
        rows.reward[place], rows.terminated[place], rows.truncated[place] = step[1:4]
        self.learnt = as_told(self.learnt, rows, place, step)
        self.ends += int(np.count_nonzero(step.terminated | step.truncated))
        return step.obs, step.last


def _joined(memories: list[PyTree]) -> PyTree:
    """Memories of parts as one of all lanes."""
    if len(memories) == 1:
        return memories[0]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *memories)
