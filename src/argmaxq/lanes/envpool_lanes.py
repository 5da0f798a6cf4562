"""Lanes of EnvPool's C++ environments, stepped by threads."""

import contextlib
import os
import warnings
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.lanes.gymnasium_lanes import lane_seeds
from argmaxq.lanes.lanes import Step, begun
from argmaxq.lanes.masks import Mask, offered
from argmaxq.lanes.restarted import Restarted
from argmaxq.lanes.spaces import Adaptor, read_spaces
from argmaxq.setup import usable_cores

THREADING = ("num_threads", "thread_affinity_offset")
"""Arguments that are EnvPool's alone and leave the dynamics as they are."""


class EnvPoolLanes(Restarted):
    """``lanes`` environments of an id that EnvPool knows; ``kwargs`` are EnvPool's.

    EnvPool resets at the next step, as Lanes do. It takes seeds only when made, so ``reset`` makes it anew, and it
    hides its generators, so ``restore`` ends every lane's episode. A termination that falls on the time limit's
    very step is reported by EnvPool as a truncation only.

    Raises:
        UserError: EnvPool is missing, does not know the id or an argument, or the spaces fit no agent.
    """

    def __init__(self, id: str, lanes: int, kwargs: Mapping[str, Any] | None = None, mask: Mask = "none") -> None:
        self._id, self.lanes, self._mask = id, lanes, mask
        own = dict(kwargs or {})
        self._options = own if "num_threads" in own else {**threads(lanes), **own}
        self._pool, adaptor = self._make(0, 0)
        self.spaces, self._whole, self._decode = adaptor.spaces, adaptor.whole, adaptor.decode
        self.offered: Mask = "none"
        self._seed, self._count = 0, 0
        self._obs = np.zeros((lanes, *self.spaces.stored.shape), self.spaces.stored.dtype)
        self._fresh: np.ndarray | None = None

    def reset(self, seed: int) -> np.ndarray:
        """Make the pool anew, all randomness from ``seed``; returns observations [lanes, ...]."""
        return self._restart(seed, 0)

    def step(self, actions: np.ndarray) -> Step:
        """Act in every lane; see ``Lanes.step``."""
        self._count += 1
        if self._fresh is not None:
            self._obs, self._fresh = self._fresh, None
            return begun(self._obs)
        seen, reward, terminated, truncated, info = self._pool.step(self._decode(actions))
        self._obs = self._whole(seen, info, terminated)
        reward = reward.astype(np.float32, copy=False)
        return self._seen(info, Step(self._obs, reward, terminated, truncated, terminated | truncated))

    def restore(self, saved: dict[str, Any]) -> list[int]:
        """End every lane's episode; the next ones' seeds depend on the saved moment. Returns all lanes."""
        self._fresh = self._restart(int(saved["seed"]), int(saved["count"]))
        self._obs = saved["observations"].copy()
        return list(range(self.lanes))

    def close(self) -> None:
        """End the threads."""
        self._pool.close()

    def _space(self, pool: Any) -> Any:
        """The space of one lane's observations."""
        return pool.observation_space

    def _seen(self, info: dict[str, Any], step: Step) -> Step:
        """A step with what its infos tell of it."""
        return step

    def _restart(self, seed: int, count: int) -> np.ndarray:
        self._seed, self._count = seed, count
        self._pool.close()
        self._pool, _ = self._make(seed, count)
        seen, info = self._pool.reset()
        self.offered = offered(self._pool.observation_space, info)
        self._obs, self._fresh = self._whole(seen, info), None
        return self._obs

    def _make(self, seed: int, count: int) -> tuple[Any, Adaptor]:
        envpool = _import_envpool()
        if self._id not in envpool.list_all_envs():
            close = get_close_matches(self._id, envpool.list_all_envs(), n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else "use the gymnasium backend for it"
            raise UserError(f"EnvPool has no environment {self._id!r}: {hint}")
        seeds = lane_seeds(seed, count, self.lanes)
        try:
            with _without_bound_warnings():
                pool = envpool.make_gymnasium(self._id, num_envs=self.lanes, env_seed=seeds, **self._options)
                return pool, read_spaces(self._space(pool), pool.action_space, mask=self._mask)
        except TypeError as error:
            raise UserError(f"EnvPool's {self._id} does not take these arguments: {error}") from error


@contextlib.contextmanager
def _without_bound_warnings() -> Iterator[None]:
    """EnvPool gives float64 bounds to float32 spaces, of which Gymnasium warns; nobody can do anything about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*precision lowered", category=UserWarning)
        yield


def threads(lanes: int) -> dict[str, int]:
    """EnvPool's threads: one for each core, bound to it, for the scheduler likes to put two that wake up on one core.

    Not bound where there are fewer lanes than cores or the process may not use all of them, as EnvPool counts from 0.
    """
    cores = usable_cores()
    bound = {"thread_affinity_offset": 0} if cores == os.cpu_count() and cores <= lanes else {}
    return {"num_threads": min(cores, lanes), **bound}


def _import_envpool() -> Any:
    try:
        import envpool
    except ImportError as error:
        raise UserError('EnvPool is missing: pip install "argmaxq[fast]", or use the gymnasium backend') from error
    return envpool
