"""Training of a recipe in the compiled engine: env steps and updates per second over all seeds, as JSON."""

import argparse
import json
import time
from typing import Any

import numpy as np

import argmaxq as aq
from argmaxq.roles import heavy
from argmaxq.setup import start_jax
from argmaxq.training.engines.choose import make_engine


def rates(recipe: aq.Recipe, seeds: int, blocks: int) -> dict[str, int]:
    """Steps and updates per second over all seeds; compilation and the first two blocks are not counted."""
    engine: Any = make_engine("compiled", recipe, tuple(range(seeds)))
    length = engine.length
    state, reports, begin, before = engine.start(), [], 0.0, 0
    for block in range(blocks + 2):
        if block == 2:
            begin, before = time.perf_counter(), updates(reports)
        state, reports = engine.run(state, block * length, (block + 1) * length, recipe.steps)
    seconds = time.perf_counter() - begin
    steps = blocks * length * recipe.agent.rollout * engine.lanes * seeds
    return {
        "steps_per_second": round(steps / seconds),
        "updates_per_second": round((updates(reports) - before) / seconds),
    }


def updates(reports: list[Any]) -> int:
    """Updates of all seeds so far."""
    return int(np.sum([report.updates for report in reports]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="platform/mpdqn")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("changes", nargs="*", metavar="path=value", help="as in agent.step_size=scheduled")
    arguments = parser.parse_args()
    changes = dict(change.split("=", 1) for change in arguments.changes)
    recipe = aq.replace(aq.find(arguments.recipe), changes)
    start_jax(arguments.seeds, heavy(recipe.agent))
    found = rates(recipe, arguments.seeds, arguments.blocks)
    print(json.dumps({"recipe": arguments.recipe, **changes, "seeds": arguments.seeds, **found}))


if __name__ == "__main__":
    main()
