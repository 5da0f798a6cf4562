"""Whole greedy episodes on environments of their own."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import gymnasium as gym
import jax
import numpy as np

from argmaxq.components.component import traced
from argmaxq.components.errors import UserError
from argmaxq.domains.catalogue import TIME_LIMITS
from argmaxq.environments.env import Env
from argmaxq.environments.source import compiled, single, workers
from argmaxq.environments.survey import registered_limit
from argmaxq.interrupts import waiting
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.lanes.copies import Copies, LocalCopies, rows_of
from argmaxq.lanes.frames import observations
from argmaxq.lanes.func_lanes import FuncLanes
from argmaxq.lanes.gymnasium_lanes import lane_seeds
from argmaxq.lanes.lanes import Lanes
from argmaxq.lanes.spaces import Adaptor, read_spaces
from argmaxq.lanes.vector_lanes import VectorLanes
from argmaxq.roles import Agent
from argmaxq.spaces import Spaces
from argmaxq.training.memory import greedy_memories, renewed
from argmaxq.training.prospects import Ledger, Outlook
from argmaxq.types import Array, PyTree

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

    ``cut`` of them had not ended after ``LONGEST`` steps, and count with what they had gained by then. ``outlook`` is
    what the agent expected of them, beside what it had.
    """

    returns: np.ndarray
    success: np.ndarray | None = None
    cut: int = 0
    outlook: Outlook | None = None


class Halted(Exception):
    """A signal waits to be obeyed, so an evaluation was not played to its end."""


Choose = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Observations [width, ...] and whether each is an episode's first [width] -> an agent's actions [width, ...]."""
Witness = Callable[[np.ndarray, np.ndarray], object]
"""Is shown the observations [n, ...] that are acted on, and the agent's actions [n, ...], step by step."""


def first_seeds(seed: int, episodes: int) -> list[int]:
    """Seeds [episodes] of generators with which an evaluation with this seed begins, an episode in each lane."""
    return lane_seeds(seed, 2, episodes)


def check_episodes(episodes: int, seed: int) -> None:
    """Whether so many episodes can begin from this seed; raises UserError."""
    if not 1 <= episodes <= MOST:
        raise UserError(f"episodes = {episodes}: at least one is needed, and at most {MOST:,}")
    if seed < 0:
        raise UserError(f"seed = {seed}: it must be at least 0")


