"""How agents see Atari's games, and what they are told of lives."""

from typing import Literal

from argmaxq.components.annotations import Extent, Fraction, Number, Size
from argmaxq.components.component import component


@component("preprocessing")
class Atari:
    """DeepMind's preprocessing of ALE's games (Mnih et al. 2015; Machado et al. 2018 on sticky actions and lives).

    Returns are always the game's own scores, whatever learning is told of lives.

    Attributes:
        size: Pixels of a frame's height and width.
        grey: Grey frames, or ones of three colours.
        frames: Frames in an observation, the newest last.
        skip: Frames of the game in an env step; shown is the brighter of the last two, pixel by pixel.
        noops: An episode begins with 1 to so many frames without an action, as chance has it; 0: with none.
        fire: Press fire where an episode begins, in games that have it.
        sticky: Probability that a frame repeats the action before it; Machado et al. take 0.25.
        life_loss: What a lost life is in learning: nothing, an end (no bootstrap; the game goes on), or a reward.
        life_reward: That reward, added to the score's.
    """

    size: Size = 84
    grey: bool = True
    frames: Size = 4
    skip: Size = 4
    noops: Extent = 30
    fire: bool = True
    sticky: Fraction = 0.0
    life_loss: Literal["none", "ends", "reward"] = "none"
    life_reward: Number = -1.0

    @property
    def frame(self) -> tuple[int, int, int]:
        """The shape of a frame: planes, height, width."""
        return 1 if self.grey else 3, self.size, self.size
