"""Run, hop and leap over two gaps past two enemies: the Platform domain, as functions of a state."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete, Tuple

from argmaxq.domains.loops import each_lane_for_itself
from argmaxq.domains.platform_world import PlatformState, World
from argmaxq.types import Array

Action = tuple[Array, tuple[Array, Array, Array]]
"""Which action, and the parameters [1] of all three, of which only the chosen one's is read."""

RUN, HOP, LEAP = range(3)


class Noise(NamedTuple):
    """An action's random numbers: of the jump [2], and of each micro-step [n] for player and enemy, as they enter."""

    jump: Array
    player: Array
    enemy: Array


class Motion(NamedTuple):
    """A moment of an action: its push on the ground [px/s], whether it is a run, whether the player stands, whether
    the action is over."""

    state: PlatformState
    push_x: Array
    push_y: Array
    runs: Array
    stands: Array
    over: Array


class Platform(World, FuncEnv[PlatformState, Action, Array, Array, Array, None, None]):
    """Three platforms, a patrolling enemy on each of the first two; the reward is the progress made along x.

    An action lasts many micro-steps of 0.05 s: ``run`` 20 of them, ``hop`` (high) and ``leap`` (far) until the player
    stands again. Falling into a gap and touching an enemy end the episode without a penalty, so a return is the
    fraction of the way, 1 at most.

    Source: Masson, Ranchod and Konidaris (2016), "Reinforcement learning with parameterized actions"; constants as in
    its reference implementation.

    Args:
        noise: Whether motion is noisy, as in the original.
    """

    parameter_bounds = (30.0, 720.0, 430.0)
    observation_space = Box(0.0, 1.0, (9,), np.float32)
    render_fps = 60  # frames per second, one for each micro-step: three times as fast as it happens

    def __init__(self, noise: bool = True) -> None:
        super().__init__()
        self.noise = noise
        self._transition = each_lane_for_itself(self._to_the_end)
        self.action_space = Tuple(
            (Discrete(3), Tuple([Box(0.0, bound, (1,), np.float32) for bound in self.parameter_bounds]))
        )

    def initial(self, rng: Array, params: None = None) -> PlatformState:
        """Standing at the left end, both enemies at the right ends of their platforms: always the same."""
        first, second = (
            start + width - self.player_width for start, width in zip(self.starts, self.widths[:2], strict=False)
        )
        values = (0.0, self.platform_height, 0.0, 0.0, first, -self.enemy_speed, second, -self.enemy_speed, 0)
        return PlatformState(*map(jnp.float32, values))._replace(micro_steps=jnp.int32(0))

    def transition(self, state: PlatformState, action: Action, rng: Array, params: None = None) -> PlatformState:
        """One action, to its last micro-step; an ended episode's state stays as it is."""
        return self._transition(state, action, rng)

    def _to_the_end(self, state: PlatformState, action: Action, rng: Array) -> PlatformState:
        motion, noise = self.begin(state, action, rng)
        return jax.lax.while_loop(lambda now: ~now.over, lambda now: self.micro_step(now, noise), motion).state

    def moments(self, state: PlatformState, action: Action, rng: Array) -> tuple[PlatformState, Array]:
        """The states after each micro-step of an action, [longest], and how many of them it has."""

        def step(motion: Motion, _: None) -> tuple[Motion, PlatformState]:
            after = self.micro_step(motion, noise)
            motion = jax.tree.map(lambda new, old: jnp.where(motion.over, old, new), after, motion)
            return motion, motion.state

        motion, noise = self.begin(state, action, rng)
        motion, states = jax.lax.scan(step, motion, length=self.longest)
        return states, motion.state.micro_steps

    def begin(self, state: PlatformState, action: Action, rng: Array) -> tuple["Motion", Noise]:
        """The first moment of an action and the random numbers for all of it."""
        index, parameters = action
        clipped = [
            jnp.clip(jnp.reshape(x, ()), 0.0, bound) for x, bound in zip(parameters, self.parameter_bounds, strict=True)
        ]
        parameter = jnp.select([index == RUN, index == HOP], clipped[:2], clipped[2]).astype(state.x.dtype)
        noise = self.noise_of(rng, state.x.dtype)
        push = self.push(index, parameter, state.velocity_x, noise.jump)
        state = state._replace(micro_steps=jnp.zeros_like(state.micro_steps))
        return Motion(state, *push, index == RUN, self.stands(state), self.terminal(state, rng)), noise

    def noise_of(self, rng: Array, dtype: Any) -> Noise:
        """An action's random numbers; a hash makes them, because JAX's own would take as long as the motion itself."""
        steps = self.longest
        if not self.noise:
            return Noise(*(jnp.zeros(n, dtype) for n in (2, steps, steps)))
        jump, player, enemy = jnp.split(hashed_normal(rng, 2 + 2 * steps).astype(dtype), (2, 2 + steps))
        return Noise(-self.jump_noise * jnp.abs(jump), -self.motion_noise * jnp.abs(player), self.motion_noise * enemy)

    def push(self, index: Array, parameter: Array, velocity: Array, noise: Array) -> tuple[Array, Array]:
        """What an action adds to the velocity in a micro-step on the ground [px/s]."""
        rise = jnp.where(index == HOP, self.hop_speed, self.leap_speed).astype(parameter.dtype)
        duration = 2 * rise / self.gravity + 1
        forwards = jnp.clip(parameter / duration - velocity, -self.max_acceleration[0], self.max_speed[1] - rise)
        x = jnp.where(index == RUN, parameter, forwards + noise[0])
        y = jnp.where(index == RUN, 0.0, rise + noise[1])
        limit_x, limit_y = (limit * self.time_step for limit in self.max_acceleration)
        return jnp.clip(x, -limit_x, limit_x), jnp.clip(y, -limit_y, limit_y)

    def micro_step(self, motion: "Motion", noise: Noise) -> "Motion":
        """One twentieth of a second: push or fall, move, let the enemy move, collide."""
        state, stands, now = motion.state, motion.stands, motion.state.micro_steps
        (fast_x, fast_y), step = self.max_speed, self.time_step
        vx = state.velocity_x + jnp.where(stands, motion.push_x, 0.0) + noise.player[now]
        vx = jnp.clip(vx, 0.0, jnp.where(stands, self.max_ground_speed, fast_x))
        vy = jnp.clip(state.velocity_y + jnp.where(stands, motion.push_y, -self.gravity * step), -fast_y, fast_y)
        moved = state._replace(
            x=jnp.clip(state.x + vx * step, 0.0, self.end),
            y=state.y + vy * step,
            velocity_x=vx * self.decay,
            velocity_y=vy,
            micro_steps=now + 1,
        )
        after = self.collide(self.patrol(moved, state.x > self.starts[1], noise.enemy[now]))
        stands = self.stands(after)
        over = jnp.where(motion.runs, after.micro_steps >= self.run_length, stands) | self.terminal(after, None)
        return motion._replace(state=after, stands=stands, over=over)

    def patrol(self, state: PlatformState, on_second: Array, noise: Array) -> PlatformState:
        """Move the enemy of the player's platform; it turns where it touches an end, and the other one waits."""
        x = jnp.where(on_second, state.enemy_2_x, state.enemy_1_x)
        velocity = jnp.where(on_second, state.enemy_2_velocity, state.enemy_1_velocity)
        left = jnp.where(on_second, self.starts[1], self.starts[0]).astype(x.dtype)
        right = left + jnp.where(on_second, self.widths[1], self.widths[0]) - self.player_width
        inside = (left < x) & (x < right)
        velocity = jnp.clip(jnp.where(inside, velocity, -velocity) + noise, -self.enemy_speed, self.enemy_speed)
        x = jnp.clip(x + velocity * self.time_step, left, right)
        return state._replace(
            enemy_1_x=jnp.where(on_second, state.enemy_1_x, x),
            enemy_1_velocity=jnp.where(on_second, state.enemy_1_velocity, velocity),
            enemy_2_x=jnp.where(on_second, x, state.enemy_2_x),
            enemy_2_velocity=jnp.where(on_second, velocity, state.enemy_2_velocity),
        )

    def ground(self, x: Array) -> tuple[Array, Array]:
        """Left and right end of the only platform that a player at ``x`` can touch: the first not wholly behind."""
        ends = [start + width for start, width in zip(self.starts, self.widths, strict=True)]
        ahead = [x <= ends[0], x <= ends[1]]
        start, end = (jnp.select(ahead, each[:2], each[2]) for each in (self.starts, ends))
        return start.astype(x.dtype), end.astype(x.dtype)

    def stands(self, state: PlatformState) -> Array:
        """Whether the player is on a platform."""
        start, end = self.ground(state.x)
        return (state.y == self.platform_height) & (state.x >= start - self.player_width) & (state.x <= end)

    def collide(self, state: PlatformState) -> PlatformState:
        """Move a player who overlaps with a platform out of it, the shorter way, upwards if both are equal."""
        (start, end), x, y = self.ground(state.x), state.x, state.y
        left, last, top = start - self.player_width, end - self.player_width, self.platform_height
        inside = (x > left) & (x < end) & (y > -self.player_height) & (y < top)
        out_x = jnp.where(x < start, left, jnp.where(x > last, end, x))
        out_y = jnp.where(y < 0, -self.player_height, jnp.where(y > top - self.player_height, top, y))
        sideways = (out_x != x) & ((out_y == y) | (jnp.abs(out_x - x) < jnp.abs(out_y - y)))
        return state._replace(
            x=jnp.where(inside & sideways, out_x, x),
            y=jnp.where(inside & ~sideways, out_y, y),
            velocity_x=jnp.where(inside, 0.0, state.velocity_x),
            velocity_y=jnp.where(inside & ~sideways, 0.0, state.velocity_y),
        )

    def observation(self, state: PlatformState, rng: Array, params: None = None) -> Array:
        """Player, enemy, platform and gap ahead [9], each scaled to [0, 1]."""
        on_second = state.x > self.starts[1]
        enemy_x = jnp.where(on_second, state.enemy_2_x, state.enemy_1_x)
        enemy_velocity = jnp.where(on_second, state.enemy_2_velocity, state.enemy_1_velocity)
        widths, gaps, starts = self.widths, self.gaps, self.starts
        features = [(widths[i], (*widths[1:], 0.0)[i], gaps[i], starts[i]) for i in range(3)]
        here = [state.x < self.starts[1], state.x < self.starts[2]]
        width, following, gap, start = (jnp.select(here, each[:2], each[2]) for each in zip(*features, strict=True))
        values = [
            (state.x + self.player_width) / (self.end + self.player_width),
            state.velocity_x / self.max_speed[0],
            enemy_x / self.end,
            (enemy_velocity + self.enemy_speed) / (2 * self.enemy_speed),
            width / max(self.widths),
            following / max(self.widths),
            gap / max(self.gaps),
            start / self.end,
            jnp.zeros_like(state.x),  # the height difference of two platforms in the original, where it is always 0
        ]
        return jnp.clip(jnp.stack([jnp.asarray(value, state.x.dtype) for value in values]), 0.0, 1.0)

    def reward(
        self, state: PlatformState, action: Action, next_state: PlatformState, rng: Array, params: None = None
    ) -> Array:
        """Progress as a fraction of the whole way."""
        return (next_state.x - state.x) / self.end

    def terminal(self, state: PlatformState, rng: Array, params: None = None) -> Array:
        """Whether the player has fallen, touches an enemy, or has arrived."""
        top = self.platform_height + self.player_height
        at_enemy_height = (state.y < top) & (state.y > self.platform_height - self.player_height)
        near = jnp.minimum(jnp.abs(state.x - state.enemy_1_x), jnp.abs(state.x - state.enemy_2_x)) < self.player_width
        return (state.y < self.platform_height) | (at_enemy_height & near) | (state.x >= self.end)

    def transition_info(
        self, state: PlatformState, action: Action, next_state: PlatformState, params: None = None
    ) -> dict[str, Array]:
        """How many micro-steps the action took."""
        return {"micro_steps": next_state.micro_steps}

    def picture(self, state: PlatformState) -> Any:
        """A state as a ``pygame.Surface`` of 1035 x 300."""
        from argmaxq.domains.drawings.platform import picture  # here, because training needs no pygame

        return picture(self, state)


def hashed_normal(rng: Array, count: int) -> Array:
    """``count`` standard normal float32 numbers, a hash of a key and their position."""
    first, second = jax.random.bits(rng, (2,), jnp.uint32)
    bits = mixed(mixed(first + jnp.arange(count, dtype=jnp.uint32) * jnp.uint32(0x9E3779B9)) ^ second)
    # The midpoints of 2^23 equal parts of (-1, 1): float32 holds each of them, and none is an end.
    uniform = (bits >> 9).astype(jnp.int32).astype(jnp.float32) * 2.0**-22 + (2.0**-23 - 1)
    return jax.lax.erf_inv(uniform) * 2**0.5


def mixed(word: Array) -> Array:
    """A bijection of 32 bits in which each bit depends on all."""
    word = (word ^ (word >> 16)) * jnp.uint32(0x7FEB352D)
    word = (word ^ (word >> 15)) * jnp.uint32(0x846CA68B)
    return word ^ (word >> 16)
