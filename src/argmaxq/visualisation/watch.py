"""Seeing a trained agent play: in a window, or as a film."""

import dataclasses
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import gymnasium as gym
import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.environments.drawn import PICTURES, WINDOW, drawn
from argmaxq.environments.survey import registered_limit
from argmaxq.interrupts import obey
from argmaxq.reporting.video import write_video
from argmaxq.runs.track import BEST
from argmaxq.training.evaluation import LONGEST, check_episodes, first_seeds
from argmaxq.types import ACTION_MASK
from argmaxq.verbs.policy import Policy
from argmaxq.verbs.run import Run
from argmaxq.verbs.typical import typical
from argmaxq.visualisation.observed import beside, binary, pictured

USUAL_FPS = 30.0
NO_WINDOW = "no window can be opened here: write a film with --video FILE.mp4"


def watch(
    run: Run,
    video: str | Path | None = None,
    *,
    which: str | int = BEST,
    episodes: int = 1,
    seed: int = 1,
    say: Callable[[str], object] = print,
) -> list[float]:
    """Show greedy episodes in a window until they end or it is closed, or write them to a film; return their returns.

    Of a run of many seeds it is the median one, and ``say`` is told which. The episodes begin as those of
    ``Run.evaluate`` with the same seed. ``say`` is given a line after each of them, and one about the film. Where
    observations are pictures, a film has what the agent sees beside the screen.

    Raises:
        UserError: the environment has no pictures, no window can be opened, or the film cannot be written.
    """
    check_episodes(episodes, seed)
    run, which_seed = typical(run, which)
    if which_seed:
        say(which_seed)
    policy = run.policy(which)
    env = drawn(run.recipe.env, WINDOW if video is None else PICTURES)
    seeds = first_seeds(seed, episodes)
    playing = Playing(env, policy, say)
    try:
        if video is None:
            _show(playing, seeds)
        else:
            fps = float(env.metadata.get("render_fps") or USUAL_FPS)
            write_video(playing.moments(seeds, _with_observations(playing, _pictures(env))), Path(video), fps)
            say(f"{video}: {playing.seen} frames, {playing.seen / fps:.1f} s")
    finally:
        env.close()
    return playing.returns


@dataclasses.dataclass
class Playing:
    """Episodes of a policy, moment by moment, with their returns."""

    env: gym.Env[Any, Any]
    policy: Policy
    say: Callable[[str], object]
    returns: list[float] = dataclasses.field(default_factory=list)
    seen: int = 0
    obs: Any = None

    def moments(self, seeds: Sequence[int], pictures: Callable[[], Iterable[Any]]) -> Iterator[Any]:
        """All ``pictures()`` of each moment of the episodes with these seeds, the first and the final one included."""
        longest = registered_limit(self.env) or LONGEST
        for number, seed in enumerate(seeds, start=1):
            obs, info = self.env.reset(seed=seed)
            self.policy.reset()
            self.obs, total, steps, over = obs, 0.0, 0, False
            yield from self._counted(pictures())
            while not over and steps < longest:
                obey()
                mask = info.get(ACTION_MASK) if self.policy.adaptor.mask == "info" else None
                obs, reward, terminated, truncated, info = self.env.step(self.policy(obs, mask))
                self.obs, total, steps, over = obs, total + float(reward), steps + 1, terminated or truncated
                yield from self._counted(pictures())
            self.returns.append(total)
            self.say(f"episode {number}: return {total:.1f} in {steps:,} steps{'' if over else ', and cut there'}")

    def _counted(self, pictures: Iterable[Any]) -> Iterator[Any]:
        for picture in pictures:
            self.seen += 1
            yield picture


def _pictures(env: gym.Env[Any, Any]) -> Callable[[], Iterable[Any]]:
    """What shows the time since the previous moment: the environment's own ``render_frames()``, or one picture."""
    if env.has_wrapper_attr("render_frames"):
        return cast(Callable[[], Iterable[Any]], env.get_wrapper_attr("render_frames"))
    return lambda: [env.render()]


def _with_observations(playing: Playing, pictures: Callable[[], Iterable[Any]]) -> Callable[[], Iterable[Any]]:
    """The same pictures, with what the agent sees beside each where that is a picture, too."""
    spec = playing.policy.adaptor.spaces.observation
    if not pictured(spec) or binary(spec):
        return pictures
    return lambda: [beside(np.asarray(picture), np.asarray(playing.obs), spec) for picture in pictures()]


def _show(playing: Playing, seeds: Sequence[int]) -> None:
    """Play in a window, which the environment draws by itself at every step."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        for _ in playing.moments(seeds, lambda: [None]):
            if _pygame() and _driver() == "offscreen" != os.environ.get("SDL_VIDEODRIVER"):
                raise UserError(NO_WINDOW)  # SDL found no display and draws where nobody sees it
            if _closed():
                return
    except Exception as error:
        if _pygame() and isinstance(error, _pygame().error):
            raise UserError(f"{NO_WINDOW} ({error})") from error
        raise


def _pygame() -> Any:
    """Pygame, if the environment uses it."""
    return sys.modules.get("pygame")


def _driver() -> str | None:
    display = _pygame().display
    return str(display.get_driver()) if display.get_init() else None


def _closed() -> bool:
    """Whether the window's close button was pressed, of which environments take no notice."""
    pygame = _pygame()
    return bool(pygame and pygame.display.get_init() and pygame.event.peek(pygame.QUIT))
