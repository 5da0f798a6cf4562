"""Temporal-difference control once more: the textbook in double precision, and an agent on the same episodes."""

import dataclasses
from typing import Any, NamedTuple

import jax
import numpy as np

from argmaxq.agents.td import TD
from argmaxq.components.component import bind, traced
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.schedules import Constant
from argmaxq.learning.td.step_sizes import Scheduled
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Clock, Row

STATES, ACTIONS, ALPHA, GAMMA, EPSILON, LAMBDA = 6, 3, 0.3, 0.9, 0.2, 0.8
SPACES = Spaces(ArraySpec((), "int32", categories=STATES), DiscreteActions(ACTIONS))
BASE = TD(exploration=EpsilonGreedy(Constant(EPSILON)), step_size=Scheduled(Constant(ALPHA)), gamma=GAMMA)


class Episode(NamedTuple):
    """States [T + 1] and actions [T + 1] (the last of both at the end), rewards [T], and how it ended."""

    states: list[int]
    actions: list[int]
    rewards: list[float]
    terminated: bool


def episodes(seed: int, count: int = 12) -> list[Episode]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        length = int(random.integers(1, 9))
        states, actions = random.integers(STATES, size=length + 1), random.integers(ACTIONS, size=length + 1)
        found.append(
            Episode(states.tolist(), actions.tolist(), random.normal(size=length).tolist(), random.random() < 0.6)
        )
    return found


def rows_of(found: list[Episode]) -> tuple[Row, np.ndarray]:
    """The rows [k, 1] of episodes one after the other, and what each led to, [k, 1]."""
    rows: list[tuple[Any, ...]] = []
    for episode in found:
        for t, reward in enumerate(episode.rewards):
            over = t == len(episode.rewards) - 1
            ends = over and episode.terminated, over and not episode.terminated
            rows.append((episode.states[t], episode.actions[t], reward, *ends, False))
        rows.append((episode.states[-1], episode.actions[-1], 0.0, False, False, True))
    kinds = (np.int32, np.int32, np.float32, np.bool_, np.bool_, np.bool_)
    columns = [np.array(column, kind)[:, None] for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    row = Row(*columns)
    return row, np.concatenate([row.obs[1:], [[0]]])


def learnt(agent: TD, found: list[Episode], rollout: int = 1, multiple: int = 1) -> Any:
    """The learner after a ``multiple`` of rows, ``rollout`` at a time; coins are heads in even rows."""
    agent = traced(bind(dataclasses.replace(agent, rollout=rollout), SPACES))
    learner, step = agent.init(jax.random.key(0), SPACES, 1), jax.jit(agent.learn)
    rows, after = rows_of(found)
    count = len(rows.last) // multiple * multiple
    for t in range(0, count, rollout):
        part = jax.tree.map(lambda leaf: leaf[t : t + rollout], rows)  # noqa: B023
        coins = np.arange(t, t + rollout)[:, None] % 2 == 0 if agent.backup.estimates == 2 else ()
        learner, _ = step(learner, part, after[t + rollout - 1], Clock(*np.int32([t, 0, 0, 1])), coins)
    return learner


def table(learner: Any, number: int = 0) -> np.ndarray:
    return np.asarray(learner.params.estimates[number]["weights"])[..., 0]


def worth(kind: str, q: np.ndarray, state: int, action: int) -> float:
    if kind == "sarsa":
        return float(q[state, action])
    if kind == "expected-sarsa":
        return float(EPSILON * q[state].mean() + (1 - EPSILON) * q[state].max())
    return float(q[state].max())


def textbook(kind: str, found: list[Episode], n: int = 1, q: np.ndarray | None = None) -> np.ndarray:
    """n-step control in double precision, update after update (Sutton and Barto, section 7.2)."""
    q = np.zeros((STATES, ACTIONS)) if q is None else q
    for states, actions, rewards, terminated in found:
        length = len(rewards)
        for t in range(length):
            end = min(t + n, length)
            target = sum(GAMMA**i * reward for i, reward in enumerate(rewards[t:end]))
            if end < length or not terminated:
                target += GAMMA ** (end - t) * worth(kind, q, states[end], actions[end])
            q[states[t], actions[t]] += ALPHA * (target - q[states[t], actions[t]])
    return q


def traced_textbook(kind: str, trace: str, cut: str, found: list[Episode]) -> np.ndarray:
    """Control with traces in double precision (Sutton and Barto, 1st ed. 7.5 to 7.8, 2nd ed. 12.7)."""
    q = np.zeros((STATES, ACTIONS))
    for states, actions, rewards, terminated in found:
        z, old = np.zeros_like(q), 0.0
        for t, reward in enumerate(rewards):
            s, a = states[t], actions[t]
            going = t + 1 < len(rewards) or not terminated
            value = worth(kind, q, states[t + 1], actions[t + 1])
            error = reward + GAMMA * going * value - q[s, a]
            of_state = error + q[s, a] - q[s].max()
            watkins = cut == "watkins" and q[s, a] < q[s].max()
            z *= 0.0 if watkins else GAMMA * LAMBDA
            here = np.zeros_like(q)
            here[s, a] = 1.0
            if trace == "dutch":
                since = 0.0 if watkins else q[s, a] - old
                z += (1 - ALPHA * z[s, a]) * here
                q = q + ALPHA * (error + since) * z - ALPHA * since * here
            else:
                z[s, a] = z[s, a] + 1 if trace == "accumulating" else 1.0
                earlier = of_state if cut == "peng" else error
                q = q + ALPHA * (earlier * (z - here) + error * here)
            old = value
    return q
