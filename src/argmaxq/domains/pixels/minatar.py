"""MinAtar's five games, which the package pgx has in JAX, as functions of a state."""

from functools import partial
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete

from argmaxq.components.errors import UserError
from argmaxq.domains.pixels.seen import flattened
from argmaxq.types import Array

if TYPE_CHECKING:
    import pygame

CELL = 40
"""Pixels of a cell's side in a picture."""
ACTIONS = ("noop", "left", "up", "right", "down", "fire")


class MinAtar(FuncEnv[Any, Array, Array, Array, Array, None, None]):
    """A game on a grid of 10 x 10 whose planes say what is where, one of MinAtar's five.

    An observation is uint8 [10, 10, planes], 1 where a plane's object is. The actions are those that have an effect in
    the game. A step repeats the action before it with the probability ``sticky``. Asterix, Seaquest and Space Invaders
    become harder as they go on. No game has a time limit but Freeway, which ends after 2,500 steps by its rules.

    Source: Young and Tian (2019), "MinAtar: an Atari-inspired testbed for thorough and reproducible reinforcement
    learning experiments".

    Args:
        game: asterix, breakout, freeway, seaquest or space_invaders.
        sticky: Probability that the last action is repeated.

    Raises:
        UserError: pgx is not installed, or the probability is none.
    """

    render_fps = 10

    def __init__(self, game: str, sticky: float = 0.1) -> None:
        super().__init__()
        if not 0 <= sticky <= 1:
            raise UserError(f"sticky = {sticky}: it is a probability, from 0 to 1")
        self._game, self._breathes = _made(game, float(sticky)), game == "seaquest"
        self.observation_space = Box(0, 1, self._game.observation_shape, np.uint8)
        self.action_space = Discrete(int(self._game.num_actions))
        self.action_names = tuple(ACTIONS[number] for number in np.asarray(self._game.minimal_action_set))

    def initial(self, rng: Array, params: None = None) -> Any:
        """A new game."""
        return self._game.init(rng)

    def transition(self, state: Any, action: Array, rng: Array, params: None = None) -> Any:
        """One step; a game that is over stays as it is."""
        return self._game.step(state, action, rng)

    def observation(self, state: Any, rng: Array, params: None = None) -> Array:
        """The planes: uint8 [10, 10, planes]."""
        return state.observation.astype(jnp.uint8)

    def reward(self, state: Any, action: Array, next_state: Any, rng: Array, params: None = None) -> Array:
        """The game's points."""
        return next_state.rewards[0]

    def terminal(self, state: Any, rng: Array, params: None = None) -> Array:
        """Whether the game is over; where the air has run out, too, at which pgx goes on."""
        return state.terminated | (state._oxygen < 0) if self._breathes else state.terminated

    def picture(self, state: Any) -> "pygame.Surface":
        """A cell of the grid in the colour of the last of the planes that have something there."""
        import pygame

        cells = flattened(np.asarray(state.observation, np.uint8), binary=True)
        return pygame.surfarray.make_surface(cells.repeat(CELL, 0).repeat(CELL, 1).swapaxes(0, 1))


def _made(game: str, sticky: float) -> Any:
    try:
        from pgx.minatar import asterix, breakout, freeway, seaquest, space_invaders
    except ImportError as error:
        raise UserError(
            "MinAtar's games come with pgx, which is not installed: pip install 'argmaxq[minatar]'"
        ) from error
    kinds: dict[str, Any] = {
        "asterix": asterix.MinAtarAsterix,
        "breakout": breakout.MinAtarBreakout,
        "freeway": freeway.MinAtarFreeway,
        "seaquest": seaquest.MinAtarSeaquest,
        "space_invaders": space_invaders.MinAtarSpaceInvaders,
    }
    return kinds[game](sticky_action_prob=sticky)


asterix, breakout, freeway, seaquest, space_invaders = (
    partial(MinAtar, game) for game in ("asterix", "breakout", "freeway", "seaquest", "space_invaders")
)
