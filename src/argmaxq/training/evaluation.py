"""Whole greedy episodes on environments of their own."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gymnasium as gym
import jax
import numpy as np

from argmaxq.components.component import traced
from argmaxq.components.errors import UserError
from argmaxq.domains.catalogue import TIME_LIMITS
from argmaxq.environments.compiled import CompiledEnv
from argmaxq.environments.env import Env
from argmaxq.environments.func_lanes import FuncLanes
from argmaxq.environments.lanes import Lanes
from argmaxq.environments.source import compiled, single
from argmaxq.environments.spaces import Adaptor, read_spaces
from argmaxq.environments.survey import registered_limit
from argmaxq.environments.vector_lanes import VectorLanes
from argmaxq.interrupts import waiting
from argmaxq.roles import Agent
from argmaxq.types import Actions, PyTree, Spaces

WIDTH = 32
"""Episodes played side by side."""
LANES = 1000
"""Episodes of a FuncEnv played side by side."""
MOST = 10_000_000
"""Episodes that are played at once."""
LONGEST = 10_000
"""Steps after which an episode is cut where the environment has no time limit that is known."""


class Played(NamedTuple):
    """Returns [episodes], and where the environment's ``info`` says so, whether each was a success.

    ``cut`` of them had not ended after ``LONGEST`` steps, and count with what they had gained by then.
    """

    returns: np.ndarray
    success: np.ndarray | None = None
    cut: int = 0


class Halted(Exception):
    """A signal waits to be obeyed, so an evaluation was not played to its end."""


Choose = Callable[[np.ndarray], np.ndarray]
"""Observations [width, ...] -> an agent's actions [width, ...]."""
Witness = Callable[[np.ndarray, np.ndarray], object]
"""Is shown the observations [n, ...] that are acted on, and the agent's actions [n, ...], step by step."""


def check_episodes(episodes: int, seed: int) -> None:
    """Whether so many episodes can begin from this seed; raises UserError."""
    if not 1 <= episodes <= MOST:
        raise UserError(f"episodes = {episodes}: at least one is needed, and at most {MOST:,}")
    if seed < 0:
        raise UserError(f"seed = {seed}: it must be at least 0")


