"""Greedy episodes, moment by moment: what is seen, what has come of it, and what the policy makes of it."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, cast

import gymnasium as gym
import numpy as np

from argmaxq.environments.drawn import drawn
from argmaxq.environments.survey import registered_limit
from argmaxq.interrupts import obey
from argmaxq.training.evaluation import LONGEST
from argmaxq.types import ACTION_MASK
from argmaxq.verbs.policy import Policy, Regard
from argmaxq.verbs.run import Run
from argmaxq.visualisation.observed import beside, binary, pictured

USUAL_FPS = 30.0


class Moment(NamedTuple):
    """A moment of an episode, before its next action or at its end.

    Attributes:
        pictures: uint8 [height, width, 3] each, of the time since the previous moment; none for a window.
        step: Actions so far.
        total: Rewards so far.
        over: Whether it has ended.
        regard: What the policy makes of it; None where nobody asked, and at the end.
    """

    pictures: list[Any]
    step: int
    total: float
    over: bool
    regard: Regard | None


@dataclasses.dataclass(frozen=True)
class Stage:
    """An environment that draws itself, and the policy that plays in it; ``regarded``: with all that it thinks."""

    env: gym.Env[Any, Any]
    policy: Policy
    regarded: bool = False

    @property
    def fps(self) -> float:
        """Pictures per second."""
        return float(self.env.metadata.get("render_fps") or USUAL_FPS)

    def moments(self, seed: int, pictures: Callable[[Any], Iterable[Any]]) -> Iterator[Moment]:
        """An episode's moments, the first and the final one included; ``pictures`` of an observation are theirs.

        An episode without an end is left after ``LONGEST`` steps.
        """
        longest = registered_limit(self.env) or LONGEST
        obs, info = self.env.reset(seed=seed)
        memory, total, step, over = self.policy.start(), 0.0, 0, False
        while not over and step < longest:
            shown = list(pictures(obs))
            obey()
            mask = info.get(ACTION_MASK) if self.policy.adaptor.mask == "info" else None
            regard = self.policy.regard(obs, memory, mask) if self.regarded else None
            action, memory = (regard.action, regard.memory) if regard else self.policy.step(obs, memory, mask)
            yield Moment(shown, step, total, False, regard)
            obs, reward, terminated, truncated, info = self.env.step(action)
            total, step, over = total + float(reward), step + 1, terminated or truncated
        yield Moment(list(pictures(obs)), step, total, over, None)

    def pictures(self, obs: Any) -> list[np.ndarray]:
        """What shows the time since the previous moment, with what the agent sees beside it where that is a picture."""
        found = self._frames()
        spec = self.policy.adaptor.spaces.observation
        if not pictured(spec) or binary(spec):
            return found
        return [beside(picture, np.asarray(obs), spec) for picture in found]

    def _frames(self) -> list[np.ndarray]:
        """The environment's own ``render_frames()``, or one picture."""
        if self.env.has_wrapper_attr("render_frames"):
            frames = cast(Callable[[], Iterable[Any]], self.env.get_wrapper_attr("render_frames"))
            return [np.asarray(frame) for frame in frames()]
        return [np.asarray(self.env.render())]


def stage(run: Run, which: str | int, mode: str, regarded: bool = False) -> Stage:
    """A run's environment and the policy of one of its checkpoints.

    Raises:
        UserError: there is no such checkpoint, or the environment does not draw itself in this ``mode``.
    """
    policy = run.policy(which)
    return Stage(drawn(run.recipe.env, mode), policy, regarded)
