"""An attacker, a keeper and a ball on half a pitch, one micro-step at a time: the physics under Goal.

Lengths are in metres, velocities in metres per micro-step, angles in radians from the x axis, which points at the goal.
All vectors have shape [2].

Source: Masson, Ranchod and Konidaris (2016), "Reinforcement learning with parameterized actions", whose simulator takes
its constants from the RoboCup soccer server.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from argmaxq.types import Array

LENGTH, HALF_WIDTH = 20.0, 15.0  # of the half pitch; x from 0 to the goal line, y from -15 to 15
HALF_GOAL, GOAL_DEPTH = 7.01, 2.44
GOAL_AREA_LENGTH, HALF_GOAL_AREA = 5.5, 9.16

KICKABLE = 1.6  # distance at which the attacker may kick
CATCHABLE = 2.0  # distance below which the keeper has the ball
MAX_POWER = 100.0
DASH_POWER, DIVE_POWER, WALK_POWER = 10.0, 20.0, 8.0
INERTIA = 5.0
FACING = math.pi / 8


class Kind(NamedTuple):
    """What kind of body something is."""

    power: Array  # acceleration per unit of power
    radius: Array
    noise: Array
    max_acceleration: Array  # on each axis
    max_speed: Array  # on each axis
    decay: Array  # of the velocity, per micro-step


PLAYER = Kind(power=0.006, radius=0.9, noise=0.1, max_acceleration=1.0, max_speed=1.0, decay=0.4)
BALL = Kind(power=0.027, radius=0.4, noise=0.05, max_acceleration=2.7, max_speed=2.7, decay=0.94)


class Body(NamedTuple):
    """Position, velocity, and orientation, which a ball does not use."""

    position: Array
    velocity: Array
    orientation: Array


class Scene(NamedTuple):
    """Everyone on the pitch."""

    player: Body
    keeper: Body
    ball: Body


def kick_off(y: Array) -> Scene:
    """The attacker stands on the halfway line at height ``y`` with the ball, facing the goal; the keeper guards it."""
    place = jnp.stack([jnp.float32(0), y])
    to_goal = jnp.array([LENGTH, 0.0]) - place
    # A little less than kickable, so that float32's rounding leaves it kickable.
    ball = place + (KICKABLE - 1e-5) * to_goal / length(to_goal)
    x = LENGTH - GOAL_AREA_LENGTH
    keeper_y = ball[1] * (LENGTH - x) / (LENGTH - ball[0])
    keeper = jnp.stack([jnp.float32(x), jnp.clip(keeper_y, -HALF_GOAL_AREA, HALF_GOAL_AREA)])
    rest = jnp.zeros(2, jnp.float32)
    return Scene(
        Body(place, rest, angle(to_goal)), Body(keeper, rest, angle(ball - keeper)), Body(ball, rest, jnp.float32(0))
    )


def micro_step(scene: Scene, target: Array, noise: Array) -> Scene:
    """Everyone acts, moves, and is pushed apart. ``noise`` [6] is uniform in [-1, 1]."""
    player, ball = kick_or_run(scene.player, scene.ball, target, noise[:3])
    keeper = guard(scene.keeper, ball, noise[3:])
    player, keeper, ball = move(player, PLAYER), move(keeper, PLAYER), move(ball, BALL)
    player, keeper = push_apart(player, keeper, 2 * PLAYER.radius)
    player, ball = push_apart(player, ball, PLAYER.radius + BALL.radius)
    keeper, ball = push_apart(keeper, ball, PLAYER.radius + BALL.radius)
    return Scene(player, keeper, ball)


def kick_or_run(player: Body, ball: Body, target: Array, noise: Array) -> tuple[Body, Body]:
    """Kick the ball so that it comes to rest at ``target``, or where it is too far away turn to it and run after it.

    The further off the ball is, in distance and in direction, the weaker the kick. One acceleration serves both, as a
    micro-step has only one: the ball's by a kick, or the player's by a dash.
    """
    to_ball = ball.position - player.position
    distance = length(to_ball)
    turn = wrap(angle(to_ball) - player.orientation)
    kicks, faces = kickable(player, ball), jnp.abs(turn) < FACING
    wanted = (1 - BALL.decay) * (target - player.position) - ball.velocity
    share = 1 - 0.25 * jnp.abs(turn) / math.pi - 0.25 * distance / KICKABLE
    kick = jnp.minimum(length(wanted) / (share * BALL.power), MAX_POWER) * share * BALL.power
    velocity = accelerate(
        jnp.where(kicks, ball.velocity, player.velocity),
        jnp.where(kicks, kick, DASH_POWER * PLAYER.power),
        jnp.where(kicks, angle(wanted), player.orientation),
        Kind(*(jnp.where(kicks, *of) for of in zip(BALL, PLAYER, strict=True))),
        noise,
    )
    turned = player.orientation + turn / (1 + INERTIA * length(player.velocity))
    return (
        Body(
            player.position,
            jnp.where(~kicks & faces, velocity, player.velocity),
            jnp.where(kicks | faces, player.orientation, turned),
        ),
        ball._replace(velocity=jnp.where(kicks, velocity, ball.velocity)),
    )


def guard(keeper: Body, ball: Body, noise: Array) -> Body:
    """Cut off a ball that is rolling into the goal, by the shortest way; otherwise walk to where it will stop."""
    way = ball.velocity / (1 - BALL.decay)
    slope = jnp.where(way[0] == 0, 0.0, way[1] / jnp.where(way[0] == 0, 1.0, way[0]))
    at_goal_line = ball.position[1] + slope * (LENGTH - ball.position[0])
    dives = (ball.position[0] + way[0] > LENGTH) & (jnp.abs(at_goal_line) <= HALF_GOAL + CATCHABLE) & (slope != 0)
    along = jnp.dot(keeper.position - ball.position, way) / jnp.where(dives, jnp.dot(way, way), 1.0)
    goes_to = ball.position + jnp.where(dives, along, 1.0) * way
    heading = angle(goes_to - keeper.position)
    power = jnp.where(dives, DIVE_POWER, WALK_POWER)
    velocity = accelerate(keeper.velocity, power * PLAYER.power, heading, PLAYER, noise)
    return Body(keeper.position, velocity, heading)


def accelerate(velocity: Array, rate: Array, heading: Array, kind: Kind, noise: Array) -> Array:
    """The velocity after an acceleration ``rate`` in a direction, noisy in proportion to angle and speed."""
    heading = heading * (1 + kind.noise * noise[0])
    direction = jnp.stack([jnp.cos(heading), jnp.sin(heading)])
    change = rate * direction + kind.noise * length(velocity) * noise[1:]
    change = jnp.clip(change, -kind.max_acceleration, kind.max_acceleration)
    return jnp.clip(velocity + change, -kind.max_speed, kind.max_speed)


def move(body: Body, kind: Kind) -> Body:
    """Roll or run on, and slow down."""
    return body._replace(position=body.position + body.velocity, velocity=kind.decay * body.velocity)


def push_apart(one: Body, other: Body, reach: float) -> tuple[Body, Body]:
    """Two bodies that overlap are set side by side, and each turns back."""
    gap = other.position - one.position
    distance = length(gap)
    touch = distance < reach
    shift = jnp.where(touch, 0.5 * (reach - distance) / jnp.where(touch, distance, 1.0), 0.0) * gap
    turn = jnp.where(touch, -1.0, 1.0)
    return (
        one._replace(position=one.position - shift, velocity=turn * one.velocity),
        other._replace(position=other.position + shift, velocity=turn * other.velocity),
    )


def kickable(player: Body, ball: Body) -> Array:
    """Whether the ball is within the attacker's reach."""
    return length(ball.position - player.position) <= KICKABLE


