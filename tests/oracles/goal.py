"""Goal's specification without noise, in plain Python: an implementation that shares nothing with ours.

Vectors are complex numbers, angles are compared by rotating, and collisions use directions instead of coordinates.
"""

import cmath
import dataclasses
import math

PLAYER = {"power": 0.006, "accel": 1.0, "speed": 1.0, "decay": 0.4}
BALL = {"power": 0.027, "accel": 2.7, "speed": 2.7, "decay": 0.94}
SIZES = {"player": 0.9, "keeper": 0.9, "ball": 0.4}


@dataclasses.dataclass
class Thing:
    at: complex
    v: complex = 0j
    facing: float = 0.0


@dataclasses.dataclass
class Pitch:
    player: Thing
    keeper: Thing
    ball: Thing
    legacy: bool = False

    def micro_step(self, target: complex) -> None:
        self.act(target)
        self.keep()
        for thing, kind in ((self.player, PLAYER), (self.keeper, PLAYER), (self.ball, BALL)):
            thing.at += thing.v
            thing.v *= kind["decay"]
        for one, other in (("player", "keeper"), ("player", "ball"), ("keeper", "ball")):
            separate(getattr(self, one), getattr(self, other), SIZES[one] + SIZES[other])

    def act(self, target: complex) -> None:
        player, ball = self.player, self.ball
        gap = ball.at - player.at
        off = cmath.phase(gap * cmath.exp(-1j * player.facing))
        if abs(gap) <= 1.6:
            wanted = 0.06 * (target - player.at) - ball.v
            weakness = 1 - 0.25 * abs(off) / math.pi - 0.25 * abs(gap) / 1.6
            power = min(100.0, abs(wanted) / (weakness * BALL["power"]))
            accelerate(ball, power * weakness, cmath.phase(wanted), BALL)
        elif abs(off) < math.pi / 8:
            accelerate(player, 10, player.facing, PLAYER)
        else:
            player.facing += off / (1 + 5 * abs(player.v))
            if not self.legacy:
                player.facing = cmath.phase(cmath.exp(1j * player.facing))

    def keep(self) -> None:
        keeper, ball = self.keeper, self.ball
        end = ball.at + ball.v / 0.06
        power, goes_to = 8, end
        if end.real > 20 and ball.v.imag != 0:
            gradient = ball.v.imag / ball.v.real
            crossing = gradient * 20 + ball.at.imag - gradient * ball.at.real
            if -9.01 <= crossing <= 9.01:
                # Where the ball's line and the perpendicular to it through the keeper meet.
                across = -1 / gradient
                intercept = ball.at.imag - gradient * ball.at.real
                x = (keeper.at.imag - across * keeper.at.real - intercept) / (gradient - across)
                power, goes_to = 20, complex(x, gradient * x + intercept)
        keeper.facing = cmath.phase(goes_to - keeper.at)
        accelerate(keeper, power, keeper.facing, PLAYER)

    def scored(self) -> bool:
        x, y = self.ball.at.real, self.ball.at.imag
        return 20 <= x <= 22.44 and -7.01 <= y <= 7.01

    def over(self) -> bool:
        x, y = self.ball.at.real, self.ball.at.imag
        caught = abs(self.ball.at - self.keeper.at) < 2
        return self.scored() or caught or not (0 <= x <= 20 and -15 <= y <= 15)

    def reward(self) -> float:
        return 50.0 if self.scored() else -self.goal_distance() if self.over() else 0.0

    def goal_distance(self) -> float:
        x, y = self.ball.at.real, self.ball.at.imag
        if x >= 20 and y < -7.01:
            return 7.01 - y if self.legacy else -7.01 - y
        nearest = complex(max(x, 20), min(max(y, -7.01), 7.01))
        return abs(self.ball.at - nearest)

    def macro_step(self, index: int, parameters: list[list[float]]) -> int:
        """One action by Goal's three kinds; returns the number of micro-steps."""
        x, *rest = parameters[index]
        if index == 0:
            x = min(max(x, 0), 40)
            target = complex(x, x) if self.legacy else complex(x, min(max(rest[0], -15), 15))
        else:
            low, high = (-7.01, 7.01) if self.legacy else (0, 7.01) if index == 1 else (-7.01, 0)
            target = complex(20.4, min(max(x, low), high))
        steps = 0
        while True:
            self.micro_step(target)
            steps += 1
            near_and_still = abs(self.ball.at - self.player.at) <= 1.6 and abs(self.ball.v) <= 0.1
            if self.over() or (index == 0 and near_and_still):
                return steps


def accelerate(thing: Thing, power: float, heading: float, kind: dict[str, float]) -> None:
    change = box(cmath.rect(power * kind["power"], heading), kind["accel"])
    thing.v = box(thing.v + change, kind["speed"])


def box(vector: complex, limit: float) -> complex:
    return complex(max(-limit, min(limit, vector.real)), max(-limit, min(limit, vector.imag)))


def separate(one: Thing, other: Thing, reach: float) -> None:
    gap = abs(other.at - one.at)
    if gap < reach:
        way = cmath.rect((reach - gap) / 2, cmath.phase(other.at - one.at))
        one.at, other.at = one.at - way, other.at + way
        one.v, other.v = -one.v, -other.v
