"""Lanes of single Gymnasium environments, with episodes that can be restored exactly."""

import dataclasses
import hashlib
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.lanes.copies import Answers, Begun, Call, Copies, Generator, LocalCopies, Make, rows_of
from argmaxq.lanes.hybrid import Choices
from argmaxq.lanes.lanes import Learnt, Step
from argmaxq.lanes.masks import Mask


@dataclasses.dataclass
class Episode:
    """How to come to this moment of an episode again: its generator's state before the reset, the actions since.

    The rewards are those that came of them, as the environment gave them.
    """

    generator: Generator
    first: np.ndarray
    actions: list[Any]
    rewards: list[Any]


class Sent(NamedTuple):
    """Actions that some lanes were sent, what the whole step is gathered in, and the answers that are awaited."""

    actions: list[Any]
    step: Step
    answers: Answers


class GymnasiumLanes:
    """``lanes`` environments made by ``make``, with next-step autoreset; in this process, or where ``copies`` are.

    ``save`` keeps, of each lane, the state of the environment's generator just before the episode's reset, and the
    actions since; ``restore`` resets from that state and acts again. That is exact wherever an episode depends on
    nothing but ``env.unwrapped.np_random`` and the actions; where observations, rewards, the end or the generator's
    state come out differently (as where a wrapper remembers earlier episodes), or the environment raises an exception,
    the episode ends with the saved observation.

    Raises:
        UserError: the spaces fit no agent.

    Attributes:
        offered: Where the first episodes seemed to tell which actions are allowed.
        parts: Lanes that step together, as many as was asked where they are equal, else all of them.
    """

    def __init__(
        self,
        make: Make,
        lanes: int,
        choices: Choices = (),
        copies: Copies | None = None,
        mask: Mask = "none",
        parts: int = 1,
    ) -> None:
        self._copies: Copies = copies or LocalCopies(make, choices, mask)
        self.spaces, self.lanes = self._copies.spaces, lanes
        each = lanes if lanes % parts else lanes // parts
        self.parts = tuple(slice(first, first + each) for first in range(0, lanes, each))
        self._shape = (lanes, *self.spaces.stored.shape)
        self._rows = rows_of(self.spaces)
        self._dtype = np.dtype(self.spaces.stored.dtype)
        self._seed, self._count = 0, 0
        self._obs = np.zeros(self._shape, self._dtype)
        self._last = [False] * lanes
        self._episodes: list[Episode] = []
        self._rewound = False
        self._coming, self._sent = _nothing(self._shape, self._dtype), dict[int, Sent]()
        self.offered: Mask = "none"

    def reset(self, seed: int) -> np.ndarray:
        """Start every lane's first episode, all randomness from ``seed``; returns observations [lanes, ...]."""
        self._seed, self._count = seed, 0
        self._reseed()
        begun: list[Begun] = self._each("begin")
        self.offered = begun[0].offered
        self._episodes = [_episode(each) for each in begun]
        self._last = [False] * self.lanes
        self._obs = np.stack([episode.first for episode in self._episodes])
        return self._obs

    def step(self, actions: np.ndarray) -> Step:
        """Act in every lane; see ``Lanes.step``. The arrays are fresh ones at every call.

        Raises:
            UserError: what an environment gave is not what it should be; the env step is named.
        """
        step = _nothing(self._shape, self._dtype)
        acts = self._rows(actions)
        try:
            told = self._copies.ask(self._calls(0, acts))
        except UserError as error:
            raise self._placed(error) from error
        learnt = self._take(0, acts, told, step)
        self._obs, self._last, self._count = step.obs, step.last.tolist(), self._count + 1
        return step if learnt is None else step._replace(learnt=learnt)

    def send(self, part: slice, actions: np.ndarray) -> None:
        """Act in some lanes; see ``Apart.send``."""
        if part.start == 0:
            self._coming = _nothing(self._shape, self._dtype)
        acts = self._rows(actions)
        try:
            self._sent[part.start] = Sent(acts, self._coming, self._copies.send(self._calls(part.start, acts)))
        except UserError as error:
            raise self._placed(error) from error

    def receive(self, part: slice) -> Step:
        """What followed in these lanes; see ``Apart.receive``."""
        acts, step, answers = self._sent.pop(part.start)
        try:
            told = answers()
        except UserError as error:
            raise self._placed(error) from error
        own = _part(step, part)
        learnt = self._take(part.start, acts, told, own)
        self._last = [*self._last[: part.start], *own.last.tolist(), *self._last[part.stop :]]
        if part.stop == self.lanes:
            self._obs, self._count = step.obs, self._count + 1
        return own if learnt is None else own._replace(learnt=learnt)

    def _calls(self, first: int, acts: list[Any]) -> list[Call]:
        """What the copies from ``first`` on are asked to do."""
        last = self._last
        return [
            (lane, "begin", ()) if last[lane] else (lane, "step", (action,)) for lane, action in enumerate(acts, first)
        ]

    def _take(self, first: int, acts: list[Any], told: list[Any], step: Step) -> Learnt | None:
        """Write down what was answered in the lanes from ``first`` on, and see what learning is told instead."""
        episodes, over, otherwise = self._episodes, self._last, []
        obs, reward = step.obs, step.reward
        for place, answer in enumerate(told):
            lane = first + place
            if over[lane]:
                episodes[lane] = begun = _episode(answer)
                obs[place] = begun.first
                continue
            obs[place], gained, ended, cut, _, learnt = answer
            reward[place] = gained
            episode = episodes[lane]
            episode.actions.append(acts[place])
            episode.rewards.append(gained)
            if ended or cut:
                step.terminated[place], step.truncated[place], step.last[place] = ended, cut, True
            if learnt is not None:
                otherwise.append((place, learnt))
        return _learnt(otherwise, step) if otherwise else None

    def _placed(self, error: UserError) -> UserError:
        """A fault of an environment, with the env step."""
        return UserError(f"{error} (env step {(self._count + 1) * self.lanes})")

    def mark(self) -> Any:
        """Observations, flags, count of steps, and each lane's episode with the number of its actions."""
        return self._obs, self._last, self._count, [(episode, len(episode.actions)) for episode in self._episodes]

    def rewind(self, mark: Any) -> None:
        """Go back, for ``save`` alone. The environments have gone on, so what their generators were is unknown."""
        self._obs, self._last, self._count, marked = mark
        self._episodes = [
            dataclasses.replace(episode, actions=episode.actions[:count], rewards=episode.rewards[:count])
            for episode, count in marked
        ]
        self._rewound = True

    def observe(self) -> np.ndarray:
        """The current observations [lanes, ...]."""
        return self._obs

    def save(self) -> dict[str, Any]:
        """Seed, count of steps, and of each lane how to come to this moment again and what to check then."""
        generators: list[Any] = [None] * self.lanes
        if not self._rewound:
            with suppress(UserError):  # an environment that is gone can be restored all the same
                generators = self._each("generator")
        lanes = {
            str(lane): {
                "generator": episode.generator,
                "actions": np.array(episode.actions, self.spaces.action.spec.dtype),
                "first": episode.first.copy(),
                "rewards": _digest(episode.rewards),
                "observation": np.array(self._obs[lane]),
                "last": self._last[lane],
                "generator_now": generator,
            }
            for lane, (generator, episode) in enumerate(zip(generators, self._episodes, strict=True))
        }
        return {"seed": self._seed, "count": self._count, "lanes": lanes}

    def restore(self, saved: dict[str, Any]) -> list[int]:
        """Go back to a saved moment; returns the lanes that do not come to it again, whose episode is over."""
        self._seed, self._count = int(saved["seed"]), int(saved["count"])
        # Seeded first, so that an environment that hides its generator goes on reproducibly too.
        self._reseed()
        moments = [saved["lanes"][str(lane)] for lane in range(self.lanes)]
        lived = self._copies.ask([(lane, "replay", (moment,)) for lane, moment in enumerate(moments)])
        self._episodes = [
            Episode(moment["generator"], moment["first"], self._rows(moment["actions"]), rewards or [])
            for moment, rewards in zip(moments, lived, strict=True)
        ]
        lost = [lane for lane in range(self.lanes) if not _same_rewards(lived[lane], moments[lane])]
        self._last = [bool(moment["last"]) or lane in lost for lane, moment in enumerate(moments)]
        self._obs = np.stack([moment["observation"] for moment in moments])
        return lost

    def close(self) -> None:
        """Free windows, processes and the like."""
        self._copies.close()

    def _each(self, name: str) -> list[Any]:
        return self._copies.ask([(lane, name, ()) for lane in range(self.lanes)])

    def _reseed(self) -> None:
        # The count makes the seeds after a restore differ from the first ones.
        seeds = lane_seeds(self._seed, self._count, self.lanes)
        self._copies.ask([(lane, "seed", (seed,)) for lane, seed in enumerate(seeds)])


