"""The Platform domain once more: plain Python floats, one entity and one micro-step at a time."""

import dataclasses
from typing import Any

import numpy as np

ID = "argmaxq/Platform-v0"
RUN, HOP, LEAP = range(3)
DT, GRAVITY = 0.05, 9.8
WIDTH, HEIGHT = 20.0, 30.0
PLATFORMS = [(0.0, 250.0), (475.0, 275.0), (985.0, 50.0)]
TOP, RIGHT_BOUND = 40.0, 1035.0
PARAMETERS = [30.0, 720.0, 430.0]


def action(index: int, parameter: float) -> Any:
    """An action in the space's own form; the parameters that must not be read are out of bounds or wild."""
    parameters = [np.full(1, value, np.float32) for value in (1e9, -1e9, 77.0)]
    parameters[index] = np.full(1, parameter, np.float32)
    return np.int32(index), tuple(parameters)


def clip(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


class Silent:
    """Stands for a generator where nothing is random."""

    def normal(self, mean: float, deviation: float) -> float:
        return mean


@dataclasses.dataclass
class World:
    """Player and enemies; ``random`` draws every disturbance at the moment it happens."""

    x: float = 0.0
    y: float = TOP
    vx: float = 0.0
    vy: float = 0.0
    enemy_x: list[float] = dataclasses.field(default_factory=lambda: [230.0, 730.0])
    enemy_dx: list[float] = dataclasses.field(default_factory=lambda: [-30.0, -30.0])
    random: Any = dataclasses.field(default_factory=Silent)
    micro_steps: int = 0

    def step(self, action: int, parameter: float) -> tuple[float, bool]:
        """A macro step: (reward, terminal)."""
        parameter = clip(parameter, 0.0, PARAMETERS[action])
        begin, self.micro_steps = self.x, 0
        while True:
            reward, terminal = self.micro_step(action, parameter, begin)
            self.micro_steps += 1
            if terminal or (self.micro_steps == 20 if action == 0 else self.on_platform()):
                return reward, terminal

    def micro_step(self, action: int, parameter: float, begin: float) -> tuple[float, bool]:
        if not self.on_platform():
            self.accelerate(0.0, -GRAVITY)
        elif action == 0:
            self.accelerate(parameter / DT, 0.0)
        elif self.micro_steps == 0:
            self.jump(parameter, 35.0 if action == 1 else 25.0)
        if self.on_platform():
            self.vx = clip(self.vx, 0.0, 70.0)
        chosen = 1 if self.x > 475 else 0
        self.x = clip(self.x + self.vx * DT, 0.0, RIGHT_BOUND)
        self.y += self.vy * DT
        self.vx *= 0.99
        self.move_enemy(chosen)
        for left, width in PLATFORMS:
            if self.x < left + width and left < self.x + WIDTH and self.y < TOP and self.y + HEIGHT > 0:
                self.push_out(left, width)
                self.vx = 0.0
        hit = any(abs(self.x - enemy) < WIDTH and abs(self.y - TOP) < HEIGHT for enemy in self.enemy_x)
        reward = (self.x - begin) / RIGHT_BOUND
        return reward, self.y < TOP or hit or self.x >= RIGHT_BOUND

    def on_platform(self) -> bool:
        return self.y == TOP and any(-WIDTH <= self.x - left <= width for left, width in PLATFORMS)

    def accelerate(self, ax: float, ay: float) -> None:
        self.vx += clip(ax, -600.0, 600.0) * DT
        self.vy += clip(ay, -4000.0, 4000.0) * DT
        self.vx -= abs(self.random.normal(0.0, 0.025))
        self.vx, self.vy = max(clip(self.vx, -100.0, 100.0), 0.0), clip(self.vy, -200.0, 200.0)

    def jump(self, distance: float, dy: float) -> None:
        dx = clip(distance / (2 * dy / GRAVITY + 1) - self.vx, -600.0, 200.0 - dy)
        dx -= abs(self.random.normal(0.0, 1.0))
        dy -= abs(self.random.normal(0.0, 1.0))
        self.accelerate(dx / DT, dy / DT)

    def move_enemy(self, number: int) -> None:
        left, width = PLATFORMS[number]
        right = left + width - WIDTH
        if not left < self.enemy_x[number] < right:
            self.enemy_dx[number] *= -1
        self.enemy_dx[number] = clip(self.enemy_dx[number] + self.random.normal(0.0, 0.025), -30.0, 30.0)
        self.enemy_x[number] = clip(self.enemy_x[number] + self.enemy_dx[number] * DT, left, right)

    def push_out(self, left: float, width: float) -> None:
        new_x = left - WIDTH if self.x < left else left + width if self.x > left + width - WIDTH else self.x
        new_y = -HEIGHT if self.y < 0 else TOP if self.y > TOP - HEIGHT else self.y
        if new_x == self.x:
            upwards = True
        elif new_y == self.y:
            upwards = False
        else:
            upwards = abs(new_y - self.y) <= abs(new_x - self.x)
        if upwards:
            self.vy, self.y = 0.0, new_y
        else:
            self.x = new_x

    def observation(self) -> np.ndarray:
        number = 1 if self.x > 475 else 0
        if self.x < 475:
            features = [250 / 275, 275 / 275, 225 / 235, 0.0]
        elif self.x < 985:
            features = [275 / 275, 50 / 275, 235 / 235, 475 / 1035]
        else:
            features = [50 / 275, 0.0, 0.0, 985 / 1035]
        enemy = [self.enemy_x[number] / 1035, (self.enemy_dx[number] + 30) / 60]
        return np.array([(self.x + 20) / 1055, self.vx / 100, *enemy, *features, 0.0])

    def values(self) -> list[float]:
        return [self.x, self.y, self.vx, self.vy, self.enemy_x[0], self.enemy_dx[0], self.enemy_x[1], self.enemy_dx[1]]


def random_worlds(count: int, generator: np.random.Generator) -> list[World]:
    """Standing anywhere, touching no enemy; enemies anywhere on their ways, often exactly at an end."""
    worlds: list[World] = []
    while len(worlds) < count:
        left, width = PLATFORMS[generator.integers(3)]
        enemy_x, enemy_dx = [], []
        for start, length in PLATFORMS[:2]:
            ends = [start, start + length - WIDTH]
            inside = np.float32(generator.uniform(*ends))
            enemy_x.append(float(generator.choice([*ends, inside, inside])))
            enemy_dx.append(
                float(np.float32(generator.choice([-1, 1]) * generator.choice([30, generator.uniform(0, 30)])))
            )
        x = float(np.float32(generator.uniform(max(left - WIDTH, 0), min(left + width, RIGHT_BOUND - 1e-3))))
        speed = float(np.float32(generator.choice([0, 69.3, generator.uniform(0, 70)])))
        if all(abs(x - enemy) >= WIDTH for enemy in enemy_x):
            worlds.append(World(x, TOP, speed, 0.0, enemy_x, enemy_dx))
    return worlds
