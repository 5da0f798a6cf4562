"""Is an environment usable, and if not, why: each property is tried on the environment itself."""

import dataclasses
import math
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from itertools import islice
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import iterate

from argmaxq.components.errors import UserError
from argmaxq.environments.hybrid import read_hybrid
from argmaxq.environments.lanes import Lanes
from argmaxq.environments.make import Source, make_environment, make_lanes, one_line
from argmaxq.environments.spaces import describe, read_actions, read_observations
from argmaxq.environments.survey import registered_limit
from argmaxq.environments.vector_lanes import autoreset_mode, final_observation

Status = Literal["ok", "warn", "fail"]
Verdict = tuple[Status, str]
STEPS, SECONDS = 600, 2.0
"""How long each trial lasts: so many steps, or as many as fit in so many seconds, but at least ten."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One property of an environment. ``fail``: agents cannot be trained on it, or not rightly; ``warn``: with care."""

    status: Status
    what: str
    why: str


def check(source: Source, kwargs: Mapping[str, Any] | None = None) -> list[Finding]:
    """Try an environment, given as an id or a callable, and say what fits and what does not, with the reason."""
    return list(_findings(source, kwargs))


def _findings(source: Source, kwargs: Mapping[str, Any] | None) -> Iterator[Finding]:
    made: list[Any] = []
    yield _try("environment", lambda: _made(made, source, kwargs))
    if not made:
        return
    env = made[0]
    vector = isinstance(env, gym.vector.VectorEnv)
    seen = env.single_observation_space if vector else env.observation_space
    chosen = env.single_action_space if vector else env.action_space
    spaces = [_try("observations", lambda: _observations(seen)), _try("actions", lambda: _actions(chosen))]
    yield from spaces
    fits = all(finding.status == "ok" for finding in spaces)
    if vector:
        yield _try("autoreset", lambda: ("ok", autoreset_mode(env).name))
        yield _try("final observations", lambda: _final_observations(env))
    else:
        yield _try("interface", lambda: _interface(env))
        yield _try("data", lambda: _data(env))
        yield _try("time limit", lambda: _time_limit(env))
    env.close()
    if fits:
        yield from _training(source, kwargs)
    agents = ("dqn, pqn, td" if read_hybrid(chosen) is None else "pdqn, paddpg") if fits else "none fits these spaces"
    yield Finding("ok" if fits else "fail", "agents", agents)


def _training(source: Source, kwargs: Mapping[str, Any] | None) -> Iterator[Finding]:
    """What an engine needs, tried through the same lanes that it uses."""
    lanes = make_lanes(source, kwargs)
    yield _try("determinism", lambda: _determinism(lanes))
    yield _try("exact resume", lambda: _resume(lanes, make_lanes(source, kwargs)))
    yield _try("speed", lambda: _speed(lanes))
    lanes.close()


def _try(what: str, trial: Callable[[], Verdict]) -> Finding:
    try:
        status, why = trial()
        return Finding(status, what, why)
    except UserError as error:
        return Finding("fail", what, str(error))
    except Exception as error:  # The environment is the user's: whatever it raises is a finding.
        return Finding("fail", what, f"{type(error).__name__}: {one_line(error)}")


def _made(made: list[Any], source: Source, kwargs: Mapping[str, Any] | None) -> Verdict:
    made.append(make_environment(source, kwargs))
    return "ok", str(made[0])


def _observations(space: gym.Space[Any]) -> Verdict:
    spec, _ = read_observations(space)
    return "ok", f"{describe(space)}, seen as {spec.dtype} of shape {spec.shape}"


def _actions(space: gym.Space[Any]) -> Verdict:
    actions, _ = read_actions(space)
    hybrid = read_hybrid(space)
    if hybrid is not None:
        return "ok", f"{hybrid.description}: for agents such as pdqn, or dqn with chosen values (env.choices)"
    return "ok", f"{actions.n} discrete actions"


_OURS = re.compile("infinity|normalized space")


