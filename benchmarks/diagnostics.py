"""What diagnostics cost: env steps per second with and without them, recipe by recipe, in one process.

Two engines of a recipe, one that measures and one that does not, take turns of as many blocks as lie between two
measurements, each with its share of evaluations. The ratio is the median over the turns.
"""

import argparse
import json
import statistics
import time
from typing import Any

import argmaxq as aq
from argmaxq.setup import start_jax
from argmaxq.training.engines.choose import engine_kind, make_engine

RECIPES = (
    "cartpole/dqn",
    "cartpole/dqn-course",
    "cartpole/pqn",
    "cartpole/linear",
    "cartpole/tabular",
    "cartpole/streamq",
    "frozenlake/q",
    "mountaincar/dqn",
    "lunarlander/ddqn",
    "platform/mpdqn",
)


class Side:
    """One engine, and where it stands."""

    def __init__(self, recipe: aq.Recipe, every: int) -> None:
        self.recipe = aq.replace(recipe, {"diagnostics.every": every})
        self.engine: Any = make_engine(engine_kind(recipe.env, "auto"), self.recipe, (0,))
        self.state, self.done = self.engine.start(), 0

    def turn(self, blocks: int) -> float:
        """Seconds of so many blocks, their evaluations and, where it is on, one measurement."""
        steps = blocks * self.engine.length * self.recipe.agent.rollout * self.engine.lanes
        begin = time.perf_counter()
        for _ in range(blocks):
            end = self.done + self.engine.length
            self.state, _ = self.engine.run(self.state, self.done, end, self.recipe.steps)
            self.done = end
        for number in range(max(1, steps // self.recipe.evaluation.every)):
            self.engine.evaluate(self.state, self.recipe.evaluation.episodes, self.done + number)
        if self.recipe.diagnostics.every:
            self.engine.gauge(self.state, self.done, self.recipe.steps)
        return time.perf_counter() - begin


def compared(name: str, seconds: float) -> dict[str, Any]:
    """The ratio of speeds of a recipe with diagnostics as it has them to that without, and how far ratios went."""
    recipe = aq.find(name)
    every = recipe.diagnostics.every
    on, off = Side(recipe, every), Side(recipe, 0)
    for side in (on, off, on, off):  # compiles, then learns
        side.turn(every)
    turns, begin = [], time.perf_counter()
    while time.perf_counter() - begin < seconds or len(turns) < 5:
        with_them, without = (side.turn(every) for side in (on, off))
        other, again = (side.turn(every) for side in (off, on))
        turns.append((without + other) / (with_them + again))
    ratio = statistics.median(turns)
    spread = statistics.quantiles(turns, n=4)
    on.engine.close()
    off.engine.close()
    return {
        "recipe": name,
        "ratio": round(ratio, 4),
        "quartiles": [round(spread[0], 3), round(spread[2], 3)],
        "turns": len(turns),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each recipe (%(default)s)")
    parser.add_argument("recipes", nargs="*", default=RECIPES)
    arguments = parser.parse_args()
    start_jax(1)
    for name in arguments.recipes:
        print(json.dumps(compared(name, arguments.seconds)), flush=True)


if __name__ == "__main__":
    main()
