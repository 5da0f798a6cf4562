"""Lanes of single Gymnasium environments, stepped in one Python loop, with episodes that can be restored exactly."""

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import jax
import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.environments.hybrid import Choices
from argmaxq.environments.lanes import Step
from argmaxq.environments.spaces import read_spaces


@dataclasses.dataclass
class Episode:
    """How to come to this moment of an episode again: its generator's state before the reset, the actions since.

    The rewards are those that came of them, as the environment gave them.
    """

    generator: dict[str, Any] | None
    first: np.ndarray
    actions: list[Any]
    rewards: list[Any]


class GymnasiumLanes:
    """``lanes`` environments made by ``make``, with next-step autoreset.

    ``save`` keeps, of each lane, the state of the environment's generator just before the episode's reset, and the
    actions since; ``restore`` resets from that state and acts again. That is exact wherever an episode depends on
    nothing but ``env.unwrapped.np_random`` and the actions; where observations, rewards, the end or the generator's
    state come out differently (as where a wrapper remembers earlier episodes), the episode ends with the saved
    observation.

    Raises:
        UserError: the spaces fit no agent.
    """

    def __init__(self, make: Callable[[], gym.Env[Any, Any]], lanes: int, choices: Choices = ()) -> None:
        self._envs = [make() for _ in range(lanes)]
        space = self._envs[0].action_space
        adaptor = read_spaces(self._envs[0].observation_space, space, choices)
        self.spaces, self.lanes = adaptor.spaces, lanes
        self._encode = adaptor.encode
        # On Python's own integers, adding the start is all there is to decode, at a fifth of the cost.
        self._decode = int(space.start).__add__ if isinstance(space, gym.spaces.Discrete) else adaptor.decode
        self._rows: Callable[[np.ndarray], list[Any]] = list if self.spaces.action.spec.shape else np.ndarray.tolist
        self._shape = (lanes, *self.spaces.observation.shape)
        self._dtype = np.dtype(self.spaces.observation.dtype)
        self._steps = [env.step for env in self._envs]
        self._seed, self._count = 0, 0
        self._obs = np.zeros(self._shape, self._dtype)
        self._last = [False] * lanes
        self._episodes: list[Episode] = []
        self._rewound = False

    def reset(self, seed: int) -> np.ndarray:
        """Start every lane's first episode, all randomness from ``seed``; returns observations [lanes, ...]."""
        self._seed, self._count = seed, 0
        self._reseed()
        self._episodes = [self._begin(env) for env in self._envs]
        self._last = [False] * self.lanes
        self._obs = np.stack([episode.first for episode in self._episodes])
        return self._obs

    def step(self, actions: np.ndarray) -> Step:
        """Act in every lane; see ``Lanes.step``. The arrays are fresh ones at every call."""
        episodes, encode, decode = self._episodes, self._encode, self._decode
        obs = np.empty(self._shape, self._dtype)
        reward = np.zeros(self.lanes, np.float32)
        terminated, truncated = np.zeros((2, self.lanes), np.bool_)
        for lane, (action, over) in enumerate(zip(self._rows(actions), self._last, strict=True)):
            if over:
                episodes[lane] = self._begin(self._envs[lane])
                obs[lane] = episodes[lane].first
                continue
            seen, gained, ended, cut, _ = self._steps[lane](decode(action))
            obs[lane], reward[lane] = encode(seen), gained
            episodes[lane].actions.append(action)
            episodes[lane].rewards.append(gained)
            if ended or cut:
                terminated[lane], truncated[lane] = ended, cut
        last = terminated | truncated
        self._obs, self._last = obs, last.tolist()
        self._count += 1
        return Step(obs, reward, terminated, truncated, last)

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
        lanes = {
            str(lane): {
                "generator": episode.generator,
                "actions": np.array(episode.actions, self.spaces.action.spec.dtype),
                "first": episode.first.copy(),
                "rewards": _digest(episode.rewards),
                "observation": np.array(self._obs[lane]),
                "last": self._last[lane],
                "generator_now": None if self._rewound else _generator_state(env),
            }
            for lane, (env, episode) in enumerate(zip(self._envs, self._episodes, strict=True))
        }
        return {"seed": self._seed, "count": self._count, "lanes": lanes}

    def restore(self, saved: dict[str, Any]) -> list[int]:
        """Go back to a saved moment; returns the lanes that do not come to it again, whose episode is over."""
        self._seed, self._count = int(saved["seed"]), int(saved["count"])
        # Seeded first, so that an environment that hides its generator goes on reproducibly too.
        self._reseed()
        moments = [saved["lanes"][str(lane)] for lane in range(self.lanes)]
        self._episodes = [Episode(own["generator"], own["first"], self._rows(own["actions"]), []) for own in moments]
        lost = [lane for lane in range(self.lanes) if not self._replay(lane, moments[lane])]
        self._last = [bool(moment["last"]) or lane in lost for lane, moment in enumerate(moments)]
        self._obs = np.stack([moment["observation"] for moment in moments])
        return lost

    def close(self) -> None:
        """Free windows and the like."""
        for env in self._envs:
            env.close()

    def _reseed(self) -> None:
        # The count makes the seeds after a restore differ from the first ones.
        for env, seed in zip(self._envs, lane_seeds(self._seed, self._count, self.lanes), strict=True):
            env.reset(seed=seed)

    def _begin(self, env: gym.Env[Any, Any]) -> Episode:
        """Start an episode from the environment's own generator."""
        generator = _generator_state(env)
        first = np.array(self._encode(env.reset()[0]))
        if first.shape != self._shape[1:]:
            raise UserError(f"{env} gave an observation of shape {first.shape}; its space says {self._shape[1:]}")
        return Episode(generator, first, [], [])

    def _replay(self, lane: int, moment: dict[str, Any]) -> bool:
        """Live through a saved episode again; False if it does not come to the same moment."""
        env, rewards = self._envs[lane], self._episodes[lane].rewards
        generator, now = moment["generator"], _generator_state(env)
        if generator is None or now is None or now["bit_generator"] != generator["bit_generator"]:
            return False
        env.unwrapped.np_random.bit_generator.state = generator
        obs, over = np.array(self._encode(env.reset()[0])), False
        if not _same_bits(obs, moment["first"]):
            return False
        for action in self._episodes[lane].actions:
            if over:
                return False
            seen, gained, terminated, truncated, _ = env.step(self._decode(action))
            obs, over = self._encode(seen), bool(terminated or truncated)
            rewards.append(gained)
        same = _same_bits(obs, moment["observation"]) and over == moment["last"]
        same = same and moment.get("rewards", _digest(rewards)) == _digest(rewards)
        known = moment["generator_now"]
        return same and (known is None or _same_state(_generator_state(env), known))


def lane_seeds(seed: int, count: int, lanes: int) -> list[int]:
    """Seeds [lanes] below 2**31 that depend on all of ``seed`` and ``count`` and do not overlap between runs."""
    return [int(word) >> 1 for word in np.random.SeedSequence([seed, count]).generate_state(lanes)]


def _digest(rewards: list[Any]) -> str:
    """What tells one list of rewards from another, bit by bit."""
    return hashlib.sha256(np.asarray(rewards, np.float64).tobytes()).hexdigest()


def _generator_state(env: gym.Env[Any, Any]) -> dict[str, Any] | None:
    """The state of the environment's generator, or None if it has none to show."""
    bits = getattr(env.unwrapped.np_random, "bit_generator", None)
    return None if bits is None else dict(bits.state)


def _same_state(a: dict[str, Any] | None, b: dict[str, Any] | None) -> bool:
    """Whether two generators of one kind are at the same point."""
    return a is not None and b is not None and jax.tree.all(jax.tree.map(np.array_equal, a, b))


def _same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
