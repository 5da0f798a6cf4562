"""Our FuncEnvs as Gymnasium environments, for the host engine, for watching, and for every other library."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from typing_extensions import Protocol, runtime_checkable

from argmaxq.components.errors import UserError
from argmaxq.domains.catalogue import functional
from argmaxq.types import ACTION_MASK, Array, PyTree

Read = Callable[[Any], Any]
MODES = ["human", "rgb_array"]


@runtime_checkable
class Drawn(Protocol):
    """A FuncEnv that has pictures."""

    def picture(self, state: PyTree) -> Any:
        """A ``pygame.Surface`` of a state, whose leaves are NumPy arrays; always of the same size."""


@runtime_checkable
class Slow(Protocol):
    """A FuncEnv whose actions last long enough to be watched."""

    def moments(self, state: PyTree, action: PyTree, rng: Array) -> tuple[PyTree, Array]:
        """States that ``transition`` goes through with the same arguments, the last one included.

        Returns the states with a leading axis [n], and how many of them there are, from the first on.
        """


class GymEnv(gym.Env[np.ndarray, Any]):
    """A FuncEnv as a ``gymnasium.Env``.

    All randomness comes from ``np_random``, so an episode is a function of its generator's state before the reset and
    of the actions. Box actions beyond their bounds are clipped. ``info`` is what the FuncEnv's ``state_info`` and
    ``transition_info`` say, and as ``action_mask`` what its ``legal(state)`` does, if it has one.

    Args:
        env: The environment's dynamics, or the id under which ``argmaxq.domains`` lists it.
        render_mode: "rgb_array", "human" or nothing; only for environments that have pictures.
        options: Arguments for the class that the id names.

    Raises:
        UserError: unknown render modes or options, and in ``step`` an action that does not fit, NaN included.
    """

    metadata = {"render_modes": MODES, "render_fps": 30}  # noqa: RUF012 - Gymnasium's name, read before one is made

    def __init__(
        self, env: FuncEnv[Any, Any, Any, Any, Any, Any, Any] | str, render_mode: str | None = None, **options: Any
    ) -> None:
        self.func_env: Any = _named(env, options) if isinstance(env, str) else env
        self.observation_space, self.action_space = self.func_env.observation_space, self.func_env.action_space
        modes = MODES if isinstance(self.func_env, Drawn) else []
        self.metadata = {"render_fps": getattr(self.func_env, "render_fps", 30), "render_modes": modes}
        if render_mode not in (None, *modes):
            raise UserError(f"render_mode = {render_mode!r}: it is one of {', '.join(modes) or 'none'}")
        self.render_mode = render_mode
        self._read = _reader(self.action_space, "the action")
        self._window: Any = None
        self.state: PyTree = None
        self._latest: tuple[PyTree, Any, np.ndarray] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode."""
        super().reset(seed=seed)
        self.state, obs, info = _begin(self.func_env, self._words())
        self._latest = None
        self._show()
        return self._array(obs), _info(info)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Act once."""
        action = self._read(action)
        words = self._words()
        self._latest = self.state, action, words
        self.state, obs, reward, terminated, info = _advance(self.func_env, self.state, action, words)
        self._show()
        return self._array(obs), float(reward), bool(terminated), False, _info(info)

    def render(self) -> Any:
        """The present moment as uint8 [height, width, 3] in mode "rgb_array"; a window shows it by itself."""
        return _pixels(self.func_env, self._host_state()) if self.render_mode == "rgb_array" else None

    def render_frames(self) -> Iterator[np.ndarray]:
        """What happened since the previous observation, as uint8 [height, width, 3] each; the last is ``render``'s."""
        for state in self._moments():
            yield _pixels(self.func_env, state)

    def close(self) -> None:
        """Close the window, if any."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _array(self, obs: Array) -> np.ndarray:
        # A copy: NumPy's view of a JAX array cannot be written to.
        return np.array(obs, self.observation_space.dtype)

    def _words(self) -> np.ndarray:
        return self.np_random.integers(2**32, size=2, dtype=np.uint32)

    def _host_state(self) -> PyTree:
        if self.state is None:
            raise UserError("there is nothing to draw before the first reset")
        return jax.tree.map(np.asarray, self.state)

    def _moments(self) -> list[PyTree]:
        """States since the previous observation, the present one last."""
        if self._latest is None or not isinstance(self.func_env, Slow):
            return [self._host_state()]
        state, action, words = self._latest
        moments, count = jax.tree.map(np.asarray, _inner_states(self.func_env, state, action, words))
        between = [jax.tree.map(lambda leaf, n=n: leaf[n], moments) for n in range(max(int(count) - 1, 0))]
        return [*between, self._host_state()]

    def _show(self) -> None:
        if self.render_mode == "human":
            from argmaxq.domains.drawings.canvas import Window

            if self._window is None:
                self._window = Window(str(self), float(self.metadata["render_fps"]))
            for state in self._moments():
                if not self._window.closing:
                    self._window.show(self.func_env.picture(state))


# The environment is a static argument, so that all that are made from one id are compiled once.
@partial(jax.jit, static_argnums=0)
def _begin(env: Any, words: Array) -> tuple[PyTree, Array, dict[str, Array]]:
    keys = jax.random.split(jax.random.wrap_key_data(words, impl="threefry2x32"))
    state = env.initial(keys[0])
    return state, env.observation(state, keys[1]), env.state_info(state) | _mask(env, state)


@partial(jax.jit, static_argnums=0)
def _advance(
    env: Any, state: PyTree, action: Any, words: Array
) -> tuple[PyTree, Array, Array, Array, dict[str, Array]]:
    keys = _step_keys(words)
    after = env.transition(state, action, keys[0])
    reward, terminated = env.reward(state, action, after, keys[1]), env.terminal(after, keys[2])
    info = env.state_info(after) | env.transition_info(state, action, after) | _mask(env, after)
    return after, env.observation(after, keys[3]), reward, terminated, info


def _mask(env: Any, state: PyTree) -> dict[str, Array]:
    """What a FuncEnv's ``legal`` says, in the type that a Discrete space's ``sample`` takes."""
    return {ACTION_MASK: jnp.asarray(env.legal(state), jnp.int8)} if hasattr(env, "legal") else {}


@partial(jax.jit, static_argnums=0)
def _inner_states(env: Any, state: PyTree, action: Any, words: Array) -> tuple[PyTree, Array]:
    states: tuple[PyTree, Array] = env.moments(state, action, _step_keys(words)[0])
    return states


def _step_keys(words: Array) -> Array:
    return jax.random.split(jax.random.wrap_key_data(jnp.asarray(words), impl="threefry2x32"), 4)


def _named(id: str, options: Mapping[str, Any]) -> FuncEnv[Any, Any, Any, Any, Any, Any, Any]:
    try:
        return _shared(id, tuple(sorted(options.items())))
    except TypeError:  # an option that cannot be hashed
        return _found(id, options)


@cache
def _shared(id: str, options: tuple[tuple[str, Any], ...]) -> FuncEnv[Any, Any, Any, Any, Any, Any, Any]:
    return _found(id, dict(options))


def _found(id: str, options: Mapping[str, Any]) -> FuncEnv[Any, Any, Any, Any, Any, Any, Any]:

    found = functional(id, options)
    if found is None:
        raise UserError(f"there is no environment {id!r} of our own")
    return found


def _pixels(env: Any, state: PyTree) -> np.ndarray:
    import pygame

    return np.ascontiguousarray(pygame.surfarray.array3d(env.picture(state)).swapaxes(0, 1))


def _info(info: Mapping[str, Array]) -> dict[str, Any]:
    return {name: value.item() if np.ndim(value) == 0 else np.array(value) for name, value in info.items()}


def _reader(space: gym.Space[Any], name: str) -> Read:
    """A function that checks an action and brings it into the form that the dynamics take."""
    match space:
        case gym.spaces.Discrete():
            first, last = int(space.start), int(space.start + space.n) - 1
            return lambda action: _whole(action, first, last, name)
        case gym.spaces.Box():
            return lambda action: _clipped(action, space, name)
        case gym.spaces.Tuple():
            parts = [_reader(part, f"part {n} of {name}") for n, part in enumerate(space.spaces)]
            return lambda action: _each(action, parts, name)
    raise UserError(f"{name} is of {space}: only Discrete, Box and Tuple spaces are read")


def _whole(action: Any, first: int, last: int, name: str) -> np.int32:
    try:
        value = np.asarray(action)
    except ValueError:  # lists of different lengths
        value = np.zeros(0)
    number = value.size == 1 and value.dtype.kind in "biuf"
    if not number or not first <= value.item() <= last or value.item() % 1:
        raise UserError(f"{name} is {action!r}: it must be a whole number from {first} to {last}")
    return np.int32(value.item())


def _clipped(action: Any, space: gym.spaces.Box, name: str) -> np.ndarray:
    try:
        value = np.asarray(action, space.dtype).reshape(space.shape)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name} is {action!r}: it must be numbers of shape {space.shape}") from error
    if np.isnan(value).any():
        raise UserError(f"{name} is {action!r}: it is not a number")
    return np.clip(value, space.low, space.high)


def _each(action: Any, parts: list[Read], name: str) -> tuple[Any, ...]:
    if not isinstance(action, tuple | list) or len(action) != len(parts):
        raise UserError(f"{name} is {action!r}: it must be a tuple of {len(parts)}")
    return tuple(read(part) for read, part in zip(parts, action, strict=True))
