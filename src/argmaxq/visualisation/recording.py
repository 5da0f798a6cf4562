"""A greedy episode as it was played and as the policy saw it, step by step."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.environments.drawn import PICTURES, drawable, drawn
from argmaxq.environments.source import single
from argmaxq.environments.survey import registered_limit
from argmaxq.interrupts import obey
from argmaxq.lanes.hybrid import HybridSpace, read_hybrid
from argmaxq.runs.track import BEST
from argmaxq.training.evaluation import LONGEST, first_seeds
from argmaxq.types import ACTION_MASK
from argmaxq.verbs.policy import Policy, Regard
from argmaxq.verbs.run import Run
from argmaxq.visualisation.observed import beside, binary, pictured

ENTRIES = 16
"""Entries of observations that are kept at most."""


class Recording(NamedTuple):
    """The first ``n`` steps of an episode; what came after them counts in ``following`` and ``total``.

    Attributes:
        pictures: What ``keep`` made of each moment's picture [n]; empty where the environment draws none.
        observations: As the agent sees them, [n, entries]; None where they are pictures or have many entries.
        actions: The number of each action [n], or of each branch's choice [n, branches].
        values: Of every action [n, actions], branches one after the other; minus infinity where it is not allowed.
        outputs: The network's [n, actions, size]; None where it has none of single actions.
        parameters: Of all actions [n, parameters] in the environment's units; None where they have none.
        space: Whose parameters these are.
        rewards: [n].
        worth: The discounted return that the policy expected [n]; None where it says none.
        following: The discounted return that followed [n], in the units of what is learnt; None where that is unknown.
        total: The episode's return.
        steps: Its length.
        ended: Whether it came to an end of its own, not to a time limit.
        unseen: Why there are no pictures, in a few words; empty where there are some.
    """

    pictures: list[Any]
    observations: np.ndarray | None
    actions: np.ndarray
    values: np.ndarray | None
    outputs: np.ndarray | None
    parameters: np.ndarray | None
    space: HybridSpace | None
    rewards: np.ndarray
    worth: np.ndarray | None
    following: np.ndarray | None
    total: float
    steps: int
    ended: bool
    unseen: str = ""


class Camera:
    """Takes pictures of an environment until one fails: then it has none, and says why.

    Attributes:
        pictures: What ``keep`` made of each.
        unseen: Why there are none; empty as long as there are some.
    """

    def __init__(self, env: Any, keep: Callable[[np.ndarray], Any]) -> None:
        self.pictures: list[Any] = []
        self.unseen = ""
        self._env, self._keep = env, keep

    def take(self, beside: Callable[[np.ndarray], np.ndarray]) -> None:
        """Keep what the environment draws now, with what belongs beside it."""
        if self.unseen:
            return
        try:
            screen = self._env.render()
            if screen is None:
                raise UserError("the environment draws none")
            self.pictures.append(self._keep(beside(np.asarray(screen))))
        except Exception as fault:  # the environment is the user's, and its numbers are shown without pictures, too
            self.pictures, self.unseen = [], _why(fault)


def _why(fault: Exception) -> str:
    """Why nothing is drawn, in a few words that are never empty."""
    if isinstance(fault, NotImplementedError):
        return "the environment has no render"
    if isinstance(fault, UserError):
        return str(fault)
    return f"its render raises {': '.join(filter(None, [type(fault).__name__, str(fault).partition(chr(10))[0]]))}"


def record(run: Run, most: int, keep: Callable[[np.ndarray], Any], which: str | int = BEST, seed: int = 1) -> Recording:
    """Play one greedy episode of one seed's run, which begins as the first of ``Run.evaluate`` with the same seed.

    ``keep`` is given the picture, uint8 [height, width, 3], before each of the first ``most`` steps.

    Raises:
        UserError: the environment cannot be made, or is a vector environment.
    """
    policy, env = run.policy(which), run.recipe.env
    made: Any = drawn(env, PICTURES) if drawable(env) else single(env)
    if not hasattr(made, "render_mode") or hasattr(made, "num_envs"):
        made.close()
        raise UserError(f"{env.name} makes a vector environment, of which no single episode is shown")
    try:
        return _play(made, policy, most, keep, seed)
    finally:
        made.close()


def _play(env: Any, policy: Policy, most: int, keep: Callable[[np.ndarray], Any], seed: int) -> Recording:
    spec = policy.adaptor.spaces.observation
    aside = pictured(spec) and not binary(spec)
    obs, info = env.reset(seed=first_seeds(seed, 1)[0])
    memory, longest = policy.start(), registered_limit(env) or LONGEST
    camera = Camera(env, keep)
    seen: list[np.ndarray] = []
    regards: list[Regard] = []
    rewards: list[float] = []
    terminated = over = False
    while not over and len(rewards) < longest:
        obey()
        mask = info.get(ACTION_MASK) if policy.adaptor.mask == "info" else None
        found = policy.regard(obs, memory, mask)
        if len(regards) < most:
            camera.take(partial(beside, obs=np.asarray(obs), spec=spec) if aside else lambda screen: screen)
            regards.append(found)
            seen.append(np.ravel(policy.adaptor.encode(obs)))
        memory = found.memory
        obs, reward, terminated, truncated, info = env.step(found.action)
        rewards.append(float(reward))
        over = terminated or truncated
    rest = 0.0
    if not terminated:
        mask = info.get(ACTION_MASK) if policy.adaptor.mask == "info" else None
        rest = policy.regard(obs, memory, mask).worth or 0.0
    following = discounted(policy.agent, rewards, rest)
    space = read_hybrid(env.action_space)
    arrays = np.stack([found.array for found in regards])
    hybrid = space is not None and arrays.ndim == 2 and arrays.shape[1] == 1 + space.actions.parameters
    return Recording(
        camera.pictures,
        None if pictured(spec) or seen[0].size > ENTRIES else np.stack(seen),
        arrays[:, 0].astype(int) if hybrid else arrays.astype(int),
        _stacked([found.values for found in regards]),
        _stacked([found.outputs for found in regards]),
        np.asarray(space.parameters(arrays)) if hybrid and space else None,
        space if hybrid else None,
        np.array(rewards[: len(regards)]),
        None if regards[0].worth is None else np.array([found.worth for found in regards], float),
        None if following is None else following[: len(regards)],
        float(np.sum(rewards)),
        len(rewards),
        bool(terminated),
        camera.unseen,
    )  # fmt: skip


def discounted(agent: Any, rewards: list[float], rest: float) -> np.ndarray | None:
    """The discounted return that follows each step [n], as the agent learns rewards; ``rest`` follows the last one.

    None where the agent has no discount, or learns rewards in a unit that only its learner knows.
    """
    kind = getattr(agent, "rewards", None)
    if kind is None or not hasattr(agent, "gamma") or kind.init(1) != ():
        return None
    learnt = np.asarray(kind.total((), np.asarray(kind.each(np.array(rewards, np.float32)))), float)
    found, gamma, after = np.empty(len(rewards)), float(agent.gamma), rest
    for place in reversed(range(len(rewards))):
        found[place] = after = learnt[place] + gamma * after
    return found


def _stacked(found: list[np.ndarray | None]) -> np.ndarray | None:
    """One array of all steps, branches one after the other; None where there is none."""
    there = [each for each in found if each is not None]
    return np.stack(there).reshape(len(there), -1, *there[0].shape[2:]) if there and there[0].ndim > 2 else (
        np.stack(there) if there else None)  # fmt: skip
