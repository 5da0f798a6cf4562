"""Copies of a Gymnasium environment as an agent sees them: what they are asked, and what they answer."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import gymnasium as gym
import jax
import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.lanes.frames import observations
from argmaxq.lanes.hybrid import Choices
from argmaxq.lanes.masks import Mask, offered
from argmaxq.lanes.misfits import SEEDLESS, reset_fault, step_fault, takes_no_seed, title
from argmaxq.lanes.spaces import read_spaces
from argmaxq.spaces import Spaces
from argmaxq.types import LEARNT

Make = Callable[[], gym.Env[Any, Any]]
Generator = dict[str, Any] | None
"""The state of an environment's generator, or None where it has none to show."""
Call = tuple[int, str, tuple[Any, ...]]
"""The number of a copy, the name of one of ``Copy``'s methods, and its arguments."""


Answers = Callable[[], list[Any]]
"""Waits for the answers to calls, and gives them."""


class Begun(NamedTuple):
    """How an episode begins: the generator's state before its reset, its first observation, and where the environment
    seems to tell which actions are allowed.
    """

    generator: Generator
    first: np.ndarray
    offered: Mask


class Acted(NamedTuple):
    """What followed an action, the reward as the environment gave it; ``success`` is NaN where ``info`` has none.

    ``learnt`` is the (reward, terminated) that learning is told, where that is another.
    """

    obs: np.ndarray
    reward: Any
    terminated: Any
    truncated: Any
    success: Any
    learnt: tuple[Any, Any] | None = None


class Copies(Protocol):
    """Copies of an environment by number, each made when it is first asked."""

    @property
    def spaces(self) -> Spaces:
        """What an agent sees of them."""

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """What these calls return, in order; calls of different copies may be done at the same time.

        The observations of steps are valid until their copies' next calls.

        Raises:
            UserError: what a copy gave is not what an environment gives, or it is gone.
        """

    def send(self, calls: Sequence[Call]) -> Answers:
        """The same without waiting, where the copies live elsewhere. Answers are fetched in the order of sending."""

    def close(self) -> None:
        """Free windows, processes and the like."""


class LocalCopies:
    """Copies in this process, called one after the other.

    Raises:
        UserError: the spaces fit no agent.
    """

    def __init__(self, make: Make, choices: Choices = (), mask: Mask = "none") -> None:
        self._make, self._choices, self._mask = make, choices, mask
        self.made: dict[int, Copy] = {}

    @property
    def spaces(self) -> Spaces:
        """What an agent sees of them."""
        return (self.made.get(0) or self._new(0)).spaces

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """Do the calls in order."""
        made = self.made
        return [getattr(made.get(copy) or self._new(copy), name)(*given) for copy, name, given in calls]

    def send(self, calls: Sequence[Call]) -> Answers:
        """Do the calls at once."""
        answers = self.ask(calls)
        return lambda: answers

    def close(self) -> None:
        """Close all environments."""
        for copy in self.made.values():
            copy.env.close()

    def _new(self, number: int) -> "Copy":
        self.made[number] = copy = Copy(self._make(), self._choices, self._mask)
        return copy