def _interface(env: gym.Env[Any, Any]) -> Verdict:
    """Gymnasium's own checker; its advice on bounds does not concern us, for parameters are scaled here."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped, skip_render_check=True, skip_close_check=True)
    texts = dict.fromkeys(str(warning.message) for warning in caught)
    advice = [re.sub(r"\x1b\[\d+m|WARN: ", "", text) for text in texts if "WARN" in text and not _OURS.search(text)]
    return ("warn", " ".join(advice)) if advice else ("ok", "follows Gymnasium's interface")


def _data(env: gym.Env[Any, Any]) -> Verdict:
    """Whether a random policy sees what the spaces promise, and finite numbers."""
    env.action_space.seed(0)
    obs, _ = env.reset(seed=0)
    inside = True
    for _ in _trial():
        inside = inside and obs in env.observation_space
        if fault := _fault(obs, env.observation_space):
            return "fail", f"an observation is {fault}"
        obs, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        if np.ndim(np.asarray(reward)) != 0 or not math.isfinite(reward):
            return "fail", f"a reward is {reward!r}: it must be one finite number"
        if terminated or truncated:
            obs, _ = env.reset()
    if not inside:
        return "warn", "an observation lies beyond the bounds of its space: no agent here minds, others may"
    return "ok", "observations lie in their space and rewards are finite"


def _final_observations(env: gym.vector.VectorEnv[Any, Any, Any]) -> Verdict:
    """Whether those that are handed out after the next episode has begun are still what they were.

    An environment that writes each observation into the same array has overwritten its final one by then: it shows
    the next episode's first, or changes at a later step.
    """
    if autoreset_mode(env) is not AutoresetMode.SAME_STEP:
        return "ok", "each is handed out before the next episode begins"
    env.action_space.seed(0)
    env.reset(seed=0)
    held: list[tuple[Any, Any]] = []
    alike = 0
    for _ in _trial():
        seen, _, terminated, truncated, infos = env.step(env.action_space.sample())
        if any(not data_equivalence(now, before) for now, before in held[-env.num_envs :]):
            return "fail", f"a final observation changes after it was handed out: {_COPY}"
        for lane in np.flatnonzero(terminated | truncated).tolist():
            final = final_observation(infos, lane)
            first = next(islice(iterate(env.observation_space, seen), lane, None))
            alike += data_equivalence(final, first)
            held.append((final, deepcopy(final)))
    if held and alike == len(held):
        return "fail", f"all of {alike} final observations are the next episode's first ones: {_COPY}"
    return "ok", f"{len(held)} of them in a trial are their episodes' own"


_COPY = "the environment writes into an array that it gave away; let it return copies, or use AutoresetMode.NEXT_STEP"


def _fault(obs: Any, space: gym.Space[Any]) -> str | None:
    """What an agent could not live with."""
    if not isinstance(space, gym.spaces.Box):
        return None if obs in space else f"{obs!r}, which is outside {describe(space)}"
    if not isinstance(obs, np.ndarray) or (obs.dtype, obs.shape) != (space.dtype, space.shape):
        found = f"{obs.dtype} of shape {obs.shape}" if isinstance(obs, np.ndarray) else f"a {type(obs).__name__}"
        return f"{found} where the space says {describe(space)}"
    return None if np.isfinite(obs).all() else "not finite"


def _time_limit(env: gym.Env[Any, Any]) -> Verdict:
    limit = registered_limit(env)
    if limit is None:
        return "warn", "none is declared: unless every episode ends by itself, wrap it in gymnasium.wrappers.TimeLimit"
    return "ok", f"{limit:,} steps"


def _determinism(lanes: Lanes) -> Verdict:
    actions = _random_actions(lanes)
    first = _stream(lanes, lanes.reset(1), (actions[index] for index in _trial()))
    second = _stream(lanes, lanes.reset(1), actions[: len(first) // 2])
    if _equal(first, second):
        return "ok", "the same seed and actions give the same observations and rewards"
    return "warn", "the same seed and actions give something else: runs on it cannot be repeated"


def _resume(lanes: Lanes, other: Lanes) -> Verdict:
    """Interrupt after some episodes, restore in fresh environments, and compare what follows."""
    actions = _random_actions(lanes)
    _stream(lanes, lanes.reset(2), (actions[index] for index in _trial()))
    saved = lanes.save()
    try:
        restarted = other.restore(saved)
        if restarted:
            return "warn", "a resumed run restarts the episode it was in, and marks the cut as a truncation"
        if _equal(_stream(lanes, lanes.observe(), actions[:50]), _stream(other, other.observe(), actions[:50])):
            return "ok", "a resumed run goes on exactly where it stopped"
        return "warn", "a resumed run goes on from the same observation but differently: something is hidden"
    finally:
        other.close()


def _speed(lanes: Lanes) -> Verdict:
    lanes.reset(3)
    actions = _random_actions(lanes)
    begin, taken = time.perf_counter(), 0
    for index in _trial():
        lanes.step(actions[index])
        taken += lanes.lanes
    rate = taken / (time.perf_counter() - begin)
    return "ok", f"{rate:,.0f} steps per second with random actions, {lanes.lanes} lane{'s' * (lanes.lanes > 1)}"


def _random_actions(lanes: Lanes) -> np.ndarray:
    flat = lanes.spaces.action.random(np.random.default_rng(0), STEPS * lanes.lanes)
    return flat.reshape(STEPS, lanes.lanes, *flat.shape[1:])


def _trial() -> Iterator[int]:
    until = time.perf_counter() + SECONDS
    for index in range(STEPS):
        if index >= 10 and time.perf_counter() > until:
            return
        yield index


def _stream(lanes: Lanes, obs: np.ndarray, actions: Iterable[np.ndarray]) -> list[np.ndarray]:
    """The first observation, then an observation and a reward per action."""
    seen = [obs.copy()]
    for action in actions:
        step = lanes.step(action)
        seen += [step.obs.copy(), step.reward.copy()]
    return seen


def _equal(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))