class Evaluator:
    """Plays a policy's episodes; the environments are made once and used again.

    Raises:
        UserError: the environment cannot be made or fits no agent.

    Attributes:
        limit: Steps after which the environment itself truncates an episode; None where that is not known.
    """

    def __init__(self, env: Env) -> None:
        self._recipe = env
        ours = callable(env.id) or env.id in TIME_LIMITS
        self._compiled: CompiledEnv | None = compiled(env) if ours else None
        self._lanes: dict[int, FuncLanes] = {}
        self._envs: list[gym.Env[Any, Any]] = []
        self._vector: Lanes | None = None
        if self._compiled is None:
            made = single(env)
            self.limit = registered_limit(made)
            if isinstance(made, gym.vector.VectorEnv):
                self._vector = VectorLanes(made, env.choices)
                space = made.single_observation_space, made.single_action_space
            else:
                self._envs.append(made)
                space = made.observation_space, made.action_space
        else:
            self.limit = self._compiled.time_limit
            space = self._compiled.env.observation_space, self._compiled.env.action_space
        self.action_space: gym.Space[Any] = space[1]
        self.adaptor: Adaptor = read_spaces(*space, env.choices)

    @property
    def spaces(self) -> Spaces:
        """The spaces an agent sees."""
        return self.adaptor.spaces

    def play(self, choose: Choose, episodes: int, seed: Sequence[int], witness: Witness | None = None) -> Played:
        """Whole episodes; the same ``seed`` (whole numbers) begins the same episodes, whatever is chosen.

        Raises:
            Halted: a signal waits to be obeyed.
        """
        longest = self.limit or LONGEST
        words = np.random.SeedSequence(list(seed)).generate_state(episodes) >> 1
        if self._compiled is not None:
            width = min(episodes, LANES)
            if width not in self._lanes:
                self._lanes[width] = FuncLanes(self._compiled, width)
            return play_lanes(self._lanes[width], choose, episodes, int(words[0]), witness, longest)
        if self._vector is not None:
            return play_lanes(self._vector, choose, episodes, int(words[0]), witness, longest)
        while len(self._envs) < min(episodes, WIDTH):
            self._envs.append(single(self._recipe))
        return play_episodes(self._envs, self.adaptor, choose, [int(word) for word in words], witness, longest)

    def decisions(self, choose: Choose, episodes: int, seed: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Observations [n, ...] as an agent sees them in whole episodes, and its actions [n, ...] there.

        Raises:
            Halted: a signal waits to be obeyed.
        """
        seen: list[tuple[np.ndarray, np.ndarray]] = []
        self.play(choose, episodes, seed, lambda obs, actions: seen.append((obs, actions)))
        observations, actions = (np.concatenate(each) for each in zip(*seen, strict=True))
        return observations, actions

    def close(self) -> None:
        """Free the environments."""
        for env in self._envs:
            env.close()
        if self._vector is not None:
            self._vector.close()


def play_episodes(
    envs: list[gym.Env[Any, Any]],
    adaptor: Adaptor,
    choose: Choose,
    seeds: Sequence[int],
    witness: Witness | None = None,
    longest: int = LONGEST,
) -> Played:
    """One episode for each seed, of ``longest`` steps at most, as many side by side as there are environments."""
    width = min(len(envs), len(seeds))
    returns, success = np.zeros(len(seeds)), np.full(len(seeds), np.nan)
    obs = np.stack([adaptor.encode(envs[lane].reset(seed=seeds[lane])[0]) for lane in range(width)])
    playing: list[int | None] = list(range(width))
    length, cut = np.zeros(len(seeds), int), 0
    coming = iter(range(width, len(seeds)))
    while any(episode is not None for episode in playing):
        if waiting():
            raise Halted
        actions = choose(obs)
        if witness is not None:
            acting = [lane for lane, episode in enumerate(playing) if episode is not None]
            witness(obs[acting], actions[acting])
        for lane, episode in enumerate(playing):
            if episode is None:
                continue
            seen, reward, terminated, truncated, info = envs[lane].step(adaptor.decode(actions[lane]))
            returns[episode] += float(reward)
            length[episode] += 1
            over = terminated or truncated
            if over or length[episode] >= longest:
                cut += not over
                success[episode] = float(info.get("success", np.nan))
                playing[lane] = following = next(coming, None)
                if following is None:
                    continue
                seen = envs[lane].reset(seed=seeds[following])[0]
            obs[lane] = adaptor.encode(seen)
    return Played(returns, None if np.isnan(success).any() else success == 1, cut)


def play_lanes(
    lanes: Lanes,
    choose: Choose,
    episodes: int,
    seed: int,
    witness: Witness | None = None,
    longest: int = LONGEST,
) -> Played:
    """As many episodes in each lane, so that short ones are not preferred; the first ``episodes`` of them.

    A lane is not reset where an episode of ``longest`` steps is cut: what follows in it counts as the next one.
    """
    each = -(-episodes // lanes.lanes)
    obs = lanes.reset(seed)
    finished: list[list[tuple[float, float, bool]]] = [[] for _ in range(lanes.lanes)]
    running, length = np.zeros(lanes.lanes), np.zeros(lanes.lanes, int)
    last = np.zeros(lanes.lanes, bool)
    while any(len(own) < each for own in finished):
        if waiting():
            raise Halted
        actions = choose(obs)
        if witness is not None:
            acting = ~last & [len(own) < each for own in finished]
            witness(obs[acting], actions[acting])
        step = lanes.step(actions)
        length += ~last
        obs, last = step.obs, step.last
        running += step.reward
        ended = step.terminated | step.truncated
        for lane in np.flatnonzero(ended | (length >= longest)):
            success = np.nan if step.success is None else float(step.success[lane])
            finished[lane].append((float(running[lane]), success, not ended[lane]))
            running[lane], length[lane] = 0.0, 0
    ends = [own[number] for number in range(each) for own in finished][:episodes]
    returns, success, cut = np.array(ends).T
    return Played(returns, None if np.isnan(success).any() else success == 1, int(cut.sum()))


def greedy(agent: Agent, params: PyTree) -> Choose:
    """The evaluation policy on batches of observations."""
    chosen = _greedy_batch
    values = traced(agent)
    return lambda obs: np.asarray(chosen(values, params, obs))


def uniform(actions: Actions, seed: Sequence[int]) -> Choose:
    """The uniformly random policy."""
    generator = np.random.default_rng(list(seed))
    return lambda obs: actions.random(generator, len(obs))


@jax.jit
def _greedy_batch(agent: Agent, params: PyTree, obs: Any) -> Any:
    return jax.vmap(agent.greedy, (None, 0))(params, obs)
