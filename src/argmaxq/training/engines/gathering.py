"""Rows as the host gathers them: where lanes step in parts, the agent acts in one part while the others step."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from argmaxq.lanes.lanes import Apart, Lanes, Step, apart
from argmaxq.roles import Agent
from argmaxq.training.engines.rows import Place, as_told, counted, put
from argmaxq.training.memory import forgets, recurrent, renewed
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

    def __init__(self, agent: Agent, lanes: Lanes, rows: Row, ends: int) -> None:
        self.rows = self.learnt = rows
        self.ends = ends
        self._agent, self._lanes, self._apart = agent, lanes, apart(lanes)
        self._keeps, self._renews = recurrent(agent), forgets(agent)

    def seen(self, memory: PyTree, obs: Array, last: Array) -> Seen:
        """What is acted on."""
        return Seen(memory, obs, last if self._renews else None)

    def rollout(
        self, span: range, memory: PyTree, obs: Array, last: Array, act: Act, chosen: Chosen | None
    ) -> tuple[PyTree, Array]:
        """The rows ``span``, of which the first is acted in by all lanes at once, or as was ``chosen``.

        Returns memory and flags after them.
        """
        chosen = chosen or act(self.seen(memory, obs, last), span.start, self.ends, 0)
        if self._apart is not None:
            return self._in_turns(self._apart, span, memory, obs, last, act, chosen)
        action, after = chosen
        for t in span:
            if t > span.start:
                action, after = act(self.seen(memory, obs, last), t, self.ends, 0)
            self._acted(t, memory, obs, last, action)
            step = self._lanes.step(self.rows.action[t])
            self._followed(t, step)
            memory, obs, last = self._remembered(after, step), step.obs, step.last
        return memory, last

    def _in_turns(
        self, lanes: Apart, span: range, memory: PyTree, obs: Array, last: Array, act: Act, chosen: Chosen
    ) -> tuple[PyTree, Array]:
        """The same of lanes in parts: the agent acts in one of them while the others step."""

        def send(t: int, own: slice, *acted: Any) -> None:
            self._acted((t, own), *acted)
            lanes.send(own, self.rows.action[t, own])

        def receive(t: int, own: slice) -> Step:
            step = lanes.receive(own)
            self._followed((t, own), step)
            return step

        def of(own: slice, of_all: PyTree) -> PyTree:
            return jax.tree.map(lambda leaf: leaf[own], of_all)

        action, after = np.asarray(chosen[0]), chosen[1]
        for own in lanes.parts:
            send(span.start, own, *of(own, (memory, obs, last, action)))
        memories = [of(own, after) for own in lanes.parts]
        for t in span[1:]:
            for number, own in enumerate(lanes.parts):
                before = receive(t - 1, own)
                seen = self.seen(memories[number], before.obs, before.last)
                action, after = act(seen, t, self.ends, own.start)
                send(t, own, memories[number], before.obs, before.last, action)
                memories[number] = after
        lasts = [receive(span[-1], own).last for own in lanes.parts]
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *memories), np.concatenate(lasts)

    def _acted(self, place: Place, memory: PyTree, obs: Array, last: Array, action: Array) -> None:
        """Write down what was seen, and what was done."""
        rows = self.rows
        rows.obs[place], rows.last[place], rows.action[place] = obs, last, action
        if self._keeps:
            jax.tree.map(partial(put, place), rows.before, memory)

    def _remembered(self, memory: PyTree, step: Step) -> PyTree:
        """Memory as it goes on after a step: anew, too, where the next episode's first observation is seen at once."""
        if not self._renews or not step.begins.any():
            return memory
        return renewed(self._agent, self._lanes.spaces, memory, step.begins)

    def _followed(self, place: Place, step: Step) -> None:
        """Write down what followed."""
        rows = self.rows
        rows.reward[place], rows.terminated[place], rows.truncated[place] = step[1:4]
        if self._keeps:
            rows.truncated[place] |= step.begins
        if step.learnt is not None or step.unseen is not None or self.learnt is not rows:
            self.learnt = as_told(self.learnt, rows, place, step)
        if step.unseen is not None:
            counted(rows, place, step.unseen)
        self.ends += (step.terminated | step.truncated).tolist().count(True)