class Copy:
    """One environment; takes an agent's actions and gives observations as the agent sees them.

    All that it gives is looked at where an episode begins and in its first step; after that only what costs nothing.

    Raises:
        UserError: its spaces fit no agent.
    """

    def __init__(self, env: gym.Env[Any, Any], choices: Choices = (), mask: Mask = "none") -> None:
        space = env.action_space
        self._adaptor = adaptor = read_spaces(observations(env), space, choices, mask)
        self.env, self.spaces, self._masked = env, adaptor.spaces, adaptor.spaces.masked
        self._shape, self._encode, self._step = self.spaces.observation.packed.shape, adaptor.encode, env.step
        # On Python's own integers, adding the start is all there is to decode, at a fifth of the cost.
        self._decode = int(space.start).__add__ if isinstance(space, gym.spaces.Discrete) else adaptor.decode
        self._new = False

    def seed(self, seed: int) -> None:
        """Begin an episode that nobody sees, so that the environment's randomness is that of ``seed``."""
        self._reset(seed=seed)

    def start(self, seed: int) -> np.ndarray:
        """Begin the episode of a seed; returns its first observation."""
        return self._observed(self._reset(seed=seed))

    def begin(self) -> Begun:
        """Begin an episode from the environment's own generator."""
        generator, result = self.generator(), self._reset()
        return Begun(generator, self._observed(result), offered(self.env.observation_space, result[1]))

    def step(self, action: Any) -> Acted:
        """Act, with the agent's own action.

        Raises:
            UserError: what the environment returned is not what it should be; its own exceptions come as they are.
        """
        result = self._step(self._decode(action))
        try:
            seen, reward, terminated, truncated, info = result
            obs, success, learnt = self._encode(seen), info.get("success", np.nan), info.get(LEARNT)
            sound = obs.shape == self._shape and not getattr(reward, "ndim", 0)
        except Exception as error:
            raise UserError(self._told(step_fault(result, self.env.observation_space), error)) from error
        if self._new or not sound:
            self._new = False
            if fault := step_fault(result, self.env.observation_space):
                raise UserError(self._told(fault))
        if self._masked:
            obs = self._with_mask(obs, seen, info, bool(terminated))
        return Acted(obs, reward, terminated, truncated, success, learnt)

    def replay(self, moment: dict[str, Any]) -> list[Any] | None:
        """Live through a saved episode again; returns its rewards, None if it does not come to the same moment.

        It does not where it goes another way, of which an exception of the environment may be the first that is seen.
        """
        try:
            return self._lived(moment)
        except Exception:
            return None

    def _lived(self, moment: dict[str, Any]) -> list[Any] | None:
        generator, now = moment["generator"], self.generator()
        if generator is None or now is None or now["bit_generator"] != generator["bit_generator"]:
            return None
        self.env.unwrapped.np_random.bit_generator.state = generator
        obs, over, rewards = self._observed(self._reset()), False, []
        if not _same_bits(obs, moment["first"]):
            return None
        for action in rows_of(self.spaces)(moment["actions"]):
            if over:
                return None
            obs, reward, terminated, truncated = self.step(action)[:4]
            over = bool(terminated or truncated)
            rewards.append(float(reward))
        known = moment["generator_now"]
        same = _same_bits(obs, moment["observation"]) and over == moment["last"]
        return rewards if same and (known is None or _same_state(self.generator(), known)) else None

    def generator(self) -> Generator:
        """The state of the environment's generator, or None if it has none to show."""
        bits = getattr(self.env.unwrapped.np_random, "bit_generator", None)
        return None if bits is None else dict(bits.state)

    def _reset(self, **seed: Any) -> Any:
        self._new = True
        try:
            return self.env.reset(**seed)
        except TypeError as error:
            if not takes_no_seed(error):
                raise
            raise UserError(f"{title(self.env)}.reset takes no seed: {SEEDLESS}") from error

    def _observed(self, result: Any) -> np.ndarray:
        if fault := reset_fault(result, self.env.observation_space):
            raise UserError(self._told(fault))
        obs = np.array(self._encode(result[0]))
        return self._with_mask(obs, *result) if self._masked else obs

    def _with_mask(self, obs: np.ndarray, seen: Any, info: Any, over: bool = False) -> np.ndarray:
        try:
            return self._adaptor.joined(obs, seen, info, over)
        except UserError as error:
            raise UserError(f"{title(self.env)}: {error}") from error

    def _told(self, fault: str, error: Exception | None = None) -> str:
        return f"{title(self.env)} {fault or f'gave what cannot be read ({type(error).__name__}: {error})'}"


def rows_of(spaces: Spaces) -> Callable[[np.ndarray], list[Any]]:
    """What takes an agent's actions [n, ...] one by one: Python's own integers where they are numbers, else arrays."""
    return list if spaces.action.spec.shape else np.ndarray.tolist


def _same_state(a: Generator, b: Generator) -> bool:
    """Whether two generators of one kind are at the same point."""
    return a is not None and b is not None and jax.tree.all(jax.tree.map(np.array_equal, a, b))


def _same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