class Evaluator:
    """Plays a policy's episodes; the environments are made once and used again.

    Args:
        env: The environment.
        copies: What it is played on, if it is not to be made here: copies from ``env.lanes`` on are this one's.

    Raises:
        UserError: the environment cannot be made or fits no agent.

    Attributes:
        limit: Steps after which the environment itself truncates an episode; None where that is not known.
    """

    def __init__(self, env: Env, copies: Copies | None = None) -> None:
        ours = callable(env.id) or env.id in TIME_LIMITS
        self._compiled: CompiledEnv | None = compiled(env) if ours else None
        self._lanes: dict[int, FuncLanes] = {}
        self._copies, self._first = copies, env.lanes if copies else 0
        self._vector: Lanes | None = None
        if self._compiled is None:
            made = single(env)
            self.limit = registered_limit(made)
            if isinstance(made, gym.vector.VectorEnv):
                self._vector = VectorLanes(made, env.choices, env.mask, whole=True)
                space = made.single_observation_space, made.single_action_space
            else:
                self._copies = _copies(env, made, copies or workers(env))
                space = observations(made), made.action_space
        else:
            self.limit = self._compiled.time_limit
            space = self._compiled.env.observation_space, self._compiled.env.action_space
        self.action_space: gym.Space[Any] = space[1]
        self.adaptor: Adaptor = read_spaces(*space, env.choices, env.mask)

    @property
    def spaces(self) -> Spaces:
        """The spaces an agent sees."""
        return self.adaptor.spaces

    def play(
        self,
        choose: Choose,
        episodes: int,
        seed: Sequence[int],
        witness: Witness | None = None,
        ledger: Ledger | None = None,
    ) -> Played:
        """Whole episodes; the same ``seed`` (whole numbers) begins the same episodes, whatever is chosen.

        ``ledger`` compares their returns with what was expected.

        Raises:
            Halted: a signal waits to be obeyed.
        """
        longest = self.limit or LONGEST
        words = np.random.SeedSequence(list(seed)).generate_state(episodes) >> 1
        if self._compiled is not None:
            width = min(episodes, LANES)
            if width not in self._lanes:
                self._lanes[width] = FuncLanes(self._compiled, width)
            return play_lanes(self._lanes[width], choose, episodes, int(words[0]), witness, longest, ledger)
        if self._vector is not None:
            return play_lanes(self._vector, choose, episodes, int(words[0]), witness, longest, ledger)
        assert self._copies is not None
        width, seeds = min(episodes, WIDTH), [int(word) for word in words]
        numbers = range(self._first, self._first + width)
        return play_episodes(self._copies, numbers, choose, seeds, witness, longest, ledger)

    def decisions(self, choose: Choose, episodes: int, seed: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Observations [n, ...] as a network sees them in whole episodes, and an agent's actions [n, ...] there.

        Raises:
            Halted: a signal waits to be obeyed.
        """
        seen: list[tuple[np.ndarray, np.ndarray]] = []
        self.play(choose, episodes, seed, lambda obs, actions: seen.append((obs, actions)))
        observations, actions = (np.concatenate(each) for each in zip(*seen, strict=True))
        return self.spaces.legal.seen(observations), actions

    def close(self) -> None:
        """Free the environments."""
        if self._copies is not None:
            self._copies.close()
        if self._vector is not None:
            self._vector.close()


def _copies(env: Env, made: gym.Env[Any, Any], elsewhere: Copies | None) -> Copies:
    """What episodes are played on: copies ``elsewhere``, or in this process ``made`` and others like it."""
    if elsewhere is not None:
        made.close()
        return elsewhere
    ready = [made]
    return LocalCopies(lambda: ready.pop() if ready else single(env), env.choices, env.mask)


def play_episodes(
    copies: Copies,
    numbers: Sequence[int],
    choose: Choose,
    seeds: Sequence[int],
    witness: Witness | None = None,
    longest: int = LONGEST,
    ledger: Ledger | None = None,
) -> Played:
    """One episode for each seed, of ``longest`` steps at most, side by side on the copies with these numbers."""
    width, spaces = min(len(numbers), len(seeds)), copies.spaces
    returns, success = np.zeros(len(seeds)), np.full(len(seeds), np.nan)
    playing: dict[int, int] = {lane: lane for lane in range(width)}
    obs = np.stack(copies.ask([(numbers[lane], "start", (seeds[lane],)) for lane in playing]))
    length, cut = np.zeros(len(seeds), int), 0
    coming, begins = iter(range(width, len(seeds))), np.ones(width, bool)
    watched = witness is not None or ledger is not None
    while playing:
        if waiting():
            raise Halted
        actions, acting = choose(obs, begins), sorted(playing)
        before = obs[acting] if watched else obs
        if witness is not None:
            witness(before, actions[acting])
        own, over = rows_of(spaces)(actions), []
        answers = copies.ask([(numbers[lane], "step", (own[lane],)) for lane in acting])
        if ledger is not None:
            after, rewards, terminated = (np.array(each) for each in list(zip(*answers, strict=True))[:3])
            ledger.note([playing[lane] for lane in acting], before, rewards, terminated, after)
        for lane, answer in zip(acting, answers, strict=True):
            episode = playing[lane]
            obs[lane], reward, terminated, truncated, succeeded = answer[:5]
            returns[episode] += float(reward)
            length[episode] += 1
            ended = terminated or truncated
            if ended or length[episode] >= longest:
                cut += not ended
                success[episode] = float(succeeded)
                over.append(lane)
                del playing[lane]
        following = dict(zip(over, coming, strict=False))
        begins = np.isin(np.arange(width), list(following))
        firsts = copies.ask([(numbers[lane], "start", (seeds[episode],)) for lane, episode in following.items()])
        for lane, first in zip(following, firsts, strict=True):
            obs[lane] = first
        playing |= following
    return Played(returns, None if np.isnan(success).any() else success == 1, cut)


def play_lanes(
    lanes: Lanes,
    choose: Choose,
    episodes: int,
    seed: int,
    witness: Witness | None = None,
    longest: int = LONGEST,
    ledger: Ledger | None = None,
) -> Played:
    """As many episodes in each lane, so that short ones are not preferred; the first ``episodes`` of them.

    A lane is not reset where an episode of ``longest`` steps is cut: what follows in it counts as the next one.
    """
    each = -(-episodes // lanes.lanes)
    obs = lanes.reset(seed)
    finished: list[list[tuple[float, float, bool]]] = [[] for _ in range(lanes.lanes)]
    running, length = np.zeros(lanes.lanes), np.zeros(lanes.lanes, int)
    last, begins = np.zeros(lanes.lanes, bool), np.ones(lanes.lanes, bool)
    watched = witness is not None or ledger is not None
    while any(len(own) < each for own in finished):
        if waiting():
            raise Halted
        actions, before = choose(obs, begins), obs
        acting = ~last & [len(own) < each for own in finished] if watched else last
        if witness is not None:
            witness(obs[acting], actions[acting])
        step = lanes.step(actions)
        if ledger is not None:
            numbers = np.array([len(own) * lanes.lanes + lane for lane, own in enumerate(finished)])
            acting &= numbers < episodes
            after = step.obs if step.final is None else step.final
            ledger.note(numbers[acting], before[acting], step.reward[acting], step.terminated[acting], after[acting])
        length += ~last
        obs, begins, last = step.obs, last | step.begins, step.last
        running += step.reward
        ended = step.terminated | step.truncated
        for lane in np.flatnonzero(ended | (length >= longest)):
            success = np.nan if step.success is None else float(step.success[lane])
            finished[lane].append((float(running[lane]), success, not ended[lane]))
            running[lane], length[lane] = 0.0, 0
    ends = [own[number] for number in range(each) for own in finished][:episodes]
    returns, success, cut = np.array(ends).T
    return Played(returns, None if np.isnan(success).any() else success == 1, int(cut.sum()))


def greedy(agent: Agent, params: PyTree, spaces: Spaces) -> Choose:
    """The evaluation policy on batches of observations."""
    values, memory = traced(agent), ()

    def choose(obs: np.ndarray, begins: np.ndarray) -> np.ndarray:
        nonlocal memory
        if begins.all():  # of any width
            memory = greedy_memories(agent, spaces, len(obs))
        actions, memory = _greedy_batch(spaces, values, params, memory, obs, begins)
        return np.asarray(actions)

    return choose


def uniform(spaces: Spaces, seed: Sequence[int]) -> Choose:
    """The uniformly random policy, among the actions that are allowed."""
    generator = np.random.default_rng(list(seed))
    return lambda obs, begins: spaces.random(generator, obs)


@partial(jax.jit, static_argnums=0)
def _greedy_batch(
    spaces: Spaces, agent: Agent, params: PyTree, memory: PyTree, obs: Array, begins: Array
) -> tuple[Array, PyTree]:
    memory = renewed(agent, spaces, memory, begins)
    return jax.vmap(agent.greedy, (None, 0, 0))(params, memory, obs)