def in_net(ball: Body) -> Array:
    """Whether the ball is behind the goal line between the posts."""
    x, y = ball.position
    return (x >= LENGTH) & (x <= LENGTH + GOAL_DEPTH) & (jnp.abs(y) <= HALF_GOAL)


def lost(scene: Scene) -> Array:
    """Whether the keeper has the ball or it has left the pitch."""
    x, y = scene.ball.position
    inside = (x >= 0) & (x <= LENGTH) & (jnp.abs(y) <= HALF_WIDTH)
    return (length(scene.ball.position - scene.keeper.position) < CATCHABLE) | ~inside


def goal_distance(ball: Body, legacy: bool = False) -> Array:
    """From the ball to the mouth of the goal, and 0 behind the line between the posts.

    Behind the line and right of the goal (y < 0) the reference adds half the goal's width instead of subtracting it:
    that is ``legacy``.
    """
    x, y = ball.position
    beside = jnp.maximum(jnp.abs(y) - HALF_GOAL, 0)
    distance = jnp.hypot(jnp.maximum(LENGTH - x, 0), beside)
    return jnp.where((x >= LENGTH) & (y < -HALF_GOAL), HALF_GOAL - y, distance) if legacy else distance


def length(vector: Array) -> Array:
    """Euclidean."""
    return jnp.sqrt(vector[0] * vector[0] + vector[1] * vector[1])


def angle(vector: Array) -> Array:
    """From the x axis, in [-pi, pi]."""
    return jnp.arctan2(vector[1], vector[0])


def wrap(angle: Array) -> Array:
    """The same angle in [-pi, pi]."""
    return angle - 2 * math.pi * jnp.round(angle / (2 * math.pi))


def uniform_noise(seed: Array, step: Array, count: int) -> Array:
    """``count`` numbers uniform in [-1, 1): a function of a uint32 seed and the micro-step alone.

    A Weyl sequence through the finaliser of MurmurHash3 (Appleby, public domain): as good as noise needs to be, and
    far cheaper inside a loop than a cryptographic generator.
    """
    bits = seed + (jnp.uint32(count) * step.astype(jnp.uint32) + np.arange(count, dtype=np.uint32)) * np.uint32(
        0x9E3779B9
    )
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits = (bits ^ (bits >> shift)) * np.uint32(factor)
    bits ^= bits >> 16
    return (bits >> 8).astype(jnp.float32) * 2.0**-23 - 1
