"""What an agent sees of pictures: beside the screen in a film, and at some moments of an episode in a plot."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.domains.pixels.seen import flattened
from argmaxq.environments.drawn import PICTURES, drawable, drawn
from argmaxq.environments.source import single
from argmaxq.networks.convolutional.images import View, channels_first, is_picture, view
from argmaxq.reporting.pictures import head_of, new_figure, save
from argmaxq.runs.track import BEST
from argmaxq.spaces import ArraySpec, Part, unpacked
from argmaxq.types import ACTION_MASK
from argmaxq.verbs.policy import Policy
from argmaxq.verbs.run import Run
from argmaxq.verbs.typical import typical

SHOWN, KEPT = 4, 64
"""Moments of an episode that are drawn, and twice of how many are kept on the way."""
LONGEST = 2_000
"""Steps of an episode from which they are taken at most."""
GAP, GROUND = 6, 64
"""Pixels between pictures, and their grey."""


def pictured(spec: ArraySpec) -> bool:
    """Whether observations are pictures, or stacks of them, and nothing else."""
    return is_picture(spec) and not spec.parts


class Picture(NamedTuple):
    """The picture among the parts of an observation: where it lies, its spec, and all parts."""

    view: View
    spec: ArraySpec
    parts: tuple[Part, ...]

    def of(self, stored: np.ndarray) -> np.ndarray:
        """Cut out of an observation's bytes."""
        return np.asarray(self.view.picture(unpacked(self.parts, stored))).astype(self.spec.dtype)


def picture_in(spec: ArraySpec) -> Picture | None:
    """The picture that a network sees among an observation's parts, as of a Dict with a camera; None without any."""
    if (found := view(spec)) is None:
        return None
    shape = found[0].shape
    return Picture(
        found[0], next(ArraySpec(shape, part.dtype) for part in spec.parts if part.shape == shape), spec.parts
    )


def binary(spec: ArraySpec) -> bool:
    """Whether observations are planes of zeros and ones, which show as much as a screen does."""
    return len(spec.shape) == 3 and spec.dtype in ("bool", "int8", "uint8") and max(spec.high, default=2.0) <= 1


def panels(obs: np.ndarray, spec: ArraySpec) -> list[np.ndarray]:
    """An observation as pictures, uint8 [height, width, 3] each: one for each frame of a stack, else one.

    Planes of zeros and ones are one picture, in a colour each; grey or colour is shown as it is, with 0 in the middle
    where there are negative numbers. Anything else is a stack of grey frames.
    """
    if len(obs.shape) == 4:
        return [flattened(frame) for frame in obs]
    channels = obs[..., np.newaxis] if len(obs.shape) == 2 else obs
    if channels_first(obs.shape):
        channels = np.moveaxis(obs, 0, 2)
    if binary(spec):
        return [flattened(channels, binary=True)]
    if channels.shape[-1] in (1, 3):
        return [flattened(channels)]
    return [flattened(frame[..., np.newaxis]) for frame in np.moveaxis(channels, -1, 0)]


def beside(screen: np.ndarray, obs: np.ndarray, spec: ArraySpec) -> np.ndarray:
    """A screen with what an agent sees at its right, enlarged up to the screen's size: uint8 [height, width, 3]."""
    seen = panels(obs, spec)
    height = sum(len(each) for each in seen)
    scale = max(min((len(screen) - GAP * (len(seen) - 1)) // height, screen.shape[1] // seen[0].shape[1]), 1)
    large = [each.repeat(scale, 0).repeat(scale, 1) for each in seen]
    column = np.full((height * scale + GAP * (len(seen) - 1), large[0].shape[1], 3), GROUND, np.uint8)
    top = 0
    for each in large:
        column[top : top + len(each)] = each
        top += len(each) + GAP
    rows = max(len(screen), len(column))
    whole = np.full((rows, screen.shape[1] + GAP + column.shape[1], 3), GROUND, np.uint8)
    for picture, left in ((screen, 0), (column, screen.shape[1] + GAP)):
        top = (rows - len(picture)) // 2
        whole[top : top + len(picture), left : left + picture.shape[1]] = picture
    return whole


class Moment(NamedTuple):
    """A step of an episode: its number, the screen where there is one, and the observation."""

    step: int
    screen: np.ndarray | None
    obs: np.ndarray


def draw_observation(run: Run, out: Path, which: str | int = BEST) -> Path:
    """Draw what the network sees at four moments of a greedy episode, below the screen where there is one.

    Of a Dict or Tuple that is the largest picture among its entries.

    Raises:
        UserError: observations are no pictures.
    """
    one, which_seed = typical(run, which)
    policy, env = one.policy(which), one.recipe.env
    spec = policy.adaptor.spaces.observation
    part = picture_in(spec)
    if part is None and not pictured(spec):
        shape = " x ".join(map(str, spec.shape)) or "one number"
        others = "phase, value or visits" if spec.categories or spec.low else "choices"
        raise UserError(f"{run.path}: its observations ({shape}) are no pictures: draw {others}")
    screens = drawable(env)
    made: Any = drawn(env, PICTURES) if screens else single(env)
    try:
        moments = spread(_episode(made, policy, part, screens))
    finally:
        made.close()
    spec = part.spec if part else spec
    figure = new_figure(10.0, 2.0 + 1.4 * (moments[0].screen is not None) + 0.9 * len(panels(moments[0].obs, spec)))
    _draw(figure, moments, spec)
    head_of(figure, f"{one.config['name']}: what the network sees", which_seed, "one greedy episode")
    return save(figure, out)


def spread(moments: Iterator[Moment]) -> list[Moment]:
    """Some of an episode's moments, evenly spread; of a long one only so many are kept in memory at any time."""
    kept: list[Moment] = []
    every = 1
    for moment in moments:
        if moment.step % every == 0:
            kept.append(moment)
        if len(kept) > 2 * KEPT:
            kept, every = kept[::2], 2 * every
    return [kept[place] for place in np.unique(np.linspace(0, len(kept) - 1, SHOWN + 1).astype(int)[1:])]


def _episode(env: Any, policy: Policy, part: Picture | None, screens: bool) -> Iterator[Moment]:
    """A greedy episode from its first observation on."""
    obs, info = env.reset(seed=1)
    policy.reset()
    for step in range(LONGEST):
        screen = env.render() if screens else None
        seen = part.of(policy.adaptor.encode(obs)) if part else np.asarray(obs)
        yield Moment(step, None if screen is None else np.asarray(screen), seen)
        mask = info.get(ACTION_MASK) if policy.adaptor.mask == "info" else None
        obs, _, terminated, truncated, info = env.step(policy(obs, mask))
        if terminated or truncated:
            return


def _draw(figure: Any, moments: list[Moment], spec: ArraySpec) -> None:
    """A column for each moment: the screen, and the observation's pictures below."""
    screens = moments[0].screen is not None
    columns = [panels(moment.obs, spec) for moment in moments]
    heights = [1.6] * screens + [1.0] * len(columns[0])
    grid = figure.subplots(len(heights), len(moments), squeeze=False, height_ratios=heights)
    for number, (moment, seen) in enumerate(zip(moments, columns, strict=True)):
        pictures = [moment.screen, *seen] if screens else seen
        for axes, picture in zip(grid[:, number], pictures, strict=True):
            axes.imshow(picture, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
        grid[0, number].set_title(f"step {moment.step}", fontsize=9)
