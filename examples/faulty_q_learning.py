"""Q-learning as it is often written down in a hurry, fault by fault, beside a right version checked exactly.

The task: six rooms joined by doors; a walk ends in room 5, the yard, with reward 100. ``DOORS[room]`` are the rooms
that can be entered from a room; an action is the number of the room to go to, and a wall is stayed at, with reward -1.
"""

import numpy as np

import argmaxq as aq
from argmaxq.agents.td import TD
from argmaxq.domains.tables import Tables
from argmaxq.exact import Outcomes, from_outcomes, judge, value_iteration
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.schedules import Constant
from argmaxq.learning.td.step_sizes import Scheduled
from argmaxq.training.engines.choose import make_engine

DOORS = {0: [4], 1: [3, 5], 2: [3], 3: [1, 2, 4], 4: [0, 3, 5], 5: [1, 4, 5]}
YARD, GAMMA = 5, 0.95
FAULTS = """
1. the room one comes to does not depend on the action: the best-paid door is always taken, so actions mean nothing;
2. so each action's value is that of another one's consequences, and rows of the table come out alike;
3. a wall pays -1 like any door but is walked through: nothing says which actions are possible;
4. the end's value is bootstrapped from: only the loop's condition knows that the yard is terminal;
5. a step size of 0.8 that never falls, which noise would keep from settling;
6. the first room may be the yard itself, an episode of no step;
7. no seed, so no result can be found again;
8. nothing is checked: neither the policy nor the values are compared with what is right.
""".strip()


def hurried(seed: int = 0) -> np.ndarray:
    """The faulty table [rooms, actions]; of the faults only the missing seed is mended, to show the same numbers."""
    random, q = np.random.default_rng(seed), np.zeros((6, 6))
    paid = np.full((6, 6), -1.0)
    for room, doors in DOORS.items():
        paid[room, doors] = [100.0 if door == YARD else 0.0 for door in doors]
    for _ in range(1_000):
        room = random.integers(6)
        while room != YARD:
            action = random.integers(6) if random.random() < 0.1 else q[room].argmax()
            entered = paid[room].argmax()
            q[room, action] += 0.8 * (paid[room, entered] + GAMMA * q[entered].max() - q[room, action])
            room = entered
    return q


def rooms() -> Outcomes:
    """The rooms as they were meant: transition tables [rooms, actions, 1]."""
    open_door = np.array([[action in DOORS[room] for action in range(6)] for room in range(6)])
    following = np.where(open_door, np.arange(6), np.arange(6)[:, None])
    ends = open_door & (following == YARD)
    reward = np.where(ends, 100.0, np.where(open_door, 0.0, -1.0))
    start = np.append(np.full(5, 0.2), 0.0)
    return Outcomes(*(table[..., None] for table in (np.ones((6, 6)), following, reward, ends)), start)


def learnt() -> np.ndarray:
    """The table that Q-learning finds."""
    agent = TD(exploration=EpsilonGreedy(Constant(0.3)), step_size=Scheduled(Constant(0.5)), gamma=GAMMA)
    engine = make_engine("compiled", aq.Recipe(agent, aq.Env(lambda: Tables(rooms()), time_limit=100)), (0,))
    state = engine.start()
    for first in range(0, 20_000, 2_000):
        state, _ = engine.run(state, first, first + 2_000, 20_000)
    return np.asarray(engine.params(state, 0).estimates[0]["weights"])[..., 0].astype(float)


if __name__ == "__main__":
    print(f"What is wrong with the hurried version:\n{FAULTS}\n")
    model = from_outcomes(rooms())
    for name, q in (("hurried", hurried()), ("right", learnt())):
        found = judge(model, q, GAMMA)
        print(f"{name}: optimal in {100 * found.agreement:.0f} % of the rooms, greatest error {found.max_error:.3g}")
        print(np.round(q, 1), "\n")
    print("exact:", np.round(value_iteration(model, GAMMA).q, 1), sep="\n")
    assert judge(model, learnt(), GAMMA).max_error < 1e-3