def lane_seeds(seed: int, count: int, lanes: int) -> list[int]:
    """Seeds [lanes] below 2**31 that depend on all of ``seed`` and ``count`` and do not overlap between runs."""
    return [int(word) >> 1 for word in np.random.SeedSequence([seed, count]).generate_state(lanes)]


def _nothing(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Step:
    """Room for observations [lanes, ...], and a step in which nothing has happened yet."""
    lanes, no = shape[0], np.bool_
    obs, reward = np.empty(shape, dtype), np.zeros(lanes, np.float32)
    return Step(obs, reward, np.zeros(lanes, no), np.zeros(lanes, no), np.zeros(lanes, no))


def _part(step: Step, part: slice) -> Step:
    """What followed in some lanes."""
    return Step(step.obs[part], step.reward[part], step.terminated[part], step.truncated[part], step.last[part])


def _episode(begun: Begun) -> Episode:
    return Episode(begun.generator, begun.first, [], [])


def _learnt(otherwise: list[tuple[int, tuple[Any, Any]]], step: Step) -> Learnt:
    """What learning is told in place of these rewards and terminations [lanes], of which some are ``otherwise``."""
    learnt = Learnt(step.reward.copy(), step.terminated.copy())
    for place, own in otherwise:
        learnt.reward[place], learnt.terminated[place] = own
    return learnt


def _same_rewards(lived: list[Any] | None, moment: dict[str, Any]) -> bool:
    """Whether a saved episode was lived through again with the rewards it had, where these were kept."""
    return lived is not None and moment.get("rewards", _digest(lived)) == _digest(lived)


def _digest(rewards: list[Any]) -> str:
    """What tells one list of rewards from another, bit by bit."""
    return hashlib.sha256(np.asarray(rewards, np.float64).tobytes()).hexdigest()
