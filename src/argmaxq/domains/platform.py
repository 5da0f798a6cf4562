"""Run, hop and leap over two gaps past two enemies: the Platform domain, as functions of a state."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete, Tuple

from argmaxq.types import Array

Action = tuple[Array, tuple[Array, Array, Array]]
"""Which action, and the parameters [1] of all three, of which only the chosen one's is read."""

RUN, HOP, LEAP = range(3)


class PlatformState(NamedTuple):
    """Positions are lower left corners [px], velocities [px/s]; ``micro_steps`` of the last action; scalars."""

    x: Array
    y: Array
    velocity_x: Array
    velocity_y: Array
    enemy_1_x: Array
    enemy_1_velocity: Array
    enemy_2_x: Array
    enemy_2_velocity: Array
    micro_steps: Array


class Noise(NamedTuple):
    """An action's random numbers: of the jump [2], and of each micro-step [n] for player and enemy, as they enter."""

    jump: Array
    player: Array
    enemy: Array


class Platform(FuncEnv[PlatformState, Action, Array, Array, Array, None, None]):
    """Three platforms, a patrolling enemy on each of the first two; the reward is the progress made along x.

    An action lasts many micro-steps of 0.05 s: ``run`` 20 of them, ``hop`` (high) and ``leap`` (far) until the player
    stands again. Falling into a gap and touching an enemy end the episode without a penalty, so a return is the
    fraction of the way, 1 at most.

    Source: Masson, Ranchod and Konidaris (2016), "Reinforcement learning with parameterized actions"; constants as in
    its reference implementation.

    Args:
        noise: Whether motion is noisy, as in the original.
    """

    time_step = 0.05  # s
    gravity = 9.8  # px/s^2
    decay = 0.99  # of the velocity along x, in each micro-step
    max_speed = (100.0, 200.0)  # px/s, along x and y
    max_ground_speed = 70.0  # px/s
    max_acceleration = (600.0, 4000.0)  # px/s^2
    enemy_speed = 30.0  # px/s
    motion_noise = 0.025  # px/s in each micro-step, standard deviation
    jump_noise = 1.0  # px/s, standard deviation
    run_length = 20  # micro-steps
    hop_speed, leap_speed = 35.0, 25.0  # px/s upwards at take-off
    longest = 145  # micro-steps: no action has more

    player_width, player_height = 20.0, 30.0
    platform_height = 40.0
    starts = (0.0, 475.0, 985.0)
    widths = (250.0, 275.0, 50.0)
    gaps = (225.0, 235.0, 0.0)
    end = 1035.0

    parameter_bounds = (30.0, 720.0, 430.0)
    observation_space = Box(0.0, 1.0, (9,), np.float32)
    metadata = {"render_fps": 60}  # noqa: RUF012

    def __init__(self, noise: bool = True) -> None:
        super().__init__()
        self.noise = noise
        self.action_space = Tuple(
            (Discrete(3), Tuple([Box(0.0, bound, (1,), np.float32) for bound in self.parameter_bounds]))
        )

    def initial(self, rng: Array, params: None = None) -> PlatformState:
        """Standing at the left end, both enemies at the right ends of their platforms: always the same."""
        first, second = (
            start + width - self.player_width for start, width in zip(self.starts, self.widths[:2], strict=False)
        )
        values = (0.0, self.platform_height, 0.0, 0.0, first, -self.enemy_speed, second, -self.enemy_speed)
        return PlatformState(*map(jnp.float32, values), jnp.int32(0))

    def transition(self, state: PlatformState, action: Action, rng: Array, params: None = None) -> PlatformState:
        """One action, to its last micro-step; an ended episode's state stays as it is."""
        index, parameter = action[0], self.chosen(state, action)
        noise = self.draw(rng, state.x.dtype)

        def going(carry: tuple[PlatformState, Array]) -> Array:
            now, stopped = carry
            return ~stopped

        def step(carry: tuple[PlatformState, Array]) -> tuple[PlatformState, Array]:
            now, _ = carry
            after = self.micro_step(now, index, parameter, noise)
            done = jnp.where(index == RUN, after.micro_steps == self.run_length, self.on_platform(after))
            return after, done | self.terminal(after, rng)

        begin = state._replace(micro_steps=jnp.zeros_like(state.micro_steps))
        return jax.lax.while_loop(going, step, (begin, self.terminal(state, rng)))[0]

    def chosen(self, state: PlatformState, action: Action) -> Array:
        """The chosen action's parameter, within its bounds."""
        index, parameters = action
        values = [
            jnp.clip(jnp.reshape(x, ()), 0.0, bound) for x, bound in zip(parameters, self.parameter_bounds, strict=True)
        ]
        return jnp.select([index == RUN, index == HOP], values[:2], values[2]).astype(state.x.dtype)

    def draw(self, rng: Array, dtype: Array) -> Noise:
        """All random numbers of an action."""
        if not self.noise:
            return Noise(*(jnp.zeros(n, dtype) for n in (2, self.longest, self.longest)))
        normal = jax.random.normal(rng, (2 + 2 * self.longest,), jnp.float32).astype(dtype)
        jump, player, enemy = jnp.split(normal, (2, 2 + self.longest))
        return Noise(-jnp.abs(jump) * self.jump_noise, -jnp.abs(player) * self.motion_noise, enemy * self.motion_noise)

    def micro_step(self, state: PlatformState, index: Array, parameter: Array, noise: Noise) -> PlatformState:
        """One twentieth of a second."""
        on_platform = self.on_platform(state)
        ax, ay = self.acceleration(state, index, parameter, noise)
        ax, ay = jnp.where(on_platform, ax, 0.0), jnp.where(on_platform, ay, -self.gravity)
        now = state.micro_steps
        vx, vy = self.accelerate(state, ax, ay, noise.player[now])
        vx = jnp.where(on_platform, jnp.clip(vx, 0.0, self.max_ground_speed), vx)
        on_second = state.x > self.starts[1]
        x = jnp.clip(state.x + vx * self.time_step, 0.0, self.end)
        y = state.y + vy * self.time_step
        vx = vx * self.decay
        first = self.patrol(0, state.enemy_1_x, state.enemy_1_velocity, noise.enemy[now])
        second = self.patrol(1, state.enemy_2_x, state.enemy_2_velocity, noise.enemy[now])
        one_x, one_v = (
            jnp.where(on_second, old, new)
            for old, new in zip((state.enemy_1_x, state.enemy_1_velocity), first, strict=True)
        )
        two_x, two_v = (
            jnp.where(on_second, new, old)
            for old, new in zip((state.enemy_2_x, state.enemy_2_velocity), second, strict=True)
        )
        moved = PlatformState(x, y, vx, vy, one_x, one_v, two_x, two_v, now + 1)
        for platform in range(3):
            moved = self.push_out(moved, platform)
        return moved

    def acceleration(self, state: PlatformState, index: Array, parameter: Array, noise: Noise) -> tuple[Array, Array]:
        """What an action asks for on the ground [px/s^2]."""
        rise = jnp.where(index == HOP, self.hop_speed, self.leap_speed).astype(state.x.dtype)
        duration = 2 * rise / self.gravity + 1
        push = jnp.clip(parameter / duration - state.velocity_x, -self.max_acceleration[0], self.max_speed[1] - rise)
        ax = jnp.where(index == RUN, parameter, push + noise.jump[0]) / self.time_step
        ay = jnp.where(index == RUN, 0.0, (rise + noise.jump[1]) / self.time_step)
        return ax, ay

    def accelerate(self, state: PlatformState, ax: Array, ay: Array, noise: Array) -> tuple[Array, Array]:
        """Velocities after an acceleration; the noise only slows down, and the player never moves backwards."""
        (limit_x, limit_y), (fast_x, fast_y) = self.max_acceleration, self.max_speed
        vx = state.velocity_x + jnp.clip(ax, -limit_x, limit_x) * self.time_step + noise
        vy = state.velocity_y + jnp.clip(ay, -limit_y, limit_y) * self.time_step
        return jnp.clip(vx, 0.0, fast_x), jnp.clip(vy, -fast_y, fast_y)

    def patrol(self, platform: int, x: Array, velocity: Array, noise: Array) -> tuple[Array, Array]:
        """An enemy's position and velocity after a micro-step: it turns where it touches an end of its platform."""
        left = self.starts[platform]
        right = left + self.widths[platform] - self.player_width
        inside = (left < x) & (x < right)
        velocity = jnp.clip(jnp.where(inside, velocity, -velocity) + noise, -self.enemy_speed, self.enemy_speed)
        return jnp.clip(x + velocity * self.time_step, left, right), velocity

    def on_platform(self, state: PlatformState) -> Array:
        """Whether the player stands."""
        above = [
            (state.x >= start - self.player_width) & (state.x <= start + width)
            for start, width in zip(self.starts, self.widths, strict=True)
        ]
        return (state.y == self.platform_height) & (above[0] | above[1] | above[2])

    def push_out(self, state: PlatformState, platform: int) -> PlatformState:
        """Move a player who overlaps with a platform out of it, the shorter way, upwards if both are equal."""
        start, width = self.starts[platform], self.widths[platform]
        x, y = state.x, state.y
        left, right = start - self.player_width, start + width
        inside = (x > left) & (x < right) & (y > -self.player_height) & (y < self.platform_height)
        out_x = jnp.where(x < start, left, jnp.where(x > right - self.player_width, right, x))
        out_y = jnp.where(
            y < 0,
            -self.player_height,
            jnp.where(y > self.platform_height - self.player_height, self.platform_height, y),
        )
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
