"""Platform's world in numbers, and what changes in it."""

from typing import NamedTuple

from argmaxq.types import Array


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


class World:
    """Constants of the dynamics, and where everything is [px]."""

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
    longest = 144  # micro-steps: no action has more

    player_width, player_height = 20.0, 30.0
    platform_height = 40.0
    starts = (0.0, 475.0, 985.0)
    widths = (250.0, 275.0, 50.0)
    gaps = (225.0, 235.0, 0.0)
    end = 1035.0

    action_names = ("run", "hop", "leap")
    observation_names = (
        *("x of the player [px]", "speed of the player [px/s]", "x of the enemy [px]", "velocity of the enemy [px/s]"),
        *("width of this platform [px]", "width of the next platform [px]", "width of the gap ahead [px]"),
        *("x of this platform [px]", "step up to the next platform"),
    )
    observation_bands = {0: (("gap", starts[0] + widths[0], starts[1]), ("gap", starts[1] + widths[1], starts[2]))}  # noqa: RUF012
    observation_ranges = (
        *((-player_width, end), (0.0, max_speed[0]), (0.0, end), (-enemy_speed, enemy_speed)),
        *((0.0, max(widths)), (0.0, max(widths)), (0.0, max(gaps)), (0.0, end), (0.0, 1.0)),
    )
