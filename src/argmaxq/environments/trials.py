"""Trials of what an engine needs of an environment, through the same lanes that it uses."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Literal

import jax
import numpy as np

from argmaxq.devices import free_memory
from argmaxq.environments.env import PARALLEL, Env
from argmaxq.environments.make import Source
from argmaxq.environments.source import host, lone
from argmaxq.lanes.gymnasium_lanes import GymnasiumLanes
from argmaxq.lanes.lanes import Lanes
from argmaxq.lanes.masks import Mask
from argmaxq.replay.uniform import Uniform
from argmaxq.trees import amount, size

Status = Literal["ok", "warn", "fail"]
Verdict = tuple[Status, str]
SLOW = 1_000
"""Steps per second of a lane below which processes pay for themselves."""
STEPS, SECONDS = 600, 2.0
"""How long each trial lasts: so many steps, or as many as fit in so many seconds, but at least ten."""


def determinism(lanes: Lanes) -> Verdict:
    """Whether the same seed and actions give the same again."""
    first = _stream(lanes, lanes.reset(1), trial())
    second = _stream(lanes, lanes.reset(1), range(len(first) // 2))
    if _equal(first, second):
        return "ok", "the same seed and actions give the same observations and rewards"
    return "warn", "the same seed and actions give something else: runs on it cannot be repeated"


def exact_resume(lanes: Lanes, other: Lanes) -> Verdict:
    """Interrupt after some episodes, restore in fresh environments, and compare what follows."""
    _stream(lanes, lanes.reset(2), trial())
    saved = lanes.save()
    try:
        restarted = other.restore(saved)
        if restarted:
            return "warn", "a resumed run restarts the episode it was in, and marks the cut as a truncation"
        if _equal(_stream(lanes, lanes.observe(), range(50)), _stream(other, other.observe(), range(50))):
            return "ok", "a resumed run goes on exactly where it stopped"
        return "warn", "a resumed run goes on from the same observation but differently: something is hidden"
    finally:
        other.close()


def speed(lanes: Lanes) -> Verdict:
    """Steps per second with random actions."""
    obs, choose = lanes.reset(3), _random(lanes)
    begin, taken = time.perf_counter(), 0
    for _ in trial():
        obs = lanes.step(choose(obs)).obs
        taken += lanes.lanes
    rate = taken / (time.perf_counter() - begin)
    said = f"{rate:,.0f} steps per second with random actions, {lanes.lanes} lane{'s' * (lanes.lanes > 1)}"
    if isinstance(lanes, GymnasiumLanes) and rate / lanes.lanes < SLOW:
        return "warn", f"{said}: several lanes in processes are faster, --env.backend processes --env.lanes {PARALLEL}"
    return "ok", said


def memory(lanes: Lanes) -> Verdict:
    """What the default replay takes for these observations."""
    replay = Uniform()
    needed = size(jax.eval_shape(lambda: replay.init(lanes.spaces, lanes.lanes, 1)))
    free, rows = free_memory(), int(replay.capacity)
    said = f"the default replay, the newest {rows:,} steps, takes {amount(needed)}"
    if free is None or needed < free / 2:
        return "ok", said
    smaller = "lower agent.replay.capacity, or observe less, as with gymnasium.wrappers.ResizeObservation"
    return "warn", f"{said} of {amount(free)} that are free: {smaller}"


def processes(source: Source, kwargs: Mapping[str, Any] | None, mask: Mask = "none") -> Verdict:
    """Whether lanes in processes do what those in one do."""
    env = Env(source, dict(kwargs or {}), PARALLEL, "processes", mask=mask)
    here, there = GymnasiumLanes(partial(lone, env), PARALLEL, mask=mask), host(env)
    try:
        same = _equal(_stream(here, here.reset(4), range(10)), _stream(there, there.reset(4), range(10)))
        if not same:
            return "warn", "lanes in processes give other numbers than those in one: randomness is not only reset's"
        return "ok", f"{PARALLEL} lanes in processes give the same observations and rewards as in one"
    finally:
        here.close()
        there.close()


def _random(lanes: Lanes) -> Callable[[np.ndarray], np.ndarray]:
    """Random play, the same whenever it begins; drawn before, where every action is allowed, to take no time."""
    generator = np.random.default_rng(0)
    if lanes.spaces.masked:
        return partial(lanes.spaces.random, generator)
    flat = lanes.spaces.action.random(generator, STEPS * lanes.lanes)
    actions = iter(flat.reshape(STEPS, lanes.lanes, *flat.shape[1:]))
    return lambda obs: next(actions)


def trial() -> Iterator[int]:
    """The numbers of a trial's steps."""
    until = time.perf_counter() + SECONDS
    for index in range(STEPS):
        if index >= 10 and time.perf_counter() > until:
            return
        yield index


def _stream(lanes: Lanes, obs: np.ndarray, steps: Iterable[int]) -> list[np.ndarray]:
    """The first observation, then an observation and a reward for each of so many random steps."""
    seen, choose = [obs.copy()], _random(lanes)
    for _ in steps:
        step = lanes.step(choose(obs))
        obs = step.obs
        seen += [obs.copy(), step.reward.copy()]
    return seen


def _equal(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))
