"""Is an environment usable, and if not, why: each property is tried on the environment itself."""

import contextlib
import dataclasses
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from itertools import islice
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import iterate

from argmaxq.agents.parts.acting import counted
from argmaxq.components.errors import UserError
from argmaxq.environments import trials
from argmaxq.environments.make import Source, make_environment, make_lanes, one_line
from argmaxq.environments.survey import registered_limit
from argmaxq.environments.trials import Status, Verdict
from argmaxq.lanes.actions import choices_of, read_actions
from argmaxq.lanes.hybrid import read_hybrid
from argmaxq.lanes.masks import UNUSED, Mask, offered
from argmaxq.lanes.misfits import gave, kind, reset_fault, step_fault
from argmaxq.lanes.observations import describe, read_observations
from argmaxq.lanes.spaces import read_spaces
from argmaxq.lanes.vector_lanes import autoreset_mode, final_observation
from argmaxq.spaces import BranchedActions, DiscreteActions
from argmaxq.types import ACTION_MASK


@dataclasses.dataclass(frozen=True)
class Finding:
    """One property of an environment.

    Attributes:
        status: ``fail``: agents cannot be trained on it, or not rightly; ``warn``: with care.
        what: Which property.
        why: What was found.
    """

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
    mask, told = _mask(env, seen, chosen)
    if vector:
        yield _try("autoreset", lambda: ("ok", autoreset_mode(env).name))
        yield _try("final observations", lambda: _final_observations(env))
    else:
        yield _try("interface", lambda: _interface(env, mask))
        yield _try("data", lambda: _data(env, mask))
        yield _try("time limit", lambda: _time_limit(env))
    yield from told
    env.close()
    if fits:
        yield from _training(source, kwargs, mask)
    agents = _agents(chosen) if fits else "none fits these spaces"
    yield Finding("ok" if fits else "fail", "agents", agents)


def _agents(chosen: gym.Space[Any]) -> str:
    """Which agents take such actions."""
    match read_actions(chosen)[0]:
        case DiscreteActions():
            return "dqn, pqn, td"
        case BranchedActions():
            return "bdq"
    return "pdqn, paddpg"


def _training(source: Source, kwargs: Mapping[str, Any] | None, mask: Mask) -> Iterator[Finding]:
    """What an engine needs, tried through the same lanes that it uses."""
    try:
        lanes = make_lanes(source, kwargs, mask=mask)
    except UserError as error:
        yield Finding("fail", "lanes", str(error))
        return
    yield _try("determinism", lambda: trials.determinism(lanes))
    yield _try("exact resume", lambda: trials.exact_resume(lanes, make_lanes(source, kwargs, mask=mask)))
    speed = _try("speed", lambda: trials.speed(lanes))
    yield speed
    yield _try("memory", lambda: trials.memory(lanes))
    lanes.close()
    if speed.status == "warn":
        yield _try("processes", lambda: trials.processes(source, kwargs, mask))


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
    if isinstance(actions, BranchedActions):
        return "ok", f"{len(actions.sizes)} choices at once, {counted(actions.n)} combinations: for bdq"
    if isinstance(space, gym.spaces.MultiDiscrete | gym.spaces.MultiBinary):
        sizes = ", ".join(map(str, choices_of(space)[0]))
        return "ok", f"{actions.n} combinations of ({sizes}) choices"
    return "ok", f"{actions.n} discrete actions"


_OURS = re.compile("infinity|normalized space")


def _interface(env: gym.Env[Any, Any], mask: Mask) -> Verdict:
    """Gymnasium's own checker; its advice on bounds does not concern us, for parameters are scaled here."""
    if mask != "none":
        return "ok", "not tried by Gymnasium's own checker, which takes actions that are not allowed"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped, skip_render_check=True, skip_close_check=True)
    texts = dict.fromkeys(str(warning.message) for warning in caught)
    advice = [re.sub(r"\x1b\[\d+m|WARN: ", "", text) for text in texts if "WARN" in text and not _OURS.search(text)]
    return ("warn", " ".join(advice)) if advice else ("ok", "follows Gymnasium's interface")


def _data(env: gym.Env[Any, Any], mask: Mask) -> Verdict:
    """Whether a random policy sees what the spaces promise, also where an episode ends, and finite numbers."""
    space = env.observation_space
    env.action_space.seed(0)
    result: Any = env.reset(seed=0)
    inside, over = True, False
    if fault := reset_fault(result, space) or gave(_fault(result[0], space)):
        return "fail", fault
    for _ in trials.trial():
        if over:
            result = env.reset()
        inside = inside and result[0] in space
        result = env.step(_sample(env.action_space, result, mask))
        fault = step_fault(result, space) or gave(_fault(result[0], space)) or _infinite(result[1])
        over = bool(not fault and (result[2] or result[3]))
        if fault:
            final = isinstance(result, tuple) and any(flag is True for flag in result[2:4])
            return "fail", fault + " where an episode ends" * final
    if not inside:
        return "warn", "an observation lies beyond the bounds of its space: no agent here minds, others may"
    return "ok", "observations lie in their space, final ones too, and rewards are finite"


def _infinite(reward: Any) -> str:
    return "" if math.isfinite(reward) else f"a reward is {reward!r}: it must be one finite number"


def _mask(env: Any, seen: gym.Space[Any], chosen: gym.Space[Any]) -> tuple[Mask, list[Finding]]:
    """Where the environment tells which actions are allowed, if it does, and what is to be said of that."""
    with contextlib.suppress(Exception):  # what is wrong with reset is found elsewhere
        obs, info = env.reset(seed=0)
        if (mask := offered(seen, info)) != "none":
            try:
                read_spaces(seen, chosen, mask=mask).whole(obs, info)
            except UserError as error:
                return "none", [Finding("warn", "masks", str(error))]
            return mask, [Finding("warn", "masks", UNUSED[mask])]
    return "none", []


def _sample(space: Any, result: Any, mask: Mask) -> Any:
    """A random action, among those that are allowed after what ``reset`` or ``step`` returned."""
    if mask == "none":
        return space.sample()
    told = result[-1] if mask == "info" else result[0]
    own = told[ACTION_MASK]
    return space.sample(own if isinstance(own, tuple) else np.asarray(own, np.int8))


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
    for _ in trials.trial():
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


def _fault(obs: Any, space: gym.Space[Any]) -> str:
    """What an agent could not live with, or only by luck, such as another type of number; empty for nothing."""
    match space:
        case gym.spaces.Dict() | gym.spaces.Tuple():
            parts = space.spaces.items() if isinstance(space, gym.spaces.Dict) else enumerate(space.spaces)
            faults = ((key, _fault(obs[key], part)) for key, part in parts)
            return next((f"whose entry {key!r} is {fault}" for key, fault in faults if fault), "")
        case gym.spaces.Box():
            if not isinstance(obs, np.ndarray) or obs.dtype != space.dtype:
                found = f"{obs.dtype} of shape {obs.shape}" if isinstance(obs, np.ndarray) else kind(obs)
                helps = "gymnasium.wrappers.DtypeObservation makes it so"
                return f"that is {found} where the space says {describe(space)}: {helps}"
            return "" if np.isfinite(obs).all() else "that is not finite"
    return ""


def _time_limit(env: gym.Env[Any, Any]) -> Verdict:
    limit = registered_limit(env)
    if limit is None:
        return "warn", "none is declared: unless every episode ends by itself, wrap it in gymnasium.wrappers.TimeLimit"
    return "ok", f"{limit:,} steps"
